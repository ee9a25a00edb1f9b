package dynamo_test

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// TestModel lets the seats of an event live through random histories: two processes do everything that concerns a seat, one in
// the middle of the other's call, while requests and answers are lost, transactions conflict, the table throttles and processes end.
// Whoever hears of no success tries again or gives up. Each step is looked at, and the whole once the pending repairs have run.
//
// The histories are few and the same in each run, so that a red one is about the change at hand; make soak asks for more of
// them, and draws new ones each time.
func TestModel(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" && flag.Lookup("rapid.seed").Value.String() == "0" {
		set(t, "rapid.seed", "20261201")
		set(t, "rapid.checks", "40")
	}
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		if strings.HasSuffix(t.Name(), "DynamoDBLocal") { // a tenth of them: it is ten times as slow
			n, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
			if err != nil {
				t.Fatal(err)
			}
			set(t, "rapid.checks", strconv.Itoa(max(1, n/10)))
		}
		met := 0
		rapid.Check(t, func(rt *rapid.T) {
			w := newFixture(t, rt, engine.NewTable(t), drawLimit(rt))
			w.seen = w.look()
			steps := map[string]func(*rapid.T){}
			for name := range moves {
				steps[name] = func(rt *rapid.T) { w.step(rt, name) }
			}
			rt.Repeat(steps)
			w.rest()
			met += w.faults
		})
		t.Logf("%d troubles met", met)
		if met == 0 {
			t.Error("no trouble was met")
		}
	})
}

// set sets a flag until the test is over.
func set(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name).Value
	before := f.String()
	if err := f.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Set(before) })
}

// TestCrashAfterEachRequest ends the process after each request of each call, before it hears the answer, and shows that the next tick puts right
// what is left, and that the caller who tries again gets what they came for.
func TestCrashAfterEachRequest(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for _, c := range endings {
			t.Run(c.name, func(t *testing.T) {
				engine := engine.NewTable(t)
				requests := 0
				for newFixture(t, t, engine, c.seats).endAfter(requests+1, c.call) {
					requests++
				}
				want(t, requests > 0, true)
			})
		}
	})
}

// endings are the calls that are ended, at an event with so many seats where 0, 1, 2 and 3 have signed up in this order, and
// 4, who gave up what they got.
var endings = []struct {
	name  string
	seats *int
	call  func(*fixture) operation
}{
	{"SignUpForASeat", limit(9), func(w *fixture) operation { return w.signUp(5, w.event()) }},
	{"SignUpForTheLine", limit(2), func(w *fixture) operation { return w.signUp(5, w.event()) }},
	{"SignUpAgain", limit(2), func(w *fixture) operation { return w.signUp(0, w.event()) }},
	{"SignUpOfSomebodyWhoLeft", limit(9), func(w *fixture) operation { return w.signUp(4, w.event()) }},
	{"Rejoin", limit(2), func(w *fixture) operation { return w.rejoin(4) }},
	{"WithdrawFromASeat", limit(2), func(w *fixture) operation { return w.withdraw(0) }},
	{"WithdrawFromTheLine", limit(2), func(w *fixture) operation { return w.withdraw(2) }},
	{"EraseASeat", limit(2), func(w *fixture) operation { return w.erase(0) }},
	{"EraseAPlace", limit(2), func(w *fixture) operation { return w.erase(2) }},
	{"Attend", limit(2), func(w *fixture) operation { return w.attend(0) }},
	{"ChangeTheAddressOfASeat", limit(2), func(w *fixture) operation { return w.change(0, 5) }},
	{"ChangeTheAddressOfAPlace", limit(2), func(w *fixture) operation { return w.change(2, 5) }},
	{"ChangeToAnAddressInLine", limit(2), func(w *fixture) operation { return w.change(0, 3) }},
	{"RaiseTheLimit", limit(2), func(w *fixture) operation { return w.edit(limit(3)) }},
	{"LowerTheLimit", limit(2), func(w *fixture) operation { return w.edit(limit(1)) }},
	{"TakeTheLimitAway", limit(2), func(w *fixture) operation { return w.edit(nil) }},
	{"SetALimit", nil, func(w *fixture) operation { return w.edit(limit(2)) }},
	{"Tick", limit(2), func(w *fixture) operation { w.leaveWork(); return w.tick() }},
}

// endAfter ends a process after its nth request of a call, and says false if there were fewer.
func (w *fixture) endAfter(n int, begin func(*fixture) operation) bool {
	w.t.Helper()
	for who := range 5 {
		w.require(w.signUp(who, w.first))
	}
	w.require(w.withdraw(4))
	c := begin(w)
	p := w.process
	p.meet(endOnceDone, n, forever)
	_ = c.do(p.store) // what it hears depends on where it ended
	w.rest()
	w.require(c)
	w.checkDone(c, w.rest())
	return p.n >= n
}

// leaveWork leaves a tick a free seat, people in line and the ledger of somebody erased.
func (w *fixture) leaveWork() {
	w.t.Helper()
	p := newProcess(w.engine)
	p.meet(end, 3, forever) // after the visit and the erasure itself
	if err := w.erase(0).do(p.store); !errors.Is(err, deltag.ErrUnavailable) {
		w.t.Fatalf("the process did not end: %v", err)
	}
}

// require does a call that meets no trouble.
func (w *fixture) require(c operation) {
	w.t.Helper()
	if err := c.do(w.still); err != nil {
		w.t.Fatalf("%s: %v\n%s", c.name, err, w.look())
	}
}

func (w *fixture) checkDone(c operation, v snapshot) {
	w.t.Helper()
	if c.done != nil && !c.done(v) {
		w.t.Errorf("%s was answered with success, and is not done\n%s", c.name, v)
	}
}

// A process is one function's: a store of its own, and the trouble that its requests meet.
type process struct {
	store    *dynamo.Store
	n        int // requests since the trouble was set
	fault    fault
	from, to int // the requests that meet it, to excluded
	pauseAt  int // the request before which another's call comes in between
	pause    func()
}

// A fault answers a request in the engine's place, or calls send and spoils its answer.
type fault func(p *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// newProcess retries as often as NewClient does, and without waiting.
func newProcess(engine storetest.Engine) *process {
	p := &process{}
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 4
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.RateLimiter = ratelimit.None
	})
	client := dynamodb.New(engine.Client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient, o.Retryer = &http.Client{Transport: p}, retryer
	})
	p.store = dynamo.New(client, engine.Table, rand.Reader)
	return p
}

// meet sets the trouble of the requests that follow, from the nth so many.
func (p *process) meet(way fault, n, times int) {
	p.n, p.fault, p.from, p.to, p.pause = 0, way, n, n+times, nil
}

// forever is how long an end lasts.
const forever = 1 << 30

func (p *process) faultsHit() bool { return p.fault != nil && p.n >= p.from }

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	p.n++
	if p.pause != nil && p.n == p.pauseAt {
		p.pause()
	}
	send := func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(r) }
	if p.fault == nil || p.n < p.from || p.n >= p.to {
		return send()
	}
	return p.fault(p, r, send)
}

var errLine = errors.New("connection reset")

// lose loses the request.
func lose(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errLine
}

// loseAnswer loses the answer to a request that was carried out.
func loseAnswer(_ *process, _ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if res, err := send(); err == nil {
		_ = res.Body.Close() // nobody reads it
	}
	return nil, errLine
}

// throttle is a table that has had enough.
func throttle(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return rateLimitError("ProvisionedThroughputExceededException", ""), nil
}

// clash is a transaction that met another.
func clash(_ *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return send()
	}
	return rateLimitError("TransactionCanceledException", `,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]`), nil
}

// end is what a process hears of the world once it has ended, in a form that the SDK does not retry.
func end(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return rateLimitError("AccessDeniedException", ""), nil
}

// endOnceDone ends it between a request and its answer.
func endOnceDone(p *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if p.n == p.from {
		_, _ = loseAnswer(p, r, send)
	}
	return end(p, r, send)
}

func rateLimitError(kind, more string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#` + kind + `","message":"no"` + more + `}`)),
	}
}

// A fixture is an event, the two processes that work on it, and the clock.
type fixture struct {
	t           reporter
	engine      storetest.Engine
	process     *process      // meets trouble
	still       *dynamo.Store // of the other process, which meets none
	first       deltag.Event  // as it was made, and as a page may still have it
	now         time.Time
	seen        snapshot // after the last step
	interrupted bool     // the call of this step was
	roof        int      // the highest limit that stood during this step
	faults      int
}

func newFixture(t *testing.T, r reporter, engine storetest.Engine, seats *int) *fixture {
	w := &fixture{t: r, engine: engine, still: engine.Store(), process: newProcess(engine), now: now}
	w.first = newEvent(t, w.still, func(e *deltag.Event) {
		e.Capacity = seats
		e.Secret = make([]byte, 16) // the same people have the same ids in each run
	})
	return w
}

// clock gives each call a time of its own. Three calls take longer than deltag.RepeatAfter.
func (w *fixture) clock() time.Time {
	w.now = w.now.Add(25 * time.Second)
	return w.now
}

func (w *fixture) event() deltag.Event {
	w.t.Helper()
	e, err := w.still.Event(ctx, w.first.ID)
	if err != nil {
		w.t.Fatalf("event: %v", err)
	}
	return e
}

func (w *fixture) look() snapshot {
	w.t.Helper()
	return readAll(w.t, w.engine, w.still, w.first.ID)
}

// rest runs the tick, and looks at what is left. One is enough.
func (w *fixture) rest() snapshot {
	w.t.Helper()
	if err := w.tick().do(w.still); err != nil {
		w.t.Fatalf("tick: %v", err)
	}
	tasks, err := w.still.DueTasks(ctx, w.clock(), 1000)
	if err != nil {
		w.t.Fatalf("due: %v", err)
	}
	for _, task := range tasks {
		if task.Kind == deltag.TaskPromote || task.Kind == deltag.TaskPurgeDeliveries {
			w.t.Errorf("left to do: %+v", task)
		}
	}
	v := w.look()
	for _, broken := range v.broken() {
		w.t.Errorf("%s\n%s", broken, v)
	}
	return v
}

// An operation is what a person, an organiser or the tick asks of a process. It may be repeated.
type operation struct {
	name      string
	do        func(*dynamo.Store) error
	done      func(snapshot) bool // nil: the promises say it all
	overtaken error               // what it may hear when somebody else was quicker
}

func (w *fixture) signUp(n int, e deltag.Event) operation {
	do := func(s *dynamo.Store) error {
		_, err := s.SignUp(ctx, e, person(n), w.clock())
		return err
	}
	return operation{name: fmt.Sprintf("sign-up of %d", n), do: do, done: func(v snapshot) bool {
		return v.of(n).ID != "" && v.of(n).Status != deltag.RegistrationCancelled
	}}
}

// visit is a call about a registration, as its page has read it. Nothing is to be done about one that is gone.
func (w *fixture) visit(name string, n int, do func(*dynamo.Store, deltag.Event, deltag.Registration) error, done func(snapshot) bool) operation {
	return operation{name: fmt.Sprintf("%s of %d", name, n), do: func(s *dynamo.Store) error {
		e, r, err := s.EventAndRegistration(ctx, w.first.ID, deltag.RegistrationID(w.first, person(n).Email))
		if errors.Is(err, deltag.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return do(s, e, r)
	}, done: done, overtaken: deltag.ErrNotFound}
}

func (w *fixture) withdraw(n int) operation {
	return w.visit("withdrawal", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.CancelRegistration(ctx, e, r, w.clock())
	}, func(v snapshot) bool { return v.of(n).ID == "" || v.of(n).Status == deltag.RegistrationCancelled })
}

func (w *fixture) rejoin(n int) operation {
	return w.visit("return", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		_, err := s.Rejoin(ctx, e, r, w.clock())
		return err
	}, func(v snapshot) bool { return v.of(n).Status != deltag.RegistrationCancelled })
}

func (w *fixture) erase(n int) operation {
	return w.visit("erasure", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.Erase(ctx, e, r, w.clock())
	}, func(v snapshot) bool { return v.of(n).ID == "" })
}

func (w *fixture) attend(n int) operation {
	return w.visit("attendance", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.MarkAttended(ctx, e, r, w.clock())
	}, nil)
}

func (w *fixture) change(n, to int) operation {
	c := w.visit(fmt.Sprintf("change to %d", to), n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.UpdateByAttendee(ctx, e, r, person(to), w.clock())
	}, func(v snapshot) bool { return v.of(n).ID == "" || n == to })
	c.overtaken = deltag.ErrConflict
	return c
}

func (w *fixture) edit(seats *int) operation {
	wanted := deltag.Event{Capacity: seats}
	return operation{name: "edit", do: func(s *dynamo.Store) error {
		e, err := s.Event(ctx, w.first.ID)
		if err != nil {
			return err
		}
		next := e
		next.Capacity = seats
		next, plan, err := e.Edit(next, w.clock())
		if err != nil {
			return err
		}
		w.roof = max(w.roof, snapshot{event: next}.limit())
		return s.UpdateEvent(ctx, next, plan)
	}, done: func(v snapshot) bool { return v.limit() == snapshot{event: wanted}.limit() }, overtaken: deltag.ErrConflict}
}

func (w *fixture) promote() operation {
	return operation{name: "promotion", do: func(s *dynamo.Store) error { return s.Promote(ctx, w.first.ID, w.clock()) }}
}

// tick does the repairs that are due, as the mailer does.
func (w *fixture) tick() operation {
	return operation{name: "tick", do: func(s *dynamo.Store) error {
		at := w.clock()
		tasks, err := s.DueTasks(ctx, at, 1000)
		for _, task := range tasks {
			switch task.Kind {
			case deltag.TaskPromote:
				err = errors.Join(err, s.Promote(ctx, task.EventID, at))
			case deltag.TaskPurgeDeliveries:
				err = errors.Join(err, s.PurgeDeliveries(ctx, task.EventID, task.RegistrationID))
			}
		}
		return err
	}}
}

// drawLimit of the histories' event: few seats, or no limit.
func drawLimit(rt *rapid.T) *int {
	if n := rapid.IntRange(0, 4).Draw(rt, "limit"); n > 0 {
		return &n
	}
	return nil
}

// anybody of few, so that they meet.
func anybody(rt *rapid.T, label string) int { return rapid.IntRange(0, 5).Draw(rt, label) }

// moves draw the calls of the histories.
var moves = map[string]func(*rapid.T, *fixture) operation{
	"SignUp":              func(rt *rapid.T, w *fixture) operation { return w.signUp(anybody(rt, "who"), w.event()) },
	"SignUpFromAnOldPage": func(rt *rapid.T, w *fixture) operation { return w.signUp(anybody(rt, "who"), w.first) },
	"Withdraw":            func(rt *rapid.T, w *fixture) operation { return w.withdraw(anybody(rt, "who")) },
	"Rejoin":              func(rt *rapid.T, w *fixture) operation { return w.rejoin(anybody(rt, "who")) },
	"Erase":               func(rt *rapid.T, w *fixture) operation { return w.erase(anybody(rt, "who")) },
	"Attend":              func(rt *rapid.T, w *fixture) operation { return w.attend(anybody(rt, "who")) },
	"ChangeAddress":       func(rt *rapid.T, w *fixture) operation { return w.change(anybody(rt, "who"), anybody(rt, "to")) },
	"Edit":                func(rt *rapid.T, w *fixture) operation { return w.edit(drawLimit(rt)) },
	"Promote":             func(_ *rapid.T, w *fixture) operation { return w.promote() },
	"Tick":                func(_ *rapid.T, w *fixture) operation { return w.tick() },
}

// faultPlan that a call of the histories may meet.
var faultPlan = map[string]fault{
	"none": nil, "lost request": lose, "lost answer": loseAnswer, "throttling": throttle, "conflict": clash,
	"end before the request": end, "end before the answer": endOnceDone,
}

// step does a call, which may meet trouble and be interrupted by another's.
func (w *fixture) step(rt *rapid.T, name string) {
	before := w.seen
	w.roof = before.limit()
	c := moves[name](rt, w)
	w.drawFault(rt)
	w.drawInterruption(rt)
	err := c.do(w.process.store)
	if w.process.faultsHit() && errors.Is(err, deltag.ErrUnavailable) {
		w.faults++
		if rapid.Bool().Draw(rt, "give up") {
			err, c.done = nil, nil
		} else {
			err = c.do(w.still)
		}
	}
	w.seen = w.look()
	w.checkOutcome(c, err, w.seen)
	w.checkFair(before, w.seen)
}

func (w *fixture) drawFault(rt *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(faultPlan))).Draw(rt, "trouble")
	at, times := rapid.IntRange(1, 6).Draw(rt, "from request"), rapid.IntRange(1, 5).Draw(rt, "times")
	switch {
	case strings.HasPrefix(name, "end"):
		times = forever
	case name == "conflict":
		times = 1 // the store waits after each
	}
	w.process.meet(faultPlan[name], at, times)
}

func (w *fixture) drawInterruption(rt *rapid.T) {
	w.interrupted = false
	if rapid.IntRange(0, 2).Draw(rt, "interrupted") > 0 {
		return
	}
	other := moves[rapid.SampledFrom(slices.Sorted(maps.Keys(moves))).Draw(rt, "by")](rt, w)
	w.process.pauseAt = rapid.IntRange(1, 6).Draw(rt, "before request")
	w.process.pause = func() {
		w.checkOutcome(other, other.do(w.still), w.look())
		w.interrupted = true
	}
}

// checkOutcome looks at what a caller has heard: success, or that somebody else was quicker.
func (w *fixture) checkOutcome(c operation, err error, v snapshot) {
	w.t.Helper()
	switch {
	case w.interrupted:
		if err != nil && !errors.Is(err, c.overtaken) {
			w.t.Errorf("%s, interrupted: %v\n%s", c.name, err, v)
		}
	case err != nil:
		w.t.Errorf("%s: %v\n%s", c.name, err, v)
	default:
		w.checkDone(c, v)
	}
}

// checkFair: in this step nobody got a seat above the limit, and nobody got one past somebody who still waits.
func (w *fixture) checkFair(before, after snapshot) {
	w.t.Helper()
	had := before.seats()
	for seat, r := range after.seats() {
		if _, old := had[seat]; old {
			continue
		}
		if len(after.with(deltag.RegistrationConfirmed)) > w.roof {
			w.t.Errorf("%s got a seat above the limit of %d\n%s%s", r.Email.Original, w.roof, before, after)
		}
		if w.roof == math.MaxInt && !after.promoted(r) {
			continue // without a limit those who wait have their seats, too, once the tick comes
		}
		if passed := after.passed(before.lineBefore(r)); len(passed) > 0 {
			w.t.Errorf("%s got a seat before %v\n%s%s", r.Email.Original, passed, before, after)
		}
	}
}

func (v snapshot) promoted(r deltag.Registration) bool {
	return slices.ContainsFunc(v.newest(r), func(d deltag.Delivery) bool { return d.Kind == deltag.KindPromoted })
}

// A seat is somebody's since a time. It moves with them to another address.
type seat struct{ registered, confirmed time.Time }

func (v snapshot) seats() map[seat]deltag.Registration {
	seats := map[seat]deltag.Registration{}
	for _, r := range v.with(deltag.RegistrationConfirmed) {
		seats[seat{r.RegisteredAt, r.ConfirmedAt}] = r
	}
	return seats
}

// lineBefore are the places before that of r, under whatever address; all of them if r was not in line.
func (v snapshot) lineBefore(r deltag.Registration) []waitlistEntry {
	for i, p := range v.waitlist {
		if slices.ContainsFunc(v.people, func(was deltag.Registration) bool {
			return was.ID == p.Registration && was.RegisteredAt.Equal(r.RegisteredAt)
		}) {
			return v.waitlist[:i]
		}
	}
	return v.waitlist
}

// passed are those of places that are still taken, under whatever address.
func (v snapshot) passed(places []waitlistEntry) []waitlistEntry {
	return slices.DeleteFunc(slices.Clone(places), func(p waitlistEntry) bool {
		return !slices.ContainsFunc(v.waitlist, func(q waitlistEntry) bool { return q.Since == p.Since })
	})
}
