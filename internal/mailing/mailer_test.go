package mailing_test

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
	"deltag/internal/dynamo/storetest"
	"deltag/internal/mailing"
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

// A world is one table, one SES and one clock, and any number of mailers.
type world struct {
	t      reporter
	engine storetest.Engine
	store  *dynamo.Store
	ses    *fakeSES
	now    time.Time
	mu     sync.Mutex
}

func newWorld(t reporter, engine storetest.Engine) *world {
	return &world{t: t, engine: engine, store: engine.Store(), ses: &fakeSES{}, now: t0}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) goTo(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

func (w *world) mailer() *mailing.Mailer {
	return mailing.New(w.store, plain{}, w.ses, w.clock, slog.New(slog.DiscardHandler), 100_000)
}

func (w *world) tick() {
	w.t.Helper()
	if err := w.mailer().Tick(ctx); err != nil {
		w.t.Errorf("tick: %v", err)
	}
}

// plain composes what the tests want to see: kind, start and sequence.
type plain struct{}

func (plain) Compose(l deltag.Letter, _ time.Time) ([]byte, error) {
	if l.Registration.Name == "uncomposable" {
		return nil, errors.New("no such template")
	}
	return fmt.Appendf(nil, "%s %s %d", l.Kind, l.Event.StartsAt.Format(time.RFC3339), l.Sequence()), nil
}

// A fakeSES accepts mail, or answers what fault says.
type fakeSES struct {
	mu    sync.Mutex
	mails []deltag.Mail
	// fault is asked before each mail: accepted says whether the mail is out, err what the caller hears.
	fault func(deltag.Mail) (accepted bool, err error)
}

func (s *fakeSES) Send(_ context.Context, m deltag.Mail) (string, error) {
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

func (w *world) newEvent(change func(*deltag.Event)) deltag.Event {
	w.t.Helper()
	id, _ := deltag.NewID(rand.Reader)
	secret, _ := deltag.NewSecret(rand.Reader)
	e := deltag.Event{
		ID: id, Slug: "s-" + id, Title: "Samskabelse", Language: deltag.Danish, StartsAt: start, EndsAt: start.Add(time.Hour),
		TimeZone: "Europe/Copenhagen", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.Open, Secret: secret, Reminders: deltag.DefaultReminders(), WaitingList: true,
	}
	if change != nil {
		change(&e)
	}
	e, plan := e.Create(w.clock())
	if err := w.store.CreateEvent(ctx, e, plan); err != nil {
		w.t.Fatal(err)
	}
	return e
}

func address(n int) string { return fmt.Sprintf("p%d@example.dk", n) }

func (w *world) signUp(e deltag.Event, n int) deltag.Registration {
	w.t.Helper()
	in := deltag.SignUp{Name: fmt.Sprintf("Person %d", n), Email: deltag.Address{Typed: address(n), Identity: address(n)}, Language: deltag.Danish}
	if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
		w.t.Fatal(err)
	}
	return w.registration(e, n)
}

func (w *world) registration(e deltag.Event, n int) deltag.Registration {
	w.t.Helper()
	_, r, err := w.store.Visit(ctx, e.ID, deltag.RegistrationID(e, deltag.Address{Identity: address(n)}))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// row is the status and reason of a row of the ledger.
func (w *world) row(r deltag.Registration, k deltag.Kind, version int) string {
	w.t.Helper()
	d, err := w.store.Delivery(ctx, deltag.DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: version})
	if err != nil {
		return err.Error()
	}
	return string(d.Status) + " " + string(d.Reason)
}

func (w *world) edit(e deltag.Event, change func(*deltag.Event)) deltag.Event {
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

func (w *world) callOff(e deltag.Event) {
	w.t.Helper()
	stored, err := w.store.Event(ctx, e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	next, plan, err := stored.CallOff(w.clock())
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
	storetest.Each(t, func(t *testing.T, engine storetest.Engine) {
		// Each sub-test has a table of its own on the same engine.
		run := func(name string, test func(t *testing.T, w *world)) {
			t.Run(name, func(t *testing.T) { test(t, newWorld(t, engine.Another(t))) })
		}
		run("ConfirmationAtOnceAndEachReminderOnce", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			for n := range 30 {
				w.signUp(e, n)
			}
			w.tick()
			for _, before := range []time.Duration{24 * time.Hour, time.Hour, 10 * time.Minute, 0} {
				w.goTo(start.Add(-before))
				w.tick()
				w.tick()
			}
			for n := range 30 {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1})
			}
		})
		run("NoReminderWhoseTimeLayBeforeTheSignUp", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			w.goTo(start.Add(-30 * time.Minute))
			late := w.signUp(e, 1)
			w.tick()
			w.goTo(start.Add(-10 * time.Minute))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-PT10M": 1})
			want(t, w.row(late, "reminder-PT1H", 1), "skipped joined-later")
		})
		run("NothingToSomebodyWhoCancelledButTheReceipt", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.tick()
			if err := w.store.Withdraw(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.goTo(start.Add(-time.Minute))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "withdrawn": 1})
			want(t, w.row(r, "reminder-P1D", 1), "skipped registration-cancelled")
		})
		run("OnlyTheLastOfSeveralPersonalMailsIsSent", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			if err := w.store.Withdraw(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"withdrawn": 1})
			want(t, w.row(r, deltag.Confirmation, 1), "skipped superseded")
		})
		run("AMoveTakesTheRemindersAlong", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.tick()
			w.goTo(t0.Add(time.Hour))
			w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.Add(24*time.Hour), start.Add(25*time.Hour) })
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1}) // news wait for further edits
			w.goTo(w.clock().Add(time.Minute))
			w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.Add(48*time.Hour), start.Add(49*time.Hour) })
			w.goTo(w.clock().Add(deltag.SettleEdits))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 1})
			for d := time.Duration(0); d <= 72*time.Hour; d += 5 * time.Minute {
				w.goTo(start.Add(-24 * time.Hour).Add(d))
				w.tick()
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
		run("ACancelledEventTellsEverybodyOnceAndNothingAfter", func(t *testing.T, w *world) {
			e := w.newEvent(func(e *deltag.Event) { e.Capacity, e.Seated = new(1), true })
			w.signUp(e, 1)
			w.signUp(e, 2)
			w.tick()
			w.callOff(e)
			w.tick()
			w.goTo(start.Add(-time.Minute))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
			want(t, w.ses.to(address(2)), map[string]int{"waiting": 1, "cancelled": 1})
		})
		run("ASignUpThatSlippedInWhileItWasCancelledIsTold", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			w.callOff(e)
			w.tick()
			w.signUp(e, 1) // by a function that has the event as it was
			w.tick()
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"cancelled": 1})
		})
		run("ABackdatedEventFiresNothing", func(t *testing.T, w *world) {
			w.goTo(start.Add(-30 * time.Minute))
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
	storetest.Each(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *world)) {
			t.Run(name, func(t *testing.T) { test(t, newWorld(t, engine.Another(t))) })
		}
		// once answers a fault to the first mail and accepts the others.
		once := func(w *world, accepted bool, err error) {
			first := true
			w.ses.fault = func(deltag.Mail) (bool, error) {
				defer func() { first = false }()
				if first {
					return accepted, err
				}
				return true, nil
			}
		}
		run("ThrottledMailComesBack", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, deltag.ErrThrottled)
			w.tick()
			want(t, w.row(r, deltag.Confirmation, 1), "pending throttled")
			w.goTo(w.clock().Add(time.Second))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("TheDaysQuotaParksAMailToAll", func(t *testing.T, w *world) {
			const people = 60
			e := w.newEvent(nil)
			for n := range people {
				w.signUp(e, n)
			}
			w.tick()
			asked := 0
			w.ses.fault = func(deltag.Mail) (bool, error) { asked++; return false, deltag.ErrQuota }
			w.goTo(start.Add(-24 * time.Hour))
			m := w.mailer()
			m.Page = 10
			if err := m.Tick(ctx); err != nil {
				t.Fatal(err)
			}
			if asked > m.Page {
				t.Errorf("SES was asked %d times with its quota used up", asked)
			}
			late := w.signUp(e, people) // who waits for their mail is not behind all the others
			w.ses.fault = nil
			w.tick()
			want(t, w.row(late, deltag.Confirmation, 1), "sent ")
			w.goTo(w.clock().Add(deltag.QuotaWait))
			w.tick()
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("TheDaysQuotaParksIt", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, deltag.ErrQuota)
			w.tick()
			want(t, w.row(r, deltag.Confirmation, 1), "pending daily-quota")
			w.goTo(w.clock().Add(15 * time.Minute))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("ARejectedMailFailsAndTheOthersGoOn", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.signUp(e, 2)
			w.ses.fault = func(m deltag.Mail) (bool, error) {
				if m.To == address(1) {
					return false, deltag.ErrRejected
				}
				return true, nil
			}
			w.tick()
			want(t, w.row(w.registration(e, 1), deltag.Confirmation, 1), "failed rejected")
			want(t, w.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerIsUnknownUntilSESTells", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, true, errors.New("connection reset"))
			w.tick()
			want(t, w.row(r, deltag.Confirmation, 1), "unknown no-answer")
			w.hear(w.ses.mails[0], deltag.ReportSend)
			w.goTo(w.clock().Add(time.Hour))
			w.tick()
			want(t, w.row(r, deltag.Confirmation, 1), "sent ")
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerAndNoEventIsSentAgainAfterTenMinutes", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			once(w, false, errors.New("connection reset"))
			w.tick()
			w.goTo(w.clock().Add(deltag.SettleTime - time.Second))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{})
			w.goTo(w.clock().Add(time.Second))
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, w.row(r, deltag.Confirmation, 1), "sent ")
		})
		run("NeverMoreThanThreeCopies", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			w.ses.fault = func(deltag.Mail) (bool, error) { return true, errors.New("connection reset") }
			for range 10 {
				w.tick()
				w.goTo(w.clock().Add(deltag.SettleTime))
			}
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": deltag.MaxHandovers})
			want(t, w.row(r, deltag.Confirmation, 1), "failed no-answer")
		})
		run("AMailThatCannotBeComposedFails", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			in := deltag.SignUp{Name: "uncomposable", Email: deltag.Address{Typed: address(1), Identity: address(1)}}
			if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.tick()
			want(t, w.row(w.registration(e, 1), deltag.Confirmation, 1), "failed not-composed")
		})
		run("TwoMailersAtOnceSendOne", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			for n := range 20 {
				w.signUp(e, n)
			}
			both := func() {
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(w.tick)
				}
				wg.Wait()
			}
			both()
			w.goTo(start.Add(-24 * time.Hour))
			both()
			w.tick()
			for n := range 20 {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
	})
}

func (w *world) hear(m deltag.Mail, typ deltag.ReportType) {
	w.t.Helper()
	f := mailing.Feedback{Store: w.store}
	r := deltag.Report{Delivery: m.Delivery, Mark: m.Mark, Type: typ, Permanent: true, MessageID: "id", At: w.clock()}
	if err := f.Hear(ctx, r); err != nil {
		w.t.Error(err)
	}
}

func TestFeedback(t *testing.T) {
	storetest.Each(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *world)) {
			t.Run(name, func(t *testing.T) { test(t, newWorld(t, engine.Another(t))) })
		}
		run("ReportsInAnyOrderEndInTheSameState", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			orders := [][]deltag.ReportType{
				{deltag.ReportSend, deltag.ReportDelivery}, {deltag.ReportDelivery, deltag.ReportSend},
				{deltag.ReportDelivery, deltag.ReportDelivery, deltag.ReportSend},
			}
			for n, order := range orders {
				r := w.signUp(e, n)
				w.tick()
				for _, typ := range order {
					w.hear(w.ses.mails[n], typ)
				}
				want(t, w.row(r, deltag.Confirmation, 1), "delivered ")
			}
		})
		run("AReportThatOvertakesTheAnswerStays", func(t *testing.T, w *world) {
			r := w.signUp(w.newEvent(nil), 1)
			w.ses.fault = func(m deltag.Mail) (bool, error) {
				w.hear(m, deltag.ReportDelivery)
				return true, nil
			}
			w.tick()
			want(t, w.row(r, deltag.Confirmation, 1), "delivered ")
		})
		run("ABounceStopsAllMailAndShowsOnTheRegistration", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.tick()
			w.hear(w.ses.mails[0], deltag.ReportBounce)
			want(t, w.registration(e, 1).Mail, deltag.MailBounced)
			w.goTo(start.Add(-24 * time.Hour))
			w.tick()
			want(t, w.row(r, "reminder-P1D", 1), "skipped address-bounced")
			other := w.newEvent(nil) // the address is dead for other events too
			r2 := w.signUp(other, 1)
			w.tick()
			want(t, w.row(r2, deltag.Confirmation, 1), "skipped address-bounced")
		})
		run("AComplaintStopsOptionalMailOnly", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.tick()
			w.hear(w.ses.mails[0], deltag.ReportComplaint)
			w.goTo(start.Add(-24 * time.Hour))
			w.tick()
			w.callOff(e)
			w.tick()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
		})
		run("AReportOnAnErasedMailIsHarmless", func(t *testing.T, w *world) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.tick()
			if err := w.store.Erase(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.hear(w.ses.mails[0], deltag.ReportDelivery)
		})
	})
}
