// Package web is what pages and APIs share: one table from errors to statuses and codes, the problem documents of RFC
// 9457, the layout and rendering of pages, the reader's language, security headers, bodies and methods.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"deltag/internal/deltag"
)

// An Error is an answer other than the one that was asked for. Code is stable: programs and the language files know it.
type Error struct {
	Status int
	Code   string
}

func (e Error) Error() string { return e.Code }

// What is wrong with a request, before anything is looked up.
var (
	ErrBadRequest   = Error{Status: http.StatusBadRequest, Code: "bad-request"} // a parameter or field that can't be read
	ErrMalformed    = Error{Status: http.StatusBadRequest, Code: "malformed"}   // a body that can't be read at all
	ErrUnauthorized = Error{Status: http.StatusUnauthorized, Code: "unauthorized"}
	ErrForbidden    = Error{Status: http.StatusForbidden, Code: "forbidden"}
	ErrNotFound     = Error{Status: http.StatusNotFound, Code: "not-found"}
	ErrMethod       = Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	ErrChanged      = Error{Status: http.StatusPreconditionFailed, Code: "changed"} // If-Match names another revision
	ErrTooLarge     = Error{Status: http.StatusRequestEntityTooLarge, Code: "too-large"}
	ErrMediaType    = Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported-media-type"}
	ErrInvalid      = Error{Status: http.StatusUnprocessableEntity, Code: "invalid"} // deltag.ValidationErrors
	ErrInternal     = Error{Status: http.StatusInternalServerError, Code: "internal"}
)

// errorTable is the one table from the domain's errors to what is answered.
var errorTable = []struct {
	err    error
	answer Error
}{
	{deltag.ErrUnauthenticated, ErrUnauthorized},
	{deltag.ErrForbidden, ErrForbidden},
	{deltag.ErrNotFound, ErrNotFound},
	{deltag.ErrBadLink, Error{Status: http.StatusNotFound, Code: "bad-link"}},
	{deltag.ErrLinkExpired, Error{Status: http.StatusGone, Code: "link-expired"}},
	{deltag.ErrFull, Error{Status: http.StatusConflict, Code: "full"}},
	{deltag.ErrClosed, Error{Status: http.StatusConflict, Code: "closed"}},
	{deltag.ErrAddressTaken, Error{Status: http.StatusConflict, Code: "address-taken"}},
	{deltag.ErrHasSignUps, Error{Status: http.StatusConflict, Code: "has-sign-ups"}},
	{deltag.ErrSlugTaken, Error{Status: http.StatusConflict, Code: "slug-taken"}},
	{deltag.ErrConflict, Error{Status: http.StatusConflict, Code: "conflict"}},
	{deltag.ErrStaleRevision, ErrChanged},
	{deltag.ErrChangeLimit, Error{Status: http.StatusTooManyRequests, Code: "too-many-changes"}},
	{deltag.ErrSignUpLimit, Error{Status: http.StatusTooManyRequests, Code: "too-many-sign-ups"}},
	{deltag.ErrSignInLimit, Error{Status: http.StatusTooManyRequests, Code: "too-many-sign-ins"}},
	{deltag.ErrUnavailable, Error{Status: http.StatusServiceUnavailable, Code: "unavailable"}},
	{context.DeadlineExceeded, Error{Status: http.StatusServiceUnavailable, Code: "unavailable"}},
	{context.Canceled, Error{Status: http.StatusServiceUnavailable, Code: "unavailable"}},
}

// ErrorFor is what is answered to err: an Error that it wraps, ErrInvalid for deltag.ValidationErrors, the table's row
// otherwise, and ErrInternal for everything unknown.
func ErrorFor(err error) Error {
	var known Error
	if errors.As(err, &known) {
		return known
	}
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		return ErrInvalid
	}
	for _, row := range errorTable {
		if errors.Is(err, row.err) {
			return row.answer
		}
	}
	return ErrInternal
}

// Retry-After of the answers that are worth repeating. The first is longer than the table's usual hiccup and shorter
// than a visitor's patience; the second is the period that sign-ups of a network are counted in. A ChangeLimitError knows
// its own time.
const (
	retryUnavailable = 5 * time.Second
	retryLimit       = time.Hour
)

// BeginError sets the headers of an error answer, logs what is our own fault, once, and returns what to answer. The log
// names the route's pattern, never the path: paths hold tokens.
func BeginError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) Error {
	e := ErrorFor(err)
	if e.Status >= http.StatusInternalServerError {
		log.ErrorContext(r.Context(), "request failed",
			"method", r.Method, "route", r.Pattern, "status", e.Status, "error", err)
	}
	switch e.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", seconds(retryUnavailable))
	case http.StatusTooManyRequests:
		retryAfter := seconds(retryLimit)
		if limit := (deltag.ChangeLimitError{}); errors.As(err, &limit) {
			retryAfter = limit.Until.UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", retryAfter)
	}
	return e
}

// LogUnreadable logs that a list lacks what can't be read, which is then no error: the rest is good.
func LogUnreadable(ctx context.Context, log *slog.Logger, err error) error {
	if !deltag.IsUnreadable(err) {
		return err
	}
	log.ErrorContext(ctx, "left out what can't be read", "error", err)
	return nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
