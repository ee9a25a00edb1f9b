// Package api is the organisers' JSON API. Its contract is openapi.yaml, from which types and routes are made.
package api

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"deltag/internal/deltag"
)

//go:generate go tool oapi-codegen -config generate.yaml -o contract.gen.go ../../openapi.yaml

// A Store is what the API reads and writes. Errors are those of package deltag; any call may answer ErrUnavailable.
type Store interface {
	// Token reads the access token with that hash. ErrNotFound.
	Token(ctx context.Context, hash string) (deltag.AccessToken, error)

	// CreateEvent stores an event with its planned mail, all or nothing. ErrSlugTaken.
	CreateEvent(ctx context.Context, e deltag.Event, p deltag.MailingChanges) error
	Event(ctx context.Context, id string) (deltag.Event, error)
	Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error)
	// UpdateEvent stores an event's next revision. ErrConflict, ErrSlugTaken.
	UpdateEvent(ctx context.Context, e deltag.Event, p deltag.MailingChanges) error
	Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error)
	// EventStats are what is known of an event without its people, also when they are erased.
	EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error)
	// Reconcile checks the counts against the registrations and mends them. ErrConflict: it was disturbed.
	Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error)
	// LastReconciliation is what the last one found. ErrNotFound.
	LastReconciliation(ctx context.Context, eventID string) (deltag.Reconciliation, error)

	Registrations(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Registration, string, error)
	EventAndRegistration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
	SignUp(ctx context.Context, e deltag.Event, s deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error)
	// UpdateByOrganiser moves the registration to another id when the address is another, and sends there what was missed. ErrConflict.
	UpdateByOrganiser(ctx context.Context, e deltag.Event, r deltag.Registration, s deltag.SignUpRequest, now time.Time) error
	// Erase deletes everything personal about r.
	Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error

	Deliveries(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Delivery, string, error)
	// DeliveriesOf lists those of one registration id.
	DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error)
	Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error)
	// Resend makes a mail due again. ErrConflict while it is on its way.
	Resend(ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time) error
	Mailings(ctx context.Context, eventID string) ([]deltag.Mailing, error)
	Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error)
	// SaveDelivery stores a new row of the ledger. ErrConflict when it is there.
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	// PutMailing stores a new mailing. ErrConflict when there is one of that name.
	PutMailing(ctx context.Context, m deltag.Mailing) error
}

// Options are what the API is made of.
type Options struct {
	Store   Store
	BaseURL string
	Now     func() time.Time
	Random  io.Reader // ids and secrets of events; nil is crypto/rand
	Log     *slog.Logger
}

type server struct{ Options }

// New makes the handler of /api/v1 but its public part.
func New(o Options) http.Handler {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	s := &server{o}
	mux := http.NewServeMux()
	HandlerWithOptions(s, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: s.badParameter})
	return s.requireToken(http.MaxBytesHandler(s.withProblemFallback(mux), maxBody))
}

// withProblemFallback answers what no route takes as the rest of the API answers: with a problem document.
func (s *server) withProblemFallback(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		plain := headerRecorder{header: http.Header{}}
		handler.ServeHTTP(&plain, r)
		if allow := plain.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			s.fail(w, r, errMethod)
			return
		}
		s.fail(w, r, deltag.ErrNotFound)
	})
}

// headerRecorder takes an answer of the mux's own, of which only the header matters.
type headerRecorder struct{ header http.Header }

func (p *headerRecorder) Header() http.Header       { return p.header }
func (*headerRecorder) Write(b []byte) (int, error) { return len(b), nil }
func (*headerRecorder) WriteHeader(int)             {}

// requireToken lets requests with a good token through. Every other gets the same words, whatever its fault.
func (s *server) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		hash, ok := deltag.HashAccessToken(token)
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			s.fail(w, r, errUnauthorized)
			return
		}
		t, err := s.Store.Token(r.Context(), hash)
		switch {
		case isNotFound(err) || err == nil && !s.Now().Before(t.ExpiresAt):
			s.fail(w, r, errUnauthorized)
		case err != nil:
			s.fail(w, r, err)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

// pagination reads limit and cursor. Faults.
func pagination(limit *int, cursor *string) (int, string, error) {
	n, c := defaultLimit, ""
	if limit != nil {
		n = *limit
	}
	if n < 1 || n > maxLimit {
		return 0, "", badRequest{deltag.ValidationErrors{{Field: "limit", Code: "out-of-range", Limit: maxLimit}}}
	}
	if cursor != nil {
		c = *cursor
	}
	return n, c, nil
}
