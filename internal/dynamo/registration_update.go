package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// UpdateByAttendee stores what a person changed about their registration. ErrConflict: it was changed in the meantime. A new address
// gets a registration of its own in the place of the old one, with new links and a confirmation; the links sent to the old
// address die, and it gets a note. If the new address is signed up already, the old registration is given up in its
// favour, and the answer is the same.
func (s *Store) UpdateByAttendee(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time) error {
	return s.updateRegistration(ctx, e, r, in, now, deltag.KindAddressChanged)
}

// UpdateByOrganiser is Change by an organiser. The old address gets no note: it is dead, or a stranger's.
func (s *Store) UpdateByOrganiser(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time) error {
	return s.updateRegistration(ctx, e, r, in, now, "")
}

func (s *Store) updateRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time, farewell deltag.MailKind) error {
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.changeAddress(ctx, e, r, in, now, farewell)
	}
	next := r.WithDetails(in)
	next.Revision++
	return s.transact(ctx, s.putIfUnchanged(next))
}

// maxPreviousIDs bounds how many former addresses' ledger rows are kept.
const maxPreviousIDs = 10

// maxMissed bounds what one transaction sends again, the latest first.
const maxMissed = 80

// changeAddress moves a registration to another address, with what the old one has missed.
func (s *Store) changeAddress(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time, farewell deltag.MailKind) error {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	rows, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	if err != nil {
		return err
	}
	ms, err := s.Mailings(ctx, r.EventID)
	if err != nil {
		return err
	}
	next, mail := r.ChangeAddress(e, in, secret, now)
	forgotten := next.PreviousIDs[:max(0, len(next.PreviousIDs)-maxPreviousIDs)]
	next.PreviousIDs = next.PreviousIDs[len(forgotten):]
	actions := []types.TransactWriteItem{
		s.putRegistration(next),
		s.delete(key(eventPK(r.EventID), registrationSK+r.ID), condRevision, revisionParam(r.Revision)),
		s.putDelivery(mail),
		s.addCounts(e, r.ID, deltag.Counts{}), // a recount may have seen the one and not the other
	}
	if r.Status == deltag.RegistrationWaitlisted { // the place in line is kept
		old := newRegistrationItem(r)
		actions = append(actions, s.delete(key(old.PK, waitlistKey(old)), "", nil), s.putWaitlistEntry(next))
	}
	actions = append(actions, s.putPurgeTasks(r.EventID, forgotten, now)...)
	if farewell != "" {
		actions = append(actions, s.putFinalDelivery(e, r, farewell, now))
	}
	missed := r.MissedDeliveries(next, rows, ms)
	for _, d := range missed[max(0, len(missed)-maxMissed):] {
		actions = append(actions, s.putDelivery(d))
	}
	err = s.transact(ctx, actions...)
	if failedAt(err, 0) && !failedAt(err, 1) {
		return s.mergeRegistrations(ctx, e, r, next.Email, now, farewell)
	}
	return err
}

// mergeRegistrations gives r up in favour of the registration that its new address already has.
func (s *Store) mergeRegistrations(ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time, farewell deltag.MailKind) error {
	if err := s.removeRegistration(ctx, e, r, farewell, now); err != nil {
		return err
	}
	return s.ResendConfirmation(ctx, e, to, now)
}

// putFinalDelivery puts a last mail to r's address in the ledger. Nobody else writes that row: a conflict would tell nothing.
func (s *Store) putFinalDelivery(e deltag.Event, r deltag.Registration, k deltag.MailKind, now time.Time) types.TransactWriteItem {
	d := deltag.NewFinalDelivery(e, r, k, now)
	d.Revision = 1
	return s.put(encode(newDeliveryItem(d)), "", nil)
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

// putPurgeTasks notes that the ledger rows of registration ids, which hold their addresses, are to go.
func (s *Store) putPurgeTasks(eventID string, ids []string, now time.Time) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, id := range ids {
		actions = append(actions, s.put(item{
			"PK": avString(eventPK(eventID)), "SK": avString(purgeSK + id), "GSI1PK": avString(duePK), "GSI1SK": avString(formatTime(now)),
		}, "", nil))
	}
	return actions
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

// maxActions is how many actions one transaction takes.
const maxActions = 100

// transactChunks runs actions in order, in as many transactions as they need.
func (s *Store) transactChunks(ctx context.Context, actions []types.TransactWriteItem) error {
	for chunk := range slices.Chunk(actions, maxActions) {
		if err := s.transact(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll deletes items, in order.
func (s *Store) deleteAll(ctx context.Context, keys ...item) error {
	var actions []types.TransactWriteItem
	for _, k := range keys {
		actions = append(actions, s.delete(k, "", nil))
	}
	return s.transactChunks(ctx, actions)
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
