package dynamo

import (
	"context"
	"maps"
	"time"

	"deltag/internal/deltag"
)

// statsItem is what remains of an event, beside its counters, when its people are erased.
type statsItem struct {
	SignUpsByDay map[string]int                                    `dynamodbav:",omitempty"`
	Mails        map[deltag.MailKind]map[deltag.DeliveryStatus]int `dynamodbav:",omitempty"`
	Erasures     int
	ErasedAt     time.Time `dynamodbav:",omitempty"`
}

func statsKey(eventID string) item { return key(eventPK(eventID), statsSK) }

func decodeStats(it item) (deltag.EventStats, error) {
	v, err := decode[statsItem](it)
	n := deltag.NewEventStats()
	n.Erasures, n.ErasedAt = v.Erasures, v.ErasedAt
	maps.Copy(n.SignUpsByDay, v.SignUpsByDay)
	maps.Copy(n.Mails, v.Mails)
	return n, err
}

// EventStats are the statistics of an event as they are now, or as they were before its people were erased. They
// contain no personal data.
func (s *Store) EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return deltag.EventStats{}, err
	}
	n, err := read(ctx, s, statsKey(e.ID), decodeStats)
	if isNotFound(err) {
		n, err = s.computeStats(ctx, e)
	}
	n.Counts = counts
	return n, err
}

// snapshotStats stores the statistics once, before anybody is erased. From then on the event keeps its times; see
// UpdateEvent. ErrConflict: the event has changed since it was read.
func (s *Store) snapshotStats(ctx context.Context, e deltag.Event) error {
	if _, err := s.get(ctx, statsKey(e.ID)); !isNotFound(err) {
		return err
	}
	n, err := s.computeStats(ctx, e)
	if err != nil {
		return err
	}
	stored := statsItem{SignUpsByDay: n.SignUpsByDay, Mails: n.Mails, Erasures: n.Erasures}
	tx := s.begin()
	first := tx.Put(encode(statsKey(e.ID), stored), condNotExists)
	tx.Check(eventKey(e.ID), condRevision(e.Revision))
	err = tx.Commit(ctx)
	if first.Failed() {
		return nil // another call has stored them
	}
	return err
}

// computeStats reads all registrations, deliveries and erasures of an event.
func (s *Store) computeStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	n := deltag.NewEventStats()
	of := func(prefix string) query { return query{pk: eventPK(e.ID), prefix: prefix} }
	err := forEach(ctx, s, of(registrationSK), decodeRegistration, func(r deltag.Registration) { n.AddRegistration(e, r) })
	if err == nil {
		err = forEach(ctx, s, of(deliverySK), decodeDelivery, n.AddDelivery)
	}
	if err == nil {
		err = forEach(ctx, s, of(erasureSK), asItem, func(item) { n.Erasures++ })
	}
	return n, err
}
