package dynamo_test

import (
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
			wantError(t, s.Claim(ctx, d, r), wanted)
			stored, err := s.Delivery(ctx, d.DeliveryKey)
			must(t, err)
			want(t, stored.Status, deltag.DeliveryPending)
		}
		suppressedElsewhere := func(t *testing.T, n int, status deltag.AddressStatus) deltag.Registration {
			t.Helper()
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, n, now)
			must(t, s.Suppress(ctx, e, r.Email, r, status, now))
			_, other := signUp(t, s, newEvent(t, s, nil), n, now)
			return other
		}
		t.Run("OneOfTwoClaimsSucceeds", func(t *testing.T) {
			_, r := signUp(t, s, newEvent(t, s, nil), 1, now)
			d := putReminder(t, s, r)
			must(t, s.Claim(ctx, d, r))
			wantError(t, s.Claim(ctx, d, r), deltag.ErrConflict)
		})
		t.Run("NoMailIsClaimedForARegistrationThatHasChangedSinceItWasRead", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			d := putReminder(t, s, r)
			must(t, s.CancelRegistration(ctx, e, r, now))
			refused(t, d, r, deltag.ErrConflict)
		})
		t.Run("AComplaintStopsAtOtherEventsWhatIsOptionalAndWhatAStrangerCanCause", func(t *testing.T) {
			other := suppressedElsewhere(t, 2, deltag.AddressComplained)
			refused(t, putReminder(t, s, other), other, deltag.ErrSuppressed)
			refused(t, confirmation(t, s, other).Claim(now), other, deltag.ErrSuppressed)
			cancelled := deltag.NewDelivery(other, deltag.KindEventCancelled, 1, now)
			must(t, s.Claim(ctx, cancelled.Claim(now), other))
		})
		t.Run("ABounceStopsAllMailOfOtherEvents", func(t *testing.T) {
			other := suppressedElsewhere(t, 3, deltag.AddressBounced)
			refused(t, putReminder(t, s, other), other, deltag.ErrSuppressed)
			refused(t, confirmation(t, s, other).Claim(now), other, deltag.ErrSuppressed)
		})
		t.Run("NoneIsRefusedAfterABounceThatIsLifted", func(t *testing.T) {
			other := suppressedElsewhere(t, 4, deltag.AddressBounced)
			e, err := s.Event(ctx, other.EventID)
			must(t, err)
			for range 2 { // it may be repeated
				must(t, s.LiftSuppression(ctx, e, other))
			}
			must(t, s.Claim(ctx, confirmation(t, s, other).Claim(now), other))
			must(t, s.Claim(ctx, putReminder(t, s, other), other))
		})
		t.Run("LiftingABounceIsShownOnTheRegistration", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.Suppress(ctx, e, r.Email, r, deltag.AddressBounced, now))
			must(t, s.LiftSuppression(ctx, e, registration(t, s, e, 1)))
			want(t, registration(t, s, e, 1).AddressStatus, deltag.AddressOK)
		})
		for name, statuses := range map[string][]deltag.AddressStatus{
			"AComplaintIsNeverLifted":            {deltag.AddressComplained},
			"AComplaintBeforeABounceIsNotLifted": {deltag.AddressComplained, deltag.AddressBounced},
			"AComplaintAfterABounceIsNotLifted":  {deltag.AddressBounced, deltag.AddressComplained},
		} {
			t.Run(name, func(t *testing.T) {
				e := newEvent(t, s, nil)
				_, r := signUp(t, s, e, 5, now)
				for _, status := range statuses {
					must(t, s.Suppress(ctx, e, r.Email, registration(t, s, e, 5), status, now))
				}
				for range 2 { // it may be repeated
					must(t, s.LiftSuppression(ctx, e, registration(t, s, e, 5)))
				}
				r = registration(t, s, e, 5)
				want(t, r.AddressStatus, deltag.AddressComplained)
				refused(t, putReminder(t, s, r), r, deltag.ErrSuppressed)
				must(t, s.Claim(ctx, deltag.NewDelivery(r, deltag.KindEventCancelled, 1, now).Claim(now), r))
			})
		}
	})
}
