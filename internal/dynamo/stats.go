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
	NextShard    int       // the shard to count next; shards when all are
	ErasedAt     time.Time `dynamodbav:",omitempty"`
}

func statsKey(eventID string) item { return key(eventPK(eventID), statsSK) }

func (v statsItem) stats() deltag.EventStats {
	n := deltag.NewEventStats()
	n.Erasures, n.ErasedAt = v.Erasures, v.ErasedAt
	maps.Copy(n.SignUpsByDay, v.SignUpsByDay)
	maps.Copy(n.Mails, v.Mails)
	return n
}

// EventStats are the statistics of an event as they are now, or as they were before its people were erased. They
// contain no personal data.
func (s *Store) EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error) {
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return deltag.EventStats{}, err
	}
	stored, err := read(ctx, s, statsKey(e.ID), decode[statsItem])
	n := stored.stats()
	if isNotFound(err) || err == nil && stored.NextShard < shards {
		n, err = s.computeStats(ctx, e, 0, shards)
	}
	n.Counts = counts
	return n, err
}

// snapshotShards is how many shards a call of snapshotStats counts: a second or two at MaxCapacity registrations.
const snapshotShards = 4

// snapshotStats stores the statistics, some shards a call, before anybody is erased. It returns true when they are
// complete. From the first call on the event keeps its times; see UpdateEvent.
// ErrConflict: the event has changed since it was read, or another call was quicker.
func (s *Store) snapshotStats(ctx context.Context, e deltag.Event) (complete bool, err error) {
	stored, err := read(ctx, s, statsKey(e.ID), decode[statsItem])
	unchanged := expression{text: "NextShard = :shard", values: item{":shard": avNumber(stored.NextShard)}}
	switch {
	case isNotFound(err):
		unchanged = condNotExists
	case err != nil:
		return false, err
	case stored.NextShard == shards:
		return true, nil
	}
	next := stored.NextShard + snapshotShards
	more, err := s.computeStats(ctx, e, stored.NextShard, next)
	if err != nil {
		return false, err
	}
	n := stored.stats().Plus(more)
	tx := s.begin()
	tx.Put(encode(statsKey(e.ID), statsItem{
		SignUpsByDay: n.SignUpsByDay, Mails: n.Mails, Erasures: n.Erasures, NextShard: next,
	}), unchanged)
	tx.Check(eventKey(e.ID), condRevision(e.Revision))
	return next == shards, tx.Commit(ctx)
}

// computeStats reads all registrations, deliveries and erasures of some shards of an event, to excluded.
func (s *Store) computeStats(ctx context.Context, e deltag.Event, from, to int) (deltag.EventStats, error) {
	var queries []query
	for shard := from; shard < to; shard++ {
		queries = append(queries, allPersonal(e.ID).of(shard))
	}
	ofShards, err := inParallel(queries, func(q query) (deltag.EventStats, error) { return s.statsOf(ctx, e, q) })
	sum := deltag.NewEventStats()
	for _, n := range ofShards {
		sum = sum.Plus(n)
	}
	return sum, err
}

// statsOf are the statistics of the items of one query, without those that can't be decoded: people are erased when their
// time is over, whatever is wrong with one of them.
func (s *Store) statsOf(ctx context.Context, e deltag.Event, q query) (deltag.EventStats, error) {
	n := deltag.NewEventStats()
	err := forEach(ctx, s, q, asItem, func(it item) {
		prefix, _ := cutSortKey(stringAttr(it, "SK"))
		switch prefix {
		case registrationSK:
			if r, err := decodeRegistration(it); err == nil {
				n.AddRegistration(e, r)
			}
		case deliverySK:
			if d, err := decodeDelivery(it); err == nil {
				n.AddDelivery(d)
			}
		case erasureSK:
			n.Erasures++
		}
	})
	return n, err
}
