package dynamo

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

func suppressedPK(hash string) string { return "SUPPRESSED#" + hash }

// Suppression is what is known of an address beyond one event: deltag.MailOK, or why not to write to it.
func (s *Store) Suppression(ctx context.Context, a deltag.Address) (deltag.AddressStatus, error) {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, suppressedPK(hash), "-")
	if isNotFound(err) {
		return deltag.AddressOK, nil
	}
	return deltag.AddressStatus(stringAttr(it, "AddressStatus")), err
}

// Suppress notes that an address is dead or has complained, for all events, and shows it on r, unless that is the zero value: the
// registration may have another address by now. Harmless to repeat; a complaint never hides a bounce.
func (s *Store) Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, state deltag.AddressStatus, now time.Time) error {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return err
	}
	it := key(suppressedPK(hash), "-")
	it["AddressStatus"], it["Since"] = avString(string(state)), avString(formatTime(now))
	err = s.transact(ctx, s.put(it, condNotExists+" OR AddressStatus <> :bounced", item{":bounced": avString(string(deltag.AddressBounced))}))
	if err != nil && !errors.Is(err, deltag.ErrConflict) || r.ID == "" {
		return ignoreConflict(err)
	}
	return s.setAddressStatus(ctx, e, r, state)
}
