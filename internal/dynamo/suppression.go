package dynamo

import (
	"context"
	"maps"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// A suppression is what is known of an address for all events, under its keyed hash.
func suppressionKey(hash string) item { return key("SUPPRESSED#"+hash, "-") }

// condNotSuppressed holds if d may be sent to the address: nothing to one that bounced, and to one that complained nothing
// that one can unsubscribe from, nor what a stranger may have caused.
func condNotSuppressed(d deltag.Delivery) expression {
	if d.Kind.IsUnsubscribable() || d.ByForm {
		return condNotExists
	}
	complained := avString(string(deltag.AddressComplained))
	return condNotExistsOr("AddressStatus = :complained", item{":complained": complained})
}

// Suppression reads the status of an address for all events: deltag.AddressOK, AddressBounced or AddressComplained.
func (s *Store) Suppression(ctx context.Context, a deltag.Address) (deltag.AddressStatus, error) {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, suppressionKey(hash))
	if isNotFound(err) {
		return deltag.AddressOK, nil
	}
	return deltag.AddressStatus(stringAttr(it, "AddressStatus")), err
}

// Suppressions reads the statuses of addresses for all events, in their order, as Suppression does. It takes one request
// for each maxBatch of them.
func (s *Store) Suppressions(ctx context.Context, addresses []deltag.Address) ([]deltag.AddressStatus, error) {
	keys, distinct := make([]item, len(addresses)), map[string]item{}
	for i, a := range addresses {
		hash, err := s.hash(ctx, a.Normalized)
		if err != nil {
			return nil, err
		}
		keys[i] = suppressionKey(hash)
		distinct[hash] = keys[i]
	}
	found, err := s.batchGet(ctx, slices.Collect(maps.Values(distinct))...)
	if err != nil {
		return nil, err
	}
	statuses := make([]deltag.AddressStatus, len(addresses))
	for i, key := range keys {
		statuses[i] = deltag.AddressOK
		if it, ok := found[keyText(key)]; ok {
			statuses[i] = deltag.AddressStatus(stringAttr(it, "AddressStatus"))
		}
	}
	return statuses, nil
}

// Suppress stores that an address bounced or complained, for all events, and on r, unless that is the zero value: the
// registration may have another address by now. A complaint does not replace a bounce, and is noted beside it. A bounce
// makes GiveBack due, if the event is limited and r has a seat or a waitlist place.
// Errors: ErrNotFound (r is gone; the address is suppressed all the same). Repeating it changes nothing.
func (s *Store) Suppress(
	ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, status deltag.AddressStatus,
	now time.Time,
) error {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return err
	}
	if err := s.putSuppression(ctx, suppressionKey(hash), status, now); err != nil || r.ID == "" {
		return err
	}
	return s.SetAddressStatus(ctx, e, r, status, now)
}

func (s *Store) putSuppression(ctx context.Context, key item, status deltag.AddressStatus, now time.Time) error {
	set := expression{
		text:   "SET AddressStatus = :status, Since = :now",
		values: item{":status": avString(string(status)), ":now": avTime(now)},
	}
	if status != deltag.AddressComplained {
		_, err := s.updateItem(ctx, key, set, always)
		return err
	}
	set.text += ", Complained = :status"
	bounced := item{":bounced": avString(string(deltag.AddressBounced))}
	_, err := s.updateItem(ctx, key, set, condNotExistsOr("AddressStatus <> :bounced", bounced))
	if isConflict(err) {
		note := expression{text: "SET Complained = :status", values: item{":status": avString(string(status))}}
		_, err = s.updateItem(ctx, key, note, expression{text: "AddressStatus = :bounced", values: bounced})
	}
	return err
}

// LiftSuppression lets mail go to r's address again, of all events, after it bounced: somebody knows that it works. A
// complaint stays. Registrations of other events keep what they show.
// Errors: ErrNotFound (r is gone). Repeating it changes nothing.
func (s *Store) LiftSuppression(ctx context.Context, e deltag.Event, r deltag.Registration) error {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	bounced := item{":bounced": avString(string(deltag.AddressBounced))}
	tx := s.begin()
	tx.Delete(suppressionKey(hash), expression{
		text: "AddressStatus = :bounced AND attribute_not_exists(Complained)", values: bounced,
	})
	err = tx.Commit(ctx)
	if isConflict(err) { // nothing is known of the address, or there is a complaint
		complained := expression{
			text:   "SET AddressStatus = :complained",
			values: item{":complained": avString(string(deltag.AddressComplained))},
		}
		hasBoth := expression{text: "AddressStatus = :bounced AND attribute_exists(Complained)", values: bounced}
		_, err = s.updateItem(ctx, suppressionKey(hash), complained, hasBoth)
		err = ignoreConflict(err)
	}
	if err != nil {
		return err
	}
	status, err := s.Suppression(ctx, r.Email)
	if err != nil {
		return err
	}
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		if r.AddressStatus == deltag.AddressBounced {
			tx.replaceRegistration(r.SetAddressStatus(status))
		}
	})
}
