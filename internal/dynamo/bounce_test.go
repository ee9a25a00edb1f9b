package dynamo_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// bounce suppresses r's address, as SES's event does.
func bounce(t testing.TB, s *dynamo.Store, e deltag.Event, r deltag.Registration, at time.Time) {
	t.Helper()
	must(t, s.Suppress(ctx, e, r.Email, r, deltag.AddressBounced, at))
}

// runGiveBack runs all that is due when the addresses that bounced at now have had their time.
func runGiveBack(t testing.TB, s *dynamo.Store) time.Time {
	t.Helper()
	at := now.Add(deltag.BounceGracePeriod)
	must(t, runTasks(s, at))
	return at
}

// givenBack are the addresses that the note of a day is about.
func givenBack(t testing.TB, s *dynamo.Store, e deltag.Event, at time.Time) (addresses []string) {
	t.Helper()
	people, err := s.GivenBack(ctx, deltag.NewOrganiserNote(e, at).DeliveryKey)
	must(t, err)
	for _, r := range people {
		addresses = append(addresses, r.Email.Original)
	}
	return addresses
}

func TestGiveBack(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		wantIntact := func(t *testing.T, e deltag.Event) {
			t.Helper()
			v := readAll(t, engine, s, e.ID)
			for _, violation := range v.violations() {
				t.Errorf("%s\n%s", violation, v)
			}
		}
		t.Run("ASeatGoesToTheNextAfter24HoursWithoutAMail", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(time.Second))
			bounce(t, s, e, r, now)
			must(t, runTasks(s, now.Add(deltag.BounceGracePeriod-time.Second)))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)

			at := runGiveBack(t, s)
			r = registration(t, s, e, 1)
			want(t, []any{r.Status, r.AddressStatus, r.GivenBackAt, r.Seat},
				[]any{deltag.RegistrationCancelled, deltag.AddressBounced, at, ""})
			want(t, kinds(t, s, r), []string{"confirmation.1"})
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Cancelled: 1})
			want(t, givenBack(t, s, e, at), []string{"p1@example.dk"})
			wantIntact(t, e)
		})
		t.Run("APlaceInLineIsGivenBackToo", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, withCapacity(1))
			_, r := signUp(t, s, e, 2, now.Add(time.Second))
			signUp(t, s, e, 3, now.Add(2*time.Second))
			bounce(t, s, e, r, now)
			runGiveBack(t, s)
			want(t, waitlistPosition(t, s, e, 3), 1)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1, Cancelled: 1})
			wantIntact(t, e)
		})
		for name, c := range map[string]struct {
			capacity *int
			meantime func(*testing.T, deltag.Event, deltag.Registration)
		}{
			"WithoutALimit": {nil, func(*testing.T, deltag.Event, deltag.Registration) {}},
			"AnAddressThatWorksAfterAll": {capacity(1), func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.LiftSuppression(ctx, e, r))
			}},
			"WhoHasAttended": {capacity(1), func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.MarkAttended(ctx, e, r, now))
			}},
			"AComplaint": {capacity(1), func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.LiftSuppression(ctx, e, r))
				must(t, s.Suppress(ctx, e, r.Email, registration(t, s, e, 1), deltag.AddressComplained, now))
			}},
		} {
			t.Run("Keeps"+name, func(t *testing.T) {
				e, r := eventWithPerson1(t, s, func(e *deltag.Event) { e.Capacity = c.capacity })
				bounce(t, s, e, r, now)
				c.meantime(t, e, registration(t, s, e, 1))
				before := registration(t, s, e, 1)
				at := runGiveBack(t, s)
				want(t, registration(t, s, e, 1), before)
				want(t, len(readAll(t, engine, s, e.ID).notes()), 0)
				want(t, givenBack(t, s, e, at), []string(nil))
				wantNothingLeft(t, engine, e, "GIVEBACK#")
			})
		}
		t.Run("ACorrectedAddressKeepsItsSeat", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			bounce(t, s, e, r, now)
			must(t, s.UpdateByOrganiser(ctx, e, registration(t, s, e, 1), person(2), now))
			runGiveBack(t, s)
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			wantNothingLeft(t, engine, e, "GIVEBACK#")
		})
		t.Run("ASecondBounceHasADayOfItsOwn", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			bounce(t, s, e, r, now)
			must(t, s.LiftSuppression(ctx, e, registration(t, s, e, 1)))
			bounce(t, s, e, registration(t, s, e, 1), now.Add(time.Hour))
			runGiveBack(t, s)
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
			must(t, runTasks(s, now.Add(time.Hour+deltag.BounceGracePeriod)))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationCancelled)
		})
		t.Run("TwiceAndAtTheSameTimeItHappensOnce", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(3))
			signUpMany(t, s, e, 5)
			at := now.Add(deltag.BounceGracePeriod)
			var wg sync.WaitGroup
			for n := range 3 {
				bounce(t, s, e, registration(t, s, e, n), now)
			}
			stores := []*dynamo.Store{s, engine.NewClient().Store()}
			for n := range 12 {
				id := deltag.RegistrationID(e, person(n%3).Email)
				wg.Go(func() {
					if err := stores[n%2].GiveBack(ctx, e.ID, id, at); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			runGiveBack(t, s)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Cancelled: 3})
			want(t, len(givenBack(t, s, e, at)), 3)
			v := readAll(t, engine, s, e.ID)
			want(t, len(v.notes()), 1)
			wantIntact(t, e)
		})
		t.Run("TheNoteNamesNobodyWhoIsErased", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			bounce(t, s, e, r, now)
			at := runGiveBack(t, s)
			must(t, s.Erase(ctx, e, registration(t, s, e, 1), at))
			want(t, givenBack(t, s, e, at), []string(nil))
		})
		t.Run("TheTaskIsErasedWithTheEvent", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			bounce(t, s, e, r, now)
			eraseEvent(t, engine, e)
			for _, it := range engine.Dump(t) {
				if isOf(e, it) && strings.HasPrefix(it["SK"].(string), "GIVEBACK#") {
					t.Errorf("left: %v", it)
				}
			}
		})
	})
}
