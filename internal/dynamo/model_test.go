package dynamo_test

import (
	"errors"
	"flag"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestModel checks the seats of an event over random histories: two processes do all operations that concern a seat,
// one in the middle of the other's, while requests and responses are lost, transactions conflict, the table throttles
// and processes crash. Whoever gets an error tries again or gives up. The promises to single people are checked after
// each step, all others at the end, once a tick has run.
//
// The histories are few and the same in each run, so that a failure is due to the change at hand; make soak draws
// more of them, and other ones each time.
func TestModel(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" && flag.Lookup("rapid.seed").Value.String() == "0" {
		setFlag(t, "rapid.seed", "20261201")
		setFlag(t, "rapid.checks", "40")
	}
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		if strings.HasSuffix(t.Name(), "DynamoDBLocal") { // a tenth of them: it is ten times as slow
			n, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
			must(t, err)
			setFlag(t, "rapid.checks", strconv.Itoa(max(1, n/10)))
		}
		faults := 0
		rapid.Check(t, func(rt *rapid.T) {
			h := &history{fixture: newFixture(t, rt, engine.NewTable(t), drawCapacity(rt))}
			h.last = h.readAll()
			steps := map[string]func(*rapid.T){}
			for name := range operations {
				steps[name] = func(rt *rapid.T) { h.step(rt, name) }
			}
			rt.Repeat(steps)
			h.settle()
			faults += h.faults
		})
		t.Logf("%d operations failed by a fault", faults)
		if faults == 0 {
			t.Error("no operation failed by a fault")
		}
	})
}

// setFlag sets a flag until the test is over.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name).Value
	before := f.String()
	must(t, f.Set(value))
	t.Cleanup(func() { _ = f.Set(before) })
}

// A history is a sequence of operations.
type history struct {
	*fixture
	last        snapshot // after the last step
	interrupted bool     // the operation of this step was, by another
	faults      int      // operations that failed by a fault
}

// operations draw what a step does.
var operations = map[string]func(*rapid.T, *fixture) operation{
	"SignUp":              func(rt *rapid.T, f *fixture) operation { return f.signUp(drawPerson(rt, "who"), f.event()) },
	"SignUpFromAnOldPage": func(rt *rapid.T, f *fixture) operation { return f.signUp(drawPerson(rt, "who"), f.first) },
	"SignUpToVerify": func(rt *rapid.T, f *fixture) operation {
		return f.signUpToVerify(drawPerson(rt, "who"), f.event())
	},
	"Cancel": func(rt *rapid.T, f *fixture) operation { return f.cancel(drawPerson(rt, "who")) },
	"Rejoin": func(rt *rapid.T, f *fixture) operation { return f.rejoin(drawPerson(rt, "who")) },
	"Erase":  func(rt *rapid.T, f *fixture) operation { return f.erase(drawPerson(rt, "who")) },
	"Attend": func(rt *rapid.T, f *fixture) operation { return f.attend(drawPerson(rt, "who")) },
	"ChangeAddress": func(rt *rapid.T, f *fixture) operation {
		return f.changeAddress(drawPerson(rt, "who"), drawPerson(rt, "to"))
	},
	"SetCapacity": func(rt *rapid.T, f *fixture) operation { return f.setCapacity(drawCapacity(rt)) },
	"Promote":     func(_ *rapid.T, f *fixture) operation { return f.promote() },
	"Tick":        func(_ *rapid.T, f *fixture) operation { return f.tick() },
}

// faults are what may happen to the requests of an operation.
var faults = map[string]storetest.FaultFunc{
	"none": nil, "lost request": loseRequest, "lost response": loseResponse, "throttling": throttle,
	"transaction conflict": transactionConflict,
	"crash before request": crash, "crash before response": crashBeforeResponse,
}

// drawCapacity draws few seats, or no limit.
func drawCapacity(rt *rapid.T) *int {
	if n := rapid.IntRange(0, 4).Draw(rt, "capacity"); n > 0 {
		return &n
	}
	return nil
}

// drawPerson draws one of few people, so that operations concern the same ones.
func drawPerson(rt *rapid.T, label string) int { return rapid.IntRange(0, 5).Draw(rt, label) }

// step does an operation, whose requests may fail, and which another operation may interrupt.
func (h *history) step(rt *rapid.T, name string) {
	before := h.last
	h.maxCapacity = before.capacity()
	op := operations[name](rt, h.fixture)
	h.drawFault(rt)
	h.drawInterruption(rt)
	err := op.do(h.process.store)
	if h.process.faultHit() && errors.Is(err, deltag.ErrUnavailable) {
		h.faults++
		if rapid.Bool().Draw(rt, "give up") {
			err, op.done = nil, nil
		} else {
			err = op.do(h.otherStore)
		}
	}
	h.last = h.readAll()
	h.checkResult(op, err, h.last)
	h.checkSeats(before, h.last)
}

func (h *history) drawFault(rt *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(faults))).Draw(rt, "fault")
	at, times := rapid.IntRange(1, 6).Draw(rt, "from request"), rapid.IntRange(1, 5).Draw(rt, "times")
	switch {
	case strings.HasPrefix(name, "crash"):
		times = forever
	case name == "transaction conflict":
		times = 1 // the store waits after each
	}
	h.process.injectFault(faults[name], at, times)
}

func (h *history) drawInterruption(rt *rapid.T) {
	h.interrupted = false
	if rapid.IntRange(0, 2).Draw(rt, "interrupted") > 0 {
		return
	}
	other := operations[rapid.SampledFrom(slices.Sorted(maps.Keys(operations))).Draw(rt, "by")](rt, h.fixture)
	h.process.pauseAt = rapid.IntRange(1, 6).Draw(rt, "before request")
	h.process.pause = func() {
		h.checkResult(other, other.do(h.otherStore), h.readAll())
		h.interrupted = true
	}
}

// checkResult: an operation succeeds and is done, or was interrupted and returns its raceError.
func (h *history) checkResult(op operation, err error, v snapshot) {
	h.t.Helper()
	switch {
	case h.interrupted:
		if err != nil && !errors.Is(err, op.raceError) {
			h.t.Errorf("%s, interrupted: %v\n%s", op.name, err, v)
		}
	case err != nil:
		h.t.Errorf("%s: %v\n%s", op.name, err, v)
	default:
		h.checkDone(op, v)
	}
}

// checkSeats: in this step nobody got a seat above the capacity, or before somebody who was on the waitlist and still
// is.
func (h *history) checkSeats(before, after snapshot) {
	h.t.Helper()
	had := before.seats()
	for seat, r := range after.seats() {
		if _, old := had[seat]; old {
			continue
		}
		if len(after.withStatus(deltag.RegistrationConfirmed)) > h.maxCapacity {
			h.t.Errorf("%s got a seat above the capacity of %d\n%s%s", r.Email.Original, h.maxCapacity, before, after)
		}
		if h.maxCapacity == math.MaxInt && !after.promoted(r) {
			continue // without a capacity those who wait all have a seat, too, after the next tick
		}
		if passed := after.stillWaiting(before.waitlistBefore(r)); len(passed) > 0 {
			h.t.Errorf("%s got a seat before %v\n%s%s", r.Email.Original, passed, before, after)
		}
	}
}

func (v snapshot) promoted(r deltag.Registration) bool {
	return slices.ContainsFunc(v.statusMails(r), func(d deltag.Delivery) bool { return d.Kind == deltag.KindPromoted })
}

// A seat is told from others by these times, which remain when its owner changes their address.
type seat struct{ registered, confirmed time.Time }

func (v snapshot) seats() map[seat]deltag.Registration {
	seats := map[seat]deltag.Registration{}
	for _, r := range v.withStatus(deltag.RegistrationConfirmed) {
		seats[seat{r.RegisteredAt, r.ConfirmedAt}] = r
	}
	return seats
}

// waitlistBefore is the waitlist before r, under whatever address r was on it; all of it if r was not.
func (v snapshot) waitlistBefore(r deltag.Registration) []waitlistEntry {
	for i, entry := range v.waitlist {
		if slices.ContainsFunc(v.people, func(was deltag.Registration) bool {
			return was.ID == entry.Registration && was.RegisteredAt.Equal(r.RegisteredAt)
		}) {
			return v.waitlist[:i]
		}
	}
	return v.waitlist
}

// stillWaiting are those of entries that are on the waitlist, under whatever address.
func (v snapshot) stillWaiting(entries []waitlistEntry) []waitlistEntry {
	return slices.DeleteFunc(slices.Clone(entries), func(e waitlistEntry) bool {
		return !slices.ContainsFunc(v.waitlist, func(w waitlistEntry) bool { return w.JoinedAt == e.JoinedAt })
	})
}
