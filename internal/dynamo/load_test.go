package dynamo_test

import (
	"cmp"
	"errors"
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

// TestConcurrentSignUps lets a crowd sign up at once for an event with 50 seats and a waiting list, at two processes. Then 30 of
// the 50 withdraw while others still come.
func TestConcurrentSignUps(t *testing.T) {
	const seats, leaving, late = 50, 30, 100
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		crowd := 300 // as many as the embedded engine takes in a second or two
		if strings.HasSuffix(t.Name(), "DynamoDBLocal") {
			crowd = 2000
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		r := loadTest{t: t, stores: [2]*dynamo.Store{engine.Store(), engine.Store()}, at: map[int]time.Time{}}
		r.e = newEvent(t, r.stores[0], func(e *deltag.Event) { e.Capacity = limit(seats) })

		r.together(r.signUps(0, crowd))
		first := readAll(t, engine, r.stores[0], r.e.ID)
		r.check(first, crowd)
		want(t, len(first.with(deltag.RegistrationConfirmed)), seats)
		want(t, len(first.with(deltag.RegistrationWaitlisted)), crowd-seats)

		seated := first.with(deltag.RegistrationConfirmed)
		random.Shuffle(len(seated), func(i, j int) { seated[i], seated[j] = seated[j], seated[i] })
		calls := r.signUps(crowd, late)
		for _, gone := range seated[:leaving] {
			calls = append(calls, func(s *dynamo.Store) error { return s.CancelRegistration(ctx, r.e, gone, r.clock()) })
		}
		random.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		r.together(calls)
		r.settle()
		second := readAll(t, engine, r.stores[1], r.e.ID)
		r.check(second, crowd+late)

		expected := ids(seated[leaving:])
		for _, p := range first.waitlist[:leaving] {
			expected = append(expected, p.Registration)
		}
		slices.Sort(expected)
		want(t, ids(second.with(deltag.RegistrationConfirmed)), expected)
		want(t, second.waitlist[:crowd-seats-leaving], first.waitlist[leaving:]) // the newcomers are behind them
		want(t, len(second.waitlist), crowd-seats-leaving+late)
		want(t, len(second.with(deltag.RegistrationCancelled)), leaving)
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

// A loadTest is a crowd at two processes.
type loadTest struct {
	t      *testing.T
	e      deltag.Event
	stores [2]*dynamo.Store
	passed atomic.Int64 // nanoseconds of the event's clock

	mu sync.Mutex
	at map[int]time.Time // when each person's sign-up was written
}

// clock never gives the same time twice.
func (r *loadTest) clock() time.Time { return now.Add(time.Duration(r.passed.Add(1))) }

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
				r.at[n] = at
			}
			return err
		})
	}
	return calls
}

// together does calls, 64 at a time, at both processes by turns. Whoever hears that the store is not available tries again.
func (r *loadTest) together(calls []func(*dynamo.Store) error) {
	r.t.Helper()
	var (
		wg    sync.WaitGroup
		again atomic.Int64
		slots = make(chan struct{}, 64)
		begun = time.Now()
	)
	for i, call := range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := call(r.stores[i%2])
			for errors.Is(err, deltag.ErrUnavailable) {
				again.Add(1)
				err = call(r.stores[i%2])
			}
			if err != nil {
				r.t.Error(err)
			}
		})
	}
	wg.Wait()
	r.t.Logf("%d calls, %.0f a second, %d repeated", len(calls), float64(len(calls))/time.Since(begun).Seconds(), again.Load())
}

// settle does what the tick does, until nothing is left to do.
func (r *loadTest) settle() {
	r.t.Helper()
	for {
		todo := 0
		tasks, err := r.stores[0].DueTasks(ctx, r.clock(), 10_000)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, task := range tasks {
			if task.Kind != deltag.TaskPromote {
				continue
			}
			todo++
			if err := r.stores[0].Promote(ctx, task.EventID, r.clock()); err != nil {
				r.t.Fatal(err)
			}
		}
		if todo == 0 {
			return
		}
	}
}

// check looks at all that is promised of so many people, and at the order of the line: it follows the times of the sign-ups.
func (r *loadTest) check(v snapshot, people int) {
	r.t.Helper()
	for _, broken := range v.broken() {
		r.t.Error(broken)
	}
	want(r.t, len(v.people), people)
	for _, d := range v.mails {
		if !d.IsActive() {
			r.t.Errorf("%s is %s, and nobody has sent it", d.ID(), d.Status)
		}
	}
	var waiting []int
	for n := range people {
		if v.of(n).Status == deltag.RegistrationWaitlisted {
			waiting = append(waiting, n)
		}
	}
	slices.SortFunc(waiting, func(a, b int) int { return cmp.Compare(r.at[a].UnixNano(), r.at[b].UnixNano()) })
	var expected []string
	for _, n := range waiting {
		expected = append(expected, v.of(n).ID)
	}
	var line []string
	for _, p := range v.waitlist {
		line = append(line, p.Registration)
	}
	want(r.t, line, expected)
}
