package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// A suppression is what is known of an address for all events, under its keyed hash.
func suppressionKey(hash string) item { return key("SUPPRESSED#"+hash, "-") }

// condNotSuppressed holds if mail of kind k may be sent to the address: none to one that bounced, and none that one
// can unsubscribe from to one that complained.
func condNotSuppressed(k deltag.MailKind) expression {
	if k.IsUnsubscribable() {
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

// Suppress stores that an address bounced or complained, for all events, and on r, unless that is the zero value: the
// registration may have another address by now. A complaint does not replace a bounce.
// Errors: ErrNotFound (r is gone; the address is suppressed all the same). Repeating it changes nothing.
func (s *Store) Suppress(
	ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, status deltag.AddressStatus,
	now time.Time,
) error {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return err
	}
	suppression := suppressionKey(hash)
	suppression["AddressStatus"], suppression["Since"] = avString(string(status)), avTime(now)
	bounced := avString(string(deltag.AddressBounced))
	tx := s.begin()
	tx.Put(suppression, condNotExistsOr("AddressStatus <> :bounced", item{":bounced": bounced}))
	if err := ignoreConflict(tx.Commit(ctx)); err != nil || r.ID == "" {
		return err
	}
	return s.setAddressStatus(ctx, e, r, status)
}

// LiftSuppression lets mail go to r's address again, of all events, after it bounced: somebody knows that it works. What
// else is known of it stays, such as a complaint. Registrations of other events keep what they show.
// Errors: ErrNotFound (r is gone). Repeating it changes nothing.
func (s *Store) LiftSuppression(ctx context.Context, e deltag.Event, r deltag.Registration) error {
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	bounced := avString(string(deltag.AddressBounced))
	tx := s.begin()
	tx.Delete(suppressionKey(hash), expression{text: "AddressStatus = :bounced", values: item{":bounced": bounced}})
	if err := ignoreConflict(tx.Commit(ctx)); err != nil {
		return err
	}
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		if r.AddressStatus == deltag.AddressBounced {
			tx.replaceRegistration(r.SetAddressStatus(deltag.AddressOK))
		}
	})
}
