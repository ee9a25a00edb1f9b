package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

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

// addCounts adds to the tally without looking for a seat.
func (s *Store) addCounts(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	condition := condCounterOpen
	if e.HasSeatCounter {
		condition = condExists
	}
	return s.updateCounter(counterKey(e, registrationID), by, condition)
}

// reserveSeat adds to the tally if there is a free seat that nobody waits for.
func (s *Store) reserveSeat(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	if !e.HasSeatCounter {
		return s.addCounts(e, registrationID, by)
	}
	return s.updateCounter(counterKey(e, registrationID), by, condSeatForNewcomer)
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

// Counts sums the tallies of an event, in one call.
func (s *Store) Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error) {
	found, err := s.readCounters(ctx, e.ID)
	return sumCounters(found), err
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

// putPromoteTask notes in the due index that a seat may be free, in the transaction that frees it. So the
// seat finds its next holder also when the function dies before it gets there.
func (s *Store) putPromoteTask(eventID string, now time.Time) types.TransactWriteItem {
	return s.put(item{
		"PK": avString(eventPK(eventID)), "SK": avString(promoteSK), "GSI1PK": avString(duePK), "GSI1SK": avString(formatTime(now)),
		"Nonce": avString(rand.Text()), // two may be put at one time
	}, "", nil)
}

// Promote gives free seats to those who wait, first come, first served, until the event is full or
// nobody waits. Any number of calls may run at the same time; each step is one transaction.
func (s *Store) Promote(ctx context.Context, eventID string, now time.Time) error {
	note, err := s.get(ctx, eventPK(eventID), promoteSK)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	e, err := s.Event(ctx, eventID)
	if err != nil {
		return err
	}
	for e.PromotionOpenAt(now) {
		more, err := s.promoteNext(ctx, e, now)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	// Only the note that was read: a seat freed in the meantime has put a new one.
	err = s.transact(ctx, s.delete(key(eventPK(eventID), promoteSK), "Nonce = :seen", item{":seen": note["Nonce"]}))
	if errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}

// promoteNext moves the first in line to a free seat, and says false when there is none of either.
func (s *Store) promoteNext(ctx context.Context, e deltag.Event, now time.Time) (bool, error) {
	out, err := s.queryPage(ctx, query{pk: eventPK(e.ID), prefix: waitlistSK, limit: 1})
	if err != nil || len(out.Items) == 0 {
		return false, err
	}
	place := out.Items[0]
	_, r, err := s.EventAndRegistration(ctx, e.ID, stringAttr(place, "ID"))
	if err != nil && !isNotFound(err) {
		return false, err
	}
	if waitlistKey(newRegistrationItem(r)) != stringAttr(place, "SK") { // a place of nobody must not hold up the line
		err := s.transact(ctx, s.deleteStaleWaitlistEntry(e.ID, stringAttr(place, "SK"))...)
		return true, ignoreConflict(err)
	}
	next, mail := r.Promote(now)
	err = s.transact(ctx,
		s.updateCounter(key(eventPK(e.ID), counterSK), deltag.Counts{Confirmed: 1, Waitlisted: -1}, condSeatForWaitlist),
		s.delete(key(stringAttr(place, "PK"), stringAttr(place, "SK")), condExists, nil),
		s.putIfUnchanged(next), s.putDelivery(mail))
	switch {
	case failedAt(err, 0):
		return false, nil
	case errors.Is(err, deltag.ErrConflict):
		return true, nil // somebody else was quicker: look again
	}
	return err == nil, err
}

func equal(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}
