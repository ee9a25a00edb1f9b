package dynamo_test

import (
	"net/http"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestInterleavings: calls that meet each other half-way, at each of their requests, and what went wrong once.
func TestInterleavings(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("WhoCameStaysCountedWhenErased", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			if err := s.MarkAttended(ctx, e, r, now); err != nil {
				t.Fatal(err)
			}
			if err := s.Erase(ctx, e, registration(t, s, e, 1), now); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Attended: 1})
		})
		t.Run("AnAddressThatSomebodyElseGaveUpCanBeTaken", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 2, now)
			signUp(t, s, e, 2, now.Add(time.Minute)) // told again: confirmation.2
			if err := s.UpdateByAttendee(ctx, e, registration(t, s, e, 2), person(1), now.Add(2*time.Minute)); err != nil {
				t.Fatal(err)
			}
			_, other := signUp(t, s, e, 3, now)
			if err := s.UpdateByAttendee(ctx, e, other, person(2), now.Add(time.Hour)); err != nil {
				t.Errorf("and so for ever: %v", err)
			}
		})
		t.Run("WhoSignsUpAgainDuringTheErasureKeepsTheirMail", func(t *testing.T) {
			for at := 1; at <= 6; at++ {
				e := newEvent(t, s, nil)
				_, r := signUp(t, s, e, 1, now)
				p := engine.NewClient()
				p.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
					if n == at {
						signUp(t, s, e, 1, now.Add(time.Second))
					}
					return send()
				})
				if err := p.Store().Erase(ctx, e, r, now); err != nil {
					t.Fatal(err)
				}
				v := readAll(t, engine, s, e.ID)
				for _, broken := range v.missingMails() {
					t.Errorf("interrupted before request %d: %s", at, broken)
				}
			}
		})
		t.Run("AnEventMovedAfterItsEndFillsItsSeats", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			if err := s.CancelRegistration(ctx, e, first, e.EndsAt); err != nil { // over: nobody is promoted
				t.Fatal(err)
			}
			later := e
			later.StartsAt, later.EndsAt = e.StartsAt.AddDate(0, 0, 7), e.EndsAt.AddDate(0, 0, 7)
			next, plan, err := e.Edit(later, e.EndsAt.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateEvent(ctx, next, plan); err != nil {
				t.Fatal(err)
			}
			if err := s.Promote(ctx, e.ID, e.EndsAt.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("TwoSeatsFreedAtTheSameInstantAreBothFilled", func(t *testing.T) {
			for at := 1; at <= 12; at++ {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(2) })
				_, a := signUp(t, s, e, 1, now)
				_, b := signUp(t, s, e, 2, now)
				signUp(t, s, e, 3, now.Add(1))
				signUp(t, s, e, 4, now.Add(2))
				p, dying := engine.NewClient(), engine.NewClient()
				dying.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
					if n > 1 { // ends once the seat is free
						return rateLimitError("AccessDeniedException", ""), nil
					}
					return send()
				})
				p.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
					if n == at {
						if err := dying.Store().CancelRegistration(ctx, e, b, now.Add(time.Minute)); err != nil {
							t.Error(err)
						}
					}
					return send()
				})
				if err := p.Store().CancelRegistration(ctx, e, a, now.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				if p.Transport.Count() < at {
					break
				}
				if err := s.Promote(ctx, e.ID, now.Add(time.Hour)); err != nil { // the tick
					t.Fatal(err)
				}
				want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Cancelled: 2})
			}
		})
		t.Run("ManyChangesOfAddressDoNotPreventErasure", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 0, now)
			for n := range 100 {
				if err := s.UpdateByAttendee(ctx, e, registration(t, s, e, n), person(n+1), now); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Erase(ctx, e, registration(t, s, e, 100), now); err != nil {
				t.Error(err)
			}
		})
		t.Run("SignUpAgainDuringAnErasureIsNotRefused", func(t *testing.T) {
			for at := 1; at <= 6; at++ {
				e := newEvent(t, s, nil)
				_, r := signUp(t, s, e, 1, now)
				p := engine.NewClient()
				p.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
					if n == at {
						if err := s.Erase(ctx, e, r, now); err != nil {
							t.Error(err)
						}
					}
					return send()
				})
				if _, err := p.Store().SignUp(ctx, e, person(1), now.Add(time.Hour)); err != nil {
					t.Errorf("erased before request %d: %v", at, err)
				}
			}
		})
	})
}
