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

// TestModel lets an event live through random histories: sign-ups, withdrawals, corrected addresses, erasures, messages, moves
// (also back and forth), a cancellation, jumps of the clock, mailers that die, two mailers at once, throttling, a used-up quota, answers lost,
// bounces, complaints, reports late, twice and in any order. SES and the table are looked at whenever a mail goes out and at
// the end.
//
// The histories are the same in each run, so that a red one is about the change at hand; make soak asks for more of them, and
// draws new ones each time.
func TestModel(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" && flag.Lookup("rapid.seed").Value.String() == "0" {
		if err := flag.Set("rapid.seed", "20261201"); err != nil {
			t.Fatal(err)
		}
	}
	engine := storetest.Embedded(t)
	faults, repeats := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := newScenario(t, rt, engine)
		rt.Repeat(map[string]func(*rapid.T){
			"SignUp":     h.signUp,
			"Withdraw":   h.withdraw,
			"Return":     h.rejoin,
			"Correct":    h.correct,
			"Erase":      h.erase,
			"Message":    h.message,
			"Move":       h.move,
			"CallOff":    h.callOff,
			"Tick":       func(*rapid.T) { h.w.runDue() },
			"TwoTicks":   func(*rapid.T) { h.twoTicks() },
			"DyingTick":  h.dyingTick,
			"StreamBits": h.stream,
			"Throttle":   func(rt *rapid.T) { h.fail(rt, false, deltag.ErrThrottled) },
			"Quota":      func(rt *rapid.T) { h.fail(rt, false, deltag.ErrSendQuotaExceeded) },
			"LoseAnswer": func(rt *rapid.T) { h.fail(rt, rapid.Bool().Draw(rt, "accepted"), errors.New("connection reset")) },
			"Reports":    h.reports,
			"Later":      h.later,
		})
		h.finish()
		faults += h.faults
		repeats += h.repeats
	})
	t.Logf("%d faults injected, and %d records and reports out of turn", faults, repeats)
	if faults == 0 {
		t.Error("no fault was injected")
	}
}

// A scenario is one event's life.
type scenario struct {
	w      *fixture
	rt     *rapid.T
	e      deltag.Event
	people int
	faults int
	failN  int
	failAs func() (bool, error)
	heard  int // mails whose Send event has been told
	mu     sync.Mutex
	sent   map[string]int // by mail

	repeats  int
	messages int
	gone     map[deltag.MailKind]int // addresses that were given up, by the mail that they are to get
}

func newScenario(t *testing.T, rt *rapid.T, engine storetest.Engine) *scenario {
	w := newFixture(rt, engine.NewTable(t))
	h := &scenario{w: w, rt: rt, sent: map[string]int{}, gone: map[deltag.MailKind]int{}}
	h.e = w.newEvent(func(e *deltag.Event) {
		if rapid.Bool().Draw(rt, "limited") {
			e.Capacity = new(2)
		}
	})
	w.ses.fault = h.ses
	return h
}

// ses looks at each mail on its way out, and answers the faults that are set.
func (h *scenario) ses(m deltag.OutgoingMail) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	accepted, err := true, error(nil)
	if h.failN > 0 {
		h.failN--
		h.faults++
		accepted, err = h.failAs()
	}
	if accepted {
		h.checkInvariants(m)
	}
	return accepted, err
}

// checkInvariants: is this mail right, now, by what the table says?
func (h *scenario) checkInvariants(m deltag.OutgoingMail) {
	k := m.Delivery
	if k.Kind.IsFinal() {
		if h.gone[k.Kind]--; h.gone[k.Kind] < 0 {
			h.rt.Errorf("%s went out once too often", k.ID())
		}
		return
	}
	if h.sent[m.Tag()]++; h.sent[m.Tag()] > 1 {
		h.rt.Errorf("%s went out twice", m.Tag())
	}
	e, r, err := h.w.store.EventAndRegistration(ctx, k.EventID, k.RegistrationID)
	if err != nil {
		h.rt.Errorf("%s to nobody: %v", k.ID(), err)
		return
	}
	now := h.w.clock()
	wrong := map[string]bool{
		"the old time":            string(m.Raw) != fmt.Sprintf("%s %s %d", k.Kind, e.StartsAt.Format(time.RFC3339), e.ICalSequence+r.ICalSequence),
		"after it was called off": e.Status == deltag.EventCancelled && k.Kind != deltag.KindEventCancelled && k.Kind != deltag.KindMessage,
		"another registration":    m.Generation != r.Generation(),
		"a dead address":          r.AddressStatus == deltag.AddressBounced,
		"who wants none":          r.AddressStatus == deltag.AddressComplained && k.Kind.IsUnsubscribable(),
		"a seat given up":         r.Status == deltag.RegistrationCancelled && k.Kind != deltag.KindRegistrationCancelled && k.Kind != deltag.KindMessage,
		"no seat yet":             r.Status == deltag.RegistrationWaitlisted && k.Kind != deltag.KindWaitlisted && k.Kind != deltag.KindEventCancelled && k.Kind != deltag.KindMessage,
		"after the start":         k.Kind.IsReminder() && !now.Before(e.StartsAt),
		"after the end":           !now.Before(e.EndsAt) && k.Kind != deltag.KindEventCancelled && k.Kind != deltag.KindMessage,
		"an old schedule":         k.Kind.IsReminder() && k.Version != e.ScheduleVersion,
	}
	for what, is := range wrong {
		if is {
			h.rt.Errorf("%s: %s", k.ID(), what)
		}
	}
}

func (h *scenario) fail(rt *rapid.T, accepted bool, err error) {
	h.failN = rapid.IntRange(1, 3).Draw(rt, "times")
	h.failAs = func() (bool, error) { return accepted, err }
}

func (h *scenario) signUp(rt *rapid.T) {
	n := rapid.IntRange(0, 6).Draw(rt, "who")
	if h.w.clock().Before(h.event().EndsAt) {
		h.w.signUp(h.e, n)
		h.people = max(h.people, n+1)
	}
}

// someone who has signed up, or false.
func (h *scenario) someone(rt *rapid.T) (deltag.Event, deltag.Registration, bool) {
	n := rapid.IntRange(0, 6).Draw(rt, "who")
	e, r, err := h.w.store.EventAndRegistration(ctx, h.e.ID, deltag.RegistrationID(h.e, deltag.Address{Normalized: address(n)}))
	return e, r, err == nil
}

func (h *scenario) withdraw(rt *rapid.T) {
	if e, r, ok := h.someone(rt); ok {
		if err := h.w.store.CancelRegistration(ctx, e, r, h.w.clock()); err != nil {
			rt.Fatal(err)
		}
	}
}

func (h *scenario) rejoin(rt *rapid.T) {
	if e, r, ok := h.someone(rt); ok && h.w.clock().Before(e.EndsAt) {
		if _, err := h.w.store.Rejoin(ctx, e, r, h.w.clock()); err != nil {
			rt.Fatal(err)
		}
	}
}

// correct gives somebody's registration another address, which may be signed up.
func (h *scenario) correct(rt *rapid.T) {
	e, r, ok := h.someone(rt)
	n := rapid.IntRange(0, 6).Draw(rt, "to")
	if !ok || deltag.RegistrationID(e, signUpAs(n).Email) == r.ID {
		return
	}
	h.people = max(h.people, n+1)
	h.gone[deltag.KindAddressChanged]++
	if err := h.w.store.UpdateByAttendee(ctx, e, r, signUpAs(n), h.w.clock()); err != nil {
		rt.Fatal(err)
	}
}

func (h *scenario) erase(rt *rapid.T) {
	e, r, ok := h.someone(rt)
	if !ok || rapid.IntRange(0, 2).Draw(rt, "really") > 0 {
		return
	}
	h.gone[deltag.KindErasureReceipt]++
	if err := h.w.store.Erase(ctx, e, r, h.w.clock()); err != nil {
		rt.Fatal(err)
	}
}

func (h *scenario) message(rt *rapid.T) {
	h.messages++
	m := h.event().NewMailing(deltag.KindMessage, h.messages, h.w.clock(), "Husk kaffe")
	m.Audience = rapid.SampledFrom([]deltag.Audience{deltag.AudienceAll, deltag.AudienceConfirmed, deltag.AudienceWaitlisted}).Draw(rt, "to")
	if err := h.w.store.PutMailing(ctx, m); err != nil {
		rt.Fatal(err)
	}
}

func (h *scenario) event() deltag.Event {
	e, err := h.w.store.Event(ctx, h.e.ID)
	if err != nil {
		h.rt.Fatal(err)
	}
	return e
}

func (h *scenario) move(rt *rapid.T) {
	if e := h.event(); e.Status == deltag.EventOpen && h.w.clock().Before(e.EndsAt) {
		by := time.Duration(rapid.IntRange(-48, 48).Draw(rt, "hours")) * time.Hour
		if was := e.PendingNotice.Before; !was.StartsAt.IsZero() && rapid.Bool().Draw(rt, "back") {
			by = was.StartsAt.Sub(e.StartsAt)
		}
		h.w.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = e.StartsAt.Add(by), e.EndsAt.Add(by) })
	}
}

func (h *scenario) callOff(rt *rapid.T) {
	if e := h.event(); e.Status == deltag.EventOpen && rapid.IntRange(0, 9).Draw(rt, "really") == 0 {
		h.w.cancelEvent(e)
	}
}

func (h *scenario) twoTicks() {
	var wg sync.WaitGroup
	wg.Go(h.w.runDue)
	wg.Go(h.w.runDue)
	wg.Wait()
}

func (h *scenario) dyingTick(rt *rapid.T) {
	m := &crashingStore{end: int64(rapid.IntRange(1, 40).Draw(rt, "at")), before: rapid.Bool().Draw(rt, "before")}
	_ = m.mailerOf(h.w).RunDue(ctx)
	if m.dead() {
		h.faults++
	}
}

// stream names random rows of the ledger, as the table's stream may: twice, late, in any order.
func (h *scenario) stream(rt *rapid.T) {
	ds, _, err := h.w.store.Deliveries(ctx, h.e.ID, "", 100)
	if err != nil {
		rt.Fatal(err)
	}
	for range min(len(ds), 3) {
		d := rapid.SampledFrom(ds).Draw(rt, "row")
		h.repeats++
		if err := h.w.mailer().RunTask(ctx, deltag.DueTask{Kind: deltag.TaskDelivery, EventID: h.e.ID, Delivery: d.DeliveryKey}); err != nil {
			rt.Error(err)
		}
	}
}

// reports tells some of what SES knows of the mails it has accepted.
func (h *scenario) reports(rt *rapid.T) {
	if len(h.w.ses.mails) == 0 {
		return
	}
	for range 3 {
		m := rapid.SampledFrom(h.w.ses.mails).Draw(rt, "mail")
		h.repeats++
		h.w.applySESEvent(m, rapid.SampledFrom([]deltag.SESEventType{
			deltag.SESSend, deltag.SESSend, deltag.SESDelivery, deltag.SESDelivery, deltag.SESDeliveryDelay, deltag.SESBounce, deltag.SESComplaint,
		}).Draw(rt, "report"))
	}
}

// later moves the clock. SES's Send events are never as late as SettleTime here; TestCrash is about those that never come.
func (h *scenario) later(rt *rapid.T) {
	for _, m := range h.w.ses.mails[h.heard:] {
		h.w.applySESEvent(m, deltag.SESSend)
	}
	h.heard = len(h.w.ses.mails)
	jumps := []time.Duration{time.Second, time.Minute, 11 * time.Minute, time.Hour, 12 * time.Hour, 48 * time.Hour}
	h.w.setTime(h.w.clock().Add(rapid.SampledFrom(jumps).Draw(rt, "jump")))
}

// finish lets everything come to rest, and looks at every row and every person.
func (h *scenario) finish() {
	h.failN = 0
	for range 4 {
		for _, m := range h.w.ses.mails {
			h.w.applySESEvent(m, deltag.SESSend)
		}
		h.w.setTime(h.w.clock().Add(16 * time.Minute)) // longer than any lease or backoff
		h.w.runDue()
	}
	h.nothingOfTheErased()
	for n := range h.people {
		e, r, err := h.w.store.EventAndRegistration(ctx, h.e.ID, deltag.RegistrationID(h.e, deltag.Address{Normalized: address(n)}))
		if err != nil {
			continue
		}
		h.person(e, r)
	}
}

// nothingOfTheErased: no row is left of a registration that is gone, but those of an address that was changed for another.
func (h *scenario) nothingOfTheErased() {
	for n := range h.people {
		id := deltag.RegistrationID(h.e, signUpAs(n).Email)
		_, _, err := h.w.store.EventAndRegistration(ctx, h.e.ID, id)
		for _, d := range h.w.rows(h.e, n) {
			if err != nil && !h.formerly(id) {
				h.rt.Errorf("%s is left of somebody who is gone", d.ID())
			}
		}
	}
}

func (h *scenario) formerly(id string) bool {
	rs, err := h.w.store.RegistrationsAfter(ctx, h.e.ID, "", 100)
	if err != nil {
		h.rt.Fatal(err)
	}
	return slices.ContainsFunc(rs, func(r deltag.Registration) bool { return slices.Contains(r.PreviousIDs, id) })
}

// person: every row is final and has its reason, and the last thing that happened was told.
func (h *scenario) person(e deltag.Event, r deltag.Registration) {
	ds, err := h.w.store.DeliveriesOf(ctx, e.ID, r.ID)
	if err != nil {
		h.rt.Fatal(err)
	}
	told := e.Status == deltag.EventCancelled // by the mail to all
	for _, d := range ds {
		if d.IsActive() {
			h.rt.Errorf("%s is still %s", d.ID(), d.Status)
		}
		if d.Status == deltag.DeliverySkipped && d.Reason == "" {
			h.rt.Errorf("%s was skipped without a reason", d.ID())
		}
		out := d.Status == deltag.DeliverySent || d.Status == deltag.DeliveryDelivered || d.Status == deltag.DeliveryBounced || d.Status == deltag.DeliveryComplained
		if got := h.sent[deltag.OutgoingMail{Delivery: d.DeliveryKey, Generation: d.Generation}.Tag()]; (got > 0) != out {
			h.rt.Errorf("%s is %s, and went out %d times", d.ID(), d.Status, got)
		}
		if d.Kind.IsTransactional() && d.Version == r.MailVersion {
			told = told || out || d.Reason == deltag.ReasonEventOver || d.Reason == deltag.ReasonAddressBounced || d.Reason == deltag.ReasonDailyLimit ||
				d.Reason == deltag.ReasonNoResponse && d.UnconfirmedSends() == deltag.MaxUnconfirmedSends // given up, and said so
		}
	}
	if !told {
		h.rt.Errorf("%s was never told that they are %s", r.Email.Original, r.Status)
	}
}
