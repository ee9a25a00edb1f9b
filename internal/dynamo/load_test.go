package dynamo_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// TestConcurrentSignUps has many people sign up at the same time for an event with 50 seats and a waitlist, at two
// processes. Then 30 of the 50 cancel while others still sign up.
func TestConcurrentSignUps(t *testing.T) {
	const seats, cancelled, late = 50, 30, 100
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		crowd := 300 // as many as the embedded engine takes in a second or two
		if strings.HasSuffix(t.Name(), "DynamoDBLocal") {
			crowd = 2000
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		r := loadTest{t: t, stores: [2]*dynamo.Store{engine.Store(), engine.Store()}, at: map[string]time.Time{}}
		r.e = newEvent(t, r.stores[0], withCapacity(seats))

		r.run(r.signUps(0, crowd))
		first := readAll(t, engine, r.stores[0], r.e.ID)
		r.check(first, crowd)
		want(t, len(first.withStatus(deltag.RegistrationConfirmed)), seats)
		want(t, len(first.withStatus(deltag.RegistrationWaitlisted)), crowd-seats)

		seated := first.withStatus(deltag.RegistrationConfirmed)
		random.Shuffle(len(seated), func(i, j int) { seated[i], seated[j] = seated[j], seated[i] })
		calls := r.signUps(crowd, late)
		for _, gone := range seated[:cancelled] {
			calls = append(calls, func(s *dynamo.Store) error { return s.CancelRegistration(ctx, r.e, gone, r.clock()) })
		}
		random.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		r.run(calls)
		must(t, runTasks(r.stores[0], r.clock()))
		second := readAll(t, engine, r.stores[1], r.e.ID)
		r.check(second, crowd+late)

		expected := ids(seated[cancelled:])
		for _, entry := range first.waitlist[:cancelled] {
			expected = append(expected, entry.Registration)
		}
		slices.Sort(expected)
		want(t, ids(second.withStatus(deltag.RegistrationConfirmed)), expected)
		want(t, second.waitlist[:crowd-seats-cancelled], first.waitlist[cancelled:]) // the newcomers are behind them
		want(t, len(second.waitlist), crowd-seats-cancelled+late)
		want(t, len(second.withStatus(deltag.RegistrationCancelled)), cancelled)
	})
}

func ids(rs []deltag.Registration) []string {
	var ids []string
	for _, r := range rs {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// A loadTest is many people at two processes.
type loadTest struct {
	t       *testing.T
	e       deltag.Event
	stores  [2]*dynamo.Store
	elapsed atomic.Int64 // nanoseconds of the event's clock

	mu sync.Mutex
	at map[string]time.Time // when each registration was written
}

// clock never gives the same time twice.
func (r *loadTest) clock() time.Time { return now.Add(time.Duration(r.elapsed.Add(1))) }

// signUps are those of so many people.
func (r *loadTest) signUps(from, people int) []func(*dynamo.Store) error {
	var calls []func(*dynamo.Store) error
	for n := from; n < from+people; n++ {
		calls = append(calls, func(s *dynamo.Store) error {
			at := r.clock()
			_, err := s.SignUp(ctx, r.e, person(n), at)
			if err == nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.at[deltag.RegistrationID(r.e, person(n).Email)] = at
			}
			return err
		})
	}
	return calls
}

// run does calls, 64 at a time, at both processes in turn.
func (r *loadTest) run(calls []func(*dynamo.Store) error) {
	r.t.Helper()
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, 64)
		begun = time.Now()
	)
	for i, call := range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := call(r.stores[i%2]); err != nil {
				r.t.Error(err)
			}
		})
	}
	wg.Wait()
	rate := float64(len(calls)) / time.Since(begun).Seconds()
	r.t.Logf("%d calls, %.0f a second", len(calls), rate)
}

// check checks all that is promised to so many people, and that the waitlist is in the order of the sign-ups.
func (r *loadTest) check(v snapshot, people int) {
	r.t.Helper()
	for _, violation := range v.violations() {
		r.t.Error(violation)
	}
	want(r.t, len(v.people), people)
	for _, d := range v.mails {
		if !d.IsActive() {
			r.t.Errorf("%s is %s, and nobody has sent it", d.ID(), d.Status)
		}
	}
	waiting := v.withStatus(deltag.RegistrationWaitlisted)
	slices.SortFunc(waiting, func(a, b deltag.Registration) int { return r.at[a.ID].Compare(r.at[b.ID]) })
	var expected, waitlist []string
	for _, person := range waiting {
		expected = append(expected, person.ID)
	}
	for _, entry := range v.waitlist {
		waitlist = append(waitlist, entry.Registration)
	}
	want(r.t, waitlist, expected)
}
