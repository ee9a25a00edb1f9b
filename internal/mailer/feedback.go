package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"deltag/internal/deltag"
)

// HandleSESEvent notes what SES reports about a mail. Reports may come twice, late and in any order. If the process ends
// between its writes, the report comes again.
func (f *Feedback) HandleSESEvent(ctx context.Context, report deltag.SESEvent) error {
	for range maxConflictRetries {
		d, e, r, err := f.Store.LoadDelivery(ctx, report.Delivery)
		if errors.Is(err, deltag.ErrNotFound) {
			return nil // erased
		}
		if err != nil {
			return err
		}
		if next, changed := d.ApplySESEvent(report); changed {
			err = f.Store.SaveDelivery(ctx, next)
		}
		if errors.Is(err, deltag.ErrConflict) {
			continue
		}
		if state := report.AddressStatus(); err == nil && state != "" {
			if d.DetachedRecipient != nil {
				r = deltag.Registration{} // it is none
			}
			err = f.Store.Suppress(ctx, e, d.Email, r, state, report.At)
		}
		return err
	}
	return fmt.Errorf("report on %s: %w", report.Delivery.Tag(), deltag.ErrUnavailable)
}

// Feedback keeps the ledger in step with what SES reports.
type Feedback struct {
	Store interface {
		LoadDelivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, deltag.Event, deltag.Registration, error)
		SaveDelivery(ctx context.Context, d deltag.Delivery) error
		Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, state deltag.AddressStatus, now time.Time) error
	}
}
