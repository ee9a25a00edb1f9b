package mailer_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

var (
	ctx   = context.Background()
	start = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
	t0    = start.AddDate(0, 0, -8)
)

// A reporter is a testing.T or a rapid.T.
type reporter interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
}

// A fixture is one table, one SES and one clock, and any number of mailers.
type fixture struct {
	t      reporter
	engine storetest.Engine
	store  *dynamo.Store
	ses    *fakeSES
	now    time.Time
	mu     sync.Mutex
}

func newFixture(t reporter, engine storetest.Engine) *fixture {
	return &fixture{t: t, engine: engine, store: engine.Store(), ses: &fakeSES{}, now: t0}
}

func (w *fixture) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *fixture) setTime(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

func (w *fixture) mailer() *mailer.Mailer {
	return mailer.New(w.store, stubRenderer{}, w.ses, w.clock, slog.New(slog.DiscardHandler), 100_000)
}

func (w *fixture) runDue() {
	w.t.Helper()
	if err := w.mailer().RunDue(ctx); err != nil {
		w.t.Errorf("tick: %v", err)
	}
}

// stubRenderer composes what the tests want to see: kind, start and sequence.
type stubRenderer struct{}

func (stubRenderer) Render(l deltag.MailContext, _ time.Time) ([]byte, error) {
	if l.Registration.Name == "uncomposable" {
		return nil, errors.New("no such template")
	}
	return fmt.Appendf(nil, "%s %s %d", l.Kind, l.Event.StartsAt.Format(time.RFC3339), l.ICalSequence()), nil
}

// A fakeSES accepts mail, or answers what fault says.
type fakeSES struct {
	mu    sync.Mutex
	mails []deltag.OutgoingMail
	// fault is asked before each mail: accepted says whether the mail is out, err what the caller hears.
	fault func(deltag.OutgoingMail) (accepted bool, err error)
}

func (s *fakeSES) Send(_ context.Context, m deltag.OutgoingMail) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	accepted, err := true, error(nil)
	if s.fault != nil {
		accepted, err = s.fault(m)
	}
	if accepted {
		s.mails = append(s.mails, m)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("id-%d", len(s.mails)), nil
}

// to counts the mails to an address by kind.
func (s *fakeSES) to(address string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, m := range s.mails {
		if m.To == address {
			n[string(m.Delivery.Kind)]++
		}
	}
	return n
}

func (w *fixture) newEvent(change func(*deltag.Event)) deltag.Event {
	w.t.Helper()
	id, _ := deltag.NewID(rand.Reader)
	secret, _ := deltag.NewSecret(rand.Reader)
	e := deltag.Event{
		ID: id, Slug: "s-" + id, Title: "Samskabelse", Language: deltag.LanguageDanish, StartsAt: start, EndsAt: start.Add(time.Hour),
		TimeZone: "Europe/Copenhagen", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret, Reminders: deltag.DefaultReminders(), HasWaitlist: true,
	}
	if change != nil {
		change(&e)
	}
	e, plan := e.WithInitialState(w.clock())
	if err := w.store.CreateEvent(ctx, e, plan); err != nil {
		w.t.Fatal(err)
	}
	return e
}

func address(n int) string { return fmt.Sprintf("p%d@example.dk", n) }

func (w *fixture) signUp(e deltag.Event, n int) deltag.Registration {
	w.t.Helper()
	in := deltag.SignUpRequest{Name: fmt.Sprintf("Person %d", n), Email: deltag.Address{Original: address(n), Normalized: address(n)}, Language: deltag.LanguageDanish}
	if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
		w.t.Fatal(err)
	}
	return w.registration(e, n)
}

func (w *fixture) registration(e deltag.Event, n int) deltag.Registration {
	w.t.Helper()
	_, r, err := w.store.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, deltag.Address{Normalized: address(n)}))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// row is the status and reason of a row of the ledger.
func (w *fixture) row(r deltag.Registration, k deltag.MailKind, version int) string {
	w.t.Helper()
	d, err := w.store.Delivery(ctx, deltag.DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: version})
	if err != nil {
		return err.Error()
	}
	return string(d.Status) + " " + string(d.Reason)
}

func (w *fixture) edit(e deltag.Event, change func(*deltag.Event)) deltag.Event {
	w.t.Helper()
	stored, err := w.store.Event(ctx, e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	next := stored
	change(&next)
	next, plan, err := stored.Edit(next, w.clock())
	if err == nil {
		err = w.store.UpdateEvent(ctx, next, plan)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return next
}

func (w *fixture) cancelEvent(e deltag.Event) {
	w.t.Helper()
	stored, err := w.store.Event(ctx, e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	next, plan, err := stored.Cancel(w.clock())
	if err == nil {
		err = w.store.UpdateEvent(ctx, next, plan)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func want(t reporter, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestRightMail(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		// Each sub-test has a table of its own on the same engine.
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		run("ConfirmationAtOnceAndEachReminderOnce", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			for n := range 30 {
				w.signUp(e, n)
			}
			w.runDue()
			for _, before := range []time.Duration{24 * time.Hour, time.Hour, 10 * time.Minute, 0} {
				w.setTime(start.Add(-before))
				w.runDue()
				w.runDue()
			}
			for n := range 30 {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1})
			}
		})
		run("NoReminderWhoseTimeLayBeforeTheSignUp", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.setTime(start.Add(-30 * time.Minute))
			late := w.signUp(e, 1)
			w.runDue()
			w.setTime(start.Add(-10 * time.Minute))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-PT10M": 1})
			want(t, w.row(late, "reminder-PT1H", 1), "skipped joined-later")
		})
		run("NothingToSomebodyWhoCancelledButTheReceipt", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.runDue()
			if err := w.store.CancelRegistration(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.setTime(start.Add(-time.Minute))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "withdrawn": 1})
			want(t, w.row(r, "reminder-P1D", 1), "skipped registration-cancelled")
		})
		run("OnlyTheLastOfSeveralPersonalMailsIsSent", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			if err := w.store.CancelRegistration(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"withdrawn": 1})
			want(t, w.row(r, deltag.KindConfirmation, 1), "skipped superseded")
		})
		run("AMoveTakesTheRemindersAlong", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.runDue()
			w.setTime(t0.Add(time.Hour))
			w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.Add(24*time.Hour), start.Add(25*time.Hour) })
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1}) // news wait for further edits
			w.setTime(w.clock().Add(time.Minute))
			w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.Add(48*time.Hour), start.Add(49*time.Hour) })
			w.setTime(w.clock().Add(deltag.NoticeDebounce))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 1})
			for d := time.Duration(0); d <= 72*time.Hour; d += 5 * time.Minute {
				w.setTime(start.Add(-24 * time.Hour).Add(d))
				w.runDue()
			}
			want(t, w.ses.to(address(1)), map[string]int{
				"confirmation": 1, "moved": 1, "reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1,
			})
			for _, m := range w.ses.mails[1:] {
				if !slices.Contains([]string{"2026-12-03T13:00:00Z"}, string(m.Raw[len(m.Raw)-22:len(m.Raw)-2])) {
					t.Errorf("a mail with the old time: %s", m.Raw)
				}
			}
		})
		run("ACancelledEventTellsEverybodyOnceAndNothingAfter", func(t *testing.T, w *fixture) {
			e := w.newEvent(func(e *deltag.Event) { e.Capacity, e.HasSeatCounter = new(1), true })
			w.signUp(e, 1)
			w.signUp(e, 2)
			w.runDue()
			w.cancelEvent(e)
			w.runDue()
			w.setTime(start.Add(-time.Minute))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
			want(t, w.ses.to(address(2)), map[string]int{"waiting": 1, "cancelled": 1})
		})
		run("ASignUpThatSlippedInWhileItWasCancelledIsTold", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.cancelEvent(e)
			w.runDue()
			w.signUp(e, 1) // by a function that has the event as it was
			w.runDue()
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"cancelled": 1})
		})
		run("ABackdatedEventFiresNothing", func(t *testing.T, w *fixture) {
			w.setTime(start.Add(-30 * time.Minute))
			e := w.newEvent(nil)
			ms, err := w.store.Mailings(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, len(ms), 1) // ten minutes before
		})
	})
}

func TestFaults(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		// once answers a fault to the first mail and accepts the others.
		once := func(w *fixture, accepted bool, err error) {
			first := true
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) {
				defer func() { first = false }()
				if first {
					return accepted, err
				}
				return true, nil
			}
		}
		run("ThrottledMailComesBack", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, deltag.ErrThrottled)
			w.runDue()
			want(t, w.row(r, deltag.KindConfirmation, 1), "pending throttled")
			w.setTime(w.clock().Add(time.Second))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("TheDaysQuotaParksAMailToAll", func(t *testing.T, w *fixture) {
			const people = 60
			e := w.newEvent(nil)
			for n := range people {
				w.signUp(e, n)
			}
			w.runDue()
			asked := 0
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) { asked++; return false, deltag.ErrSendQuotaExceeded }
			w.setTime(start.Add(-24 * time.Hour))
			m := w.mailer()
			m.PageSize = 10
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			if asked > m.PageSize {
				t.Errorf("SES was asked %d times with its quota used up", asked)
			}
			late := w.signUp(e, people) // who waits for their mail is not behind all the others
			w.ses.fault = nil
			w.runDue()
			want(t, w.row(late, deltag.KindConfirmation, 1), "sent ")
			w.setTime(w.clock().Add(deltag.QuotaBackoff))
			w.runDue()
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("TheDaysQuotaParksIt", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, deltag.ErrSendQuotaExceeded)
			w.runDue()
			want(t, w.row(r, deltag.KindConfirmation, 1), "pending daily-quota")
			w.setTime(w.clock().Add(15 * time.Minute))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("ARejectedMailFailsAndTheOthersGoOn", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.signUp(e, 2)
			w.ses.fault = func(m deltag.OutgoingMail) (bool, error) {
				if m.To == address(1) {
					return false, deltag.ErrRejected
				}
				return true, nil
			}
			w.runDue()
			want(t, w.row(w.registration(e, 1), deltag.KindConfirmation, 1), "failed rejected")
			want(t, w.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerIsUnknownUntilSESTells", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, true, errors.New("connection reset"))
			w.runDue()
			want(t, w.row(r, deltag.KindConfirmation, 1), "unknown no-answer")
			w.applySESEvent(w.ses.mails[0], deltag.SESSend)
			w.setTime(w.clock().Add(time.Hour))
			w.runDue()
			want(t, w.row(r, deltag.KindConfirmation, 1), "sent ")
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerAndNoEventIsSentAgainAfterTenMinutes", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, errors.New("connection reset"))
			w.runDue()
			w.setTime(w.clock().Add(deltag.SendLease - time.Second))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{})
			w.setTime(w.clock().Add(time.Second))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, w.row(r, deltag.KindConfirmation, 1), "sent ")
		})
		run("NeverMoreThanThreeCopies", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) { return true, errors.New("connection reset") }
			for range 10 {
				w.runDue()
				w.setTime(w.clock().Add(deltag.SendLease))
			}
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": deltag.MaxUnconfirmedSends})
			want(t, w.row(r, deltag.KindConfirmation, 1), "failed no-answer")
		})
		run("AMailThatCannotBeComposedFails", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			in := deltag.SignUpRequest{Name: "uncomposable", Email: deltag.Address{Original: address(1), Normalized: address(1)}}
			if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.runDue()
			want(t, w.row(w.registration(e, 1), deltag.KindConfirmation, 1), "failed not-composed")
		})
		run("TwoMailersAtOnceSendOne", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			for n := range 20 {
				w.signUp(e, n)
			}
			both := func() {
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(w.runDue)
				}
				wg.Wait()
			}
			both()
			w.setTime(start.Add(-24 * time.Hour))
			both()
			w.runDue()
			for n := range 20 {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
	})
}

func (w *fixture) applySESEvent(m deltag.OutgoingMail, typ deltag.SESEventType) {
	w.t.Helper()
	f := mailer.Feedback{Store: w.store}
	r := deltag.SESEvent{Delivery: m.Delivery, Generation: m.Generation, Type: typ, Permanent: true, MessageID: "id", At: w.clock()}
	if err := f.HandleSESEvent(ctx, r); err != nil {
		w.t.Error(err)
	}
}

func TestFeedback(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		run("ReportsInAnyOrderEndInTheSameState", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			orders := [][]deltag.SESEventType{
				{deltag.SESSend, deltag.SESDelivery}, {deltag.SESDelivery, deltag.SESSend},
				{deltag.SESDelivery, deltag.SESDelivery, deltag.SESSend},
			}
			for n, order := range orders {
				r := w.signUp(e, n)
				w.runDue()
				for _, typ := range order {
					w.applySESEvent(w.ses.mails[n], typ)
				}
				want(t, w.row(r, deltag.KindConfirmation, 1), "delivered ")
			}
		})
		run("AReportThatOvertakesTheAnswerStays", func(t *testing.T, w *fixture) {
			r := w.signUp(w.newEvent(nil), 1)
			w.ses.fault = func(m deltag.OutgoingMail) (bool, error) {
				w.applySESEvent(m, deltag.SESDelivery)
				return true, nil
			}
			w.runDue()
			want(t, w.row(r, deltag.KindConfirmation, 1), "delivered ")
		})
		run("ABounceStopsAllMailAndShowsOnTheRegistration", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.runDue()
			w.applySESEvent(w.ses.mails[0], deltag.SESBounce)
			want(t, w.registration(e, 1).AddressStatus, deltag.AddressBounced)
			w.setTime(start.Add(-24 * time.Hour))
			w.runDue()
			want(t, w.row(r, "reminder-P1D", 1), "skipped address-bounced")
			other := w.newEvent(nil) // the address is dead for other events too
			r2 := w.signUp(other, 1)
			w.runDue()
			want(t, w.row(r2, deltag.KindConfirmation, 1), "skipped address-bounced")
		})
		run("AComplaintStopsOptionalMailOnly", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.runDue()
			w.applySESEvent(w.ses.mails[0], deltag.SESComplaint)
			w.setTime(start.Add(-24 * time.Hour))
			w.runDue()
			w.cancelEvent(e)
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
		})
		run("AReportOnAnErasedMailIsHarmless", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.runDue()
			if err := w.store.Erase(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.applySESEvent(w.ses.mails[0], deltag.SESDelivery)
		})
	})
}
