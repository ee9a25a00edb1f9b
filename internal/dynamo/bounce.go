package dynamo

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

// putGiveBackTask replaces that of an earlier bounce.
func (tx *transaction) putGiveBackTask(r deltag.Registration, now time.Time) {
	due := now.Add(deltag.BounceGracePeriod)
	tx.Put(dueKey(giveBackKey(r.EventID, r.ID), personDuePK(r.ID), due), always)
}

// GiveBack cancels a registration whose address has been bouncing for deltag.BounceGracePeriod, without a mail to it;
// its seat goes to the first on the waitlist, and the organiser is told. It does nothing before then, or if the address
// was corrected. Repeating it, and running it at several places at the same time, is safe. Errors: ErrConflict (the
// organiser's note has gone out meanwhile).
func (s *Store) GiveBack(ctx context.Context, eventID, registrationID string, now time.Time) error {
	task, err := s.get(ctx, giveBackKey(eventID, registrationID))
	if err != nil {
		return ignoreNotFound(err)
	}
	if due, err := dueTime(task); err != nil || now.Before(due) {
		return err
	}
	e, r, err := s.EventAndRegistration(ctx, eventID, registrationID)
	if err == nil {
		err = s.giveBack(ctx, e, r, now)
	}
	if ignoreNotFound(err) != nil { // not found: moved to another address, or erased
		return err
	}
	return s.moveTask(ctx, task, time.Time{})
}

func (s *Store) giveBack(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	if !r.LosesPlace(e, now) {
		return nil
	}
	note, err := s.openNote(ctx, e, now)
	if err != nil {
		return err
	}
	var seat string
	err = s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		seat = ""
		if !r.LosesPlace(e, now) {
			return
		}
		next := r.GiveBack(now)
		seat = tx.giveUpPlace(e, r, &next, now)
		tx.replaceRegistration(next)
		tx.addToNote(note.DeliveryKey, next.ID, now)
	})
	if err == nil {
		s.passOnSeat(ctx, e.ID, seat, now)
	}
	return err
}

// comeBack takes a seat for r, if r's was given back and the event is not over. If there is none, it sees to it that no
// newcomer passes r, who joins the waitlist before all who signed up later, also where newcomers can't join it.
func (s *Store) comeBack(
	ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time,
) (deltag.Registration, error) {
	if !r.WasGivenBack() || e.Status == deltag.EventCancelled || !now.Before(e.EndsAt) {
		return r, nil
	}
	first, err := s.firstWaiting(ctx, e.ID)
	if err != nil {
		return r, err
	}
	joinedAt, _ := parseWaitlistKey(stringAttr(first, "SK"))
	if first == nil || formatTime(r.RegisteredAt) < joinedAt {
		seat, ok, err := s.takeSeatForWaitlist(ctx, e.ID, now)
		if err != nil || ok {
			r = r.ComeBack(true, now)
			r.Seat = seat
			return r, err
		}
	}
	e.HasWaitlist = true
	seat, err := s.takeSeat(ctx, e, now)
	if errors.Is(err, errMustWait) {
		return r.ComeBack(false, now), nil
	}
	r = r.ComeBack(true, now)
	r.Seat = seat
	return r, err
}
