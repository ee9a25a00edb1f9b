package dynamo_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestInterleavings interrupts one operation by another before each of its requests, and keeps histories that once went
// wrong.
func TestInterleavings(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("AnErasedAttendeeRemainsCountedAsAttended", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.MarkAttended(ctx, e, r, now))
			must(t, s.Erase(ctx, e, registration(t, s, e, 1), now))
			want(t, counts(t, s, e), deltag.Counts{Attended: 1})
		})
		t.Run("AnAddressThatSomebodyElseGaveUpCanBeUsed", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 2, now)
			signUp(t, s, e, 2, now.Add(time.Minute)) // sent again: confirmation.2
			changeAddress(t, s, e, registration(t, s, e, 2), 1, now.Add(2*time.Minute))
			_, other := signUp(t, s, e, 3, now)
			changeAddress(t, s, e, other, 2, now.Add(time.Hour))
		})
		t.Run("ASignUpDuringAnErasureGetsItsMail", func(t *testing.T) {
			for at := 1; at <= 6; at++ {
				e, r := eventWithPerson1(t, s, nil)
				p := interrupted(engine, at, func() { signUp(t, s, e, 1, now.Add(time.Second)) })
				must(t, p.store.Erase(ctx, e, r, now))
				for _, violation := range readAll(t, engine, s, e.ID).wrongMails() {
					t.Errorf("interrupted before request %d: %s", at, violation)
				}
			}
		})
		t.Run("AnEventMovedToLaterAfterItsEndPromotesAgain", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(1))
			must(t, s.CancelRegistration(ctx, e, first, e.EndsAt)) // nobody is promoted any more
			later := e
			later.StartsAt, later.EndsAt = e.StartsAt.AddDate(0, 0, 7), e.EndsAt.AddDate(0, 0, 7)
			next, mailings, err := e.Edit(later, e.EndsAt.Add(time.Minute))
			must(t, err)
			must(t, s.UpdateEvent(ctx, next, mailings))
			must(t, s.Promote(ctx, e.ID, e.EndsAt.Add(time.Hour)))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("TwoSeatsFreedAtTheSameTimeAreBothFilled", func(t *testing.T) {
			for at := 1; at <= 12; at++ {
				e, a := eventWithPerson1(t, s, withCapacity(2))
				_, b := signUp(t, s, e, 2, now)
				signUp(t, s, e, 3, now.Add(1))
				signUp(t, s, e, 4, now.Add(2))
				p := interrupted(engine, at, func() {
					// It crashes once the seat is given up.
					must(t, crashed(engine, 2).CancelRegistration(ctx, e, b, now.Add(time.Minute)))
				})
				must(t, p.store.CancelRegistration(ctx, e, a, now.Add(time.Minute)))
				if p.Count() < at {
					break
				}
				must(t, runTasks(s, now.Add(time.Hour)))
				want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Cancelled: 2})
			}
		})
		t.Run("ManyChangesOfAddressDoNotPreventErasure", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 0, now)
			for n := range 100 {
				changeAddress(t, s, e, registration(t, s, e, n), n+1, now.Add(time.Duration(n)*5*time.Hour))
			}
			must(t, s.Erase(ctx, e, registration(t, s, e, 100), now))
		})
		t.Run("AnErasureDuringASignUpDoesNotMakeItFail", func(t *testing.T) {
			for at := 1; at <= 6; at++ {
				e, r := eventWithPerson1(t, s, nil)
				p := interrupted(engine, at, func() { must(t, s.Erase(ctx, e, r, now)) })
				if _, err := p.store.SignUp(ctx, e, person(1), now.Add(time.Hour)); err != nil {
					t.Errorf("erased before request %d: %v", at, err)
				}
			}
		})
	})
}
