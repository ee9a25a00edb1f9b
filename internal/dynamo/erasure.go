package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Erase removes everything personal about r at once, frees its seat, and leaves an item that says when, without personal
// data. The address alone stays until the receipt is on its way to it. If the function dies on the way, the note in the due
// index finishes the work.
func (s *Store) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.removeRegistration(ctx, e, r, deltag.KindErasureReceipt, now)
}

func (s *Store) removeRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, farewell deltag.MailKind, now time.Time) error {
	err := s.updateWithRetry(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		actions := append(s.releaseActions(e, r, deltag.Counts{}, now), s.putPurgeTasks(r.EventID, append(r.PreviousIDs, r.ID), now)...)
		if farewell != "" {
			actions = append(actions, s.putFinalDelivery(e, r, farewell, now))
		}
		return append(actions, s.delete(key(eventPK(r.EventID), registrationSK+r.ID), condRevision, revisionParam(r.Revision)),
			s.put(key(eventPK(r.EventID), erasureSK+formatTime(now)+"#"+r.ID), "", nil))
	})
	if err != nil && !isNotFound(err) {
		return err
	}
	for _, id := range append(r.PreviousIDs, r.ID) {
		if err := s.PurgeDeliveries(ctx, r.EventID, id); err != nil {
			return err
		}
	}
	return s.promoteNow(ctx, e, now)
}

// putFinalDelivery puts a last mail to r's address in the ledger. Nobody else writes that row: a conflict would tell nothing.
func (s *Store) putFinalDelivery(e deltag.Event, r deltag.Registration, k deltag.MailKind, now time.Time) types.TransactWriteItem {
	d := deltag.NewFinalDelivery(e, r, k, now)
	d.Revision = 1
	return s.put(encode(newDeliveryItem(d)), "", nil)
}

// PurgeDeliveries removes what is left of a registration that is gone: its ledger rows, then the note that asked for it. The farewell
// stays until it is sent, and so do the mails of a person who has signed up again.
func (s *Store) PurgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	for range maxRetries {
		err := s.purgeDeliveries(ctx, eventID, registrationID)
		if !errors.Is(err, deltag.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("purge: %w", deltag.ErrUnavailable)
}

// purgeDeliveries answers ErrConflict when a row has become another registration's in the meantime.
func (s *Store) purgeDeliveries(ctx context.Context, eventID, registrationID string) error {
	rows, err := s.DeliveriesOf(ctx, eventID, registrationID)
	if err != nil {
		return err
	}
	_, again, err := s.EventAndRegistration(ctx, eventID, registrationID)
	if err != nil && !isNotFound(err) {
		return err
	}
	var removals []types.TransactWriteItem
	for _, d := range rows {
		if farewell := d.Kind.IsFinal() && d.IsActive(); farewell || again.ID != "" && d.Generation == again.Generation() {
			continue
		}
		condition, values := "attribute_not_exists(Generation)", item(nil)
		if d.Generation != "" {
			condition, values = condNotExists+" OR Generation = :generation", item{":generation": avString(d.Generation)}
		}
		removals = append(removals, s.delete(key(deliveryKey(d.DeliveryKey)), condition, values))
	}
	return s.transactChunks(ctx, append(removals, s.delete(key(eventPK(eventID), purgeSK+registrationID), "", nil)))
}

// EraseEvent removes everything personal about an event whose time to keep it is over: registrations, places in
// line, ledger rows and receipts, a page at a time. The numbers are taken before, and stay. It says false while there is more
// to do; it may be ended anywhere and called again.
func (s *Store) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	e, err := s.Event(ctx, eventID)
	if isNotFound(err) {
		return true, s.deleteAll(ctx, key(eventPK(eventID), eraseSK))
	}
	if err != nil {
		return false, err
	}
	if now.Before(e.RetentionEndsAt()) {
		return true, nil
	}
	if err := s.snapshotStats(ctx, e); err != nil {
		return false, err
	}
	pk := eventPK(eventID)
	for _, prefix := range []string{registrationSK, waitlistSK, deliverySK, erasureSK} {
		out, err := s.queryPage(ctx, query{pk: pk, prefix: prefix, limit: maxActions})
		if err != nil {
			return false, err
		}
		var keys []item
		for _, it := range out.Items {
			keys = append(keys, item{"PK": it["PK"], "SK": it["SK"]})
		}
		if len(keys) > 0 {
			return false, s.deleteAll(ctx, keys...)
		}
	}
	err = s.transact(ctx, s.delete(key(pk, eraseSK), condExists, nil),
		s.update(key(pk, statsSK), "SET ErasedAt = :now", condExists, nil, item{":now": avString(formatTime(now))}))
	return err == nil || errors.Is(err, deltag.ErrConflict), ignoreConflict(err) // or somebody else finished it
}
