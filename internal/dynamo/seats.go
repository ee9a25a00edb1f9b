package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// An event that has, or once had, a capacity has a seat counter. In a rush everybody writes it, so newcomers do that by
// plain updates: the partition carries these out one after the other, some 1,000 a second, while transactions that meet
// on an item are cancelled. A seat is taken in two steps, and returned in two:
//
//	takeSeat      counts the seat, and gives it a number that no other seat of the event ever had
//	a transaction stores the registration with that number, its mail, and a seatItem that names the registration
//
//	a transaction stores the registration without the seat, its mail, and the seatItem as released, which is a task
//	ReturnSeat    takes the seat off the counter, and stores the seatItem as returned
//
// A function that dies after the first step of taking one leaves a seat that is counted and has no seatItem: CheckSeats
// finds and returns it. A function that was merely slow then fails on the seatItem, and takes another seat. One that
// dies after the first step of giving one back leaves the task. ReturnSeat is a transaction, but no rush: a plain update
// that meets it is repeated.
//
// A newcomer never passes whoever waits. Who is about to join the waitlist first sees to it that the counter has a
// WaitlistUntil, until when they will have joined or failed. While it has one, a newcomer gets a free seat only if the
// waitlist is empty, and the counter has not changed since it was read before the waitlist was: such a seat was free
// when nobody waited. WaitlistUntil goes when it is over and a newcomer gets a seat in that way.
type seatCounter struct {
	Taken         int
	Capacity      *int      `dynamodbav:",omitempty"` // none: no limit
	Issued        int       // the number of the seat that was taken last
	WaitlistUntil time.Time `dynamodbav:",omitempty"` // zero: nobody waits, or is about to
	Uncounted     bool      `dynamodbav:",omitempty"` // Taken lacks those who were confirmed before there was a counter
	Checked       int       // all seats up to this number have, or had, a seatItem
	CheckedNext   int       // the seats between are checked next: they were taken seatCheckDelay before
	Version       int       // rises with each write
}

const (
	// joinTime is how much longer WaitlistUntil must last for one who relies on it: longer than a function takes to join the
	// waitlist, and then some for clocks that differ.
	joinTime = 20 * time.Second
	// waitlistTime is for how long WaitlistUntil is set. It is longer than joinTime so that few who join have to set it.
	waitlistTime = time.Minute
	// seatCheckDelay is how long a function has to store a registration with the seat that it took.
	seatCheckDelay = time.Minute
)

func (c seatCounter) isFull() bool { return c.Capacity != nil && c.Taken >= *c.Capacity }

func seatCounterKey(eventID string) item { return key(seatCounterPK(eventID), seatCounterSK) }

// A seatItem says what has become of a seat: it is held, returned or, as a task, released.
type seatItem struct {
	Holder   string `dynamodbav:",omitempty"` // the registration that has it
	Returned bool   `dynamodbav:",omitempty"` // the counter does not count it any more; kept, or CheckSeats would miss it
}

// seatKey spreads the seats over the shards.
func seatKey(eventID, seat string) item {
	shard := shardOf(seat)
	if n, err := strconv.Atoi(seat); err == nil {
		shard = n % shards
	}
	return key(shardPK(eventID, shard), seatSK+seat)
}

// seatOf is the seat that r holds. Who was confirmed before the event had a seat counter has one with their own id.
func seatOf(r deltag.Registration) string { return cmp.Or(r.Seat, r.ID) }

var capacityName = map[string]string{"#capacity": "Capacity"} // a reserved word

var (
	condSeatFree = expression{
		text: condExists.text +
			" AND attribute_not_exists(Uncounted) AND (attribute_not_exists(#capacity) OR Taken < #capacity)",
		names: capacityName,
	}
	condSeatForNewcomer = expression{text: condSeatFree.text + " AND attribute_not_exists(WaitlistUntil)", names: capacityName}
)

// condFreeAndUnchanged holds while the counter is as it was read, and has a free seat.
func condFreeAndUnchanged(c seatCounter) expression {
	unchanged := condVersion(c.Version)
	return expression{
		text: condSeatFree.text + " AND " + unchanged.text, names: capacityName, values: unchanged.values,
	}
}

// incrementSeats takes one seat, and makes a check of the seats due, unless one is.
func incrementSeats(eventID string, now time.Time) expression {
	return expression{
		text: "ADD Taken :one, Issued :one, Version :one " +
			"SET GSI1PK = if_not_exists(GSI1PK, :due), GSI1SK = if_not_exists(GSI1SK, :check)",
		values: item{
			":one": avNumber(1), ":due": avString(eventDuePK(eventID)), ":check": avTime(now.Add(seatCheckDelay)),
		},
	}
}

// updateSeatCounter returns the counter after the update or, if the condition does not hold, as it is, and false.
func (s *Store) updateSeatCounter(
	ctx context.Context, eventID string, update, condition expression,
) (c seatCounter, ok bool, err error) {
	stored, err := s.updateItem(ctx, seatCounterKey(eventID), update, condition)
	if ignoreConflict(err) != nil {
		return c, false, err
	}
	c, decodeErr := decode[seatCounter](stored)
	return c, err == nil, decodeErr
}

// errMustWait: there is no seat for a newcomer, who may join the waitlist now.
var errMustWait = errors.New("no seat for a newcomer")

// takeSeat takes a seat for a newcomer. It takes one request if there is a free seat and nobody waits, and one if the
// event is full and others have begun to wait. Errors: errMustWait; ErrNotFound (the event was deleted).
func (s *Store) takeSeat(ctx context.Context, e deltag.Event, now time.Time) (seat string, err error) {
	increment := incrementSeats(e.ID, now)
	c, ok, err := s.updateSeatCounter(ctx, e.ID, increment, condSeatForNewcomer)
	for attempt := 0; ; attempt++ {
		switch {
		case err != nil:
			return "", err
		case ok:
			return strconv.Itoa(c.Issued), nil
		case c.Version == 0 && c.Capacity == nil: // there is no counter: the event was deleted
			return "", deltag.ErrNotFound
		case attempt == maxRetries:
			return "", fmt.Errorf("take a seat: %w", deltag.ErrUnavailable)
		case c.Uncounted:
			if err := s.countEarlierSeats(ctx, e.ID); err != nil {
				return "", err
			}
			c, ok, err = s.updateSeatCounter(ctx, e.ID, increment, condSeatForNewcomer)
			continue
		}
		mustWait := c.isFull()
		if !mustWait {
			if mustWait, err = s.anybodyWaits(ctx, e.ID); err != nil {
				return "", err
			}
		}
		switch {
		case mustWait && (!e.HasWaitlist || c.WaitlistUntil.Sub(now) > joinTime):
			return "", errMustWait
		case mustWait:
			c, ok, err = s.announceJoining(ctx, e.ID, c, now)
			if ok {
				return "", errMustWait
			}
		case c.WaitlistUntil.After(now):
			c, ok, err = s.updateSeatCounter(ctx, e.ID, increment, condFreeAndUnchanged(c))
		default:
			last := increment
			last.text += " REMOVE WaitlistUntil"
			c, ok, err = s.updateSeatCounter(ctx, e.ID, last, condFreeAndUnchanged(c))
		}
	}
}

// FreeSeats is how many newcomers e, which has a capacity, can give a seat: none while anybody waits for one. It takes one
// request, and another where there may be both.
func (s *Store) FreeSeats(ctx context.Context, e deltag.Event) (int, error) {
	c, err := read(ctx, s, seatCounterKey(e.ID), decode[seatCounter])
	free := max(0, *e.Capacity-c.Taken)
	if err != nil || free == 0 || c.WaitlistUntil.IsZero() {
		return free, err
	}
	waits, err := s.anybodyWaits(ctx, e.ID)
	if waits {
		free = 0
	}
	return free, err
}

// announceJoining sets WaitlistUntil. It fails, and returns the counter as it is, if that has changed since it was read: a
// seat may be free.
func (s *Store) announceJoining(
	ctx context.Context, eventID string, c seatCounter, now time.Time,
) (latest seatCounter, ok bool, err error) {
	return s.updateSeatCounter(ctx, eventID, setWaitlistUntil(now), condVersion(c.Version))
}

// announceWaiting sets WaitlistUntil, whatever the counter is.
func (s *Store) announceWaiting(ctx context.Context, eventID string, now time.Time) error {
	_, _, err := s.updateSeatCounter(ctx, eventID, setWaitlistUntil(now), condExists)
	return err
}

func setWaitlistUntil(now time.Time) expression {
	return expression{
		text:   "SET WaitlistUntil = :until ADD Version :one",
		values: item{":until": avTime(now.Add(waitlistTime)), ":one": avNumber(1)},
	}
}

// takeSeatForWaitlist takes a seat that is free, if there is one, for somebody who waits.
func (s *Store) takeSeatForWaitlist(ctx context.Context, eventID string, now time.Time) (seat string, ok bool, err error) {
	c, ok, err := s.updateSeatCounter(ctx, eventID, incrementSeats(eventID, now), condSeatFree)
	return strconv.Itoa(c.Issued), ok, err
}

// holdSeat stores that r has a seat that was taken for it. It fails if the seat is returned already.
func (tx *transaction) holdSeat(r deltag.Registration) *action {
	return tx.Put(encode(seatKey(r.EventID, r.Seat), seatItem{Holder: r.ID}), condNotExists)
}

// moveSeat stores that next has the seat of r, which it takes over.
func (tx *transaction) moveSeat(r, next deltag.Registration) {
	tx.Put(encode(seatKey(r.EventID, seatOf(r)), seatItem{Holder: next.ID}), always)
}

// releaseSeat makes returning r's seat a task.
func (tx *transaction) releaseSeat(r deltag.Registration, now time.Time) {
	tx.Put(dueKey(seatKey(r.EventID, seatOf(r)), personDuePK(r.ID), now), always)
}

// ReturnSeat frees a seat that nobody holds. Repeating it changes nothing.
func (s *Store) ReturnSeat(ctx context.Context, eventID, seat string, now time.Time) error {
	ctx = deltag.WithoutAudit(ctx) // the change is what gave it up, or has yet to come
	tx := s.begin()
	tx.Put(encode(seatKey(eventID, seat), seatItem{Returned: true}),
		expression{text: "attribute_not_exists(Holder) AND attribute_not_exists(Returned)"})
	tx.Update(seatCounterKey(eventID), expression{
		text: "ADD Taken :minus, Version :one", values: item{":minus": avNumber(-1), ":one": avNumber(1)},
	}, condExists)
	tx.putPromoteTask(eventID, now)
	return ignoreConflict(tx.Commit(ctx))
}

// CheckSeats returns the seats of an event that were taken by functions that died before they used them. It is due
// after seats were taken, and checks those that were taken before the last time. Repeating it changes nothing.
func (s *Store) CheckSeats(ctx context.Context, eventID string, now time.Time) error {
	c, err := read(ctx, s, seatCounterKey(eventID), decode[seatCounter])
	if err != nil {
		return ignoreNotFound(err)
	}
	for from := c.Checked + 1; from <= c.CheckedNext; from += maxBatch {
		if err := s.returnUnused(ctx, eventID, from, min(c.CheckedNext, from+maxBatch-1), now); err != nil {
			return err
		}
	}
	next := expression{
		text: "SET Checked = :checked, CheckedNext = :issued, GSI1SK = :next ADD Version :one",
		values: item{
			":checked": avNumber(c.CheckedNext), ":issued": avNumber(c.Issued), ":one": avNumber(1),
			":next": avTime(now.Add(seatCheckDelay)),
		},
	}
	unchanged := expression{text: "CheckedNext = :before", values: item{":before": avNumber(c.CheckedNext)}}
	if c.CheckedNext == c.Issued {
		next = expression{
			text:   "SET Checked = :checked ADD Version :one REMOVE GSI1PK, GSI1SK",
			values: item{":checked": avNumber(c.CheckedNext), ":one": avNumber(1)},
		}
		unchanged.text += " AND Issued = :before"
	}
	_, _, err = s.updateSeatCounter(ctx, eventID, next, unchanged)
	return err
}

// endSeatCheck has no seat checked any more: those who had them are erased.
func (s *Store) endSeatCheck(ctx context.Context, eventID string) error {
	_, _, err := s.updateSeatCounter(ctx, eventID, expression{
		text: "REMOVE GSI1PK, GSI1SK ADD Version :one", values: item{":one": avNumber(1)},
	}, condExists)
	return err
}

// returnUnused returns the seats from one number to another that have no seatItem, 100 at most.
func (s *Store) returnUnused(ctx context.Context, eventID string, from, to int, now time.Time) error {
	var keys []item
	for n := from; n <= to; n++ {
		keys = append(keys, seatKey(eventID, strconv.Itoa(n)))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if found[keyText(key)] != nil {
			continue
		}
		if err := s.ReturnSeat(ctx, eventID, strconv.Itoa(from+i), now); err != nil {
			return err
		}
	}
	return nil
}

// createSeatCounter creates the counter of e, which nobody has signed up for.
func (tx *transaction) createSeatCounter(e deltag.Event) {
	tx.Put(encode(seatCounterKey(e.ID), seatCounter{Capacity: e.Capacity}), condNotExists)
}

// putCapacity adds to tx what an edit of stored to e changes about the seats.
func (tx *transaction) putCapacity(stored, e deltag.Event) {
	if !e.HasSeatCounter {
		return
	}
	if !stored.HasSeatCounter {
		tx.introduceSeatCounter(e)
	} else if !equalCapacity(stored.Capacity, e.Capacity) {
		tx.Update(seatCounterKey(e.ID), setCapacity(e.Capacity), condExists)
	}
	tx.putPromoteTask(e.ID, e.UpdatedAt) // also when only the time has changed: promotion may be open again
}

func setCapacity(capacity *int) expression {
	u := expression{
		text: "SET #capacity = :capacity ADD Version :one", names: capacityName, values: item{":one": avNumber(1)},
	}
	if capacity == nil {
		u.text = "REMOVE #capacity ADD Version :one"
	} else {
		u.values[":capacity"] = avNumber(*capacity)
	}
	return u
}

func equalCapacity(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// introduceSeatCounter creates the counter of an event that people have signed up for without one. Each shard's counts
// keep how many are confirmed at that moment; countEarlierSeats adds them up, and until then there is no free seat.
func (tx *transaction) introduceSeatCounter(e deltag.Event) {
	tx.Put(encode(seatCounterKey(e.ID), seatCounter{Capacity: e.Capacity, Uncounted: true}), condNotExists)
	for _, key := range allCountsKeys(e.ID) {
		tx.Update(key, expression{
			text: "SET HasSeatCounter = :true, ConfirmedBefore = if_not_exists(Confirmed, :zero) ADD Version :one",
			values: item{
				":true": &types.AttributeValueMemberBOOL{Value: true}, ":zero": avNumber(0), ":one": avNumber(1),
			},
		}, always)
	}
}

// countEarlierSeats counts the seats of those who were confirmed before there was a counter. Repeating it changes
// nothing.
func (s *Store) countEarlierSeats(ctx context.Context, eventID string) error {
	all, err := s.readCounts(ctx, eventID)
	if err != nil {
		return err
	}
	earlier := 0
	for _, c := range all {
		earlier += c.ConfirmedBefore
	}
	_, _, err = s.updateSeatCounter(ctx, eventID, expression{
		text:   "ADD Taken :earlier, Version :one REMOVE Uncounted",
		values: item{":earlier": avNumber(earlier), ":one": avNumber(1)},
	}, expression{text: "attribute_exists(Uncounted)"})
	return err
}
