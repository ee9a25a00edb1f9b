package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"deltag/internal/deltag"
)

// Feedback records SES's events in the mail ledger and suppresses dead and complaining addresses.
type Feedback struct{ Store FeedbackStore }

// A FeedbackStore reads consistently. For LoadDelivery and SaveDelivery see DeliveryStore.
type FeedbackStore interface {
	// CountFeedback counts what became of a mail, for the sender's reputation.
	CountFeedback(ctx context.Context, d deltag.Delivery, o deltag.FeedbackCounts, at time.Time) error
	LoadDelivery(ctx context.Context, key deltag.DeliveryKey) (
		deltag.Delivery, deltag.Event, deltag.Registration, error)
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	// Suppress stops mail to an address for all events, and shows that on r unless it is the zero value. It may be
	// repeated; a complaint never replaces a bounce.
	Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration,
		status deltag.AddressStatus, now time.Time) error
}

// HandleSESEvent records what SES says about a mail. Events may come twice, late and in any order. If the process dies
//
//	before the row is saved       nothing has happened, and the event must come again
//	before the outcome is counted the count is one too low, of many
//	before the address is stopped the event must come again
//
// ErrUnavailable: the row kept changing meanwhile.
func (f *Feedback) HandleSESEvent(ctx context.Context, event deltag.SESEvent) error {
	for range maxConflictRetries {
		d, e, r, err := f.Store.LoadDelivery(ctx, event.Delivery)
		if errors.Is(err, deltag.ErrNotFound) { // erased
			return f.countFeedback(ctx, deltag.Delivery{DeliveryKey: event.Delivery}, event)
		}
		if err != nil {
			return err
		}
		next, changed := d.ApplySESEvent(event)
		if changed {
			err = f.Store.SaveDelivery(ctx, next)
		}
		if errors.Is(err, deltag.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if changed {
			err = f.countFeedback(ctx, d, event)
		}
		status := event.AddressStatus()
		if status == "" || !changed && event.IsOutdated(d, r) {
			return err
		}
		if d.DetachedRecipient != nil {
			r = deltag.Registration{} // r was built from the row; it is not stored
		}
		return errors.Join(err, f.Store.Suppress(ctx, e, d.Email, r, status, event.At))
	}
	return fmt.Errorf("SES event on %s: %w", event.Delivery.Tag(), deltag.ErrUnavailable)
}

// countFeedback counts an event about d, which has no network and no address if it was erased.
func (f *Feedback) countFeedback(ctx context.Context, d deltag.Delivery, event deltag.SESEvent) error {
	counts := event.FeedbackCounts()
	if counts == (deltag.FeedbackCounts{}) {
		return nil
	}
	return f.Store.CountFeedback(ctx, d, counts, event.At)
}
