// Package site is what visitors see: event pages with the sign-up form, the page of one's own
// registration, the door to the meeting, and the public JSON sign-up. GET never changes anything.
package visitor

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
	SignUp(ctx context.Context, e deltag.Event, s deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error)
	// ResendConfirmation repeats the confirmation if the address is signed up, and is silent otherwise.
	ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error
	// Ping says whether the table is within reach.
	Ping(ctx context.Context) error

	// EventAndRegistration reads an event and one of its registrations, consistently, in one call. ErrNotFound.
	EventAndRegistration(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error)
	// WaitlistPosition is a waiting registration's place in line, from 1.
	WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error)
	// DeliveriesOf lists the mails to one registration.
	DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error)

	// Each of these takes what Visit has read. ErrConflict when it has changed since.

	// UpdateByAttendee stores what a person changed; a changed address moves the registration, and so ends its links.
	UpdateByAttendee(ctx context.Context, e deltag.Event, r deltag.Registration, s deltag.SignUpRequest, now time.Time) error
	// CancelRegistration gives up the seat or the place in line.
	CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Rejoin takes a seat again, or the last place in line. ErrFull, ErrClosed.
	Rejoin(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.SignUpOutcome, error)
	// MarkAttended notes the first press on the join button.
	MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
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
	// MinResponseTime is how long answers about an address take at least; AnswerEvenly outside of tests.
	MinResponseTime time.Duration
	// Calendar is the event's public calendar file.
	Calendar func(e deltag.Event, eventURL string, now time.Time) []byte
	// OwnCalendar is the calendar file of one registration, with the invitation's UID.
	OwnCalendar func(e deltag.Event, r deltag.Registration, now time.Time) []byte
}

// MinResponseTime is above what the store's three calls about an address that is signed up usually take together, and below what
// people notice.
const MinResponseTime = 60 * time.Millisecond

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
