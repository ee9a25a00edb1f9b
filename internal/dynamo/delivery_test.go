package dynamo_test

import (
	"errors"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// putReminder stores a reminder to r and returns it claimed, to be stored.
func putReminder(t *testing.T, s *dynamo.Store, r deltag.Registration) deltag.Delivery {
	t.Helper()
	d := deltag.NewDelivery(r, "reminder-P1D", 1, now)
	must(t, s.SaveDelivery(ctx, d))
	d, err := s.Delivery(ctx, d.DeliveryKey)
	must(t, err)
	return d.Claim(now)
}

func TestClaim(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		refused := func(t *testing.T, d deltag.Delivery, r deltag.Registration, wanted error) {
			t.Helper()
			if err := s.Claim(ctx, d, r); !errors.Is(err, wanted) {
				t.Errorf("got %v, want %v", err, wanted)
			}
			stored, err := s.Delivery(ctx, d.DeliveryKey)
			must(t, err)
			want(t, stored.Status, deltag.DeliveryPending)
		}
		t.Run("OneOfTwoClaimsSucceeds", func(t *testing.T) {
			_, r := signUp(t, s, newEvent(t, s, nil), 1, now)
			d := putReminder(t, s, r)
			must(t, s.Claim(ctx, d, r))
			if err := s.Claim(ctx, d, r); !errors.Is(err, deltag.ErrConflict) {
				t.Errorf("got %v", err)
			}
		})
		t.Run("NoMailIsClaimedForARegistrationThatHasChangedSinceItWasRead", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			d := putReminder(t, s, r)
			must(t, s.CancelRegistration(ctx, e, r, now))
			refused(t, d, r, deltag.ErrConflict)
		})
		t.Run("AComplaintStopsTheRemindersOfOtherEventsAndNotTheirConfirmations", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 2, now)
			must(t, s.Suppress(ctx, e, r.Email, r, deltag.AddressComplained, now))
			_, other := signUp(t, s, newEvent(t, s, nil), 2, now)
			refused(t, putReminder(t, s, other), other, deltag.ErrSuppressed)
			must(t, s.Claim(ctx, confirmation(t, s, other).Claim(now), other))
		})
		t.Run("ABounceStopsAllMailOfOtherEvents", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 3, now)
			must(t, s.Suppress(ctx, e, r.Email, r, deltag.AddressBounced, now))
			_, other := signUp(t, s, newEvent(t, s, nil), 3, now)
			refused(t, putReminder(t, s, other), other, deltag.ErrSuppressed)
			refused(t, confirmation(t, s, other).Claim(now), other, deltag.ErrSuppressed)
		})
	})
}
