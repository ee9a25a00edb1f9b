package dynamo_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestSeats(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("AFreedSeatGoesToTheFirstInLine", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			if err := s.CancelRegistration(ctx, e, first, now.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"promoted.2", "waiting.1"})
			want(t, kinds(t, s, first), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("WhoReturnsGoesToTheEnd", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			if err := s.CancelRegistration(ctx, e, first, now.Add(3)); err != nil {
				t.Fatal(err)
			}
			outcome, err := s.Rejoin(ctx, e, registration(t, s, e, 1), now.Add(4))
			if err != nil {
				t.Fatal(err)
			}
			want(t, outcome, deltag.OutcomeWaitlisted)
			place, err := s.WaitlistPosition(ctx, registration(t, s, e, 1))
			if err != nil {
				t.Fatal(err)
			}
			want(t, place, 2)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("ANewcomerDoesNotTakeASeatThatSomebodyWaitsFor", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			raised := e
			raised.Capacity, raised.Revision = limit(2), 2
			if err := s.UpdateEvent(ctx, raised, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			outcome, _ := signUp(t, s, e, 3, now.Add(2)) // before the repair has run
			want(t, outcome, deltag.OutcomeWaitlisted)
			if err := s.Promote(ctx, e.ID, now.Add(3)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("LoweredCapacityThrowsNobodyOut", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(3) })
			for n := range 3 {
				signUp(t, s, e, n, now)
			}
			lowered := e
			lowered.Capacity, lowered.Revision = limit(1), 2
			if err := s.UpdateEvent(ctx, lowered, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			signUp(t, s, e, 4, now)
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 0), now); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("ALimitOnARunningEventCountsThoseWhoCameBefore", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range 20 {
				signUp(t, s, e, n, now)
			}
			limited := e
			limited.Capacity, limited.HasSeatCounter, limited.Revision = limit(20), true, 2
			if err := s.UpdateEvent(ctx, limited, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20})
			outcome, _ := signUp(t, s, e, 20, now) // by a function that knows the event as it was
			want(t, outcome, deltag.OutcomeWaitlisted)
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 3), now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 20).Status, deltag.RegistrationWaitlisted) // the stale event did not know of seats
			if err := s.Promote(ctx, e.ID, now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 20).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20, Cancelled: 1})
		})
		t.Run("NobodyIsPromotedAfterTheEnd", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now)
			if err := s.CancelRegistration(ctx, e, first, e.EndsAt); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("WithdrawIsHarmlessToRepeat", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			for range 3 {
				if err := s.CancelRegistration(ctx, e, r, now); err != nil {
					t.Fatal(err)
				}
			}
			want(t, kinds(t, s, r), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Cancelled: 1})
		})
	})
}
