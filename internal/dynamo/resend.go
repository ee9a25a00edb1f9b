package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// ResendConfirmation tells the person behind an address again how their registration stands, and nothing when there
// is none; at most once in deltag.RepeatAfter.
func (s *Store) ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error {
	e, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, a))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.resend(ctx, e, r, now)
}

// resend is silent when the address may be sent no more today.
func (s *Store) resend(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	mails, err := s.mailCounterKey(ctx, r.Email, now)
	if err != nil {
		return err
	}
	err = s.updateWithRetry(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		next, mail, ok := r.ResendAfterCooldown(now)
		if !ok {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(next), s.putDelivery(mail), s.checkMailLimit(mails)}
	})
	if failedAt(err, 2) {
		return nil
	}
	return err
}

// Resend makes a new delivery of a mail that did not arrive. ErrConflict: it is still on its way.
func (s *Store) Resend(ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time) error {
	if d.IsActive() {
		return deltag.ErrConflict
	}
	if d.Kind.IsTransactional() {
		return s.updateWithRetry(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
			next, mail := r.ResendStatus(now)
			return []types.TransactWriteItem{s.putIfUnchanged(next), s.putDelivery(mail)}
		})
	}
	return s.SaveDelivery(ctx, d.Resend(now))
}
