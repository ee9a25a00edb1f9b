package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// updateWithRetry changes a registration from its latest state: first from the one that the caller has read, and
// after a conflict from the stored one. change adds no actions when there is nothing left to do, which makes every
// caller safe to repeat.
// Errors: ErrConflict (something else than the event or the registration failed), ErrNotFound (either is gone).
func (s *Store) updateWithRetry(
	ctx context.Context, e deltag.Event, r deltag.Registration,
	change func(*transaction, deltag.Event, deltag.Registration),
) error {
	for attempt := 1; ; attempt++ {
		tx := s.begin()
		change(tx, e, r)
		if len(tx.actions) == 0 {
			return nil
		}
		err := tx.Commit(ctx)
		if !isConflict(err) || attempt == maxRetries {
			return err
		}
		latestEvent, latest, readErr := s.EventAndRegistration(ctx, e.ID, r.ID)
		if readErr != nil {
			return readErr
		}
		if latestEvent.Revision == e.Revision && latest.Revision == r.Revision {
			return err
		}
		e, r = latestEvent, latest
	}
}

// MarkAttended stores that r attended. Errors: ErrNotFound. Repeating it keeps the first time.
func (s *Store) MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		if !r.AttendedAt.IsZero() {
			return
		}
		next := r.MarkAttended(now)
		tx.replaceRegistration(next)
		tx.addCounts(e, r.ID, countChange(r, next))
	})
}

// Unsubscribe ends optional mail to r. Errors: ErrNotFound. Repeating it changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, _ time.Time) error {
	return s.setAddressStatus(ctx, e, r, deltag.AddressUnsubscribed)
}

// setAddressStatus keeps a more severe status that is stored already.
func (s *Store) setAddressStatus(
	ctx context.Context, e deltag.Event, r deltag.Registration, status deltag.AddressStatus,
) error {
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		if status.MoreSevereThan(r.AddressStatus) {
			tx.replaceRegistration(r.SetAddressStatus(status))
		}
	})
}

// UpdateByAttendee stores what a person has changed about their registration. A new address gets a registration of
// its own in the place of the old one, with new links and a confirmation; the links sent to the old address become
// invalid, and it gets a last mail. If the new address is signed up already, its registration remains as it is and
// the old one is removed; the answer is the same. Errors: ErrConflict (r has changed since it was read; so also when
// it is repeated), ErrMailLimit (a new address has had its unverified mails of the day: it may be a stranger's).
func (s *Store) UpdateByAttendee(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	mail, err := s.mailCountKey(ctx, in.Email, now)
	if err != nil {
		return err
	}
	return s.updateRegistration(ctx, e, r, in, now, deltag.KindAddressChanged, signUpLimits{mail: mail})
}

// UpdateByOrganiser is UpdateByAttendee by an organiser. The old address gets no mail, for it is invalid or a
// stranger's, and the new one has no limit.
func (s *Store) UpdateByOrganiser(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	return s.updateRegistration(ctx, e, r, in, now, "", signUpLimits{})
}

// updateRegistration sends finalMail to an address that is given up, or nothing when it is "".
func (s *Store) updateRegistration(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
	finalMail deltag.MailKind, limits signUpLimits,
) error {
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.changeAddress(ctx, e, r, in, now, finalMail, limits)
	}
	next := r.WithDetails(in)
	next.Revision++
	tx := s.begin()
	tx.replaceRegistration(next)
	return tx.Commit(ctx)
}

// maxPreviousIDs is how many former addresses' deliveries are kept.
const maxPreviousIDs = 10

// maxMissed is how many missed mails are sent again, the latest of them: a transaction takes maxActions.
const maxMissed = 80

// changeAddress moves r to another address, and sends there what the old one has missed.
func (s *Store) changeAddress(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
	finalMail deltag.MailKind, limits signUpLimits,
) error {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	deliveries, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	if err != nil {
		return err
	}
	mailings, err := s.Mailings(ctx, r.EventID)
	if err != nil {
		return err
	}
	next, mail := r.ChangeAddress(e, in, secret, now)
	var forgotten []string
	forgotten, next.PreviousIDs = cutLast(next.PreviousIDs, maxPreviousIDs)

	tx := s.begin()
	created := tx.putRegistration(next)
	deleted := tx.Delete(registrationKey(r.EventID, r.ID), condRevision(r.Revision))
	tx.putDelivery(mail)
	tx.addCounts(e, r.ID, deltag.Counts{}) // so that a reconciliation notices: it may have counted both
	if r.Status == deltag.RegistrationWaitlisted {
		tx.deleteWaitlistEntry(r)
		tx.putWaitlistEntry(next)
	}
	tx.putPurgeTasks(r.EventID, forgotten, now)
	tx.putFinalDelivery(e, r, finalMail, now)
	_, missed := cutLast(r.MissedDeliveries(next, deliveries, mailings), maxMissed)
	for _, d := range missed {
		tx.putDelivery(d)
	}
	mails, _ := tx.checkLimits(limits, now)
	err = tx.Commit(ctx)
	switch {
	case mails.Failed(): // first: it must not matter whether the address is signed up
		return deltag.ErrMailLimit
	case created.Failed() && !deleted.Failed():
		return s.mergeRegistrations(ctx, e, r, next.Email, now, finalMail)
	}
	return err
}

// cutLast returns the last n of all apart from those before them.
func cutLast[T any](all []T, n int) (before, last []T) {
	i := max(0, len(all)-n)
	return all[:i], all[i:]
}

// mergeRegistrations removes r in favour of the registration that its new address already has.
func (s *Store) mergeRegistrations(
	ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time,
	finalMail deltag.MailKind,
) error {
	if err := s.removeRegistration(ctx, e, r, finalMail, now); err != nil {
		return err
	}
	return s.ResendConfirmation(ctx, e, to, now)
}

// ResendConfirmation sends the status of the registration of an address again. It sends nothing, and answers the
// same, when there is no registration, or the address has had its unverified mails of the day.
// Repeating it sends at most once in deltag.ResendCooldown.
func (s *Store) ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error {
	e, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, a))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	limits, err := s.signUpLimits(ctx, r, "", now)
	if err != nil {
		return err
	}
	return s.resendStatus(ctx, e, r, limits, now)
}

// resendStatus sends r its status again, after deltag.ResendCooldown and if its address may get another mail. It counts
// for the limit of a network in any case. Errors: ErrSignUpLimit, ErrNotFound, ErrConflict.
func (s *Store) resendStatus(
	ctx context.Context, e deltag.Event, r deltag.Registration, limits signUpLimits, now time.Time,
) error {
	var mails, signUps *action
	err := s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		next, mail, ok := r.ResendAfterCooldown(now)
		if !ok {
			mails, signUps = tx.checkLimits(signUpLimits{network: limits.network}, now)
			return
		}
		mails, signUps = tx.checkLimits(limits, now)
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
	})
	switch {
	case signUps.Failed():
		return deltag.ErrSignUpLimit
	case mails.Failed():
		return nil
	}
	return err
}

// Resend sends a delivery again, at the organiser's request: a transactional mail as a new delivery with the status
// as it is now, any other as the same delivery.
// Errors: ErrConflict (d is still being sent, or has changed), ErrNotFound. Repeating it, with the d that was read,
// sends a transactional mail once more, and is ErrConflict for any other.
func (s *Store) Resend(
	ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time,
) error {
	if d.IsActive() {
		return deltag.ErrConflict
	}
	if !d.Kind.IsTransactional() {
		return s.SaveDelivery(ctx, d.Resend(now))
	}
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		next, mail := r.ResendStatus(now)
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
	})
}
