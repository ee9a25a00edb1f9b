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
	people, err := s.Noted(ctx, deltag.NewOrganiserNote(e, at).DeliveryKey)
	must(t, err)
	for _, r := range people {
		addresses = append(addresses, r.Email.Original)
	}
	return addresses
}

// TestComeBack corrects addresses whose seats were given back.
func TestComeBack(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		// givenBackEvent is an event whose person 1 has lost a seat at the time at.
		givenBackEvent := func(t *testing.T, change func(*deltag.Event)) (e deltag.Event, at time.Time) {
			t.Helper()
			e, r := eventWithPerson1(t, s, change)
			bounce(t, s, e, r, now)
			return e, runGiveBack(t, s)
		}
		correct := func(t *testing.T, e deltag.Event, to int, at time.Time) deltag.Registration {
			t.Helper()
			must(t, s.UpdateByOrganiser(ctx, e, registration(t, s, e, 1), person(to), at))
			return registration(t, s, e, to)
		}
		wantIntact := func(t *testing.T, e deltag.Event) {
			t.Helper()
			v := readAll(t, engine, s, e.ID)
			for _, violation := range v.violations() {
				t.Errorf("%s\n%s", violation, v)
			}
			r, err := s.Reconcile(ctx, e.ID, now.Add(50*time.Hour))
			must(t, err)
			want(t, r.HasDrift(), false)
		}
		t.Run("AFreeSeatIsTaken", func(t *testing.T) {
			e, at := givenBackEvent(t, withCapacity(1))
			r := correct(t, e, 2, at)
			want(t, []any{r.Status, r.AddressStatus, r.ConfirmedAt, r.GivenBackAt},
				[]any{deltag.RegistrationConfirmed, deltag.AddressOK, at, time.Time{}})
			want(t, kinds(t, s, r), []string{"confirmation.2"})
			outcome, _ := signUp(t, s, e, 3, at)
			want(t, outcome, deltag.OutcomeWaitlisted)
			must(t, runTasks(s, at.Add(2*time.Minute)))
			must(t, runTasks(s, at.Add(4*time.Minute)))
			wantIntact(t, e)
		})
		t.Run("TheAttendeesOwnChangeDoesTheSame", func(t *testing.T) {
			e, at := givenBackEvent(t, withCapacity(1))
			changeAddress(t, s, e, registration(t, s, e, 1), 2, at)
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("AChangeThatWaitedForItsVerificationDoesTheSame", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			bounce(t, s, e, r, now)
			asked := now.Add(23 * time.Hour)
			must(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), person(2), asked))
			at := runGiveBack(t, s)
			must(t, s.ConfirmAddressChange(ctx, e, registration(t, s, e, 1), true, at))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		for name, hasWaitlist := range map[string]bool{"": true, "EvenWithoutAWaitlist": false} {
			t.Run("OrTheFirstPlaceInLine"+name, func(t *testing.T) {
				e, r := eventWithPerson1(t, s, withCapacity(1))
				for n := 2; n <= 4; n++ {
					signUp(t, s, e, n, now.Add(time.Duration(n)*time.Second))
				}
				bounce(t, s, e, r, now)
				at := runGiveBack(t, s)
				e.HasWaitlist = hasWaitlist
				r = correct(t, e, 9, at)
				want(t, kinds(t, s, r), []string{"waiting.2"})
				want(t, []int{waitlistPosition(t, s, e, 9), waitlistPosition(t, s, e, 3)}, []int{1, 2})
				want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 3})
				must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 2), at))
				want(t, registration(t, s, e, 9).Status, deltag.RegistrationConfirmed)
				wantIntact(t, e)
			})
		}
		t.Run("ToAnAddressThatGaveASeatUp", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(2))
			_, other := signUp(t, s, e, 2, now)
			must(t, s.CancelRegistration(ctx, e, other, now))
			bounce(t, s, e, r, now)
			r = correct(t, e, 2, runGiveBack(t, s))
			want(t, r.Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			wantIntact(t, e)
		})
		t.Run("ToAnAddressWithASeatNothingIsTaken", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(2))
			signUp(t, s, e, 2, now)
			bounce(t, s, e, r, now)
			later := runGiveBack(t, s)
			err := s.UpdateByOrganiser(ctx, e, registration(t, s, e, 1), person(2), later)
			wantError(t, err, deltag.ErrAddressTaken)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Cancelled: 1})
			changeAddress(t, s, e, registration(t, s, e, 1), 2, later)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			wantIntact(t, e)
		})
		t.Run("NotOnceTheEventIsOver", func(t *testing.T) {
			e, _ := givenBackEvent(t, withCapacity(1))
			want(t, correct(t, e, 2, e.EndsAt).Status, deltag.RegistrationCancelled)
		})
		t.Run("WhoGaveTheSeatUpGetsNone", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			must(t, s.CancelRegistration(ctx, e, r, now))
			want(t, correct(t, e, 2, now).Status, deltag.RegistrationCancelled)
		})
		t.Run("WhileOthersComeAndGoSeatsStayExact", func(t *testing.T) {
			for at := 1; ; at++ {
				e, r := eventWithPerson1(t, s, withCapacity(1))
				signUp(t, s, e, 2, now.Add(time.Second))
				bounce(t, s, e, r, now)
				later := runGiveBack(t, s)
				p := interrupted(engine, at, func() {
					must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 2), later))
					signUp(t, s, e, 3, later)
				})
				must(t, p.store.UpdateByOrganiser(ctx, e, registration(t, s, e, 1), person(9), later))
				if p.Count() < at {
					break
				}
				must(t, runTasks(s, later.Add(2*time.Minute)))
				must(t, runTasks(s, later.Add(4*time.Minute)))
				want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1, Cancelled: 1})
				wantIntact(t, e)
			}
		})
		t.Run("TwoCorrectionsAtOnceTakeOneSeat", func(t *testing.T) {
			e, at := givenBackEvent(t, withCapacity(3))
			r := registration(t, s, e, 1)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := s.UpdateByOrganiser(ctx, e, r, person(2), at); err != nil {
						wantError(t, err, deltag.ErrConflict)
					}
				})
			}
			wg.Wait()
			must(t, runTasks(s, at.Add(2*time.Minute)))
			must(t, runTasks(s, at.Add(4*time.Minute)))
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			wantIntact(t, e)
		})
	})
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

// TestNotesGoOutWithEverybody: whoever comes when a note has gone out is in another, and none goes out without who was
// added while it was being made.
func TestNotesGoOutWithEverybody(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		noted := func(t *testing.T, key deltag.DeliveryKey) (n int) {
			t.Helper()
			people, err := s.Noted(ctx, key)
			must(t, err)
			return len(people)
		}
		// hold holds person n's confirmation.
		hold := func(t *testing.T, e deltag.Event, n int, at time.Time) {
			t.Helper()
			_, r := signUp(t, s, e, n, at)
			must(t, s.Hold(ctx, e, r, confirmation(t, s, r).Skip(deltag.ReasonNetworkBounces, at), at))
		}
		notes := func(t *testing.T, e deltag.Event) (all []deltag.Delivery) {
			t.Helper()
			ds, err := s.DeliveriesOf(ctx, e.ID, deltag.NewOrganiserNote(e, now).RegistrationID)
			must(t, err)
			return ds
		}
		t.Run("AfterItHasGoneOut", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) {
				e.StartsAt, e.EndsAt = now.Add(30*time.Minute), now.Add(90*time.Minute)
			})
			hold(t, e, 1, now.Add(10*time.Minute))
			first := notes(t, e)[0]
			want(t, first.DueAt, e.StartsAt)
			claimed := first.Claim(e.StartsAt)
			must(t, s.Claim(ctx, claimed, *first.DetachedRecipient))
			must(t, s.SaveDelivery(ctx, claimed.MarkSent("ses-1", e.StartsAt)))
			hold(t, e, 2, now.Add(40*time.Minute)) // in the same hour
			all := notes(t, e)
			want(t, len(all), 2)
			want(t, []int{noted(t, all[0].DeliveryKey), noted(t, all[1].DeliveryKey)}, []int{1, 1})
		})
		t.Run("WhileItIsBeingMade", func(t *testing.T) {
			e := newEvent(t, s, nil)
			hold(t, e, 1, now)
			note := notes(t, e)[0]
			want(t, noted(t, note.DeliveryKey), 1) // the mailer has read it
			hold(t, e, 2, now)
			wantError(t, s.Claim(ctx, note.Claim(note.DueAt), *note.DetachedRecipient), deltag.ErrConflict)
			note = notes(t, e)[0]
			want(t, noted(t, note.DeliveryKey), 2)
			must(t, s.Claim(ctx, note.Claim(note.DueAt), *note.DetachedRecipient))
		})
		t.Run("WhenItGoesOutMeanwhile", func(t *testing.T) {
			e := newEvent(t, s, nil)
			hold(t, e, 1, now)
			note := notes(t, e)[0]
			_, r := signUp(t, s, e, 2, now)
			d := confirmation(t, s, r).Skip(deltag.ReasonNetworkBounces, now)
			p := interrupted(engine, 3, func() { // after the note was read
				must(t, s.Claim(ctx, note.Claim(note.DueAt), *note.DetachedRecipient))
			})
			wantError(t, p.store.Hold(ctx, e, r, d, now), deltag.ErrConflict)
			must(t, s.Hold(ctx, e, r, d, now)) // the next tick
			all := notes(t, e)
			want(t, []int{noted(t, all[0].DeliveryKey), noted(t, all[1].DeliveryKey)}, []int{1, 1})
		})
	})
}
