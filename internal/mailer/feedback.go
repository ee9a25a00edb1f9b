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
	LoadDelivery(ctx context.Context, key deltag.DeliveryKey) (
		deltag.Delivery, deltag.Event, deltag.Registration, error)
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	// Suppress stops mail to an address for all events, and shows that on r unless it is the zero value. It may be
	// repeated; a complaint never replaces a bounce.
	Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration,
		status deltag.AddressStatus, now time.Time) error
}

// HandleSESEvent records what SES says about a mail. Events may come twice, late and in any order. If the process dies
// between the two writes, the event must come again. ErrUnavailable: the row kept changing meanwhile.
func (f *Feedback) HandleSESEvent(ctx context.Context, event deltag.SESEvent) error {
	for range maxConflictRetries {
		d, e, r, err := f.Store.LoadDelivery(ctx, event.Delivery)
		if errors.Is(err, deltag.ErrNotFound) {
			return nil // erased
		}
		if err != nil {
			return err
		}
		if next, changed := d.ApplySESEvent(event); changed {
			err = f.Store.SaveDelivery(ctx, next)
		}
		if errors.Is(err, deltag.ErrConflict) {
			continue
		}
		status := event.AddressStatus()
		if err != nil || status == "" {
			return err
		}
		if d.DetachedRecipient != nil {
			r = deltag.Registration{} // r was built from the row; it is not stored
		}
		return f.Store.Suppress(ctx, e, d.Email, r, status, event.At)
	}
	return fmt.Errorf("SES event on %s: %w", event.Delivery.Tag(), deltag.ErrUnavailable)
}
