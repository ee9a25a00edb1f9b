package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"deltag/internal/deltag"
)

var (
	errUnauthorized = errors.New("no valid token")
	errPrecondition = errors.New("the event is another by now")
	errTooLarge     = errors.New("body too large")
	errMediaType    = errors.New("not JSON")
	errMethod       = errors.New("method not allowed")
)

// badRequest is a body or parameter that can't be read.
type badRequest struct{ deltag.ValidationErrors }

// errorTable is the one table from errors to answers.
var errorTable = []struct {
	err    error
	status int
	code   string
	title  string
}{
	{errUnauthorized, http.StatusUnauthorized, "unauthorized", "A valid access token is needed."},
	{errPrecondition, http.StatusPreconditionFailed, "changed", "The event has changed since you read it."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too-large", "The body is larger than 64 KiB."},
	{errMediaType, http.StatusUnsupportedMediaType, "not-json", "Send the body as application/json."},
	{errMethod, http.StatusMethodNotAllowed, "method-not-allowed", "Not with this method."},
	{deltag.ErrNotFound, http.StatusNotFound, "not-found", "There is nothing here."},
	{deltag.ErrSlugTaken, http.StatusConflict, "slug-taken", "Another event has this slug. Choose another."},
	{deltag.ErrFull, http.StatusConflict, "full", "The event is full and keeps no waiting list."},
	{deltag.ErrMailLimit, http.StatusTooManyRequests, "too-many-mails", "The address has had as many mails as it can get in one day."},
	{deltag.ErrClosed, http.StatusConflict, "closed", "The event takes no sign-ups now."},
	{deltag.ErrConflict, http.StatusConflict, "conflict", "It has changed in the meantime. Read it again and repeat."},
	{deltag.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "The store does not answer. Repeating the request is safe."},
}

// fail answers err as a problem document. What is unknown is a 500 with fixed words; its cause is logged here, once.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := Problem{Type: "about:blank", Title: "Something went wrong here.", Status: http.StatusInternalServerError, Code: "internal"}
	var bad badRequest
	var fs deltag.ValidationErrors
	switch {
	case errors.As(err, &bad):
		p.Title, p.Status, p.Code = "The request can't be read.", http.StatusBadRequest, "bad-request"
		fs = bad.ValidationErrors
	case errors.As(err, &fs):
		p.Title, p.Status, p.Code = "Some fields have to be mended.", http.StatusUnprocessableEntity, "invalid"
		if fs.ForField("cursor") != nil { // the store's, which alone can tell
			p.Title, p.Status, p.Code = "The request can't be read.", http.StatusBadRequest, "bad-request"
		}
	}
	for _, row := range errorTable {
		if fs == nil && errors.Is(err, row.err) {
			p.Title, p.Status, p.Code = row.title, row.status, row.code
			break
		}
	}
	if len(fs) > 0 {
		list := make([]FieldError, len(fs))
		for i, f := range fs {
			list[i] = FieldError{Field: f.Field, Code: f.Code, Detail: detail(f)}
		}
		p.Errors = &list
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
		s.Log.WarnContext(r.Context(), "store unavailable", "route", r.Pattern, "error", err)
	case http.StatusInternalServerError:
		s.Log.ErrorContext(r.Context(), "request failed", "route", r.Pattern, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// badParameter is called by the generated code for query values of the wrong type.
func (s *server) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	field := "query"
	var format *InvalidParamFormatError
	var required *RequiredHeaderError
	switch {
	case errors.As(err, &format):
		field = format.ParamName
	case errors.As(err, &required):
		field = required.ParamName
	}
	s.fail(w, r, badRequest{deltag.ValidationErrors{{Field: field, Code: "bad-parameter"}}})
}

// details are what an organiser's programmer reads; code is what the program goes by.
var details = map[string]string{
	"missing":            "is required",
	"too-long":           "has more than %d characters",
	"too-many":           "has more than %d",
	"bad-characters":     "has control characters or is not UTF-8",
	"unknown-field":      "is no field of this",
	"wrong-type":         "has the wrong type",
	"bad-json":           "is not JSON",
	"trailing-data":      "has something after the JSON",
	"bad-parameter":      "is missing or can't be read",
	"bad-cursor":         "is none that an answer has given",
	"slug-form":          "has to be a–z, 0–9 and hyphens, at most %d",
	"unknown-language":   "has to be da or en",
	"not-after-start":    "has to be after startsAt",
	"unknown-zone":       "is no IANA time zone",
	"out-of-range":       "has to be from 1 to %d",
	"not-https":          "has to be an https URL",
	"not-after-open":     "has to be after signUpOpensAt",
	"unknown-status":     "is no status",
	"cancelled-is-final": "is cancelled, which is final; clone the event instead",
	"use-cancel":         "is set to cancelled by POST …/cancel",
	"question-id":        "needs an id of a–z, 0–9 and hyphens, at most %d",
	"twice":              "is there twice",
	"no-options":         "needs options",
	"has-options":        "has options, which its kind does not take",
	"unknown-kind":       "has an unknown kind",
	"offset-range":       "has to be at most 60 days before the start, or after the end for a follow-up",
	"kind-offset":        "has a kind that does not go with its offset",
	"bad-offset":         "is no duration like -P1D or -PT1H",
	"unknown-option":     "is not one of the options",
	"unknown-question":   "is not one of the event's questions",
	"unknown-audience":   "has to be all, confirmed, waiting, attended or missed",
	"key-reused":         "was used for another message",
	"only-cancelled":     "can only be set to cancelled",
	"alone":              "is changed in a request of its own",
	"too-early":          "is too long ago",
	"too-late":           "is too far ahead",
	"key-length":         "has to have 8 to 100 characters",
	"no-notice":          "there is no news waiting to be sent",
}

func detail(f deltag.FieldError) string {
	words, ok := details[f.Code]
	if !ok && strings.HasPrefix(f.Code, "address-") {
		return "is no address that mail can be sent to: " + strings.ReplaceAll(strings.TrimPrefix(f.Code, "address-"), "-", " ")
	}
	if !ok {
		return f.Code
	}
	if f.Limit > 0 {
		return fmt.Sprintf(words, f.Limit)
	}
	return words
}

func isNotFound(err error) bool { return errors.Is(err, deltag.ErrNotFound) }
