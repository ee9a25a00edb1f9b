package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// giveUpPlace takes the seat or waitlist entry of r away, which next, its later state, has not. It returns the seat that
// is to be passed on, "" when there is none.
func (tx *transaction) giveUpPlace(
	e deltag.Event, r deltag.Registration, next *deltag.Registration, now time.Time,
) (seat string) {
	tx.addCounts(e, r.ID, countChange(r, *next))
	next.Seat = ""
	switch {
	case r.Status == deltag.RegistrationWaitlisted:
		tx.deleteWaitlistEntry(r)
	case r.Status == deltag.RegistrationConfirmed && e.HasSeatCounter:
		tx.releaseSeat(r, now)
		return seatOf(r)
	}
	return ""
}

// passOnSeat gives a seat that nobody holds to the first on the waitlist. It spares them the time until the tick does so: by
// the task of a released seat, or by CheckSeats for one that was taken in vain. So its failure is no error of the caller's.
func (s *Store) passOnSeat(ctx context.Context, eventID, seat string, now time.Time) {
	if seat == "" {
		return
	}
	ctx = deltag.WithoutAudit(ctx)
	if err := s.ReturnSeat(ctx, eventID, seat, now); err == nil {
		_ = s.Promote(ctx, eventID, now)
	}
}

// promoteBackoff is how long a promotion waits for those who are about to join the waitlist.
const promoteBackoff = 5 * time.Second

// Promote gives free seats to the waitlist, first come, first served, until the event is full or nobody waits. It
// does nothing unless the event has a promote task, which it deletes at the end, or puts off while somebody is about to
// join the waitlist.
// Repeating it, and running it at several places at the same time, is safe: each promotion is one transaction.
func (s *Store) Promote(ctx context.Context, eventID string, now time.Time) error {
	taskKey, eventKey, counterKey := key(eventPK(eventID), promoteSK), eventKey(eventID), seatCounterKey(eventID)
	found, err := s.batchGet(ctx, taskKey, eventKey, counterKey)
	task := found[keyText(taskKey)]
	if err != nil || task == nil {
		return err
	}
	e, err := decodeFound(found, eventKey, decodeEvent)
	if isNotFound(err) { // deleted
		return s.deleteAll(ctx, task)
	}
	if err != nil {
		return err
	}
	if c, err := decodeFound(found, counterKey, decode[seatCounter]); err == nil && c.Uncounted {
		if err := s.countEarlierSeats(ctx, eventID); err != nil {
			return err
		}
	}
	left, err := s.promoteAll(ctx, e, now)
	if err != nil {
		return err
	}
	// Only the task that was read: whoever has freed a seat in the meantime has put another.
	same := expression{text: "Nonce = :nonce", values: item{":nonce": task["Nonce"]}}
	tx := s.begin()
	if left {
		tx.Update(keyOf(task), setDue(now.Add(promoteBackoff)), same)
	} else {
		tx.Delete(keyOf(task), same)
	}
	return ignoreConflict(tx.Commit(ctx))
}

// promoteAll returns true if there is a free seat, and somebody may be about to join the waitlist for want of one.
func (s *Store) promoteAll(ctx context.Context, e deltag.Event, now time.Time) (left bool, err error) {
	seat := "" // that was taken, and that nobody holds yet
	for {
		entry, err := s.firstWaiting(ctx, e.ID)
		if err != nil {
			return false, err
		}
		if entry == nil {
			break
		}
		text, _ := parseWaitlistKey(stringAttr(entry, "SK"))
		if joinedAt, err := parseTime(text); err != nil || !e.PromotionOpenAt(now, joinedAt) {
			break
		}
		if seat == "" {
			free := false
			if seat, free, err = s.takeSeatForWaitlist(ctx, e.ID, now); err != nil || !free {
				return false, err
			}
		}
		promoted, err := s.promote(ctx, e, entry, seat, now)
		if err != nil {
			return false, err // it is unknown whether the seat is held: see CheckSeats
		}
		if promoted {
			seat = ""
		}
	}
	if seat != "" {
		if err := s.ReturnSeat(ctx, e.ID, seat, now); err != nil {
			return false, err
		}
	}
	c, err := read(ctx, s, seatCounterKey(e.ID), decode[seatCounter]) // after the waitlist
	return !c.isFull() && c.WaitlistUntil.After(now), ignoreNotFound(err)
}

// promote gives a seat to whom a waitlist entry names. It returns false if they do not wait any more.
func (s *Store) promote(ctx context.Context, e deltag.Event, entry item, seat string, now time.Time) (bool, error) {
	r, err := read(ctx, s, registrationKey(e.ID, stringAttr(entry, "ID")), decodeRegistration)
	if deltag.IsUnreadable(err) {
		return false, s.setAside(ctx, e.ID, entry, now)
	}
	if ignoreNotFound(err) != nil {
		return false, err
	}
	tx := s.begin()
	if stringAttr(waitlistKey(r), "SK") != stringAttr(entry, "SK") { // or it would block everybody behind it
		tx.Delete(keyOf(entry), always) // it was read before the registration, so it will not become true
		return false, tx.Commit(ctx)
	}
	next, mail := r.Promote(now)
	next.Seat = seat
	tx.Delete(keyOf(entry), condExists)
	tx.replaceRegistration(next)
	tx.putDelivery(mail)
	tx.addCounts(e, r.ID, countChange(r, next))
	held := tx.holdSeat(next)
	err = tx.Commit(ctx)
	if held.Failed() {
		return true, nil // the seat is gone; the next turn takes another
	}
	return err == nil, ignoreConflict(err)
}

// setAside deletes the waitlist entry of a registration that can't be read, which would block everybody behind it. The
// reconciliation, now due, reports that registration until it is mended, and then adds the entry again.
func (s *Store) setAside(ctx context.Context, eventID string, entry item, now time.Time) error {
	tx := s.begin()
	tx.Delete(keyOf(entry), always)
	tx.Update(key(eventPK(eventID), reconcileSK), expression{
		text: "SET GSI1PK = :bulk, GSI1SK = :now", values: item{":bulk": avString(dueBulkPK), ":now": avTime(now)},
	}, always)
	return tx.Commit(ctx)
}

// firstWaiting is the first waitlist entry, nil when there is none.
func (s *Store) firstWaiting(ctx context.Context, eventID string) (item, error) {
	entries, _, err := decodePage(ctx, s, query{pk: waitlistPK(eventID), prefix: waitlistSK, limit: 1}, asItem)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return entries[0], nil
}

func (s *Store) anybodyWaits(ctx context.Context, eventID string) (bool, error) {
	entry, err := s.firstWaiting(ctx, eventID)
	return entry != nil, err
}

// WaitlistPosition is r's position on the waitlist, from 1.
func (s *Store) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	q := query{pk: waitlistPK(r.EventID), from: waitlistSK, to: stringAttr(waitlistKey(r), "SK"), count: true}
	position := 0
	for {
		out, err := s.queryPage(ctx, q)
		if err != nil {
			return 0, err
		}
		position += int(out.Count)
		if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
			return position, nil
		}
	}
}

// putWaitlistEntry adds r to the waitlist, at r.WaitlistedAt.
func (tx *transaction) putWaitlistEntry(r deltag.Registration) *action {
	entry := waitlistKey(r)
	entry["ID"] = avString(r.ID)
	return tx.Put(entry, condNotExists)
}

func (tx *transaction) deleteWaitlistEntry(r deltag.Registration) { tx.Delete(waitlistKey(r), always) }
