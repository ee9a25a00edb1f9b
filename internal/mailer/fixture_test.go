package mailer_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
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

// A fixture is one table, one SES and one clock, for any number of mailers.
type fixture struct {
	t      reporter
	engine storetest.Engine
	store  *dynamo.Store
	ses    *fakeSES
	now    time.Time
	mu     sync.Mutex

	reported int // the mails whose outcome SES has reported; see report
}

func newFixture(t reporter, engine storetest.Engine) *fixture {
	return &fixture{t: t, engine: engine, store: engine.Store(), ses: &fakeSES{}, now: t0}
}

type runFunc func(name string, test func(t *testing.T, f *fixture))

// onEachEngine lets define run its sub-tests on each engine, each on a table of its own.
func onEachEngine(t *testing.T, define func(run runFunc)) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		define(func(name string, test func(t *testing.T, f *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		})
	})
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) setTime(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t
}

func (f *fixture) mailer() *mailer.Mailer { return f.mailerAt(100_000) }

func (f *fixture) mailerAt(perSecond float64) *mailer.Mailer {
	return mailer.New(f.store, stubRenderer{}, f.ses, f.clock, slog.New(slog.DiscardHandler), perSecond)
}

func (f *fixture) runDue() {
	f.t.Helper()
	if err := f.mailer().RunDue(ctx); err != nil {
		f.t.Errorf("RunDue: %v", err)
	}
}

// stubRenderer renders what the tests look for: kind, start and sequence.
type stubRenderer struct{}

func (stubRenderer) Render(mail deltag.MailContext, _ time.Time) ([]byte, error) {
	if mail.Registration.Name == "unrenderable" {
		return nil, errors.New("no such template")
	}
	return fmt.Appendf(nil, "%s %s %d", mail.Kind, mail.Event.StartsAt.Format(time.RFC3339), mail.ICalSequence()), nil
}

// A fakeSES accepts mail, or does what fault says.
type fakeSES struct {
	mu    sync.Mutex
	mails []deltag.OutgoingMail
	// fault is asked before each mail: accepted says whether the mail is out, err what the caller gets.
	fault func(deltag.OutgoingMail) (accepted bool, err error)
}

func (s *fakeSES) Send(_ context.Context, mail deltag.OutgoingMail) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	accepted, err := true, error(nil)
	if s.fault != nil {
		accepted, err = s.fault(mail)
	}
	if accepted {
		s.mails = append(s.mails, mail)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("id-%d", len(s.mails)), nil
}

// failOnce gives a fault to the next mail and accepts the others.
func (s *fakeSES) failOnce(accepted bool, err error) {
	s.fault = func(deltag.OutgoingMail) (bool, error) {
		s.fault = nil
		return accepted, err
	}
}

// to counts the mails to an address by kind.
func (s *fakeSES) to(address string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, mail := range s.mails {
		if mail.To == address {
			n[string(mail.Delivery.Kind)]++
		}
	}
	return n
}

func (f *fixture) newEvent(change func(*deltag.Event)) deltag.Event {
	f.t.Helper()
	id, _ := deltag.NewID(rand.Reader)
	secret, _ := deltag.NewSecret(rand.Reader)
	e := deltag.Event{
		ID: id, Slug: "s-" + id, Title: "Samskabelse", Language: deltag.LanguageDanish,
		StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Copenhagen",
		Organiser:     deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret, ScheduledMails: deltag.DefaultScheduledMails(),
		HasWaitlist: true,
	}
	if change != nil {
		change(&e)
	}
	e, plan := e.WithInitialState(f.clock())
	if err := f.store.CreateEvent(ctx, e, plan); err != nil {
		f.t.Fatal(err)
	}
	return e
}

// oneReminder is a change for newEvent: the one 24 hours before the start.
func oneReminder(e *deltag.Event) { e.ScheduledMails = e.ScheduledMails[:1] }

func address(n int) string { return fmt.Sprintf("p%d@example.dk", n) }

// signUpRequest is person n's.
func signUpRequest(n int) deltag.SignUpRequest {
	return deltag.SignUpRequest{
		Name: fmt.Sprintf("Person %d", n), Email: deltag.Address{Original: address(n), Normalized: address(n)},
		Language: deltag.LanguageDanish,
	}
}

func (f *fixture) signUp(e deltag.Event, n int) deltag.Registration {
	f.t.Helper()
	if _, err := f.store.SignUp(ctx, e, signUpRequest(n), f.clock()); err != nil {
		f.t.Fatal(err)
	}
	return f.registration(e, n)
}

// changeAddress has r's owner change the address to that of a person, who presses the button in the mail.
func (f *fixture) changeAddress(e deltag.Event, r deltag.Registration, to int) error {
	if err := f.store.UpdateByAttendee(ctx, e, r, signUpRequest(to), f.clock()); err != nil {
		return err
	}
	e, r, err := f.store.EventAndRegistration(ctx, e.ID, r.ID)
	if err != nil {
		return err
	}
	return f.store.ConfirmAddressChange(ctx, e, r, true, f.clock())
}

// signUpMany signs up the persons 0 to n-1.
func (f *fixture) signUpMany(e deltag.Event, n int) []deltag.Registration {
	f.t.Helper()
	var rs []deltag.Registration
	for i := range n {
		rs = append(rs, f.signUp(e, i))
	}
	return rs
}

// wantMailsToEach checks the mails by kind to each of the persons 0 to n-1.
func (f *fixture) wantMailsToEach(n int, mails map[string]int) {
	f.t.Helper()
	for i := range n {
		want(f.t, f.ses.to(address(i)), mails)
	}
}

func registrationID(e deltag.Event, n int) string {
	return deltag.RegistrationID(e, signUpRequest(n).Email)
}

func (f *fixture) registration(e deltag.Event, n int) deltag.Registration {
	f.t.Helper()
	_, r, err := f.store.EventAndRegistration(ctx, e.ID, registrationID(e, n))
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func deliveryKey(r deltag.Registration, kind deltag.MailKind, version int) deltag.DeliveryKey {
	return deltag.DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: kind, Version: version}
}

// outcome is the status and reason of a delivery.
func (f *fixture) outcome(r deltag.Registration, kind deltag.MailKind, version int) string {
	f.t.Helper()
	d, err := f.store.Delivery(ctx, deliveryKey(r, kind, version))
	if err != nil {
		return err.Error()
	}
	return string(d.Status) + " " + string(d.Reason)
}

// deliveries are all of person n's.
func (f *fixture) deliveries(e deltag.Event, n int) []deltag.Delivery {
	f.t.Helper()
	ds, err := f.store.DeliveriesOf(ctx, e.ID, registrationID(e, n))
	if err != nil {
		f.t.Fatal(err)
	}
	return ds
}

func (f *fixture) edit(e deltag.Event, change func(*deltag.Event)) deltag.Event {
	f.t.Helper()
	return f.update(e, func(stored deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		next := stored
		change(&next)
		return stored.Edit(next, f.clock())
	})
}

func (f *fixture) cancelEvent(e deltag.Event) {
	f.t.Helper()
	f.update(e, func(stored deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		return stored.Cancel(f.clock())
	})
}

func (f *fixture) update(
	e deltag.Event, change func(deltag.Event) (deltag.Event, deltag.MailingChanges, error),
) deltag.Event {
	f.t.Helper()
	stored, err := f.store.Event(ctx, e.ID)
	if err != nil {
		f.t.Fatal(err)
	}
	next, mailings, err := change(stored)
	if err == nil {
		err = f.store.UpdateEvent(ctx, next, mailings)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return next
}

// handleSESEvent records an SES event about a mail that was sent. Its bounces are permanent.
func (f *fixture) handleSESEvent(mail deltag.OutgoingMail, typ deltag.SESEventType) {
	f.t.Helper()
	f.handle(deltag.SESEvent{
		Delivery: mail.Delivery, Generation: mail.Generation, Attempt: mail.Attempt, Type: typ,
		Permanent: true, MessageID: "id",
	})
}

func (f *fixture) handle(event deltag.SESEvent) {
	f.t.Helper()
	event.At = f.clock()
	if err := (&mailer.Feedback{Store: f.store}).HandleSESEvent(ctx, event); err != nil {
		f.t.Error(err)
	}
}

func want(t reporter, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
