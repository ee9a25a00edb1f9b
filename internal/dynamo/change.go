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

// Change stores what a person, or an organiser for them, changed about their registration. ErrConflict: it was
// changed in the meantime. A new address gets a registration of its own in the place of the old one, with new links
// and a confirmation; the links sent to the old address die. If the new address is signed up already, the old
// registration is given up in its favour, and the answer is the same.
func (s *Store) Change(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUp, now time.Time) error {
	next := r
	next.Name, next.Email, next.Organisation, next.Role = in.Name, in.Email, in.Organisation, in.Role
	next.Answers, next.Updates, next.Language = in.Answers, in.Updates, in.Language
	next.Revision++
	if next.ID = deltag.RegistrationID(e, in.Email); next.ID == r.ID {
		return s.write(ctx, s.save(next))
	}
	return s.readdress(ctx, e, r, next, now)
}

// readdress moves a registration to another address.
func (s *Store) readdress(ctx context.Context, e deltag.Event, r, next deltag.Registration, now time.Time) error {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	next.Secret, next.Revision, next.MailVersion, next.Mail = secret, 0, 0, deltag.MailOK
	next.Formerly = append(slices.Clip(r.Formerly), r.ID)
	next, mail := next.Again(now)
	actions := []types.TransactWriteItem{
		s.put(encode(newRegistrationItem(next)), absent, nil),
		s.remove(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)),
		s.putDelivery(mail),
	}
	if r.Status == deltag.Waiting { // the place in line is kept
		old := newRegistrationItem(r)
		actions = append(actions, s.remove(key(old.PK, waitKey(old)), "", nil), s.putPlace(next))
	}
	err = s.write(ctx, actions...)
	if on(err, 0) && !on(err, 1) {
		return s.merge(ctx, e, r, next.Email, now)
	}
	return err
}

// merge gives r up in favour of the registration that its new address already has.
func (s *Store) merge(ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time) error {
	if err := s.Erase(ctx, e, r, now); err != nil {
		return err
	}
	return s.SendLink(ctx, e, to, now)
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

// Erase removes everything personal about r at once, frees its seat, and leaves a receipt without personal data.
// If the function dies on the way, the note in the due index finishes the work.
func (s *Store) Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.revise(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		return append(s.leave(e, r, deltag.Counts{}, now),
			append(s.putPurges(r, now), s.remove(key(eventPK(r.EventID), regSK+r.ID), unchanged, was(r.Revision)))...)
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

// putPurges notes that a registration's ledger rows, which hold its addresses, are to go.
func (s *Store) putPurges(r deltag.Registration, now time.Time) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, id := range append(r.Formerly, r.ID) {
		actions = append(actions, s.put(item{
			"PK": str(eventPK(r.EventID)), "SK": str(purgeSK + id), "GSI1PK": str(duePK), "GSI1SK": str(stamp(now)),
		}, "", nil))
	}
	return actions
}

// Purge removes what is left of a registration that is gone: its ledger rows, then the note that asked for it.
func (s *Store) Purge(ctx context.Context, eventID, registrationID string) error {
	pk := eventPK(eventID)
	var keys []item
	for it, err := range s.all(ctx, query{pk: pk, prefix: mailSK + registrationID + "#"}) {
		if err != nil {
			return err
		}
		keys = append(keys, item{"PK": it["PK"], "SK": it["SK"]})
	}
	return s.removeAll(ctx, append(keys, key(pk, purgeSK+registrationID))...)
}

// maxActions is how many actions one transaction takes.
const maxActions = 100

// removeAll deletes items, in order.
func (s *Store) removeAll(ctx context.Context, keys ...item) error {
	for len(keys) > 0 {
		n := min(len(keys), maxActions)
		var actions []types.TransactWriteItem
		for _, k := range keys[:n] {
			actions = append(actions, s.remove(k, "", nil))
		}
		if err := s.write(ctx, actions...); err != nil {
			return fmt.Errorf("remove: %w", err)
		}
		keys = keys[n:]
	}
	return nil
}

// EraseEvent removes everything personal about an event whose time to keep it is over: registrations, places in
// line and ledger rows, a page at a time. The numbers stay. It says false while there is more to do; it may be
// ended anywhere and called again.
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
	pk := eventPK(eventID)
	for _, prefix := range []string{regSK, waitSK, mailSK} {
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
	counts, err := s.Counts(ctx, e)
	if err != nil {
		return false, err
	}
	receipt := key(pk, receiptSK+stamp(now))
	receipt["ErasedAt"], receipt["Confirmed"], receipt["Attended"] = str(stamp(now)), num(counts.Confirmed), num(counts.Attended)
	err = s.write(ctx, s.put(receipt, "", nil), s.remove(key(pk, eraseSK), present, nil))
	if errors.Is(err, deltag.ErrConflict) {
		return true, nil // somebody else finished it
	}
	return err == nil, err
}
