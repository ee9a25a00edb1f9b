package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

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
	return s.resendStatus(ctx, e, r, now)
}

func (s *Store) resendStatus(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	mailCount, err := s.mailCountKey(ctx, r.Email, now)
	if err != nil {
		return err
	}
	var limit *action
	err = s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		next, mail, ok := r.ResendAfterCooldown(now)
		if !ok {
			return
		}
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
		limit = tx.checkUnverifiedMail(mailCount)
	})
	if limit.Failed() {
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
