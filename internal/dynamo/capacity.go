package dynamo

import (
	"context"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// A counterItem counts registrations. It is updated in the transaction that changes them, so counts are exact.
//
// An event with a capacity has a single counter, which also holds the capacity, for a condition can only compare
// attributes of one item. An event without a capacity has 16 of them, shards, so that no item is hot in a rush.
//
// An event that gets its first capacity moves to a single counter, and keeps it even if the capacity is removed. The
// same transaction closes the shards: a function with an older copy of the event fails on condCounterOpen and reads
// it again.
type counterItem struct {
	SK                                         string
	Confirmed, Waitlisted, Cancelled, Attended int
	Unverified                                 int
	Capacity                                   *int `dynamodbav:",omitempty"` // none: no limit
	Closed                                     bool `dynamodbav:",omitempty"`
	Version                                    int  // rises with each write, so that a reconciliation notices them
}

// Conditions on a counter. A newcomer gets no seat while anybody waits for one.
var (
	condCounterOpen     = expression{text: "attribute_not_exists(Closed)"}
	condSeatForNewcomer = condSeats(condExists.text +
		" AND (attribute_not_exists(#capacity) OR (Confirmed < #capacity AND Waitlisted = :zero))")
	condNoSeatForNewcomer = condSeats("attribute_exists(#capacity) AND (Confirmed >= #capacity OR Waitlisted > :zero)")
	condSeatForWaitlist   = condSeats("Waitlisted > :zero AND " +
		"(attribute_not_exists(#capacity) OR Confirmed < #capacity)")
)

func condSeats(text string) expression {
	return expression{text: text, names: capacityName, values: item{":zero": avNumber(0)}}
}

var capacityName = map[string]string{"#capacity": "Capacity"} // a reserved word

// condCounterUnchanged holds while a counter is as it was read, or still missing.
func condCounterUnchanged(counters map[string]counterItem, sk string) expression {
	c, ok := counters[sk]
	if !ok {
		return condNotExists
	}
	return expression{text: "Version = :version", values: item{":version": avNumber(c.Version)}}
}

func addToCounter(by deltag.Counts) expression {
	return expression{
		text: "ADD Version :one, " +
			"Confirmed :confirmed, Waitlisted :waitlisted, Cancelled :cancelled, Attended :attended, Unverified :unverified",
		values: item{
			":confirmed": avNumber(by.Confirmed), ":waitlisted": avNumber(by.Waitlisted),
			":cancelled": avNumber(by.Cancelled), ":attended": avNumber(by.Attended), ":one": avNumber(1),
			":unverified": avNumber(by.Unverified),
		},
	}
}

// createCounter creates the single counter of e.
func (tx *transaction) createCounter(e deltag.Event, n deltag.Counts) {
	tx.Put(encode(singleCounterKey(e.ID), counterItem{
		Confirmed: n.Confirmed, Waitlisted: n.Waitlisted, Cancelled: n.Cancelled, Attended: n.Attended,
		Unverified: n.Unverified, Capacity: e.Capacity,
	}), condNotExists)
}

func singleCounterKey(eventID string) item { return key(eventPK(eventID), counterSK) }

// counterKey is the key of the counter that counts a registration.
func counterKey(e deltag.Event, registrationID string) item {
	if e.HasSingleCounter {
		return singleCounterKey(e.ID)
	}
	return key(eventPK(e.ID), counterShardSK+shardOf(registrationID))
}

const shards = "0123456789abcdef"

// shardOf spreads ids evenly: they are random, and their alphabet has twice as many letters as there are shards.
func shardOf(id string) string {
	return string(shards[strings.IndexByte(deltag.IDAlphabet, id[0])%len(shards)])
}

// counterShardKeys are the sort keys of all shards.
func counterShardKeys() []string {
	var keys []string
	for _, shard := range shards {
		keys = append(keys, counterShardSK+string(shard))
	}
	return keys
}

// addCounts counts without regard to the capacity. It fails if e has moved to a single counter since it was read.
func (tx *transaction) addCounts(e deltag.Event, registrationID string, by deltag.Counts) *action {
	open := condCounterOpen
	if e.HasSingleCounter {
		open = condExists
	}
	return tx.Update(counterKey(e, registrationID), addToCounter(by), open)
}

// takeSeat counts a newcomer's seat. It fails if there is none, or the event has moved to a single counter.
func (tx *transaction) takeSeat(e deltag.Event, registrationID string, by deltag.Counts) *action {
	if !e.HasSingleCounter {
		return tx.addCounts(e, registrationID, by)
	}
	return tx.Update(singleCounterKey(e.ID), addToCounter(by), condSeatForNewcomer)
}

// joinWaitlist counts a newcomer who waits. It fails if there is a seat.
func (tx *transaction) joinWaitlist(e deltag.Event, by deltag.Counts) *action {
	return tx.Update(singleCounterKey(e.ID), addToCounter(by), condNoSeatForNewcomer)
}

// takeSeatFromWaitlist counts a promotion. It fails if there is no free seat, or nobody waits.
func (tx *transaction) takeSeatFromWaitlist(e deltag.Event, by deltag.Counts) *action {
	return tx.Update(singleCounterKey(e.ID), addToCounter(by), condSeatForWaitlist)
}

// releaseSeat takes away the seat or waitlist entry that r has, and next, its later state, has not.
func (tx *transaction) releaseSeat(e deltag.Event, r, next deltag.Registration, now time.Time) {
	tx.addCounts(e, r.ID, countChange(r, next))
	if r.Status == deltag.RegistrationWaitlisted {
		tx.deleteWaitlistEntry(r)
	}
	if e.HasSingleCounter && r.Status == deltag.RegistrationConfirmed {
		tx.putPromoteTask(e.ID, now)
	}
}

// countChange is what the counts change by when a registration goes from one state to another.
func countChange(from, to deltag.Registration) deltag.Counts {
	var before, after deltag.Counts
	before.Add(from)
	after.Add(to)
	return after.Sub(before)
}

// Counts counts the registrations of an event.
func (s *Store) Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error) {
	counters, err := s.readCounters(ctx, e.ID)
	return sumCounters(counters), err
}

// readCounters reads all counters of an event, by sort key.
func (s *Store) readCounters(ctx context.Context, eventID string) (map[string]counterItem, error) {
	counters := map[string]counterItem{}
	q := query{pk: eventPK(eventID), prefix: counterSK}
	return counters, forEach(ctx, s, q, decode[counterItem], func(c counterItem) { counters[c.SK] = c })
}

func sumCounters(counters map[string]counterItem) deltag.Counts {
	var sum deltag.Counts
	for _, c := range counters {
		if c.Closed {
			continue // the single counter has its numbers
		}
		sum.Confirmed += c.Confirmed
		sum.Waitlisted += c.Waitlisted
		sum.Cancelled += c.Cancelled
		sum.Attended += c.Attended
		sum.Unverified += c.Unverified
	}
	return sum
}

// putCapacity adds to tx what an edit of stored to e changes about the seats.
func (s *Store) putCapacity(ctx context.Context, tx *transaction, stored, e deltag.Event) error {
	if !e.HasSingleCounter {
		return nil
	}
	if !stored.HasSingleCounter {
		return s.moveToSingleCounter(ctx, tx, e)
	}
	if !equalCapacity(stored.Capacity, e.Capacity) {
		tx.Update(singleCounterKey(e.ID), setCapacity(e.Capacity), condExists)
	}
	tx.putPromoteTask(e.ID, e.UpdatedAt) // also when only the time has changed: promotion may be open again
	return nil
}

func setCapacity(capacity *int) expression {
	if capacity == nil {
		return expression{text: "REMOVE #capacity", names: capacityName}
	}
	values := item{":capacity": avNumber(*capacity)}
	return expression{text: "SET #capacity = :capacity", names: capacityName, values: values}
}

func equalCapacity(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// moveToSingleCounter closes each shard, provided it is as just read, and creates the single counter with their sum.
func (s *Store) moveToSingleCounter(ctx context.Context, tx *transaction, e deltag.Event) error {
	counters, err := s.readCounters(ctx, e.ID)
	if err != nil {
		return err
	}
	tx.createCounter(e, sumCounters(counters))
	for _, sk := range counterShardKeys() {
		shard := counters[sk]
		shard.Closed = true
		tx.Put(encode(key(eventPK(e.ID), sk), shard), condCounterUnchanged(counters, sk))
	}
	return nil
}
