package dynamo_test

import (
	"sync"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestSignUp(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("StoresRegistrationAndConfirmationInOneCall", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, newEvent(t, s, nil), 1, now) // a warm process has read the hash key
			engine.Transport.Reset()
			outcome, err := s.SignUp(ctx, e, person(1), now)
			must(t, err)
			want(t, engine.Transport.Count(), 1)
			want(t, outcome, deltag.OutcomeConfirmed)
			r := registration(t, s, e, 1)
			want(t, kinds(t, s, r), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			want(t, r.Answers, map[string][]string{"why": {"a"}})
		})
		t.Run("RepeatedSoonIsOneRegistrationAndOneConfirmation", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, nil)
			outcome, r := signUp(t, s, e, 1, now.Add(59*time.Second))
			want(t, outcome, deltag.OutcomeAlreadyRegistered)
			want(t, kinds(t, s, r), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RepeatedLaterSendsTheConfirmationAgain", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, nil)
			_, r := signUp(t, s, e, 1, now.Add(time.Minute))
			want(t, kinds(t, s, r), []string{"confirmation.1", "confirmation.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RepeatedDoesNotChangeTheRegistration", func(t *testing.T) {
			e, before := eventWithPerson1(t, s, nil)
			other := person(1)
			other.Name = "Somebody Else"
			_, err := s.SignUp(ctx, e, other, now)
			must(t, err)
			want(t, registration(t, s, e, 1), before)
		})
		t.Run("RepeatedConcurrentlyIsOneRegistration", func(t *testing.T) {
			e := newEvent(t, s, nil)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if _, err := s.SignUp(ctx, e, person(1), now); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("FullEventAddsToTheWaitlist", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, withCapacity(1))
			outcome, second := signUp(t, s, e, 2, now.Add(time.Second))
			want(t, outcome, deltag.OutcomeWaitlisted)
			want(t, kinds(t, s, second), []string{"waiting.1"})
			signUp(t, s, e, 3, now.Add(2*time.Second))
			want(t, []int{waitlistPosition(t, s, e, 2), waitlistPosition(t, s, e, 3)}, []int{1, 2})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("FullEventWithoutAWaitlistStoresNothing", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.HasWaitlist = capacity(1), false })
			signUp(t, s, e, 1, now)
			_, err := s.SignUp(ctx, e, person(2), now)
			wantError(t, err, deltag.ErrFull)
			_, _, err = s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, person(2).Email))
			wantError(t, err, deltag.ErrNotFound)
			_, err = s.SignUp(ctx, e, person(1), now) // any other answer would reveal that the address is signed up
			wantError(t, err, deltag.ErrFull)
		})
	})
}
