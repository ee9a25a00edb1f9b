package visitor

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// memory is a store that keeps Store's contract in maps. What it can't do, it answers with err.
type memory struct {
	mu         sync.Mutex
	events     []deltag.Event
	people     map[string]deltag.Registration // by id; ids are unique across events
	order      []string                       // ids in the order of their seats or places in line
	deliveries map[string][]deltag.Delivery
	links      []string // identities that a link was sent to
	err        error    // what every call answers
	conflicts  int      // so many writes are overtaken
	before     func()   // runs ahead of the next write
	writes     int
	visits     int
}

func newMemory(events ...deltag.Event) *memory {
	return &memory{events: events, people: map[string]deltag.Registration{}, deliveries: map[string][]deltag.Delivery{}}
}

func (m *memory) begin() func() {
	m.mu.Lock()
	return m.mu.Unlock
}

func (m *memory) write() error {
	if m.before != nil {
		f := m.before
		m.before = nil
		f()
	}
	if m.err != nil {
		return m.err
	}
	if m.conflicts > 0 {
		m.conflicts--
		return deltag.ErrConflict
	}
	m.writes++
	return nil
}

func (m *memory) EventBySlug(_ context.Context, slug string) (deltag.Event, error) {
	defer m.begin()()
	if m.err != nil {
		return deltag.Event{}, m.err
	}
	i := slices.IndexFunc(m.events, func(e deltag.Event) bool { return e.Slug == slug })
	if i < 0 {
		return deltag.Event{}, deltag.ErrNotFound
	}
	return m.events[i], nil
}

func (m *memory) Upcoming(_ context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	defer m.begin()()
	var es []deltag.Event
	for _, e := range m.events {
		if e.Status == deltag.EventOpen && now.Before(e.EndsAt) {
			es = append(es, e)
		}
	}
	slices.SortFunc(es, func(a, b deltag.Event) int { return a.StartsAt.Compare(b.StartsAt) })
	return es[:min(limit, len(es))], m.err
}

func (m *memory) SignUp(_ context.Context, e deltag.Event, s deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error) {
	defer m.begin()()
	if err := m.write(); err != nil {
		return "", err
	}
	if e.SignUpStateAt(now) != deltag.SignUpOpen {
		return "", deltag.ErrClosed
	}
	if old, ok := m.people[deltag.RegistrationID(e, s.Email)]; ok && old.Status != deltag.RegistrationCancelled {
		return deltag.OutcomeAlreadyRegistered, nil
	}
	secret := bytes.Repeat([]byte{byte(len(m.people) + 1)}, 16)
	return m.seat(e, deltag.NewRegistration(e, s, secret, now), now)
}

func (m *memory) seat(e deltag.Event, r deltag.Registration, now time.Time) (deltag.SignUpOutcome, error) {
	taken := 0
	for _, other := range m.people {
		if other.EventID == e.ID && other.Status == deltag.RegistrationConfirmed {
			taken++
		}
	}
	r.Status, r.ConfirmedAt = deltag.RegistrationConfirmed, now
	if e.Capacity != nil && taken >= *e.Capacity {
		if !e.HasWaitlist {
			return "", deltag.ErrFull
		}
		r.Status, r.ConfirmedAt = deltag.RegistrationWaitlisted, time.Time{}
	}
	r.Revision++
	m.people[r.ID] = r
	m.order = append(slices.DeleteFunc(m.order, func(id string) bool { return id == r.ID }), r.ID)
	return deltag.SignUpOutcome(r.Status), nil
}

func (m *memory) ResendConfirmation(_ context.Context, e deltag.Event, a deltag.Address, _ time.Time) error {
	defer m.begin()()
	if m.err != nil {
		return m.err
	}
	if _, ok := m.people[deltag.RegistrationID(e, a)]; ok {
		m.links = append(m.links, a.Normalized)
	}
	return nil
}

func (m *memory) Ping(context.Context) error { return m.err }

func (m *memory) EventAndRegistration(_ context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error) {
	defer m.begin()()
	m.visits++
	if m.err != nil {
		return deltag.Event{}, deltag.Registration{}, m.err
	}
	r, ok := m.people[registrationID]
	i := slices.IndexFunc(m.events, func(e deltag.Event) bool { return e.ID == eventID })
	if !ok || i < 0 || r.EventID != eventID {
		return deltag.Event{}, deltag.Registration{}, deltag.ErrNotFound
	}
	return m.events[i], r, nil
}

func (m *memory) WaitlistPosition(_ context.Context, r deltag.Registration) (int, error) {
	defer m.begin()()
	n := 0
	for _, id := range m.order {
		if other := m.people[id]; other.EventID == r.EventID && other.Status == deltag.RegistrationWaitlisted {
			n++
		}
		if id == r.ID {
			return n, m.err
		}
	}
	return 0, deltag.ErrNotFound
}

func (m *memory) DeliveriesOf(_ context.Context, _, registrationID string) ([]deltag.Delivery, error) {
	defer m.begin()()
	return m.deliveries[registrationID], m.err
}

// update applies do to the stored registration if it is still the one that was read.
func (m *memory) update(r deltag.Registration, do func(*deltag.Registration)) error {
	defer m.begin()()
	if err := m.write(); err != nil {
		return err
	}
	stored, ok := m.people[r.ID]
	if !ok || stored.Revision != r.Revision {
		return deltag.ErrConflict
	}
	do(&stored)
	stored.Revision++
	m.people[stored.ID] = stored
	return nil
}

func (m *memory) UpdateByAttendee(_ context.Context, e deltag.Event, r deltag.Registration, s deltag.SignUpRequest, _ time.Time) error {
	return m.update(r, func(r *deltag.Registration) {
		r.Name, r.Organisation, r.Role, r.Answers, r.Updates, r.Language = s.Name, s.Organisation, s.Role, s.Answers, s.Updates, s.Language
		if s.Email.Normalized != r.Email.Normalized {
			delete(m.people, r.ID)
			r.ID = deltag.RegistrationID(e, s.Email)
			r.Secret = bytes.Repeat([]byte{byte(200 + len(m.people))}, 16)
		}
		r.Email = s.Email
	})
}

func (m *memory) CancelRegistration(_ context.Context, _ deltag.Event, r deltag.Registration, _ time.Time) error {
	return m.update(r, func(r *deltag.Registration) { r.Status = deltag.RegistrationCancelled })
}

func (m *memory) Rejoin(_ context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.SignUpOutcome, error) {
	defer m.begin()()
	if err := m.write(); err != nil {
		return "", err
	}
	return m.seat(e, r, now)
}

func (m *memory) MarkAttended(_ context.Context, _ deltag.Event, r deltag.Registration, now time.Time) error {
	return m.update(r, func(r *deltag.Registration) {
		if r.AttendedAt.IsZero() {
			r.AttendedAt = now
		}
	})
}

func (m *memory) Unsubscribe(_ context.Context, _ deltag.Event, r deltag.Registration, _ time.Time) error {
	return m.update(r, func(r *deltag.Registration) { r.AddressStatus = cmp.Or(deltag.AddressUnsubscribed, r.AddressStatus) })
}

func (m *memory) Erase(_ context.Context, _ deltag.Event, r deltag.Registration, _ time.Time) error {
	defer m.begin()()
	if err := m.write(); err != nil {
		return err
	}
	delete(m.people, r.ID)
	delete(m.deliveries, r.ID)
	return nil
}
