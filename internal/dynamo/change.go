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

// Change stores what a person changed about their registration. ErrConflict: it was changed in the meantime. A new address
// gets a registration of its own in the place of the old one, with new links and a confirmation; the links sent to the old
// address die, and it gets a note. If the new address is signed up already, the old registration is given up in its
// favour, and the answer is the same.
func (s *Store) Change(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUp, now time.Time) error {
	return s.change(ctx, e, r, in, now, deltag.Readdressed)
}

// Correct is Change by an organiser. The old address gets no note: it is dead, or a stranger's.
func (s *Store) Correct(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUp, now time.Time) error {
	return s.change(ctx, e, r, in, now, "")
}

func (s *Store) change(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUp, now time.Time, farewell deltag.Kind) error {
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.readdress(ctx, e, r, in, now, farewell)
	}
	next := r.With(in)
	next.Revision++
	return s.write(ctx, s.save(next))
}

// maxFormerly bounds how many former addresses' ledger rows are kept.
const maxFormerly = 10

// maxMissed bounds what one transaction sends again, the latest first.
const maxMissed = 80

// readdress moves a registration to another address, with what the old one has missed.
func (s *Store) readdress(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUp, now time.Time, farewell deltag.Kind) error {
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
	next, mail := r.Readdress(e, in, secret, now)
	forgotten := next.Formerly[:max(0, len(next.Formerly)-maxFormerly)]
	next.Formerly = next.Formerly[len(forgotten):]
	actions := []types.TransactWriteItem{
		s.store(next),
		s.remove(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)),
		s.putDelivery(mail),
		s.count(e, r.ID, deltag.Counts{}), // a recount may have seen the one and not the other
	}
	if r.Status == deltag.Waiting { // the place in line is kept
		old := newRegistrationItem(r)
		actions = append(actions, s.remove(key(old.PK, waitKey(old)), "", nil), s.putPlace(next))
	}
	actions = append(actions, s.putPurges(r.EventID, forgotten, now)...)
	if farewell != "" {
		actions = append(actions, s.putFarewell(e, r, farewell, now))
	}
	missed := r.Missed(next, rows, ms)
	for _, d := range missed[max(0, len(missed)-maxMissed):] {
		actions = append(actions, s.putDelivery(d))
	}
	err = s.write(ctx, actions...)
	if on(err, 0) && !on(err, 1) {
		return s.merge(ctx, e, r, next.Email, now, farewell)
	}
	return err
}

// merge gives r up in favour of the registration that its new address already has.
func (s *Store) merge(ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time, farewell deltag.Kind) error {
	if err := s.dissolve(ctx, e, r, farewell, now); err != nil {
		return err
	}
	return s.SendLink(ctx, e, to, now)
}

// putFarewell puts a last mail to r's address in the ledger. Nobody else writes that row: a conflict would tell nothing.
func (s *Store) putFarewell(e deltag.Event, r deltag.Registration, k deltag.Kind, now time.Time) types.TransactWriteItem {
	d := deltag.Farewell(e, r, k, now)
	d.Revision = 1
	return s.put(encode(newDeliveryItem(d)), "", nil)
}

// Resend makes a new delivery of a mail that did not arrive. ErrConflict: it is still on its way.
func (s *Store) Resend(ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time) error {
	if d.Open() {
		return deltag.ErrConflict
	}
	if d.Kind.Personal() {
		return s.revise(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
			next, mail := r.Again(now)
			return []types.TransactWriteItem{s.save(next), s.putDelivery(mail)}
		})
	}
	return s.SaveDelivery(ctx, d.Reopen(now))
}

// Erase removes everything personal about r at once, frees its seat, and leaves an item that says when, without personal
// data. The address alone stays until the receipt is on its way to it. If the function dies on the way, the note in the due
// index finishes the work.
func (s *Store) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.dissolve(ctx, e, r, deltag.Erased, now)
}

func (s *Store) dissolve(ctx context.Context, e deltag.Event, r deltag.Registration, farewell deltag.Kind, now time.Time) error {
	err := s.revise(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		actions := append(s.leave(e, r, deltag.Counts{}, now), s.putPurges(r.EventID, append(r.Formerly, r.ID), now)...)
		if farewell != "" {
			actions = append(actions, s.putFarewell(e, r, farewell, now))
		}
		return append(actions, s.remove(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)),
			s.put(key(eventPK(r.EventID), receiptSK+stamp(now)+"#"+r.ID), "", nil))
	})
	if err != nil && !isGone(err) {
		return err
	}
	for _, id := range append(r.Formerly, r.ID) {
		if err := s.Purge(ctx, r.EventID, id); err != nil {
			return err
		}
	}
	return s.promoteNow(ctx, e, now)
}

// putPurges notes that the ledger rows of registration ids, which hold their addresses, are to go.
func (s *Store) putPurges(eventID string, ids []string, now time.Time) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, id := range ids {
		actions = append(actions, s.put(item{
			"PK": str(eventPK(eventID)), "SK": str(purgeSK + id), "GSI1PK": str(duePK), "GSI1SK": str(stamp(now)),
		}, "", nil))
	}
	return actions
}

// Purge removes what is left of a registration that is gone: its ledger rows, then the note that asked for it. The farewell
// stays until it is sent, and so do the mails of a person who has signed up again.
func (s *Store) Purge(ctx context.Context, eventID, registrationID string) error {
	for range maxRetries {
		err := s.purge(ctx, eventID, registrationID)
		if !errors.Is(err, deltag.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("purge: %w", deltag.ErrUnavailable)
}

// purge answers ErrConflict when a row has become another registration's in the meantime.
func (s *Store) purge(ctx context.Context, eventID, registrationID string) error {
	rows, err := s.DeliveriesOf(ctx, eventID, registrationID)
	if err != nil {
		return err
	}
	_, again, err := s.Visit(ctx, eventID, registrationID)
	if err != nil && !isGone(err) {
		return err
	}
	var removals []types.TransactWriteItem
	for _, d := range rows {
		if farewell := d.Kind.Parting() && d.Open(); farewell || again.ID != "" && d.Mark == again.Mark() {
			continue
		}
		condition, values := "attribute_not_exists(Mark)", item(nil)
		if d.Mark != "" {
			condition, values = absent+" OR Mark = :mark", item{":mark": str(d.Mark)}
		}
		removals = append(removals, s.remove(key(mailKey(d.DeliveryKey)), condition, values))
	}
	return s.writeAll(ctx, append(removals, s.remove(key(eventPK(eventID), purgeSK+registrationID), "", nil)))
}

// maxActions is how many actions one transaction takes.
const maxActions = 100

// writeAll runs actions in order, in as many transactions as they need.
func (s *Store) writeAll(ctx context.Context, actions []types.TransactWriteItem) error {
	for chunk := range slices.Chunk(actions, maxActions) {
		if err := s.write(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// removeAll deletes items, in order.
func (s *Store) removeAll(ctx context.Context, keys ...item) error {
	var actions []types.TransactWriteItem
	for _, k := range keys {
		actions = append(actions, s.remove(k, "", nil))
	}
	return s.writeAll(ctx, actions)
}

// EraseEvent removes everything personal about an event whose time to keep it is over: registrations, places in
// line, ledger rows and receipts, a page at a time. The numbers are taken before, and stay. It says false while there is more
// to do; it may be ended anywhere and called again.
func (s *Store) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	e, err := s.Event(ctx, eventID)
	if isGone(err) {
		return true, s.removeAll(ctx, key(eventPK(eventID), eraseSK))
	}
	if err != nil {
		return false, err
	}
	if now.Before(e.ErasedAt()) {
		return true, nil
	}
	if err := s.keepNumbers(ctx, e); err != nil {
		return false, err
	}
	pk := eventPK(eventID)
	for _, prefix := range []string{regSK, waitSK, mailSK, receiptSK} {
		out, err := s.page(ctx, query{pk: pk, prefix: prefix, limit: maxActions})
		if err != nil {
			return false, err
		}
		var keys []item
		for _, it := range out.Items {
			keys = append(keys, item{"PK": it["PK"], "SK": it["SK"]})
		}
		if len(keys) > 0 {
			return false, s.removeAll(ctx, keys...)
		}
	}
	err = s.write(ctx, s.remove(key(pk, eraseSK), present, nil),
		s.update(key(pk, numbersSK), "SET ErasedAt = :now", present, nil, item{":now": str(stamp(now))}))
	return err == nil || errors.Is(err, deltag.ErrConflict), ignoreConflict(err) // or somebody else finished it
}
