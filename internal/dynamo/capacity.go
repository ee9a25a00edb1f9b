package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Registrations are counted on tallies, in the transaction that changes them, so the counts are exact.
// An event with a limit has one tally, which also holds the limit: the condition "confirmed < capacity"
// lives where the number is. An event without one spreads over shards, so that a rush has no hot item.
//
// An event that gets a limit later seals its shards in the transaction that makes the one tally: a
// function that still believes in the shards is refused and reads the event anew. It stays on the one
// tally from then on, also when the limit is taken away.
type counterItem struct {
	PK, SK     string
	Confirmed  int
	Waitlisted int
	Cancelled  int
	Attended   int
	Capacity   *int `dynamodbav:",omitempty"` // none: no limit
	Closed     bool `dynamodbav:",omitempty"`
	Version    int  // rises with each write, so that a recount knows whether it was disturbed
}

// Conditions on a tally. A free seat is not for a newcomer while somebody waits for it.
const (
	condCounterOpen     = "attribute_not_exists(Closed)"
	condSeatForNewcomer = condExists + " AND (attribute_not_exists(#capacity) OR (Confirmed < #capacity AND Waitlisted = :zero))"
	condNoSeat          = "attribute_exists(#capacity) AND (Confirmed >= #capacity OR Waitlisted > :zero)"
	condSeatForWaitlist = "Waitlisted > :zero AND (attribute_not_exists(#capacity) OR Confirmed < #capacity)"
)

// newCounter is that of a new event with a limit.
func newCounter(e deltag.Event) counterItem {
	return counterItem{PK: eventPK(e.ID), SK: counterSK, Capacity: e.Capacity}
}

// counterKey is the key of the one that counts a registration.
func counterKey(e deltag.Event, registrationID string) item {
	if e.HasSeatCounter {
		return key(eventPK(e.ID), counterSK)
	}
	return key(eventPK(e.ID), counterShardSK+shardOf(registrationID))
}

const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var shards = strings.Split("0123456789abcdef", "")

// counterShardKeys are the sort keys of the shards.
func counterShardKeys() []string {
	keys := make([]string, len(shards))
	for i, shard := range shards {
		keys[i] = counterShardSK + shard
	}
	return keys
}

// shardOf is one of shards, by an id: those are evenly spread, so half their alphabet makes 16 even parts.
func shardOf(id string) string { return shards[strings.IndexByte(idAlphabet, id[0])%len(shards)] }

// reserveSeat adds to the tally if there is a free seat that nobody waits for.
func (s *Store) reserveSeat(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	if !e.HasSeatCounter {
		return s.addCounts(e, registrationID, by)
	}
	return s.updateCounter(counterKey(e, registrationID), by, condSeatForNewcomer)
}

// addCounts adds to the tally without looking for a seat.
func (s *Store) addCounts(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	condition := condCounterOpen
	if e.HasSeatCounter {
		condition = condExists
	}
	return s.updateCounter(counterKey(e, registrationID), by, condition)
}

func (s *Store) updateCounter(k item, by deltag.Counts, condition string) types.TransactWriteItem {
	values := countValues(by)
	var names map[string]string
	if strings.Contains(condition, ":zero") {
		values[":zero"] = avNumber(0)
	}
	if strings.Contains(condition, "#capacity") {
		names = map[string]string{"#capacity": "Capacity"}
	}
	return s.update(k, countExpression, condition, names, values)
}

const countExpression = "ADD Confirmed :c, Waitlisted :w, Cancelled :x, Attended :a, Version :one"

// countValues are the values of addCounts.
func countValues(by deltag.Counts) item {
	return item{":c": avNumber(by.Confirmed), ":w": avNumber(by.Waitlisted), ":x": avNumber(by.Cancelled), ":a": avNumber(by.Attended), ":one": avNumber(1)}
}

// Counts sums the tallies of an event, in one call.
func (s *Store) Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error) {
	found, err := s.readCounters(ctx, e.ID)
	return sumCounters(found), err
}

// readCounters reads them all, consistently, in one call.
func (s *Store) readCounters(ctx context.Context, eventID string) (map[string]counterItem, error) {
	found := map[string]counterItem{}
	for it, err := range s.queryAll(ctx, query{pk: eventPK(eventID), prefix: counterSK}) {
		if err != nil {
			return nil, err
		}
		t, err := decode[counterItem](it)
		if err != nil {
			return nil, err
		}
		found[t.SK] = t
	}
	return found, nil
}

func sumCounters(tallies map[string]counterItem) deltag.Counts {
	var c deltag.Counts
	for _, t := range tallies {
		if t.Closed {
			continue // its numbers have moved to the one tally
		}
		c.Confirmed += t.Confirmed
		c.Waitlisted += t.Waitlisted
		c.Cancelled += t.Cancelled
		c.Attended += t.Attended
	}
	return c
}

// capacityActions writes what an edit changes about the seats: a new limit, or the step from shards to the one tally.
func (s *Store) capacityActions(ctx context.Context, stored, e deltag.Event) ([]types.TransactWriteItem, error) {
	switch {
	case !e.HasSeatCounter:
		return nil, nil
	case !stored.HasSeatCounter:
		return s.migrateToSingleCounter(ctx, e)
	case equal(stored.Capacity, e.Capacity):
		// The time for promotion may have come back.
		return []types.TransactWriteItem{s.putPromoteTask(e.ID, e.UpdatedAt)}, nil
	}
	expression, values := "REMOVE #capacity", item(nil)
	if e.Capacity != nil {
		expression, values = "SET #capacity = :capacity", item{":capacity": avNumber(*e.Capacity)}
	}
	names := map[string]string{"#capacity": "Capacity"}
	return []types.TransactWriteItem{
		s.update(key(eventPK(e.ID), counterSK), expression, condExists, names, values),
		s.putPromoteTask(e.ID, e.UpdatedAt),
	}, nil
}

// migrateToSingleCounter closes each shard at the numbers just read and opens the one tally with their sum.
func (s *Store) migrateToSingleCounter(ctx context.Context, e deltag.Event) ([]types.TransactWriteItem, error) {
	found, err := s.readCounters(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	total := sumCounters(found)
	one := newCounter(e)
	one.Confirmed, one.Waitlisted, one.Cancelled, one.Attended = total.Confirmed, total.Waitlisted, total.Cancelled, total.Attended
	actions := []types.TransactWriteItem{s.put(encode(one), condNotExists, nil)}
	for _, shard := range shards {
		t, ok := found[counterShardSK+shard]
		t.PK, t.SK, t.Closed = eventPK(e.ID), counterShardSK+shard, true
		condition, values := condNotExists, item(nil)
		if ok {
			condition = "Confirmed = :c AND Cancelled = :x AND Attended = :a"
			values = item{":c": avNumber(t.Confirmed), ":x": avNumber(t.Cancelled), ":a": avNumber(t.Attended)}
		}
		actions = append(actions, s.put(encode(t), condition, values))
	}
	return actions, nil
}

func equal(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}
