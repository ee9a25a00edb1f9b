package dynamo_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestLimits(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		// claim sends a registration's newest mail, as far as the ledger goes.
		claim := func(t *testing.T, e deltag.Event, n int, at time.Time) error {
			t.Helper()
			r := registration(t, s, e, n)
			d, err := s.Delivery(ctx, deltag.DeliveryKey{EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: r.MailVersion})
			if err != nil {
				t.Fatal(err)
			}
			return s.Claim(ctx, d.Claim(at), r)
		}
		t.Run("AnAddressThatWasSentEnoughIsRefusedWhetherOrNotItIsSignedUp", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range deltag.MaxUnverifiedMailsPerDay {
				at := now.Add(time.Duration(n) * deltag.ResendCooldown)
				signUp(t, s, e, 1, at)
				if err := claim(t, e, 1, at); err != nil {
					t.Fatal(err)
				}
			}
			later := now.Add(time.Hour)
			for _, e := range []deltag.Event{e, newEvent(t, s, nil)} {
				if _, err := s.SignUp(ctx, e, person(1), later); !errors.Is(err, deltag.ErrMailLimit) {
					t.Errorf("%v", err)
				}
			}
			sent := kinds(t, s, registration(t, s, e, 1))
			if err := s.ResendConfirmation(ctx, e, person(1).Email, later); err != nil {
				t.Fatal(err)
			}
			want(t, kinds(t, s, registration(t, s, e, 1)), sent)
			if outcome, err := s.SignUp(ctx, e, person(1), now.Add(24*time.Hour)); err != nil || outcome != deltag.OutcomeAlreadyRegistered {
				t.Errorf("the next day: %s, %v", outcome, err)
			}
		})
		t.Run("NoAddressGetsMoreThanTheDaysMails", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 2, now)
			refused := 0
			for range deltag.MaxMailsPerAddressPerDay + 3 {
				r := registration(t, s, e, 2)
				if err := s.CancelRegistration(ctx, e, r, now); err != nil { // the owner of the link may always
					t.Fatal(err)
				}
				if _, err := s.Rejoin(ctx, e, registration(t, s, e, 2), now); err != nil {
					t.Fatal(err)
				}
				switch err := claim(t, e, 2, now); {
				case errors.Is(err, deltag.ErrMailLimit):
					refused++
				case err != nil:
					t.Fatal(err)
				}
			}
			want(t, refused, 3)
		})
		t.Run("ARetriedMailCountsOnce", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 3, now)
			d, err := s.Delivery(ctx, deltag.DeliveryKey{EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: 1})
			if err != nil {
				t.Fatal(err)
			}
			for range deltag.MaxMailsPerAddressPerDay + 1 {
				d = d.Claim(now)
				if err := s.Claim(ctx, d, r); err != nil {
					t.Fatal(err)
				}
				d = d.ScheduleRetry(deltag.ReasonThrottled, now)
				if err := s.SaveDelivery(ctx, d); err != nil {
					t.Fatal(err)
				}
			}
		})
		t.Run("ANetworkMayDoWhatAMunicipalityNeeds", func(t *testing.T) {
			e := newEvent(t, s, nil)
			stored := 0
			attempt := func(n int, at time.Time) error {
				in := person(10_000 + n)
				in.Network = "192.0.2.1/32"
				_, err := s.SignUp(ctx, e, in, at)
				return err
			}
			last := 0
			for n := 0; last == 0; n++ {
				if id := deltag.RegistrationID(e, person(10_000+n).Email); id[0] != 'a' && id[0] != 'q' {
					continue // another of the counter's sixteen parts
				}
				switch err := attempt(n, now); {
				case errors.Is(err, deltag.ErrSignUpLimit):
					last = n
				case err != nil:
					t.Fatal(err)
				default:
					stored++
				}
			}
			want(t, stored, deltag.MaxSignUpsPerNetwork/16)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: stored})
			if err := attempt(last, now.Add(time.Hour)); err != nil {
				t.Errorf("an hour later: %v", err)
			}
		})
		t.Run("CountersTellNothingOfWhomTheyCountAndExpire", func(t *testing.T) {
			seen := 0
			for _, it := range engine.Dump(t) {
				if it["Counted"] == nil {
					continue
				}
				seen++
				text := fmt.Sprint(it)
				if it["expiresAt"] == nil || len(it) != 4 {
					t.Errorf("%s", text)
				}
			}
			if seen == 0 {
				t.Error("there are none")
			}
		})
	})
}
