package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestRateLimits(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		// claim claims a registration's latest confirmation.
		claim := func(t *testing.T, e deltag.Event, n int, at time.Time) error {
			t.Helper()
			r := registration(t, s, e, n)
			return s.Claim(ctx, confirmation(t, s, r).Claim(at), r)
		}
		t.Run("AnAddressWithTooManyMailsIsRefusedWhetherOrNotItIsSignedUp", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range deltag.MaxUnverifiedMailsPerDay {
				at := now.Add(time.Duration(n) * deltag.ResendCooldown)
				signUp(t, s, e, 1, at)
				must(t, claim(t, e, 1, at))
			}
			later := now.Add(time.Hour)
			for _, e := range []deltag.Event{e, newEvent(t, s, nil)} {
				_, err := s.SignUp(ctx, e, person(1), later)
				wantError(t, err, deltag.ErrMailLimit)
			}
			sent := kinds(t, s, registration(t, s, e, 1))
			must(t, s.ResendConfirmation(ctx, e, person(1).Email, later))
			want(t, kinds(t, s, registration(t, s, e, 1)), sent)
			outcome, err := s.SignUp(ctx, e, person(1), now.Add(24*time.Hour))
			must(t, err)
			want(t, outcome, deltag.OutcomeAlreadyRegistered)
		})
		t.Run("ChangingOnesOwnAddressToAStrangersCountsAsASignUp", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range deltag.MaxUnverifiedMailsPerDay {
				at := now.Add(time.Duration(n) * deltag.ResendCooldown)
				signUp(t, s, e, 5, at)
				must(t, claim(t, e, 5, at))
			}
			later := now.Add(time.Hour)
			for _, e := range []deltag.Event{e, newEvent(t, s, nil)} { // signed up there, or not
				_, own := signUp(t, s, e, 6, now)
				wantError(t, s.UpdateByAttendee(ctx, e, own, person(5), later), deltag.ErrMailLimit)
				want(t, registration(t, s, e, 6), own)
				must(t, s.UpdateByAttendee(ctx, e, own, person(6), later)) // the address stays
				own = registration(t, s, e, 6)
				must(t, s.UpdateByOrganiser(ctx, e, own, person(5), later))
			}
		})
		t.Run("NoAddressGetsMoreMailsThanTheDailyLimit", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 2, now)
			refused := 0
			for range deltag.MaxMailsPerAddressPerDay + 3 {
				r := registration(t, s, e, 2)
				must(t, s.CancelRegistration(ctx, e, r, now)) // has no rate limit: it takes the personal link
				_, err := s.Rejoin(ctx, e, registration(t, s, e, 2), now)
				must(t, err)
				if err := claim(t, e, 2, now); err != nil {
					wantError(t, err, deltag.ErrMailLimit)
					refused++
				}
			}
			want(t, refused, 3)
		})
		t.Run("ARetriedMailCountsOnce", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 3, now)
			d := confirmation(t, s, r)
			for range deltag.MaxMailsPerAddressPerDay + 1 {
				d = d.Claim(now)
				must(t, s.Claim(ctx, d, r))
				d = d.ScheduleRetry(deltag.ReasonThrottled, now)
				must(t, s.SaveDelivery(ctx, d))
			}
		})
		t.Run("ANetworkMakesNoMoreSignUpsThanTheHourlyLimit", func(t *testing.T) {
			e := newEvent(t, s, nil)
			attempt := func(n int, at time.Time) error {
				in := person(n)
				in.Network = "192.0.2.1/32"
				_, err := s.SignUp(ctx, e, in, at)
				return err
			}
			n, stored := 10_000, 0
			for ; ; n++ {
				if id := deltag.RegistrationID(e, person(n).Email); id[0] != 'a' && id[0] != 'q' {
					continue // in another shard of the counter
				}
				if err := attempt(n, now); err != nil {
					wantError(t, err, deltag.ErrSignUpLimit)
					break
				}
				stored++
			}
			want(t, stored, deltag.MaxSignUpsPerNetwork/16)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: stored})
			must(t, attempt(n, now.Add(time.Hour)))
		})
		t.Run("ARepeatedSignUpCountsForItsNetworkAsANewOneDoes", func(t *testing.T) {
			for name, c := range map[string]struct {
				change  func(*deltag.Event)
				answer  error
				counted int
			}{
				"WithoutALimit": {nil, nil, 3},
				"Full": {func(e *deltag.Event) {
					e.Capacity, e.HasWaitlist, e.Verify = capacity(1), false, deltag.VerifyNever
				}, deltag.ErrFull, 0},
			} {
				t.Run(name, func(t *testing.T) {
					engine := engine.NewTable(t)
					s := engine.Store()
					e, _ := eventWithPerson1(t, s, c.change)
					for _, at := range []time.Time{now, now.Add(time.Second), now.Add(deltag.ResendCooldown)} {
						in := person(1)
						in.Network = "192.0.2.1/32"
						_, err := s.SignUp(ctx, e, in, at)
						wantError(t, err, c.answer)
					}
					counted := 0
					for _, it := range engine.Dump(t) {
						if strings.HasPrefix(it["PK"].(string), "RATE#NETWORK#") {
							counted += int(it["Counted"].(float64))
						}
					}
					want(t, counted, c.counted)
					want(t, len(kinds(t, s, registration(t, s, e, 1))), 2) // sent again after the cooldown
				})
			}
		})
		t.Run("CountersContainNoPersonalDataAndExpireTwoDaysOrTwoHoursLater", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			in := person(4)
			in.Network = "192.0.2.1/32"
			e := newEvent(t, s, nil)
			_, err := s.SignUp(ctx, e, in, now)
			must(t, err)
			r := registration(t, s, e, 4)
			must(t, s.Claim(ctx, confirmation(t, s, r).Claim(now), r))
			expiry := map[string]float64{} // in seconds from now, by the kind of counter
			for _, it := range engine.Dump(t) {
				if it["Counted"] == nil {
					continue
				}
				counted, _, _ := strings.Cut(strings.TrimPrefix(it["PK"].(string), "RATE#"), "#")
				expiry[counted] = it["expiresAt"].(float64) - float64(now.Unix())
				if text := fmt.Sprint(it); len(it) != 4 || strings.Contains(text, "@") || strings.Contains(text, "192.0.2") {
					t.Errorf("%s", text)
				}
			}
			want(t, expiry, map[string]float64{"MAIL": 48 * 3600, "NETWORK": 2 * 3600})
		})
	})
}
