package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// Promote gives free seats to the waitlist, first come, first served, until the event is full or nobody waits. It
// does nothing unless the event has a promote task, which it deletes at the end.
// Repeating it, and running it at several places at the same time, is safe: each seat is one transaction.
func (s *Store) Promote(ctx context.Context, eventID string, now time.Time) error {
	task, err := s.get(ctx, key(eventPK(eventID), promoteSK))
	if err != nil {
		return ignoreNotFound(err)
	}
	e, err := s.Event(ctx, eventID)
	if err != nil {
		return err
	}
	for more := e.PromotionOpenAt(now); more; {
		if more, err = s.promoteNext(ctx, e, now); err != nil {
			return err
		}
	}
	// Only the task that was read: whoever has freed a seat in the meantime has put another.
	tx := s.begin()
	tx.Delete(keyOf(task), expression{text: "Nonce = :nonce", values: item{":nonce": task["Nonce"]}})
	return ignoreConflict(tx.Commit(ctx))
}

// promoteNow spares the waitlist the time until the promote task is run. It is no error of the caller's when it
// fails: the task remains.
func (s *Store) promoteNow(ctx context.Context, e deltag.Event, now time.Time) {
	if e.HasSingleCounter {
		_ = s.Promote(ctx, e.ID, now)
	}
}

// promoteNext gives a free seat to the first on the waitlist. more is false when there is no free seat, or nobody
// waits.
func (s *Store) promoteNext(ctx context.Context, e deltag.Event, now time.Time) (more bool, err error) {
	entries, _, err := decodePage(ctx, s, query{pk: eventPK(e.ID), prefix: waitlistSK, limit: 1}, asItem)
	if err != nil || len(entries) == 0 {
		return false, err
	}
	entry := entries[0]
	_, r, err := s.EventAndRegistration(ctx, e.ID, stringAttr(entry, "ID"))
	if ignoreNotFound(err) != nil {
		return false, err
	}
	tx := s.begin()
	if stringAttr(waitlistKey(r), "SK") != stringAttr(entry, "SK") { // or it would block everybody behind it
		tx.deleteStaleWaitlistEntry(e.ID, stringAttr(entry, "SK"))
		return true, ignoreConflict(tx.Commit(ctx))
	}
	next, mail := r.Promote(now)
	seat := tx.takeSeatFromWaitlist(e, countChange(r, next))
	tx.Delete(keyOf(entry), condExists)
	tx.replaceRegistration(next)
	tx.putDelivery(mail)
	err = tx.Commit(ctx)
	if seat.Failed() {
		return false, nil
	}
	return err == nil || isConflict(err), ignoreConflict(err) // after a conflict the first may be another
}

// WaitlistPosition is r's position on the waitlist, from 1.
func (s *Store) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	q := query{pk: eventPK(r.EventID), from: waitlistSK, to: stringAttr(waitlistKey(r), "SK"), count: true}
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

// deleteStaleWaitlistEntry is for an entry whose registration is gone or does not wait since then.
func (tx *transaction) deleteStaleWaitlistEntry(eventID, sk string) {
	joinedAt, registrationID := parseWaitlistKey(sk)
	tx.Check(registrationKey(eventID, registrationID), expression{
		text:   "attribute_not_exists(WaitlistedAt) OR WaitlistedAt <> :joined",
		values: item{":joined": avString(joinedAt)},
	})
	tx.Delete(key(eventPK(eventID), sk), always)
}
