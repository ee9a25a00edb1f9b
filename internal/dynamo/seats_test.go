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
		t.Run("AFreedSeatGoesToTheFirstOnTheWaitlist", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			must(t, s.CancelRegistration(ctx, e, first, now.Add(time.Minute)))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"promoted.2", "waiting.1"})
			want(t, kinds(t, s, first), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("WhoRejoinsIsLastOnTheWaitlist", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			must(t, s.CancelRegistration(ctx, e, first, now.Add(3)))
			outcome, err := s.Rejoin(ctx, e, registration(t, s, e, 1), true, now.Add(4))
			must(t, err)
			want(t, outcome, deltag.OutcomeWaitlisted)
			want(t, waitlistPosition(t, s, e, 1), 2)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("ANewcomerGetsNoSeatWhileAnybodyWaits", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(1))
			setCapacity(t, s, e, 2)
			outcome, _ := signUp(t, s, e, 3, now.Add(2)) // before the promotion has run
			want(t, outcome, deltag.OutcomeWaitlisted)
			must(t, s.Promote(ctx, e.ID, now.Add(3)))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("ALoweredCapacityTakesNoSeatAway", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(3))
			signUpMany(t, s, e, 3)
			setCapacity(t, s, e, 1)
			signUp(t, s, e, 4, now)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("AFirstCapacityCountsThoseWhoAreSignedUpAlready", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUpMany(t, s, e, 20)
			setCapacity(t, s, e, 20)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20})
			outcome, _ := signUp(t, s, e, 20, now) // by a function with the event as it was
			want(t, outcome, deltag.OutcomeWaitlisted)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 3), now))
			want(t, registration(t, s, e, 20).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20, Cancelled: 1})
		})
		t.Run("ASeatThatAFunctionTookWhenItDiedIsGivenBackOnce", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(3))
			signUpMany(t, s, e, 2)
			_, err := crashed(engine, 3).SignUp(ctx, e, person(7), now) // it has taken the last seat
			wantError(t, err, deltag.ErrUnavailable)
			outcome, _ := signUp(t, s, e, 8, now)
			want(t, outcome, deltag.OutcomeWaitlisted)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now)) // 8 gets that one's seat
			for minute := range 4 {
				must(t, runTasks(s, now.Add(time.Duration(minute)*time.Minute)))
			}
			outcome, _ = signUp(t, s, e, 9, now.Add(10*time.Minute)) // and 9 the one that was given back
			want(t, outcome, deltag.OutcomeConfirmed)
			for hour := range 40 { // a check much later finds nothing more
				must(t, s.CheckSeats(ctx, e.ID, now.Add(time.Duration(hour)*time.Hour)))
			}
			outcome, _ = signUp(t, s, e, 10, now.Add(48*time.Hour))
			want(t, outcome, deltag.OutcomeWaitlisted)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 3, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("AReturnedSeatNeverExpires", func(t *testing.T) { // or the check would return it a second time
			engine := engine.NewTable(t)
			s := engine.Store()
			e, r := eventWithPerson1(t, s, withCapacity(2))
			must(t, s.CancelRegistration(ctx, e, r, now))
			returned := 0
			for _, it := range engine.Dump(t) {
				if it["Returned"] == true {
					returned++
					want(t, it["expiresAt"], nil)
				}
			}
			want(t, returned, 1)
		})
		t.Run("AfterTheCutoffASeatThatWasTakenForAMomentIsNotLost", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) {
				e.Capacity, e.PromotionCutoff = capacity(2), deltag.Offset(-30*time.Minute)
			})
			at := start.Add(-10 * time.Minute)
			signUp(t, s, e, 1, now)
			p := interrupted(engine, 3, func() { // 1 signs up again, and has taken the last seat
				outcome, _ := signUp(t, s, e, 2, at)
				want(t, outcome, deltag.OutcomeWaitlisted)
			})
			_, err := p.store.SignUp(ctx, e, person(1), at)
			must(t, err)
			must(t, runTasks(s, at))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("WhoSignsUpAgainTakesTheLastSeatFromNobody", func(t *testing.T) {
			for at, more := 1, true; more; at++ { // before each request
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.HasWaitlist = capacity(2), false })
				signUp(t, s, e, 1, now)
				p := interrupted(engine, at, func() {
					outcome, err := s.SignUp(ctx, e, person(2), now)
					must(t, err)
					want(t, outcome, deltag.OutcomeConfirmed)
				})
				_, err := p.store.SignUp(ctx, e, person(1), now.Add(time.Hour))
				if err != nil {
					wantError(t, err, deltag.ErrFull) // as a newcomer gets from then on
				}
				more = p.Count() >= at
			}
		})
		t.Run("FreeSeatsAreThoseForNewcomers", func(t *testing.T) {
			wantFree := func(e deltag.Event, wanted int) {
				t.Helper()
				free, err := s.FreeSeats(ctx, e)
				must(t, err)
				want(t, free, wanted)
			}
			e := newEvent(t, s, withCapacity(3))
			wantFree(e, 3)
			signUpMany(t, s, e, 3)
			wantFree(e, 0)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
			wantFree(e, 1)
			signUp(t, s, e, 4, now.Add(1))
			signUp(t, s, e, 5, now.Add(2)) // waits
			setCapacity(t, s, e, 4)
			e.Capacity = capacity(4)
			wantFree(e, 0) // it is 5's
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 5), now.Add(3)))
			wantFree(e, 1)
			e.Capacity = capacity(2) // of which there are more
			wantFree(e, 0)
		})
		t.Run("NobodyIsPromotedAfterTheEnd", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now)
			must(t, s.CancelRegistration(ctx, e, first, e.EndsAt))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("CancellingAgainChangesNothing", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			for range 3 {
				must(t, s.CancelRegistration(ctx, e, r, now))
			}
			want(t, kinds(t, s, r), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Cancelled: 1})
		})
	})
}
