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
	task, err := s.get(ctx, eventPK(eventID), promoteSK)
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
	// Only the task that was read: whoever has freed a seat in the meantime has put another.
	tx := s.begin()
	tx.Delete(keyOf(task), condition{expr: "Nonce = :nonce", values: item{":nonce": task["Nonce"]}})
	return ignoreConflict(tx.Commit(ctx))
}

// promoteNow spares the waitlist the time until the promote task is run. It is no error of the caller's when it
// fails: the task remains.
func (s *Store) promoteNow(ctx context.Context, e deltag.Event, now time.Time) {
	if e.HasSeatCounter {
		_ = s.Promote(ctx, e.ID, now)
	}
}

// promoteNext gives a free seat to the first on the waitlist. more is false when there is no free seat, or nobody
// waits.
func (s *Store) promoteNext(ctx context.Context, e deltag.Event, now time.Time) (more bool, err error) {
	out, err := s.queryPage(ctx, query{pk: eventPK(e.ID), prefix: waitlistSK, limit: 1})
	if err != nil || len(out.Items) == 0 {
		return false, err
	}
	entry := out.Items[0]
	_, r, err := s.EventAndRegistration(ctx, e.ID, stringAttr(entry, "ID"))
	if err != nil && !isNotFound(err) {
		return false, err
	}
	tx := s.begin()
	if _, sk := waitlistKey(r); sk != stringAttr(entry, "SK") { // or it would block everybody behind it
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
