package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// A countsItem counts the registrations of one shard. It is updated in the transaction that changes them, so counts are
// exact; and there is one in each shard, so that the transactions of a rush seldom meet.
type countsItem struct {
	Confirmed, Waitlisted, Cancelled, Attended int
	Unverified                                 int
	Version                                    int // rises with each write, so that a reconciliation notices them
	// HasSeatCounter is set when the event gets its first capacity: a function with an older copy of the event then
	// fails, and reads it again. ConfirmedBefore is how many were confirmed at that moment.
	HasSeatCounter  bool `dynamodbav:",omitempty"`
	ConfirmedBefore int  `dynamodbav:",omitempty"`
	EventDeleted    bool `dynamodbav:",omitempty"` // the counts are a mark, which refuses sign-ups: see DeleteEvent
}

func countsKey(eventID string, shard int) item { return key(shardPK(eventID, shard), countsSK) }

func allCountsKeys(eventID string) []item {
	keys := make([]item, shards)
	for shard := range keys {
		keys[shard] = countsKey(eventID, shard)
	}
	return keys
}

// condVersion holds while counts or a seat counter are as they were read.
func condVersion(version int) expression {
	return expression{text: "Version = :version", values: item{":version": avNumber(version)}}
}

// addCounts counts a change of a registration. It fails if e has got a seat counter, or was deleted, since it was read.
func (tx *transaction) addCounts(e deltag.Event, registrationID string, by deltag.Counts) *action {
	condition := expression{text: "attribute_not_exists(EventDeleted)"}
	if !e.HasSeatCounter {
		condition.text += " AND attribute_not_exists(HasSeatCounter)"
	}
	return tx.Update(countsKey(e.ID, shardOf(registrationID)), addToCounts(by), condition)
}

// moveCounts counts that next has taken the place of r, which had another id, and of other, which had its own; the zero
// value if there was none. The counts of a shard that has both change too, if only their Version, so that a
// reconciliation notices: it may have counted both. Who has attended remains counted where they were.
func (tx *transaction) moveCounts(e deltag.Event, r, other, next deltag.Registration) {
	status := func(r deltag.Registration) deltag.Registration { return deltag.Registration{Status: r.Status} }
	left := countChange(status(r), deltag.Registration{})
	joined := countChange(status(other), status(next))
	if shardOf(r.ID) == shardOf(next.ID) {
		tx.addCounts(e, r.ID, left.Plus(joined))
		return
	}
	tx.addCounts(e, r.ID, left)
	tx.addCounts(e, next.ID, joined)
}

func addToCounts(by deltag.Counts) expression {
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

// countChange is what the counts change by when a registration goes from one state to another.
func countChange(from, to deltag.Registration) deltag.Counts {
	var before, after deltag.Counts
	before.Add(from)
	after.Add(to)
	return after.Sub(before)
}

// Counts counts the registrations of an event.
func (s *Store) Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error) {
	var sum deltag.Counts
	all, err := s.readCounts(ctx, e.ID)
	for _, c := range all {
		sum = sum.Plus(c.counts())
	}
	return sum, err
}

func (c countsItem) counts() deltag.Counts {
	return deltag.Counts{
		Confirmed: c.Confirmed, Waitlisted: c.Waitlisted, Cancelled: c.Cancelled, Attended: c.Attended,
		Unverified: c.Unverified,
	}
}

// readCounts reads the counts of all shards. A shard without any has the zero value.
func (s *Store) readCounts(ctx context.Context, eventID string) ([]countsItem, error) {
	keys := allCountsKeys(eventID)
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := make([]countsItem, shards)
	for shard, key := range keys {
		if all[shard], err = decodeFound(found, key, decode[countsItem]); ignoreNotFound(err) != nil {
			return nil, err
		}
	}
	return all, nil
}
