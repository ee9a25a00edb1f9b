package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

func TestErrorFor(t *testing.T) {
	notOpenYet := web.Error{Status: 409, Code: "not-yet"}
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{deltag.ErrNotFound, 404, "not-found"},
		{deltag.ErrBadLink, 404, "bad-link"},
		{deltag.ErrForbidden, 403, "forbidden"},
		{deltag.ErrConflict, 409, "conflict"},
		{deltag.ErrHasSignUps, 409, "has-sign-ups"},
		{deltag.ErrSlugTaken, 409, "slug-taken"},
		{deltag.AddressTakenError{RegistrationID: "r"}, 409, "address-taken"},
		{deltag.ErrFull, 409, "full"},
		{deltag.ErrClosed, 409, "closed"},
		{deltag.ChangeLimitError{}, 429, "too-many-changes"},
		{deltag.ErrSignUpLimit, 429, "too-many-sign-ups"},
		{deltag.ErrUnavailable, 503, "unavailable"},
		{context.DeadlineExceeded, 503, "unavailable"},
		{context.Canceled, 503, "unavailable"},
		{deltag.ValidationErrors{{Field: "name", Code: "missing"}}, 422, "invalid"},
		{fmt.Errorf("%w: %w", deltag.ErrClosed, notOpenYet), 409, "not-yet"}, // the more exact one
		{errors.New("disk on fire"), 500, "internal"},
	} {
		if got := web.ErrorFor(fmt.Errorf("reading: %w", tt.err)); got.Status != tt.status || got.Code != tt.code {
			t.Errorf("%v: %+v, want %d %s", tt.err, got, tt.status, tt.code)
		}
	}
}

func TestBeginError(t *testing.T) {
	for _, tt := range []struct {
		err        error
		retryAfter string
		logged     int
	}{
		{deltag.ErrNotFound, "", 0},
		{deltag.ErrConflict, "", 0},
		{deltag.ErrSignUpLimit, "3600", 0},
		{deltag.ErrUnavailable, "5", 1},
		{errors.New("disk on fire"), "", 1},
	} {
		var log bytes.Buffer
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/r/secret-token", nil)
		web.BeginError(w, r, slog.New(slog.NewTextHandler(&log, nil)), tt.err)
		if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
			t.Errorf("%v: Retry-After %q, want %q", tt.err, got, tt.retryAfter)
		}
		if n := strings.Count(log.String(), tt.err.Error()); n != tt.logged || strings.Contains(log.String(), "token") {
			t.Errorf("%v: logged %d times, want %d, without the path: %s", tt.err, n, tt.logged, &log)
		}
	}
}
