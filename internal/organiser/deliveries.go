package organiser

import (
	"context"
	"slices"

	"deltag/internal/deltag"
)

// A DeliveryFilter picks deliveries. The zero value picks all.
type DeliveryFilter struct {
	Status deltag.DeliveryStatus
	Kind   deltag.MailKind
	Email  deltag.Address
}

func (f DeliveryFilter) excludes(d deltag.Delivery) bool {
	return f.Status != "" && f.Status != d.Status || f.Kind != "" && f.Kind != d.Kind
}

// Deliveries is a page of an event's mail ledger. It may hold fewer than limit, or none, and still have a next one;
// those to one address are all on one page. ValidationErrors for a bad cursor.
func (s *Service) Deliveries(
	ctx context.Context, by Caller, eventID string, f DeliveryFilter, cursor string, limit int,
) (deltag.Event, Page[deltag.Delivery], error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, Page[deltag.Delivery]{}, err
	}
	var page Page[deltag.Delivery]
	if f.Email != (deltag.Address{}) {
		page.Items, err = s.Store.DeliveriesOf(ctx, eventID, deltag.RegistrationID(e, f.Email))
	} else {
		page.Items, page.Next, err = s.Store.Deliveries(ctx, eventID, cursor, limit)
	}
	page.Items = slices.DeleteFunc(page.Items, f.excludes)
	return e, page, err
}

// Delivery reads one by its ID.
func (s *Service) Delivery(ctx context.Context, by Caller, eventID, id string) (deltag.Event, deltag.Delivery, error) {
	if err := by.requireRead(); err != nil {
		return deltag.Event{}, deltag.Delivery{}, err
	}
	key, err := deltag.ParseDeliveryID(eventID, id)
	if err != nil {
		return deltag.Event{}, deltag.Delivery{}, err
	}
	e, err := s.Store.Event(ctx, eventID)
	if err != nil {
		return e, deltag.Delivery{}, err
	}
	d, err := s.Store.Delivery(ctx, key)
	return e, d, err
}

// ResendDelivery sends a mail once more. If it bounced, or was skipped because an earlier one did, the organiser has found
// out that the address works, so it is no longer suppressed. ErrConflict while the mail is on its way, and so when it is
// repeated at once.
func (s *Service) ResendDelivery(ctx context.Context, by Caller, eventID, id string) error {
	if err := by.requireEdit(); err != nil {
		return err
	}
	key, err := deltag.ParseDeliveryID(eventID, id)
	if err != nil {
		return err
	}
	d, e, r, err := s.Store.LoadDelivery(ctx, key)
	if err != nil {
		return err
	}
	if r.ID == "" { // erased, or another change of address has replaced the one that d is about
		return deltag.ErrNotFound
	}
	ctx = by.record(ctx, deltag.AuditEntry{
		Action: deltag.AuditMailResent, EventID: eventID, RegistrationID: r.ID, Details: []string{string(d.Kind)},
	})
	if d.Status == deltag.DeliveryBounced || d.Reason == deltag.ReasonAddressBounced {
		// The entry is Resend's: if that fails, no mail was sent again.
		if err := s.Store.LiftSuppression(deltag.WithoutAudit(ctx), e, r); err != nil {
			return err
		}
	}
	return s.Store.Resend(ctx, e, r, d, by.Now)
}
