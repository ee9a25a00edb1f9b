// Package site is what visitors see: event pages with the sign-up form, the page of one's own
// registration, the door to the meeting, and the public JSON sign-up. GET never changes anything.
package site

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"deltag/internal/deltag"
)

// Store is what the pages read and write. Any call may answer deltag.ErrUnavailable; repeating it
// is then harmless.
type Store interface {
	// EventBySlug may be a few seconds old. ErrNotFound.
	EventBySlug(ctx context.Context, slug string) (deltag.Event, error)
	// Upcoming lists open events that have not ended, soonest first.
	Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error)
	// SignUp stores the registration with its confirmation in one transaction. Repeating it is
	// harmless. ErrFull, ErrClosed, ErrNotFound.
	SignUp(ctx context.Context, e deltag.Event, s deltag.SignUp, now time.Time) (deltag.Outcome, error)
	// SendLink repeats the confirmation if the address is signed up, and is silent otherwise.
	SendLink(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error
	// Ping says whether the table is within reach.
	Ping(ctx context.Context) error

	// Visit reads an event and one of its registrations, consistently, in one call. ErrNotFound.
	Visit(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
	// Place is a waiting registration's place in line, from 1.
	Place(ctx context.Context, r deltag.Registration) (int, error)
	// DeliveriesOf lists the mails to one registration.
	DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error)

	// Each of these takes what Visit has read. ErrConflict when it has changed since.

	// Change stores what a person changed; a changed address moves the registration, and so ends its links.
	Change(ctx context.Context, e deltag.Event, r deltag.Registration, s deltag.SignUp, now time.Time) error
	// Withdraw gives up the seat or the place in line.
	Withdraw(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Rejoin takes a seat again, or the last place in line. ErrFull, ErrClosed.
	Rejoin(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.Outcome, error)
	// Attend notes the first press on the join button.
	Attend(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Unsubscribe ends optional mail.
	Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Erase deletes everything personal, and so ends the links.
	Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
}

// Options are what the site is made of. All are needed.
type Options struct {
	Store   Store
	BaseURL string // scheme and host, as people reach it; no slash at the end
	Build   string // shown by /healthz
	Now     func() time.Time
	Log     *slog.Logger
	// EvenAfter is how long answers about an address take at least; AnswerEvenly outside of tests.
	EvenAfter time.Duration
	// Calendar is the event's public calendar file.
	Calendar func(e deltag.Event, eventURL string, now time.Time) []byte
	// OwnCalendar is the calendar file of one registration, with the invitation's UID.
	OwnCalendar func(e deltag.Event, r deltag.Registration, now time.Time) []byte
}

// AnswerEvenly is above what the store's three calls about an address that is signed up usually take together, and below what
// people notice.
const AnswerEvenly = 60 * time.Millisecond

type site struct {
	Options
	mux *http.ServeMux
}

// New makes the handler of everything that visitors reach.
func New(o Options) http.Handler {
	s := &site{Options: o, mux: http.NewServeMux()}
	s.routes()
	return s
}

// ServeHTTP sets what every answer carries. Tokens stand in URLs, so no referrer ever leaves.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}
