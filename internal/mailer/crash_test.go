package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

// errCrashed is what a process hears of the world after it has ended.
var errCrashed = errors.New("the process has ended")

// gone is the same for the SDK, in a form that it does not retry.
func gone() *http.Response {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"AccessDeniedException","message":"the process has ended"}`)),
	}
}

// A crashingStore is a mailer whose process ends at its nth await, a call to the table or to SES: either before the
// call leaves it, or after the call was carried out and before the answer came.
type crashingStore struct {
	awaits atomic.Int64
	end    int64
	before bool
}

func (m *crashingStore) await(call func() error) error {
	n := m.awaits.Add(1)
	if n > m.end || n == m.end && m.before {
		return errCrashed
	}
	err := call()
	if n == m.end {
		return errCrashed
	}
	return err
}

func (m *crashingStore) dead() bool { return m.awaits.Load() >= m.end }

// mailerOf is a mailer on w's table whose awaits m counts.
func (m *crashingStore) mailerOf(w *fixture) *mailer.Mailer {
	process := w.engine.NewClient()
	process.Transport.InjectFault(func(_ int, _ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		var res *http.Response
		err := m.await(func() (err error) { res, err = send(); return err })
		if err != nil {
			return gone(), nil
		}
		return res, nil
	})
	mailer := mailer.New(process.Store(), stubRenderer{}, crashingSender{m, w.ses}, w.clock, slog.New(slog.DiscardHandler), 100_000)
	mailer.PageSize = 5 // several pages
	return mailer
}

type crashingSender struct {
	*crashingStore
	ses mailer.Sender
}

func (s crashingSender) Send(ctx context.Context, m deltag.OutgoingMail) (id string, err error) {
	dead := s.await(func() error { id, err = s.ses.Send(ctx, m); return nil })
	return id, errors.Join(dead, err)
}

// TestCrash ends a mailer at each await of the way of a confirmation and of a reminder's walk, and starts another.
// Without SES's events there may be one copy too many, of the one mail that SES had accepted when the process
// ended; with them there is none.
func TestCrash(t *testing.T) {
	const people = 8 // two pages of the walk
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for _, events := range []bool{true, false} {
			for _, before := range []bool{true, false} {
				t.Run(fmt.Sprintf("SESEvents=%v/BeforeTheCall=%v", events, before), func(t *testing.T) {
					ends := 0
					for end := int64(1); ; end++ {
						w := newFixture(t, engine.NewTable(t))
						if !runUntilCrash(w, people, end, before, events) {
							break
						}
						ends++
					}
					t.Logf("%d ends", ends)
					if ends < 3*people {
						t.Errorf("only %d ends were tried", ends)
					}
				})
			}
		}
	})
}

// maxCopies without SES's events: as many mails as were under way at once, each of them possibly accepted by SES
// without the process's hearing of it.
var maxCopies = mailer.NewAdaptiveLimiter(100_000).Concurrency()

// runUntilCrash sends a confirmation and a reminder to each of people, with a mailer that ends at its nth await and
// others after it, and says whether it came to that end.
func runUntilCrash(w *fixture, people int, end int64, before, events bool) bool {
	e := w.newEvent(func(e *deltag.Event) { e.Reminders = e.Reminders[:1] })
	for n := range people {
		w.signUp(e, n)
	}
	m := &crashingStore{end: end, before: before}
	mailer := m.mailerOf(w)
	_ = mailer.RunDue(ctx)
	w.setTime(start.Add(-24 * time.Hour))
	_ = mailer.RunDue(ctx)
	if !m.dead() {
		return false
	}
	if events {
		for _, mail := range w.ses.mails {
			w.applySESEvent(mail, deltag.SESSend)
		}
	}
	for range 3 { // other processes, until every lease has run out
		w.runDue()
		w.setTime(w.clock().Add(deltag.SendLease))
	}
	w.checkOnce(e, people, events)
	return true
}

// checkOnce: nobody without their mail, nobody with two, but for one mail when SES's events are missing.
func (w *fixture) checkOnce(e deltag.Event, people int, events bool) {
	w.t.Helper()
	copies := 0
	for n := range people {
		for _, k := range []string{"confirmation", "reminder-P1D"} {
			got := w.ses.to(address(n))[k]
			if got == 0 {
				w.t.Errorf("%s to %d is lost", k, n)
			}
			copies += max(0, got-1)
		}
		for _, row := range []string{w.row(w.registration(e, n), deltag.KindConfirmation, 1), w.row(w.registration(e, n), "reminder-P1D", 1)} {
			if row != "sent " {
				w.t.Errorf("the ledger says %q", row)
			}
		}
	}
	if events && copies > 0 || copies > maxCopies {
		w.t.Errorf("%d copies", copies)
	}
}
