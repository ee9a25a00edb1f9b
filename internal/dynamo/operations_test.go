package dynamo_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// A fixture is an event, the two processes that work on it, and the clock.
type fixture struct {
	t          reporter
	engine     storetest.Engine
	process    *process      // its requests may fail
	otherStore *dynamo.Store // of the other process, whose requests never fail
	first      deltag.Event  // as it was created, and as a page may still have it
	now        time.Time
	// maxCapacity is the highest that the event had, or was to get, since the model's last step.
	maxCapacity int
}

func newFixture(t *testing.T, r reporter, engine storetest.Engine, capacity *int) *fixture {
	f := &fixture{t: r, engine: engine, otherStore: engine.Store(), process: newProcess(engine), now: now}
	f.first = newEvent(t, f.otherStore, func(e *deltag.Event) {
		e.Capacity = capacity
		e.Secret = make([]byte, 16) // the same people have the same ids in each run
	})
	return f
}

// clock gives each operation a time of its own. Three operations take longer than deltag.ResendCooldown.
func (f *fixture) clock() time.Time {
	f.now = f.now.Add(25 * time.Second)
	return f.now
}

func (f *fixture) event() deltag.Event {
	f.t.Helper()
	e, err := f.otherStore.Event(ctx, f.first.ID)
	if err != nil {
		f.t.Fatalf("event: %v", err)
	}
	return e
}

func (f *fixture) readAll() snapshot {
	f.t.Helper()
	return readAll(f.t, f.engine, f.otherStore, f.first.ID)
}

// settle runs two ticks, which must be enough, and checks that everything promised holds.
func (f *fixture) settle() snapshot {
	f.t.Helper()
	for range 2 { // a seat that a crashed function took is found at the second check after that
		f.now = f.now.Add(2 * time.Minute)
		if err := f.tick().do(f.otherStore); err != nil {
			f.t.Fatalf("tick: %v", err)
		}
	}
	tasks, err := f.otherStore.DueTasks(ctx, f.clock(), 1000)
	if err != nil {
		f.t.Fatalf("due: %v", err)
	}
	for _, task := range tasks {
		if task.Kind != deltag.TaskDelivery && task.IsUrgent() {
			f.t.Errorf("left to do: %+v", task)
		}
	}
	v := f.readAll()
	for _, violation := range v.violations() {
		f.t.Errorf("%s\n%s", violation, v)
	}
	return v
}

// An operation is what a person, an organiser or the tick does to the event. It may be repeated.
type operation struct {
	name      string
	do        func(*dynamo.Store) error
	done      func(snapshot) bool // nil: the invariants say it all
	raceError error               // that it may return when another operation interrupted it
}

func (f *fixture) checkDone(op operation, v snapshot) {
	f.t.Helper()
	if op.done != nil && !op.done(v) {
		f.t.Errorf("%s has succeeded, and is not done\n%s", op.name, v)
	}
}

func (f *fixture) signUp(n int, e deltag.Event) operation {
	do := func(s *dynamo.Store) error {
		_, err := s.SignUp(ctx, e, person(n), f.clock())
		return err
	}
	return operation{name: fmt.Sprintf("sign-up of %d", n), do: do, done: func(v snapshot) bool {
		return v.registration(n).ID != ""
	}}
}

// signUpToVerify is a sign-up that has to be verified. Somebody who has a seat already keeps it.
func (f *fixture) signUpToVerify(n int, e deltag.Event) operation {
	e.Verify = deltag.VerifyAlways
	op := f.signUp(n, e)
	op.name = fmt.Sprintf("unverified sign-up of %d", n)
	return op
}

// expire runs the task of person n, a day later.
func (f *fixture) expire(n int) operation {
	f.now = f.now.Add(deltag.VerificationPeriod)
	id := deltag.RegistrationID(f.first, person(n).Email)
	return operation{name: fmt.Sprintf("expiry of %d", n), do: func(s *dynamo.Store) error {
		return s.Expire(ctx, f.first.ID, id, f.clock())
	}, done: func(v snapshot) bool { return v.registration(n).ID == "" }}
}

// bounce suppresses the address of person n, who has signed up.
func (f *fixture) bounce(n int) operation {
	return f.onRegistration("bounce", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.Suppress(ctx, e, r.Email, r, deltag.AddressBounced, f.clock())
	}, func(v snapshot) bool { return v.registration(n).AddressStatus == deltag.AddressBounced })
}

// giveBack runs the task of person n, whose address has bounced, a day later.
func (f *fixture) giveBack(n int) operation {
	f.require(f.bounce(n))
	f.now = f.now.Add(deltag.BounceGracePeriod)
	id := deltag.RegistrationID(f.first, person(n).Email)
	return operation{name: fmt.Sprintf("giving back the seat of %d", n), do: func(s *dynamo.Store) error {
		return s.GiveBack(ctx, f.first.ID, id, f.clock())
	}, done: func(v snapshot) bool { return !v.registration(n).GivenBackAt.IsZero() && len(v.notes()) == 1 }}
}

// hold holds mail to person n, who has signed up a moment ago.
func (f *fixture) hold(n int) operation {
	return f.onRegistration("holding mail", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		d, err := s.Delivery(ctx, deltag.DeliveryKey{
			EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: r.MailVersion,
		})
		if err != nil || !d.IsActive() || r.Status == deltag.RegistrationUnverified {
			return err
		}
		now := f.clock()
		return s.Hold(ctx, e, r, d.Skip(deltag.ReasonNetworkBounces, now), now)
	}, func(v snapshot) bool {
		return v.registration(n).Status == deltag.RegistrationUnverified && len(v.notes()) == 1
	})
}

// comeBack corrects the address of person n, whose seat was given back.
func (f *fixture) comeBack(n, to int) operation {
	f.require(f.giveBack(n))
	return f.onRegistration(fmt.Sprintf("correction to %d", to), n,
		func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
			return s.UpdateByOrganiser(ctx, e, r, person(to), f.clock())
		}, func(v snapshot) bool {
			r := v.registration(to)
			return r.Status == deltag.RegistrationConfirmed || len(v.waitlist) > 0 && v.waitlist[0].Registration == r.ID
		})
}

// onRegistration is an operation on a registration as its page has read it, and nothing if it is gone.
func (f *fixture) onRegistration(
	name string, n int, do func(*dynamo.Store, deltag.Event, deltag.Registration) error, done func(snapshot) bool,
) operation {
	return operation{name: fmt.Sprintf("%s of %d", name, n), do: func(s *dynamo.Store) error {
		e, r, err := s.EventAndRegistration(ctx, f.first.ID, deltag.RegistrationID(f.first, person(n).Email))
		if errors.Is(err, deltag.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return do(s, e, r)
	}, done: done, raceError: deltag.ErrNotFound}
}

func (f *fixture) cancel(n int) operation {
	return f.onRegistration("cancellation", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.CancelRegistration(ctx, e, r, f.clock())
	}, func(v snapshot) bool {
		return v.registration(n).ID == "" || v.registration(n).Status == deltag.RegistrationCancelled
	})
}

func (f *fixture) rejoin(n int) operation {
	return f.onRegistration("return", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		_, err := s.Rejoin(ctx, e, r, true, f.clock())
		return err
	}, func(v snapshot) bool { return v.registration(n).Status != deltag.RegistrationCancelled })
}

func (f *fixture) erase(n int) operation {
	return f.onRegistration("erasure", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.Erase(ctx, e, r, f.clock())
	}, func(v snapshot) bool { return v.registration(n).ID == "" })
}

func (f *fixture) attend(n int) operation {
	return f.onRegistration("attendance", n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		return s.MarkAttended(ctx, e, r, f.clock())
	}, nil)
}

func (f *fixture) changeAddress(n, to int) operation {
	name := fmt.Sprintf("change of address to %d", to)
	op := f.onRegistration(name, n, func(s *dynamo.Store, e deltag.Event, r deltag.Registration) error {
		if err := s.UpdateByAttendee(ctx, e, r, person(to), f.clock()); err != nil || n == to {
			return err
		}
		e, r, err := s.EventAndRegistration(ctx, e.ID, r.ID)
		if errors.Is(err, deltag.ErrNotFound) { // erased meanwhile
			return deltag.ErrConflict
		}
		if err != nil {
			return err
		}
		return s.ConfirmAddressChange(ctx, e, r, true, f.clock())
	}, func(v snapshot) bool { return v.registration(n).ID == "" || n == to })
	op.raceError = deltag.ErrConflict
	return op
}

func (f *fixture) setCapacity(seats *int) operation {
	return operation{name: "edit", do: func(s *dynamo.Store) error {
		e, err := s.Event(ctx, f.first.ID)
		if err != nil {
			return err
		}
		next := e
		next.Capacity = seats
		next, mailings, err := e.Edit(next, f.clock())
		if err != nil {
			return err
		}
		f.maxCapacity = max(f.maxCapacity, capacityOf(seats))
		return s.UpdateEvent(ctx, next, mailings)
	}, done: func(v snapshot) bool { return v.capacity() == capacityOf(seats) }, raceError: deltag.ErrConflict}
}

func (f *fixture) promote() operation {
	return operation{name: "promotion", do: func(s *dynamo.Store) error {
		return s.Promote(ctx, f.first.ID, f.clock())
	}}
}

// tick runs the tasks of the event that are due, as the mailer does.
func (f *fixture) tick() operation {
	return operation{name: "tick", do: func(s *dynamo.Store) error {
		return runTasks(s, f.clock())
	}}
}

// runTasks does what is due about seats and erased people, as the mailer does, until there is no more.
func runTasks(s *dynamo.Store, at time.Time) error {
	seen := map[deltag.DueTask]bool{}
	for {
		tasks, err := s.DueTasks(ctx, at, 10_000)
		todo := false
		for _, t := range tasks {
			t.DueAt = time.Time{}
			if seen[t] || t.Kind == deltag.TaskDelivery {
				continue
			}
			seen[t], todo = true, true
			switch t.Kind {
			case deltag.TaskReturnSeat:
				err = errors.Join(err, s.ReturnSeat(ctx, t.EventID, t.Seat, at))
				delete(seen, deltag.DueTask{Kind: deltag.TaskPromote, EventID: t.EventID})
			case deltag.TaskCheckSeats:
				err = errors.Join(err, s.CheckSeats(ctx, t.EventID, at))
				delete(seen, deltag.DueTask{Kind: deltag.TaskPromote, EventID: t.EventID})
			case deltag.TaskPromote:
				err = errors.Join(err, s.Promote(ctx, t.EventID, at))
			case deltag.TaskPurgeDeliveries:
				err = errors.Join(err, s.PurgeDeliveries(ctx, t.EventID, t.RegistrationID))
			case deltag.TaskGiveBack:
				err = errors.Join(err, s.GiveBack(ctx, t.EventID, t.RegistrationID, at))
			case deltag.TaskExpire:
				err = errors.Join(err, s.Expire(ctx, t.EventID, t.RegistrationID, at))
			}
		}
		if err != nil || !todo {
			return err
		}
	}
}
