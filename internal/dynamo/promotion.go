package dynamo

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

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

// promoteNow fills a seat at once. Its failure is not the caller's: the note in the due index brings
// the repair back within a minute.
func (s *Store) promoteNow(ctx context.Context, e deltag.Event, now time.Time) error {
	if e.HasSeatCounter {
		_ = s.Promote(ctx, e.ID, now)
	}
	return nil
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
