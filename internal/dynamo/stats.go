package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// statsItem is what remains of an event, beside its counters, when its people are erased.
type statsItem struct {
	PK, SK       string
	SignUpsByDay map[string]int            `dynamodbav:",omitempty"`
	Mails        map[string]map[string]int `dynamodbav:",omitempty"` // by kind and status
	Erasures     int
	ErasedAt     string `dynamodbav:",omitempty"`
}

func newStatsItem(eventID string, n deltag.EventStats) statsItem {
	it := statsItem{
		PK: eventPK(eventID), SK: statsSK,
		SignUpsByDay: n.SignUpsByDay, Erasures: n.Erasures, Mails: map[string]map[string]int{},
	}
	for kind, outcomes := range n.Mails {
		it.Mails[string(kind)] = map[string]int{}
		for status, count := range outcomes {
			it.Mails[string(kind)][string(status)] = count
		}
	}
	return it
}

func decodeStats(it item) (deltag.EventStats, error) {
	stored, err := decode[statsItem](it)
	n := deltag.NewEventStats()
	n.Erasures, n.ErasedAt = stored.Erasures, parseTime(stored.ErasedAt)
	if stored.SignUpsByDay != nil {
		n.SignUpsByDay = stored.SignUpsByDay
	}
	for kind, outcomes := range stored.Mails {
		n.Mails[deltag.MailKind(kind)] = map[deltag.DeliveryStatus]int{}
		for status, count := range outcomes {
			n.Mails[deltag.MailKind(kind)][deltag.DeliveryStatus(status)] = count
		}
	}
	return n, err
}

// EventStats are the statistics of an event as they are now, or as they were before its people were erased. They
// contain no personal data.
func (s *Store) EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return deltag.EventStats{}, err
	}
	var n deltag.EventStats
	it, err := s.get(ctx, eventPK(e.ID), statsSK)
	switch {
	case err == nil:
		n, err = decodeStats(it)
	case isNotFound(err):
		n, err = s.computeStats(ctx, e)
	}
	n.Counts = counts
	return n, err
}

// snapshotStats stores the statistics once, before anybody is erased.
func (s *Store) snapshotStats(ctx context.Context, e deltag.Event) error {
	_, err := s.get(ctx, eventPK(e.ID), statsSK)
	if !isNotFound(err) {
		return err
	}
	n, err := s.computeStats(ctx, e)
	if err != nil {
		return err
	}
	return ignoreConflict(s.putItem(ctx, encode(newStatsItem(e.ID, n)), condNotExists))
}

// computeStats reads all registrations, deliveries and erasures of an event.
func (s *Store) computeStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	n := deltag.NewEventStats()
	registrations := s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: registrationSK})
	for r, err := range decoded(registrations, decodeRegistration) {
		if err != nil {
			return n, err
		}
		n.AddRegistration(e, r)
	}
	deliveries := s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: deliverySK})
	for d, err := range decoded(deliveries, decodeDelivery) {
		if err != nil {
			return n, err
		}
		n.AddDelivery(d)
	}
	for _, err := range s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: erasureSK}) {
		if err != nil {
			return n, err
		}
		n.Erasures++
	}
	return n, nil
}
