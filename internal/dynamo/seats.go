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
type tallyItem struct {
	PK, SK    string
	Confirmed int
	Waiting   int
	Cancelled int
	Attended  int
	Capacity  *int `dynamodbav:",omitempty"` // none: no limit
	Sealed    bool `dynamodbav:",omitempty"`
	Changes   int  // rises with each write, so that a recount knows whether it was disturbed
}

// Conditions on a tally. A free seat is not for a newcomer while somebody waits for it.
const (
	notSealed = "attribute_not_exists(Sealed)"
	hasSeat   = present + " AND (attribute_not_exists(#capacity) OR (Confirmed < #capacity AND Waiting = :zero))"
	noSeat    = "attribute_exists(#capacity) AND (Confirmed >= #capacity OR Waiting > :zero)"
	freeSeat  = "Waiting > :zero AND (attribute_not_exists(#capacity) OR Confirmed < #capacity)"
)

// newTally is that of a new event with a limit.
func newTally(e deltag.Event) tallyItem {
	return tallyItem{PK: eventPK(e.ID), SK: seatsSK, Capacity: e.Capacity}
}

// tally is the key of the one that counts a registration.
func tally(e deltag.Event, registrationID string) item {
	if e.Seated {
		return key(eventPK(e.ID), seatsSK)
	}
	return key(eventPK(e.ID), tallySK+shard(registrationID))
}

const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var shards = strings.Split("0123456789abcdef", "")

// tallyKeys are the sort keys of the shards.
func tallyKeys() []string {
	keys := make([]string, len(shards))
	for i, shard := range shards {
		keys[i] = tallySK + shard
	}
	return keys
}

// count adds to the tally without looking for a seat.
func (s *Store) count(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	condition := notSealed
	if e.Seated {
		condition = present
	}
	return s.add(tally(e, registrationID), by, condition)
}

// take adds to the tally if there is a free seat that nobody waits for.
func (s *Store) take(e deltag.Event, registrationID string, by deltag.Counts) types.TransactWriteItem {
	if !e.Seated {
		return s.count(e, registrationID, by)
	}
	return s.add(tally(e, registrationID), by, hasSeat)
}

func (s *Store) add(k item, by deltag.Counts, condition string) types.TransactWriteItem {
	values := counted(by)
	var names map[string]string
	if strings.Contains(condition, ":zero") {
		values[":zero"] = num(0)
	}
	if strings.Contains(condition, "#capacity") {
		names = map[string]string{"#capacity": "Capacity"}
	}
	return s.update(k, addCounts, condition, names, values)
}

const addCounts = "ADD Confirmed :c, Waiting :w, Cancelled :x, Attended :a, Changes :one"

// counted are the values of addCounts.
func counted(by deltag.Counts) item {
	return item{":c": num(by.Confirmed), ":w": num(by.Waiting), ":x": num(by.Cancelled), ":a": num(by.Attended), ":one": num(1)}
}

// tallies reads them all, consistently, in one call.
func (s *Store) tallies(ctx context.Context, eventID string) (map[string]tallyItem, error) {
	found := map[string]tallyItem{}
	for it, err := range s.all(ctx, query{pk: eventPK(eventID), prefix: seatsSK}) {
		if err != nil {
			return nil, err
		}
		t, err := decode[tallyItem](it)
		if err != nil {
			return nil, err
		}
		found[t.SK] = t
	}
	return found, nil
}

// Counts sums the tallies of an event, in one call.
func (s *Store) Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error) {
	found, err := s.tallies(ctx, e.ID)
	return sum(found), err
}

func sum(tallies map[string]tallyItem) deltag.Counts {
	var c deltag.Counts
	for _, t := range tallies {
		if t.Sealed {
			continue // its numbers have moved to the one tally
		}
		c.Confirmed += t.Confirmed
		c.Waiting += t.Waiting
		c.Cancelled += t.Cancelled
		c.Attended += t.Attended
	}
	return c
}

// reseat writes what an edit changes about the seats: a new limit, or the step from shards to the one tally.
func (s *Store) reseat(ctx context.Context, stored, e deltag.Event) ([]types.TransactWriteItem, error) {
	switch {
	case !e.Seated:
		return nil, nil
	case !stored.Seated:
		return s.seal(ctx, e)
	case equal(stored.Capacity, e.Capacity):
		// The time for promotion may have come back.
		return []types.TransactWriteItem{s.putPromote(e.ID, e.UpdatedAt)}, nil
	}
	expression, values := "REMOVE #capacity", item(nil)
	if e.Capacity != nil {
		expression, values = "SET #capacity = :capacity", item{":capacity": num(*e.Capacity)}
	}
	names := map[string]string{"#capacity": "Capacity"}
	return []types.TransactWriteItem{
		s.update(key(eventPK(e.ID), seatsSK), expression, present, names, values),
		s.putPromote(e.ID, e.UpdatedAt),
	}, nil
}

// seal closes each shard at the numbers just read and opens the one tally with their sum.
func (s *Store) seal(ctx context.Context, e deltag.Event) ([]types.TransactWriteItem, error) {
	found, err := s.tallies(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	total := sum(found)
	one := newTally(e)
	one.Confirmed, one.Waiting, one.Cancelled, one.Attended = total.Confirmed, total.Waiting, total.Cancelled, total.Attended
	actions := []types.TransactWriteItem{s.put(encode(one), absent, nil)}
	for _, shard := range shards {
		t, ok := found[tallySK+shard]
		t.PK, t.SK, t.Sealed = eventPK(e.ID), tallySK+shard, true
		condition, values := absent, item(nil)
		if ok {
			condition = "Confirmed = :c AND Cancelled = :x AND Attended = :a"
			values = item{":c": num(t.Confirmed), ":x": num(t.Cancelled), ":a": num(t.Attended)}
		}
		actions = append(actions, s.put(encode(t), condition, values))
	}
	return actions, nil
}

// putPromote notes in the due index that a seat may be free, in the transaction that frees it. So the
// seat finds its next holder also when the function dies before it gets there.
func (s *Store) putPromote(eventID string, now time.Time) types.TransactWriteItem {
	return s.put(item{
		"PK": str(eventPK(eventID)), "SK": str(promoteSK), "GSI1PK": str(duePK), "GSI1SK": str(stamp(now)),
		"Nonce": str(rand.Text()), // two may be put at one time
	}, "", nil)
}

// Promote gives free seats to those who wait, first come, first served, until the event is full or
// nobody waits. Any number of calls may run at the same time; each step is one transaction.
func (s *Store) Promote(ctx context.Context, eventID string, now time.Time) error {
	note, err := s.get(ctx, eventPK(eventID), promoteSK)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	e, err := s.Event(ctx, eventID)
	if err != nil {
		return err
	}
	for e.PromotesAt(now) {
		more, err := s.promoteFirst(ctx, e, now)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	// Only the note that was read: a seat freed in the meantime has put a new one.
	err = s.write(ctx, s.remove(key(eventPK(eventID), promoteSK), "Nonce = :seen", item{":seen": note["Nonce"]}))
	if errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}

// promoteFirst moves the first in line to a free seat, and says false when there is none of either.
func (s *Store) promoteFirst(ctx context.Context, e deltag.Event, now time.Time) (bool, error) {
	out, err := s.page(ctx, query{pk: eventPK(e.ID), prefix: waitSK, limit: 1})
	if err != nil || len(out.Items) == 0 {
		return false, err
	}
	place := out.Items[0]
	_, r, err := s.Visit(ctx, e.ID, text(place, "ID"))
	if err != nil && !isGone(err) {
		return false, err
	}
	if waitKey(newRegistrationItem(r)) != text(place, "SK") { // a place of nobody must not hold up the line
		err := s.write(ctx, s.dropPlace(e.ID, text(place, "SK"))...)
		return true, ignoreConflict(err)
	}
	next, mail := r.Promote(now)
	err = s.write(ctx,
		s.add(key(eventPK(e.ID), seatsSK), deltag.Counts{Confirmed: 1, Waiting: -1}, freeSeat),
		s.remove(key(text(place, "PK"), text(place, "SK")), present, nil),
		s.save(next), s.putDelivery(mail))
	switch {
	case on(err, 0):
		return false, nil
	case errors.Is(err, deltag.ErrConflict):
		return true, nil // somebody else was quicker: look again
	}
	return err == nil, err
}

func equal(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}
