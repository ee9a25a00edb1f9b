package dynamo_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// sendFarewell takes an address's last mail to its end, as the mailer does.
func sendFarewell(t *testing.T, s *dynamo.Store, e deltag.Event, a deltag.Address) {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, e.ID, deltag.RegistrationID(e, a))
	if err != nil || len(ds) != 1 || !ds[0].Kind.IsFinal() {
		t.Fatal(ds, err)
	}
	d := ds[0].Claim(now)
	if err := s.Claim(ctx, d, *d.DetachedRecipient); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveDelivery(ctx, d.MarkSent("ses-1", now)); err != nil {
		t.Fatal(err)
	}
}

func TestErasure(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ErasureLeavesNothingOfThePerson", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, r := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(3), now); err != nil {
				t.Fatal(err)
			}
			if err := s.Erase(ctx, e, registration(t, s, e, 3), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			sendFarewell(t, s, e, person(1).Email)
			sendFarewell(t, s, e, person(3).Email)
			for _, it := range engine.Dump(t) {
				if text := fmt.Sprint(it); it["PK"] == "EVENT#"+e.ID && (strings.Contains(text, "p1@example.dk") || strings.Contains(text, "p3@example.dk") || strings.Contains(text, "Person 1")) {
					t.Errorf("left: %s", text)
				}
			}
		})
		t.Run("WhoSignsUpAgainAfterAnErasureKeepsTheNewMail", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			process := engine.NewClient()
			process.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
				if n > 1 { // the function ends once the registration is gone
					return nil, errors.New("gone")
				}
				return send()
			})
			if err := process.Store().Erase(ctx, e, r, now); err == nil {
				t.Fatal("it did not end")
			}
			_, again := signUp(t, s, e, 1, now.Add(time.Second))
			if err := s.PurgeDeliveries(ctx, e.ID, r.ID); err != nil {
				t.Fatal(err)
			}
			want(t, kinds(t, s, again), []string{"confirmation.1", "erased.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RetentionErasesAllPeopleAndKeepsTheNumbers", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range 7 {
				signUp(t, s, e, n, now)
			}
			if done, err := s.EraseEvent(ctx, e.ID, e.RetentionEndsAt().Add(-time.Second)); !done || err != nil {
				t.Fatal(done, err)
			}
			want(t, len(kinds(t, s, registration(t, s, e, 1))), 1)
			for range 10 {
				done, err := s.EraseEvent(ctx, e.ID, e.RetentionEndsAt())
				if err != nil {
					t.Fatal(err)
				}
				if done {
					break
				}
			}
			for _, it := range engine.Dump(t) {
				if it["PK"] == "EVENT#"+e.ID && strings.Contains(fmt.Sprint(it), "@example.dk") && it["SK"] != "META" {
					t.Errorf("left: %v", it)
				}
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 7})
		})
	})
}
