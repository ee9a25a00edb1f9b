package organiser

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// A PersonStore knows what is stored of an address, at all events.
type PersonStore interface {
	// PersonTraces lists the events that hold something of an address, the earliest start first; a new one may be missing
	// for a moment. UnreadableError for what it lacks.
	PersonTraces(ctx context.Context, a deltag.Address) ([]deltag.PersonTrace, error)
	// AddressRecord reads what is stored apart from events.
	AddressRecord(ctx context.Context, a deltag.Address, now time.Time) (deltag.AddressRecord, error)
	// PurgeDeliveries deletes the mails to a registration id that is gone, all but a last one that waits. It may be repeated.
	PurgeDeliveries(ctx context.Context, eventID, registrationID string) error
	// ForgetReceived forgets that an address has received mail. It may be repeated.
	ForgetReceived(ctx context.Context, a deltag.Address) error
}

// A Person is all that is stored of an address.
type Person struct {
	Address deltag.Address
	Traces  []deltag.PersonTrace
	Record  deltag.AddressRecord
}

// IsEmpty says whether nothing is.
func (p Person) IsEmpty() bool { return len(p.Traces) == 0 && p.Record.IsEmpty() }

// Erasable are the traces of p that an erasure removes something of.
func (p Person) Erasable() (erasable []deltag.PersonTrace) {
	for _, t := range p.Traces {
		if _, any := t.Erasable(); any {
			erasable = append(erasable, t)
		}
	}
	return erasable
}

// Person finds all that is stored of an address. UnreadableError, with what can be read: it is not all.
func (s *Service) Person(ctx context.Context, by Caller, a deltag.Address) (Person, error) {
	p := Person{Address: a}
	if err := by.requireRead(); err != nil {
		return p, err
	}
	var err error
	if p.Record, err = s.Store.AddressRecord(ctx, a, by.Now); err != nil {
		return p, err
	}
	p.Traces, err = s.Store.PersonTraces(ctx, a)
	return p, err
}

// A PersonErasure is what was erased of a person at one event.
type PersonErasure struct {
	Event           deltag.Event
	HadRegistration bool
	Mails           int
	Err             error // why it is not done, or not known to be
}

const (
	// maxParallelErasures is how many events a person is erased at, at once: an erasure takes some six calls.
	maxParallelErasures = 8
	// erasureReserve is left of the time for the answer that says what is done.
	erasureReserve = 2 * time.Second
)

// ErasePerson erases an address at every event, as EraseRegistration does at one, and the mails that are left of it where
// it has no registration. It says of each event whether that is done: one that fails does not stop the others, nor does
// the end of the time, at some 300 events in 29 s. Repeating it goes on with what is left, and is harmless if nothing is.
// The address stays suppressed, if it is, and a member stays one. UnreadableError beside the erasures: what can't be read
// is not erased.
func (s *Service) ErasePerson(ctx context.Context, by Caller, a deltag.Address) ([]PersonErasure, error) {
	if err := by.requireEdit(); err != nil {
		return nil, err
	}
	p, unreadable := s.Person(ctx, by, a)
	if unreadable != nil && !deltag.IsUnreadable(unreadable) {
		return nil, unreadable
	}
	if err := s.Store.ForgetReceived(ctx, a); err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-erasureReserve))
		defer cancel()
	}
	erasable := p.Erasable()
	done := make([]PersonErasure, len(erasable))
	var erasing errgroup.Group
	erasing.SetLimit(maxParallelErasures)
	for i, t := range erasable {
		erasing.Go(func() error {
			done[i] = s.eraseTrace(ctx, by, a, t)
			return nil
		})
	}
	_ = erasing.Wait() // each has its own error
	return done, unreadable
}

func (s *Service) eraseTrace(
	ctx context.Context, by Caller, a deltag.Address, t deltag.PersonTrace,
) (done PersonErasure) {
	done.Event = t.Event
	done.Mails, _ = t.Erasable()
	if ctx.Err() != nil { // the time is over
		done.Err = deltag.ErrUnavailable
		return done
	}
	id := deltag.RegistrationID(t.Event, a)
	ctx = by.record(ctx, deltag.AuditEntry{
		Action: deltag.AuditRegistrationErased, EventID: t.Event.ID, RegistrationID: id,
	})
	if t.Registration != nil {
		done.HadRegistration = true
		done.Err = s.Store.Erase(ctx, t.Event, *t.Registration, by.Now)
		return done
	}
	done.Err = s.Store.PurgeDeliveries(ctx, t.Event.ID, id)
	return done
}
