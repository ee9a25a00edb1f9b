package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestUpdateRegistration(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ANewAddressMovesTheRegistration", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.EventAndRegistration(ctx, e.ID, r.ID); !errors.Is(err, deltag.ErrNotFound) {
				t.Errorf("the old one: %v", err)
			}
			moved := registration(t, s, e, 2)
			want(t, moved.RegisteredAt, r.RegisteredAt)
			want(t, moved.PreviousIDs, []string{r.ID})
			want(t, kinds(t, s, moved), []string{"confirmation.2"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "readdressed.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			if err := (deltag.Link{EventID: e.ID, RegistrationID: moved.ID, Purpose: deltag.PurposeManage}).Check(nil, r.Secret); err == nil {
				t.Error("the old secret still opens it")
			}
		})
		t.Run("AnAddressThatIsSignedUpKeepsItsOwn", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			_, other := signUp(t, s, e, 2, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			got := registration(t, s, e, 2)
			want(t, got.Name, other.Name)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("AnAddressMayGoBackToWhatItWas", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateByAttendee(ctx, e, registration(t, s, e, 2), person(1), now); err != nil {
				t.Fatal(err)
			}
			back := registration(t, s, e, 1)
			want(t, back.PreviousIDs, []string{deltag.RegistrationID(e, person(2).Email)})
			want(t, kinds(t, s, back), []string{"confirmation.1", "confirmation.3", "readdressed.2"})
		})
		t.Run("AnOrganisersCorrectionLeavesTheOldAddressAloneAndSendsWhatItMissed", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			for version, outcome := range map[int]deltag.SESEventType{1: deltag.SESBounce, 2: deltag.SESDelivery} {
				d := deltag.NewDelivery(r, deltag.KindMessage, version, now).Claim(now)
				d, _ = d.ApplySESEvent(deltag.SESEvent{Type: outcome, At: now})
				d.Revision = 0
				if err := s.SaveDelivery(ctx, d); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 3, now, "Husk kaffe").Claim(now)); err != nil {
				t.Fatal(err)
			}
			if err := s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 4, now, "Endnu ikke").SuspendUntil(now.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateByOrganiser(ctx, e, r, person(2), now); err != nil {
				t.Fatal(err)
			}
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"confirmation.2", "message.1", "message.3"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "message.1", "message.2"})
		})
	})
}
