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
		t.Run("WithoutMailLeavesARowThatSaysSo", func(t *testing.T) {
			e := newEvent(t, s, nil)
			in := person(1)
			in.ByOrganiser, in.Source, in.WithoutMail = true, "a list", true
			for range 2 { // at once, and again
				for _, at := range []time.Time{now, now.Add(time.Hour)} {
					_, err := s.SignUp(ctx, e, in, at)
					must(t, err)
				}
			}
			r := registration(t, s, e, 1)
			want(t, []any{r.Status, r.ByOrganiser, r.Source, r.LastMailedAt.IsZero()},
				[]any{deltag.RegistrationConfirmed, true, "a list", true})
			ds, err := s.DeliveriesOf(ctx, e.ID, r.ID)
			must(t, err)
			want(t, len(ds), 1)
			want(t, []any{ds[0].Kind, ds[0].Status, ds[0].Reason, ds[0].NextAttemptAt.IsZero()},
				[]any{deltag.KindConfirmation, deltag.DeliverySkipped, deltag.ReasonNotWanted, true})
			// Whoever signs themselves up a moment later gets the confirmation.
			_, err = s.SignUp(ctx, e, person(1), now.Add(time.Second))
			must(t, err)
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.1", "confirmation.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("WithoutMailThePromotedAreMailed", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, withCapacity(1))
			in := person(2)
			in.ByOrganiser, in.WithoutMail = true, true
			outcome, err := s.SignUp(ctx, e, in, now)
			must(t, err)
			want(t, outcome, deltag.OutcomeWaitlisted)
			must(t, s.CancelRegistration(ctx, e, first, now.Add(time.Second)))
			ds, err := s.DeliveriesOf(ctx, e.ID, deltag.RegistrationID(e, in.Email))
			must(t, err)
			var got []string
			for _, d := range ds {
				got = append(got, string(d.Kind)+" "+string(d.Status))
			}
			want(t, got, []string{"promoted pending", "waiting skipped"})
		})
		t.Run("TakingTheSeatBackIsOnesOwnSignUp", func(t *testing.T) {
			e := newEvent(t, s, nil)
			in := person(1)
			in.ByOrganiser, in.Source = true, "a list"
			_, err := s.SignUp(ctx, e, in, now)
			must(t, err)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 1), now))
			_, err = s.Rejoin(ctx, e, registration(t, s, e, 1), true, now)
			must(t, err)
			r := registration(t, s, e, 1)
			want(t, []any{r.Status, r.ByOrganiser, r.Source}, []any{deltag.RegistrationConfirmed, false, "a list"})
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
