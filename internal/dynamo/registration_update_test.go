package dynamo_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestUpdateRegistration(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ANewAddressMovesTheRegistration", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			changeAddress(t, s, e, r, 2, now.Add(time.Hour))
			_, _, err := s.EventAndRegistration(ctx, e.ID, r.ID)
			wantError(t, err, deltag.ErrNotFound)
			moved := registration(t, s, e, 2)
			want(t, moved.RegisteredAt, r.RegisteredAt)
			want(t, moved.PreviousIDs, []string{r.ID})
			want(t, kinds(t, s, moved), []string{"confirmation.2"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "readdressed.2", "verify.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			link := deltag.Link{EventID: e.ID, RegistrationID: moved.ID, Purpose: deltag.PurposeManage}
			if link.Check(nil, r.Secret) == nil {
				t.Error("the old secret is still valid")
			}
		})
		t.Run("AnAddressThatIsSignedUpKeepsItsRegistration", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			_, other := signUp(t, s, e, 2, now)
			changeAddress(t, s, e, r, 2, now.Add(time.Hour))
			want(t, registration(t, s, e, 2).Name, other.Name)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		for name, setup := range map[string]struct{ capacity, wanted int }{"HasASeat": {3, 2}, "Waits": {1, 1}} {
			t.Run("AnOrganisersCorrectionToAnAddressThat"+name+"IsRefused", func(t *testing.T) {
				e, r := eventWithPerson1(t, s, withCapacity(setup.capacity))
				_, other := signUp(t, s, e, 2, now)
				before := counts(t, s, e)
				want(t, before.Confirmed, setup.wanted)
				err := s.UpdateByOrganiser(ctx, e, r, person(2), now.Add(time.Hour))
				want(t, err, error(deltag.AddressTakenError{RegistrationID: other.ID, Name: other.Name}))
				err = s.UpdateByOrganiser(ctx, e, other, person(1), now.Add(time.Hour))
				want(t, err, error(deltag.AddressTakenError{RegistrationID: r.ID, Name: r.Name}))
				want(t, registration(t, s, e, 1), r)
				want(t, registration(t, s, e, 2), other)
				want(t, counts(t, s, e), before)
				want(t, len(kinds(t, s, r))+len(kinds(t, s, other)), 2)
			})
		}
		t.Run("TwoCorrectionsToOneAddressAtOnceMoveOnePerson", func(t *testing.T) {
			for at := 1; ; at++ {
				e, first := eventWithPerson1(t, s, withCapacity(3))
				_, second := signUp(t, s, e, 2, now)
				p := interrupted(engine, at, func() { must(t, s.UpdateByOrganiser(ctx, e, second, person(3), now.Add(time.Hour))) })
				err := p.store.UpdateByOrganiser(ctx, e, first, person(3), now.Add(time.Hour))
				if p.Count() < at {
					must(t, err) // the other one has not begun
					break
				}
				wantError(t, err, deltag.ErrAddressTaken)
				want(t, registration(t, s, e, 1), first)
				want(t, registration(t, s, e, 3).RegisteredAt, second.RegisteredAt)
				want(t, counts(t, s, e), deltag.Counts{Confirmed: 2})
				v := readAll(t, engine, s, e.ID)
				for _, violation := range v.violations() {
					t.Errorf("%s\n%s", violation, v)
				}
			}
		})
		t.Run("AnAddressMayBeChangedBack", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			changeAddress(t, s, e, r, 2, now)
			changeAddress(t, s, e, registration(t, s, e, 2), 1, now)
			back := registration(t, s, e, 1)
			want(t, back.PreviousIDs, []string{deltag.RegistrationID(e, person(2).Email)})
			want(t, kinds(t, s, back), []string{"confirmation.1", "confirmation.3", "readdressed.2", "verify.2"})
		})
		t.Run("AnOrganisersChangeOfAddressSendsWhatTheOldOneMissedAndNothingToTheOldOne", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			for version, outcome := range map[int]deltag.SESEventType{1: deltag.SESBounce, 2: deltag.SESDelivery} {
				d := deltag.NewDelivery(r, deltag.KindMessage, version, now).Claim(now)
				d, _ = d.ApplySESEvent(deltag.SESEvent{Type: outcome, At: now})
				d.Revision = 0
				must(t, s.SaveDelivery(ctx, d))
			}
			must(t, s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 3, now, "Husk kaffe").Claim(now)))
			must(t, s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 4, now, "Endnu ikke").SuspendUntil(now.Add(time.Hour))))
			for version, n := range map[int]int{5: 1, 6: 3} { // to those who were picked: this person, and another
				m := e.NewMailing(deltag.KindMessage, version, now, "Kun jer").Claim(now)
				must(t, s.PutMailing(ctx, m.SelectRecipients([]string{deltag.RegistrationID(e, person(n).Email)})))
			}
			must(t, s.UpdateByOrganiser(ctx, e, r, person(2), now))
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"confirmation.2", "message.1", "message.3", "message.5"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "message.1", "message.2"})
		})
	})
}
