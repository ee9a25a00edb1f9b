package mailer_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestModel takes an event through random scenarios: sign-ups, cancellations, corrected addresses, erasures, messages,
// moves (also back), the event's own cancellation, jumps of the clock, mailers that crash, two mailers at once,
// throttling, an exhausted quota, lost answers, and SES events late, twice and in any order. Each mail is checked
// against the table when it goes out, and everything at the end.
//
// The scenarios are the same in each run, so that a failure is about the change at hand; make soak draws more and new
// ones.
func TestModel(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" && flag.Lookup("rapid.seed").Value.String() == "0" {
		for name, value := range map[string]string{"rapid.seed": "20261201", "rapid.checks": "40"} {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	engine := storetest.Embedded(t)
	faults, repeats := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newScenario(t, rt, engine)
		rt.Repeat(map[string]func(*rapid.T){
			"SignUp":             s.signUp,
			"CancelRegistration": s.cancelRegistration,
			"Rejoin":             s.rejoin,
			"SignUpToVerify":     s.signUpToVerify,
			"RequestAddress":     s.requestAddress,
			"ConfirmAddress":     s.confirmAddress,
			"Erase":              s.erase,
			"Message":            s.message,
			"Move":               s.move,
			"CancelEvent":        s.cancelEvent,
			"Tick":               func(*rapid.T) { s.f.runDue() },
			"TwoTicks":           func(*rapid.T) { s.twoTicks() },
			"CrashingTick":       s.crashingTick,
			"StreamRecords":      s.streamRecords,
			"Throttle":           func(rt *rapid.T) { s.failSends(rt, false, deltag.ErrThrottled) },
			"ExhaustQuota":       func(rt *rapid.T) { s.failSends(rt, false, deltag.ErrSendQuotaExceeded) },
			"LoseAnswer":         s.loseAnswers,
			"SESEvents":          s.sesEvents,
			"AdvanceClock":       s.advanceClock,
		})
		s.finish()
		faults += s.faults
		repeats += s.repeats
	})
	t.Logf("%d faults injected, and %d stream records and SES events out of turn", faults, repeats)
	if faults == 0 {
		t.Error("no fault was injected")
	}
}

// maxPerson is the highest number that a person of a scenario may have.
const maxPerson = 6

// A scenario is the life of one event.
type scenario struct {
	f        *fixture
	rt       *rapid.T
	e        deltag.Event
	faults   int
	repeats  int
	messages int
	reported int // how many mails have had their Send event

	mu           sync.Mutex
	failures     int // how many of the next sends fail
	failure      func() (accepted bool, err error)
	sent         map[string]int          // by mail
	finalMailDue map[deltag.MailKind]int // mails that are still to go to addresses that were given up
}

func newScenario(t *testing.T, rt *rapid.T, engine storetest.Engine) *scenario {
	f := newFixture(rt, engine.NewTable(t))
	s := &scenario{f: f, rt: rt, sent: map[string]int{}, finalMailDue: map[deltag.MailKind]int{}}
	s.e = f.newEvent(func(e *deltag.Event) {
		if rapid.Bool().Draw(rt, "limited") {
			e.Capacity = new(2)
		}
	})
	f.ses.fault = s.send
	return s
}

// send checks each mail that SES accepts, and injects the failures that are set.
func (s *scenario) send(mail deltag.OutgoingMail) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	accepted, err := true, error(nil)
	if s.failures > 0 {
		s.failures--
		s.faults++
		accepted, err = s.failure()
	}
	if accepted {
		s.checkMail(mail)
	}
	return accepted, err
}

// checkMail: is this mail right, now, by what is stored?
func (s *scenario) checkMail(mail deltag.OutgoingMail) {
	k := mail.Delivery
	if k.Kind.IsFinal() {
		if s.finalMailDue[k.Kind]--; s.finalMailDue[k.Kind] < 0 {
			s.rt.Errorf("%s was sent once too often", k.ID())
		}
		return
	}
	if s.sent[mail.Tag()]++; s.sent[mail.Tag()] > 1 {
		s.rt.Errorf("%s was sent twice", mail.Tag())
	}
	e, r, err := s.f.store.EventAndRegistration(ctx, k.EventID, k.RegistrationID)
	if err != nil {
		s.rt.Errorf("%s to nobody: %v", k.ID(), err)
		return
	}
	now := s.f.clock()
	if k.Kind == deltag.KindVerification && mail.Generation != r.Generation() {
		if c := r.AddressChange; c == nil || mail.To != c.Details.Email.ASCII() || !now.Before(c.VerifyUntil) {
			s.rt.Errorf("%s to %s: there is no such change of address", k.ID(), mail.To)
		}
		return
	}
	d, err := s.f.store.Delivery(ctx, k)
	if err != nil {
		s.rt.Errorf("%s has no row: %v", k.ID(), err)
	}
	optional := k.Kind.IsUnsubscribable() || d.ByForm
	content := fmt.Sprintf("%s %s %d", k.Kind, e.StartsAt.Format(time.RFC3339), e.ICalSequence+r.ICalSequence)
	message, eventCancelled := k.Kind == deltag.KindMessage, k.Kind == deltag.KindEventCancelled
	left, waiting := r.Status == deltag.RegistrationCancelled, r.Status == deltag.RegistrationWaitlisted
	verify, unverified := k.Kind == deltag.KindVerification, r.Status == deltag.RegistrationUnverified
	for what, wrong := range map[string]bool{
		"with the old time":            string(mail.Raw) != content,
		"after the event's cancelling": e.Status == deltag.EventCancelled && !eventCancelled && !message,
		"to another registration":      mail.Generation != r.Generation(),
		"to a dead address":            r.AddressStatus == deltag.AddressBounced,
		"to somebody who complained":   r.AddressStatus == deltag.AddressComplained && optional,
		"to somebody who cancelled":    left && k.Kind != deltag.KindRegistrationCancelled && !message && !verify,
		"to an unverified address":     unverified && !verify,
		"to somebody with a seat":      verify && !unverified && !left,
		"to somebody on the waitlist":  waiting && k.Kind != deltag.KindWaitlisted && !eventCancelled && !message,
		"after the start":              k.Kind.IsReminder() && !now.Before(e.StartsAt),
		"after the end":                !now.Before(e.EndsAt) && !eventCancelled && !message,
		"of an old schedule":           k.Kind.IsReminder() && k.Version != e.ScheduleVersion,
	} {
		if wrong {
			s.rt.Errorf("%s: %s", k.ID(), what)
		}
	}
}

func (s *scenario) failSends(rt *rapid.T, accepted bool, err error) {
	s.failures = rapid.IntRange(1, 3).Draw(rt, "times")
	s.failure = func() (bool, error) { return accepted, err }
}

func (s *scenario) loseAnswers(rt *rapid.T) {
	s.failSends(rt, rapid.Bool().Draw(rt, "accepted"), errConnectionReset)
}

func (s *scenario) signUp(rt *rapid.T) {
	n := rapid.IntRange(0, maxPerson).Draw(rt, "person")
	if s.f.clock().Before(s.event().EndsAt) {
		s.f.signUp(s.e, n)
	}
}

// signUpToVerify is a sign-up by which nobody gets a seat. Somebody who has one keeps it.
func (s *scenario) signUpToVerify(rt *rapid.T) {
	n := rapid.IntRange(0, maxPerson).Draw(rt, "person")
	e := s.event()
	if e.Verify = deltag.VerifyAlways; s.f.clock().Before(e.EndsAt) {
		s.f.signUp(e, n)
	}
}

// drawRegistration returns that of a person who has signed up, or false.
func (s *scenario) drawRegistration(rt *rapid.T) (deltag.Event, deltag.Registration, bool) {
	n := rapid.IntRange(0, maxPerson).Draw(rt, "person")
	e, r, err := s.f.store.EventAndRegistration(ctx, s.e.ID, registrationID(s.e, n))
	return e, r, err == nil
}

func (s *scenario) cancelRegistration(rt *rapid.T) {
	if e, r, ok := s.drawRegistration(rt); ok {
		if err := s.f.store.CancelRegistration(ctx, e, r, s.f.clock()); err != nil {
			rt.Fatal(err)
		}
	}
}

func (s *scenario) rejoin(rt *rapid.T) {
	if e, r, ok := s.drawRegistration(rt); ok && s.f.clock().Before(e.EndsAt) {
		if _, err := s.f.store.Rejoin(ctx, e, r, true, s.f.clock()); err != nil {
			rt.Fatal(err)
		}
	}
}

// requestAddress asks for another address of a registration, which may be signed up itself.
func (s *scenario) requestAddress(rt *rapid.T) {
	e, r, ok := s.drawRegistration(rt)
	n := rapid.IntRange(0, maxPerson).Draw(rt, "to")
	if !ok || r.Status != deltag.RegistrationConfirmed && r.Status != deltag.RegistrationWaitlisted {
		return
	}
	if err := s.f.store.UpdateByAttendee(ctx, e, r, signUpRequest(n), s.f.clock()); err != nil && !errors.Is(err, deltag.ErrChangeLimit) {
		rt.Fatal(err)
	}
}

// confirmAddress presses the button of a mail that requestAddress has sent.
func (s *scenario) confirmAddress(rt *rapid.T) {
	e, r, ok := s.drawRegistration(rt)
	if !ok || r.AddressChange == nil {
		return
	}
	s.finalMailDue[deltag.KindAddressChanged]++
	if err := s.f.store.ConfirmAddressChange(ctx, e, r, true, s.f.clock()); err != nil {
		rt.Fatal(err)
	}
}

func (s *scenario) erase(rt *rapid.T) {
	e, r, ok := s.drawRegistration(rt)
	if !ok || rapid.IntRange(0, 2).Draw(rt, "really") > 0 {
		return
	}
	if r.Status != deltag.RegistrationUnverified {
		s.finalMailDue[deltag.KindErasureReceipt]++
	}
	if err := s.f.store.Erase(ctx, e, r, s.f.clock()); err != nil {
		rt.Fatal(err)
	}
}

func (s *scenario) message(rt *rapid.T) {
	s.messages++
	m := s.event().NewMailing(deltag.KindMessage, s.messages, s.f.clock(), "Husk kaffe")
	m.Audience = rapid.SampledFrom([]deltag.Audience{
		deltag.AudienceAll, deltag.AudienceConfirmed, deltag.AudienceWaitlisted,
	}).Draw(rt, "to")
	if err := s.f.store.PutMailing(ctx, m); err != nil {
		rt.Fatal(err)
	}
}

func (s *scenario) event() deltag.Event {
	e, err := s.f.store.Event(ctx, s.e.ID)
	if err != nil {
		s.rt.Fatal(err)
	}
	return e
}

func (s *scenario) move(rt *rapid.T) {
	if e := s.event(); e.Status == deltag.EventOpen && s.f.clock().Before(e.EndsAt) {
		by := time.Duration(rapid.IntRange(-48, 48).Draw(rt, "hours")) * time.Hour
		if before := e.LatestNotice.Before; !before.StartsAt.IsZero() && rapid.Bool().Draw(rt, "back") {
			by = before.StartsAt.Sub(e.StartsAt)
		}
		s.f.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = e.StartsAt.Add(by), e.EndsAt.Add(by) })
	}
}

func (s *scenario) cancelEvent(rt *rapid.T) {
	if e := s.event(); e.Status == deltag.EventOpen && rapid.IntRange(0, 9).Draw(rt, "really") == 0 {
		s.f.cancelEvent(e)
	}
}

func (s *scenario) twoTicks() {
	var wg sync.WaitGroup
	wg.Go(s.f.runDue)
	wg.Go(s.f.runDue)
	wg.Wait()
}

func (s *scenario) crashingTick(rt *rapid.T) {
	p := &crashingProcess{
		crashAt: int64(rapid.IntRange(1, 40).Draw(rt, "at")), before: rapid.Bool().Draw(rt, "before"),
	}
	_ = p.mailer(s.f).RunDue(ctx)
	if p.crashed() {
		s.faults++
	}
}

// streamRecords names random deliveries, as the table's stream may: twice, late, in any order.
func (s *scenario) streamRecords(rt *rapid.T) {
	ds, _, err := s.f.store.Deliveries(ctx, s.e.ID, "", 100)
	if err != nil {
		rt.Fatal(err)
	}
	for range min(len(ds), 3) {
		d := rapid.SampledFrom(ds).Draw(rt, "row")
		s.repeats++
		task := deltag.DueTask{Kind: deltag.TaskDelivery, EventID: s.e.ID, Delivery: d.DeliveryKey}
		if err := s.f.mailer().RunTask(ctx, task); err != nil {
			rt.Error(err)
		}
	}
}

// sesEvents delivers some events about the mails that SES has accepted.
func (s *scenario) sesEvents(rt *rapid.T) {
	if len(s.f.ses.mails) == 0 {
		return
	}
	for range 3 {
		mail := rapid.SampledFrom(s.f.ses.mails).Draw(rt, "mail")
		s.repeats++
		s.f.handleSESEvent(mail, rapid.SampledFrom([]deltag.SESEventType{
			deltag.SESSend, deltag.SESSend, deltag.SESDelivery, deltag.SESDelivery, deltag.SESDeliveryDelay,
			deltag.SESBounce, deltag.SESComplaint,
		}).Draw(rt, "type"))
	}
}

// advanceClock delivers all Send events first, so that none is later than deltag.SendLease: TestCrash is about those
// that never come.
func (s *scenario) advanceClock(rt *rapid.T) {
	for _, mail := range s.f.ses.mails[s.reported:] {
		s.f.handleSESEvent(mail, deltag.SESSend)
	}
	s.reported = len(s.f.ses.mails)
	jumps := []time.Duration{time.Second, time.Minute, 11 * time.Minute, time.Hour, 12 * time.Hour, 48 * time.Hour}
	s.f.setTime(s.f.clock().Add(rapid.SampledFrom(jumps).Draw(rt, "jump")))
}

// finish runs until nothing is left to do, and checks every delivery and every person.
func (s *scenario) finish() {
	s.failures = 0
	for range 10 { // more than two hours: the last send of a mail without an answer comes so late
		for _, mail := range s.f.ses.mails {
			s.f.handleSESEvent(mail, deltag.SESSend)
		}
		s.f.setTime(s.f.clock().Add(16 * time.Minute)) // longer than any lease or backoff
		s.f.runDue()
	}
	for n := range maxPerson + 1 {
		e, r, err := s.f.store.EventAndRegistration(ctx, s.e.ID, registrationID(s.e, n))
		if err != nil {
			s.checkErased(n)
		} else {
			s.checkPerson(e, r)
		}
	}
}

// checkErased: a person without a registration has no deliveries, unless their address was changed for another.
func (s *scenario) checkErased(n int) {
	rs, _, err := s.f.store.RegistrationsAfter(ctx, s.e.ID, "", 100)
	if err != nil {
		s.rt.Fatal(err)
	}
	moved := slices.ContainsFunc(rs, func(r deltag.Registration) bool {
		return slices.Contains(r.PreviousIDs, registrationID(s.e, n))
	})
	for _, d := range s.f.deliveries(s.e, n) {
		if !moved {
			s.rt.Errorf("%s is left of somebody who is gone", d.ID())
		}
	}
}

// checkPerson: every delivery is final, its status is what happened, and the person's last status was mailed to them.
func (s *scenario) checkPerson(e deltag.Event, r deltag.Registration) {
	ds, err := s.f.store.DeliveriesOf(ctx, e.ID, r.ID)
	if err != nil {
		s.rt.Fatal(err)
	}
	informed := e.Status == deltag.EventCancelled // by the mail to all
	for _, d := range ds {
		s.checkDelivery(d)
		if d.Kind.IsTransactional() && d.DetachedRecipient == nil && d.Version == r.MailVersion {
			givenUp := []deltag.Reason{deltag.ReasonEventOver, deltag.ReasonAddressBounced,
				deltag.ReasonAddressComplained, deltag.ReasonDailyLimit,
				deltag.ReasonLinkExpired}
			unconfirmed := d.Reason == deltag.ReasonNoResponse && d.UnconfirmedSends() == deltag.MaxUnconfirmedSends
			informed = informed || wasAccepted(d) || slices.Contains(givenUp, d.Reason) || unconfirmed
		}
	}
	if !informed {
		s.rt.Errorf("%s got no mail that they are %s", r.Email.Original, r.Status)
	}
}

func (s *scenario) checkDelivery(d deltag.Delivery) {
	if d.IsActive() {
		s.rt.Errorf("%s is still %s", d.ID(), d.Status)
	}
	if d.Status == deltag.DeliverySkipped && d.Reason == "" {
		s.rt.Errorf("%s was skipped without a reason", d.ID())
	}
	sent := s.sent[deltag.OutgoingMail{Delivery: d.DeliveryKey, Generation: d.Generation}.Tag()]
	if (sent > 0) != wasAccepted(d) {
		s.rt.Errorf("%s is %s, and was sent %d times", d.ID(), d.Status, sent)
	}
}

// wasAccepted says whether SES has taken d, by its status.
func wasAccepted(d deltag.Delivery) bool {
	switch d.Status {
	case deltag.DeliverySent, deltag.DeliveryDelivered, deltag.DeliveryBounced, deltag.DeliveryComplained:
		return true
	}
	return false
}
