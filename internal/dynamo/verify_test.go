package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

const network = "192.0.2.1/32"

// signUpFrom signs a person up from a network.
func signUpFrom(
	t testing.TB, s *dynamo.Store, e deltag.Event, n int, network string, at time.Time,
) deltag.SignUpOutcome {
	t.Helper()
	in := person(n)
	in.Network = network
	outcome, err := s.SignUp(ctx, e, in, at)
	if err != nil {
		t.Fatalf("sign up %d: %v", n, err)
	}
	return outcome
}

// alwaysVerify is a copy of e by which every sign-up has to be verified.
func alwaysVerify(e deltag.Event) deltag.Event {
	e.Verify = deltag.VerifyAlways
	return e
}

// signUpToVerify signs a person up who has to be verified.
func signUpToVerify(t testing.TB, s *dynamo.Store, e deltag.Event, n int, at time.Time) deltag.Registration {
	t.Helper()
	outcome, r := signUp(t, s, alwaysVerify(e), n, at)
	want(t, outcome, deltag.OutcomeUnverified)
	return r
}

func TestNetworkShare(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		// seatsOf is how many of the persons from first on get a seat or a waitlist place.
		seatsOf := func(t *testing.T, e deltag.Event, network string, first, people int, at time.Time) (seats int) {
			t.Helper()
			for n := first; n < first+people; n++ {
				if signUpFrom(t, s, e, n, network, at) != deltag.OutcomeUnverified {
					seats++
				}
			}
			return seats
		}
		t.Run("ANetworkGetsATenthOfTheSeatsAndAnotherNetworkIsNotAsked", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(120))
			want(t, seatsOf(t, e, network, 0, 20, now), 12)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 12, Unverified: 8})
			want(t, seatsOf(t, e, "198.51.100.7/32", 20, 3, now), 3)
			want(t, seatsOf(t, e, "", 30, 15, now), 15) // where the network is not known
		})
		t.Run("PlacesInLineCountToo", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(2)) // half of two seats
			signUpMany(t, s, e, 2)
			want(t, seatsOf(t, e, network, 2, 3, now.Add(time.Second)), 1)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Waitlisted: 1, Unverified: 2})
		})
		t.Run("NeverMoreThanTheShareInAnyHour", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(20)) // a share of 10
			var seated []time.Time
			for n := range 40 {
				at := now.Add(time.Duration(n) * 5 * time.Minute)
				if seatsOf(t, e, network, n, 1, at) == 1 {
					seated = append(seated, at)
				}
			}
			for i := 10; i < len(seated); i++ {
				if within := seated[i].Sub(seated[i-10]); within < time.Hour {
					t.Errorf("11 seats within %v", within)
				}
			}
			want(t, len(seated) > 20, true) // and the share comes back
		})
		t.Run("ASecondHourHasAShareOfItsOwn", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(300))
			want(t, seatsOf(t, e, network, 0, 31, now), 30)
			want(t, seatsOf(t, e, network, 40, 1, now.Add(59*time.Minute)), 0)
			want(t, seatsOf(t, e, network, 50, 31, now.Add(70*time.Minute)), 30)
		})
		t.Run("ConcurrentSignUpsDoNotExceedTheShare", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(50))
			var wg sync.WaitGroup
			outcomes := make([]deltag.SignUpOutcome, 40)
			stores := []*dynamo.Store{s, engine.NewClient().Store()}
			for n := range outcomes {
				wg.Go(func() {
					in := person(n)
					in.Network = network
					var err error
					if outcomes[n], err = stores[n%2].SignUp(ctx, e, in, now); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			slices.Sort(outcomes)
			want(t, slices.Index(outcomes, deltag.OutcomeUnverified), 10)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 10, Unverified: 30})
		})
		t.Run("TheAnswerDoesNotDependOnTheAddress", func(t *testing.T) {
			for name, prepare := range map[string]func(e deltag.Event){
				"New": func(deltag.Event) {},
				"Confirmed": func(e deltag.Event) {
					signUp(t, s, e, 1, now)
				},
				"Cancelled": func(e deltag.Event) {
					_, r := signUp(t, s, e, 1, now)
					must(t, s.CancelRegistration(ctx, e, r, now))
				},
				"Unverified": func(e deltag.Event) { signUpToVerify(t, s, e, 1, now) },
			} {
				e := newEvent(t, s, withCapacity(4)) // a share of 2
				prepare(e)
				later := now.Add(2 * time.Minute)
				verify := []bool{}
				for _, n := range []int{1, 2, 1, 3} {
					outcome := signUpFrom(t, s, e, n, network, later)
					verify = append(verify, outcome == deltag.OutcomeUnverified)
				}
				if want := "[false false true true]"; fmt.Sprint(verify) != want {
					t.Errorf("%s: has to be verified %v, want %s", name, verify, want)
				}
			}
		})
		t.Run("APressCountsForNoNetwork", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(4))
			for n := range 3 {
				r := signUpToVerify(t, s, e, n, now)
				_, err := s.Rejoin(ctx, e, r, true, now)
				must(t, err)
			}
			want(t, seatsOf(t, e, network, 10, 3, now), 2)
		})
		t.Run("OnlyLimitedEventsAskByThemselves", func(t *testing.T) {
			want(t, seatsOf(t, newEvent(t, s, nil), network, 0, 25, now), 25)
			never := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.Verify = capacity(4), deltag.VerifyNever })
			want(t, seatsOf(t, never, network, 0, 5, now), 5)
			for _, seats := range []*int{nil, capacity(4)} {
				always := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.Verify = seats, deltag.VerifyAlways })
				want(t, seatsOf(t, always, network, 0, 2, now)+seatsOf(t, always, "", 2, 2, now), 0)
				in := person(7)
				in.ByOrganiser = true
				outcome, err := s.SignUp(ctx, always, in, now)
				must(t, err)
				want(t, outcome, deltag.OutcomeConfirmed)
			}
		})
		t.Run("TheCounterHoldsNoNetworkAndExpires", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			e := newEvent(t, s, withCapacity(4))
			signUpFrom(t, s, e, 1, network, now)
			signUpFrom(t, s, e, 2, network, now.Add(20*time.Minute))
			found := 0
			for _, it := range engine.Dump(t) {
				if !strings.HasPrefix(it["PK"].(string), "RATE#SHARE#") {
					continue
				}
				found++
				want(t, it["Counted"], 2.0)
				want(t, it["expiresAt"].(float64)-float64(now.Unix()), (2*time.Hour + 20*time.Minute).Seconds())
				if text := fmt.Sprint(it); strings.Contains(text, "192.0.2") || strings.Contains(text, e.ID) {
					t.Errorf("%s", text)
				}
			}
			want(t, found, 1)
		})
	})
}

func TestVerify(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("AnUnverifiedRegistrationHasNoSeatAndOneMail", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			r := signUpToVerify(t, s, e, 1, now)
			want(t, r.Status, deltag.RegistrationUnverified)
			want(t, kinds(t, s, r), []string{"verify.1"})
			want(t, counts(t, s, e), deltag.Counts{Unverified: 1})
			outcome, _ := signUp(t, s, e, 2, now)
			want(t, outcome, deltag.OutcomeConfirmed)
		})
		t.Run("APressTakesTheSeatOnce", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			in := person(1)
			in.AllowsNews = true
			_, err := s.SignUp(ctx, alwaysVerify(e), in, now)
			must(t, err)
			r := registration(t, s, e, 1)
			for _, at := range []time.Time{now.Add(time.Hour), now.Add(2 * time.Hour)} {
				_, err := s.Rejoin(ctx, e, r, true, at) // with what was read before the first press
				must(t, err)
			}
			got := registration(t, s, e, 1)
			want(t, []any{got.Status, got.AllowsNews, got.AsksForNews}, []any{deltag.RegistrationConfirmed, true, false})
			want(t, kinds(t, s, got), []string{"confirmation.2", "verify.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("APressTakesTheNextPlaceInLine", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			r := signUpToVerify(t, s, e, 1, now) // first, but without a place
			signUp(t, s, e, 2, now.Add(time.Second))
			signUp(t, s, e, 3, now.Add(2*time.Second))
			outcome, err := s.Rejoin(ctx, e, r, true, now.Add(3*time.Second))
			must(t, err)
			want(t, outcome, deltag.OutcomeWaitlisted)
			want(t, []int{waitlistPosition(t, s, e, 3), waitlistPosition(t, s, e, 1)}, []int{1, 2})
		})
		t.Run("ConcurrentPressesTakeOneSeat", func(t *testing.T) {
			// Not more than seats: each takes one for a moment, and a press that finds none left may be the one that counts.
			// Its person is waiting then, until the others have returned their seats.
			const presses = 8
			e := newEvent(t, s, withCapacity(presses))
			r := signUpToVerify(t, s, e, 1, now)
			var wg sync.WaitGroup
			for range presses {
				wg.Go(func() {
					if _, err := s.Rejoin(ctx, e, r, true, now); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.2", "verify.1"})
		})
		t.Run("SignedUpAgainTheMailIsRepeatedAfterTheCooldownAndTheLatestFormCounts", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			r := signUpToVerify(t, s, e, 1, now)
			again := person(1)
			again.Name = "Rettet Navn"
			outcome, err := s.SignUp(ctx, alwaysVerify(e), again, now.Add(30*time.Second))
			must(t, err)
			want(t, outcome, deltag.OutcomeUnverified)
			want(t, kinds(t, s, r), []string{"verify.1"})
			want(t, registration(t, s, e, 1).Name, "Rettet Navn")
			later := now.Add(2 * time.Hour)
			_, err = s.SignUp(ctx, alwaysVerify(e), again, later)
			must(t, err)
			want(t, kinds(t, s, r), []string{"verify.1", "verify.2"})
			want(t, counts(t, s, e), deltag.Counts{Unverified: 1})
			// The link of the second mail works for a day, too.
			must(t, s.Expire(ctx, e.ID, r.ID, now.Add(deltag.VerificationPeriod)))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationUnverified)
			must(t, s.Expire(ctx, e.ID, r.ID, later.Add(deltag.VerificationPeriod)))
			want(t, counts(t, s, e), deltag.Counts{})
		})
		t.Run("ASignUpThatNeedNotBeVerifiedTakesTheSeat", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			signUpToVerify(t, s, e, 1, now)
			outcome, r := signUp(t, s, e, 1, now.Add(time.Second))
			want(t, outcome, deltag.OutcomeConfirmed)
			want(t, kinds(t, s, r), []string{"confirmation.2", "verify.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("AFullEventWithoutAWaitlistAsksNobody", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.HasWaitlist = capacity(1), false })
			_, r := signUp(t, s, e, 1, now)
			must(t, s.CancelRegistration(ctx, e, r, now))
			signUp(t, s, e, 2, now)
			for _, n := range []int{1, 2, 3} { // given up, confirmed, new
				_, err := s.SignUp(ctx, alwaysVerify(e), person(n), now.Add(time.Hour))
				wantError(t, err, deltag.ErrFull)
				_, err = s.SignUp(ctx, e, person(n), now.Add(time.Hour))
				wantError(t, err, deltag.ErrFull)
			}
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Cancelled: 1})
		})
		t.Run("CancelledByTheOrganiserItIsErasedWithoutAMail", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			r := signUpToVerify(t, s, e, 1, now)
			must(t, s.CancelRegistration(ctx, e, r, now))
			must(t, runTasks(s, now))
			want(t, kinds(t, s, r), []string{})
			want(t, counts(t, s, e), deltag.Counts{})
			wantError(t, s.CancelRegistration(ctx, e, r, now), deltag.ErrNotFound)
		})
		t.Run("SignedUpAgainWhileItsMailWaitsForTheNextDayItGetsNoFurtherMail", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			r := signUpToVerify(t, s, e, 1, now)
			d, err := s.Delivery(ctx, deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindVerification, Version: 1,
			})
			must(t, err)
			must(t, s.SaveDelivery(ctx, d.WaitForNextDay(now)))
			again := person(1)
			again.Name = "Rettet Navn"
			_, err = s.SignUp(ctx, alwaysVerify(e), again, now.Add(time.Hour))
			must(t, err)
			want(t, kinds(t, s, r), []string{"verify.1"})
			want(t, registration(t, s, e, 1).Name, "Rettet Navn")
		})
		t.Run("TheMailThatTakesTheEventOutOfTheCalendarIsNotReplaced", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(9))
			must(t, s.CancelRegistration(ctx, e, r, now))
			must(t, s.SaveDelivery(ctx, claimWithdrawn(t, s, registration(t, s, e, 1)).ScheduleRetry(deltag.ReasonThrottled, now)))
			signUp(t, s, e, 1, now.Add(time.Hour))
			want(t, kinds(t, s, r), []string{"confirmation.1", "withdrawn.2"})
			must(t, s.SaveDelivery(ctx, claimWithdrawn(t, s, registration(t, s, e, 1)).MarkSent("id", now)))
			signUp(t, s, e, 1, now.Add(time.Hour))
			want(t, kinds(t, s, r), []string{"confirmation.1", "verify.3", "withdrawn.2"})
		})
		t.Run("ErasedItGetsNoReceipt", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			r := signUpToVerify(t, s, e, 1, now)
			must(t, s.Erase(ctx, e, r, now))
			want(t, kinds(t, s, r), []string{})
			want(t, counts(t, s, e), deltag.Counts{})
		})
		t.Run("ReconciliationCountsIt", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(9))
			signUpToVerify(t, s, e, 1, now)
			result, err := s.Reconcile(ctx, e.ID, now)
			must(t, err)
			want(t, result, deltag.Reconciliation{At: now})
		})
	})
}

func TestExpire(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		end := now.Add(deltag.VerificationPeriod)
		t.Run("ADayLaterNothingIsLeft", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			e := newEvent(t, s, withCapacity(9))
			r := signUpToVerify(t, s, e, 1, now)
			task := deltag.DueTask{Kind: deltag.TaskExpire, EventID: e.ID, RegistrationID: r.ID}
			isDue := func(at time.Time) bool {
				tasks, err := s.DueTasks(ctx, at, 100)
				must(t, err)
				return slices.ContainsFunc(tasks, func(due deltag.DueTask) bool {
					due.DueAt = time.Time{}
					return due == task
				})
			}
			want(t, []bool{isDue(end.Add(-time.Second)), isDue(end)}, []bool{false, true})
			must(t, s.Expire(ctx, e.ID, r.ID, end.Add(-time.Second))) // as the table's stream does
			want(t, counts(t, s, e), deltag.Counts{Unverified: 1})
			for range 2 {
				must(t, s.Expire(ctx, e.ID, r.ID, end))
				want(t, counts(t, s, e), deltag.Counts{})
				want(t, isDue(end.Add(time.Hour)), false)
				wantNothingLeft(t, engine, e, "p1@example.dk", r.ID)
			}
		})
		t.Run("WhoHasPressedStays", func(t *testing.T) {
			for at := 1; at <= 8; at++ {
				e := newEvent(t, s, withCapacity(9))
				r := signUpToVerify(t, s, e, 1, now)
				p := interrupted(engine, at, func() { _, _ = s.Rejoin(ctx, e, r, true, end) })
				must(t, p.store.Expire(ctx, e.ID, r.ID, end))
				v := readAll(t, engine, s, e.ID)
				for _, violation := range v.violations() {
					t.Errorf("pressed before request %d: %s\n%s", at, violation, v)
				}
			}
		})
		t.Run("AChangeOfAddressIsDropped", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(9))
			must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
			must(t, s.Expire(ctx, e.ID, r.ID, end.Add(-time.Second)))
			want(t, registration(t, s, e, 1).AddressChange == nil, false)
			must(t, s.Expire(ctx, e.ID, r.ID, end))
			got := registration(t, s, e, 1)
			want(t, []any{got.AddressChange == nil, got.Status}, []any{true, deltag.RegistrationConfirmed})
		})
		t.Run("TheEventsErasureTakesTheTasksAlong", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			e, r := eventWithPerson1(t, s, withCapacity(9))
			signUpToVerify(t, s, e, 3, now)
			must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
			eraseEvent(t, engine, e)
			wantNothingLeft(t, engine, e, "@example.dk", r.ID)
		})
	})
}

// claimWithdrawn claims the mail that tells r that it is cancelled, r's last.
func claimWithdrawn(t testing.TB, s *dynamo.Store, r deltag.Registration) deltag.Delivery {
	t.Helper()
	d, err := s.Delivery(ctx, deltag.DeliveryKey{
		EventID: r.EventID, RegistrationID: r.ID, Kind: deltag.KindRegistrationCancelled, Version: r.MailVersion,
	})
	must(t, err)
	claimed := d.Claim(now)
	must(t, s.SaveDelivery(ctx, claimed))
	return claimed
}

// TestOwnership: who has the link decides about a registration, and nobody else.
func TestOwnership(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		stranger := func(n int) deltag.SignUpRequest {
			in := person(n)
			in.Name, in.Organisation, in.AllowsNews = "Stranger", "Evil A/S", true
			return in
		}
		t.Run("ASeatThatWasGivenUpIsTakenBackByItsOwnerOnly", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(9))
			must(t, s.CancelRegistration(ctx, e, r, now))
			before := registration(t, s, e, 1)
			withdrawn := claimWithdrawn(t, s, before)
			must(t, s.SaveDelivery(ctx, withdrawn.MarkSent("id", now)))
			outcome, err := s.SignUp(ctx, e, stranger(1), now.Add(time.Hour))
			must(t, err)
			want(t, outcome, deltag.OutcomeAlreadyRegistered) // which the site shows as every other
			after := registration(t, s, e, 1)
			want(t, kinds(t, s, after), []string{"confirmation.1", "verify.3", "withdrawn.2"})
			asked := after
			asked.MailVersion, asked.LastMailedAt, asked.Revision = before.MailVersion, before.LastMailedAt, before.Revision
			asked.VerifyUntil = before.VerifyUntil
			want(t, asked, before) // as it was, but for the mail

			_, err = s.SignUp(ctx, e, stranger(1), now.Add(time.Hour+time.Second)) // within the cooldown
			must(t, err)
			want(t, len(kinds(t, s, after)), 3)
			_, err = s.Rejoin(ctx, e, after, true, now.Add(2*time.Hour))
			must(t, err)
			back := registration(t, s, e, 1)
			want(t, []any{back.Status, back.Name, back.Organisation, back.AllowsNews, back.AsksForNews},
				[]any{deltag.RegistrationConfirmed, "Person 1", "Eksempel Kommune", false, false})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("WhoRegretsAtOnceGetsTheMailAtOnceAndOnlyOnce", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.CancelRegistration(ctx, e, r, now))
			withdrawn := claimWithdrawn(t, s, registration(t, s, e, 1))
			must(t, s.SaveDelivery(ctx, withdrawn.MarkSent("id", now)))
			var all sync.WaitGroup
			for n := range 4 {
				all.Go(func() {
					if _, err := s.SignUp(ctx, e, person(1), now.Add(time.Duration(n+1)*time.Second)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			want(t, kinds(t, s, r), []string{"confirmation.1", "verify.3", "withdrawn.2"})
		})
		t.Run("AConflictDuringThePressChangesNoDetails", func(t *testing.T) {
			for at := 1; at <= 4; at++ {
				e, r := eventWithPerson1(t, s, withCapacity(9))
				must(t, s.CancelRegistration(ctx, e, r, now))
				r = registration(t, s, e, 1)
				p := interrupted(engine, at, func() {
					_, err := s.SignUp(ctx, e, stranger(1), now.Add(time.Hour))
					must(t, err)
				})
				_, err := p.store.Rejoin(ctx, e, r, true, now.Add(time.Hour))
				must(t, err)
				got := registration(t, s, e, 1)
				want(t, []any{got.Status, got.Name}, []any{deltag.RegistrationConfirmed, "Person 1"})
			}
		})
		t.Run("TheOrganiserBringsBackWhoCallsAndWantsToCome", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(9))
			must(t, s.CancelRegistration(ctx, e, r, now))
			in := person(1)
			in.ByOrganiser, in.Name, in.AllowsNews = true, "Nyt Navn", true
			outcome, err := s.SignUp(ctx, e, in, now)
			must(t, err)
			want(t, outcome, deltag.OutcomeConfirmed)
			got := registration(t, s, e, 1)
			want(t, []any{got.Name, got.AllowsNews}, []any{"Nyt Navn", true})
		})
		t.Run("ATickByAStrangerIsNoConsent", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, err := s.SignUp(ctx, e, stranger(1), now)
			must(t, err)
			r := registration(t, s, e, 1)
			want(t, []any{r.AllowsNews, r.AsksForNews}, []any{false, true})
			must(t, s.UpdateByOrganiser(ctx, e, r, person(1), now)) // a corrected name is no answer to it
			r = registration(t, s, e, 1)
			want(t, []any{r.AllowsNews, r.AsksForNews}, []any{false, true})
			must(t, s.MarkAttended(ctx, e, r, now))
			r = registration(t, s, e, 1)
			want(t, []any{r.AllowsNews, r.AsksForNews}, []any{true, false})
			in := person(1)
			must(t, s.UpdateByAttendee(ctx, e, r, in, now)) // not ticked
			want(t, registration(t, s, e, 1).AllowsNews, false)
		})
	})
}

// The links of a mail that has to wait work as long as those of one that is sent at once.
func TestVerificationOfAMailThatWaits(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		for name, prepare := range map[string]func(*testing.T, deltag.Event) deltag.Registration{
			"SignUp": func(t *testing.T, e deltag.Event) deltag.Registration { return signUpToVerify(t, s, e, 1, now) },
			"ChangeOfAddress": func(t *testing.T, e deltag.Event) deltag.Registration {
				_, r := signUp(t, s, e, 1, now)
				must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
				return registration(t, s, e, 1)
			},
		} {
			t.Run(name, func(t *testing.T) {
				e := newEvent(t, s, nil)
				r := prepare(t, e)
				version := r.MailVersion
				if r.AddressChange != nil {
					version = r.AddressChange.MailVersion
				}
				d, err := s.Delivery(ctx, deltag.DeliveryKey{
					EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindVerification, Version: version,
				})
				must(t, err)
				must(t, s.Delay(ctx, d.WaitForNextDay(now)))
				wantError(t, s.Delay(ctx, d.WaitForNextDay(now)), deltag.ErrConflict)
				delayed, err := s.Delivery(ctx, d.DeliveryKey)
				must(t, err)
				want(t, delayed.Reason, deltag.ReasonDailyLimit)
				until := delayed.NextAttemptAt.Add(deltag.VerificationPeriod)
				end, _ := registration(t, s, e, 1).EndsNext()
				want(t, end, until)
				must(t, s.Expire(ctx, e.ID, r.ID, until.Add(-time.Second)))
				_, waits := registration(t, s, e, 1).EndsNext()
				want(t, waits, true)
				must(t, s.Expire(ctx, e.ID, r.ID, until))
				_, after, err := s.EventAndRegistration(ctx, e.ID, r.ID)
				if name == "SignUp" {
					wantError(t, err, deltag.ErrNotFound)
					return
				}
				want(t, []any{err, after.AddressChange == nil}, []any{nil, true})
			})
		}
	})
}

func TestChangeOfAddress(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("NoMoreThanFiveMailsADayAndOneThatWaitsIsNotRepeated", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			save := func(n int, at time.Time) error {
				return s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), person(n), at)
			}
			must(t, save(10, now))
			must(t, save(10, now.Add(deltag.ResendCooldown-1)))
			want(t, kinds(t, s, r), []string{"confirmation.1", "verify.2"})
			d, err := s.Delivery(ctx, deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindVerification, Version: 2,
			})
			must(t, err)
			must(t, s.Delay(ctx, d.WaitForNextDay(now)))
			must(t, save(10, now.Add(time.Hour)))
			want(t, kinds(t, s, r), []string{"confirmation.1", "verify.2"})
			for n := 11; n < 10+deltag.MaxAddressChangesPerDay; n++ {
				must(t, save(n, now.Add(time.Hour)))
			}
			wantError(t, save(20, now.Add(time.Hour)), deltag.ErrChangeLimit)
			want(t, registration(t, s, e, 1).AddressChange.Details.Email, person(14).Email)
			must(t, save(1, now.Add(time.Hour))) // the old address
			must(t, save(20, now.Add(24*time.Hour)))
		})
		t.Run("CountsForTheNetworkLikeASignUp", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			e, _ := eventWithPerson1(t, s, nil)
			in := person(2)
			in.Network = "192.0.2.1/32"
			must(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), in, now))
			for _, n := range []int{1, 7} { // who is signed up, and who is not
				must(t, s.ResendConfirmation(ctx, e, person(n).Email, in.Network, now))
			}
			counter := item{}
			for _, it := range engine.Dump(t) {
				if pk := it["PK"].(string); strings.HasPrefix(pk, "RATE#NETWORK#") {
					want(t, it["Counted"].(float64), 3.0)
					counter = item{"PK": str(pk), "SK": str(it["SK"].(string))}
				}
			}
			_, err := engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &engine.Table, Key: counter, UpdateExpression: aws.String("ADD Counted :n"),
				ExpressionAttributeValues: item{":n": number(deltag.MaxSignUpsPerNetwork - 4)},
			})
			must(t, err)
			must(t, s.ResendConfirmation(ctx, e, person(7).Email, in.Network, now))
			for _, n := range []int{1, 7} {
				wantError(t, s.ResendConfirmation(ctx, e, person(n).Email, in.Network, now), deltag.ErrSignUpLimit)
			}
			in.Email = person(3).Email
			wantError(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), in, now), deltag.ErrSignUpLimit)
			want(t, registration(t, s, e, 1).AddressChange.Details.Email, person(2).Email)
			in.Email = person(1).Email
			must(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), in, now)) // mails nobody
		})
		t.Run("ATickCountsIfItWasShown", func(t *testing.T) {
			for _, shown := range []bool{true, false} {
				e, r := eventWithPerson1(t, s, nil)
				in := person(2)
				in.AllowsNews = true
				must(t, s.UpdateByAttendee(ctx, e, r, in, now))
				must(t, s.ConfirmAddressChange(ctx, e, registration(t, s, e, 1), shown, now))
				want(t, registration(t, s, e, 2).AllowsNews, shown)
			}
		})
		t.Run("NothingChangesBeforeTheNewAddressIsVerified", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(time.Second))
			signUp(t, s, e, 3, now.Add(2*time.Second))
			before := counts(t, s, e)
			for _, to := range []int{2, 9} { // who waits, and nobody
				must(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 1), person(to), now.Add(time.Hour)))
				got := registration(t, s, e, 1)
				want(t, got.AddressChange.Details.Email, person(to).Email)
				got.AddressChange, got.Revision, got.Changes, got.AddressChanges, got.ChangedOn = nil, r.Revision, 0, 0, time.Time{}
				want(t, got, r)
				want(t, counts(t, s, e), before)
				want(t, []int{waitlistPosition(t, s, e, 2), waitlistPosition(t, s, e, 3)}, []int{1, 2})
			}
		})
		t.Run("ItsMailReplacesNoOther", func(t *testing.T) {
			e := newEvent(t, s, nil)
			r := signUpToVerify(t, s, e, 1, now)
			must(t, s.UpdateByOrganiser(ctx, e, r, person(2), now)) // a new address, with a second mail
			_, err := s.Rejoin(ctx, e, registration(t, s, e, 2), true, now)
			must(t, err)
			r = registration(t, s, e, 2)
			must(t, s.CancelRegistration(ctx, e, r, now))
			_, err = s.SignUp(ctx, e, person(2), now.Add(time.Hour)) // a mail to verify it
			must(t, err)
			_, err = s.Rejoin(ctx, e, registration(t, s, e, 2), true, now)
			must(t, err)
			sent := kinds(t, s, r)
			for n := range 4 {
				must(t, s.UpdateByAttendee(ctx, e, registration(t, s, e, 2), person(10+n), now))
				want(t, len(kinds(t, s, r)), len(sent)+n+1)
			}
		})
		t.Run("TheMailGoesToTheNewAddressAndHasTheKeyOfItsLink", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
			r = registration(t, s, e, 1)
			key := deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindVerification, Version: r.Revision,
			}
			d, _, recipient, err := s.LoadDelivery(ctx, key)
			must(t, err)
			want(t, recipient, r.VerificationRecipient(d))
			want(t, recipient.Email, person(2).Email)
			for _, it := range engine.Dump(t) {
				if sk := it["SK"].(string); strings.HasPrefix(sk, "MAIL#"+r.ID) && strings.Contains(fmt.Sprint(it), "Secret") {
					t.Errorf("the ledger has the key: %v", it)
				}
			}
			must(t, s.Claim(ctx, d.Claim(now), recipient))
			must(t, s.UpdateByAttendee(ctx, e, r, person(1), now)) // dropped
			_, _, recipient, err = s.LoadDelivery(ctx, key)
			must(t, err)
			want(t, recipient, deltag.Registration{})
		})
		t.Run("ABounceOfTheMailSaysNothingOfTheRegistration", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
			r = registration(t, s, e, 1)
			d, _, _, err := s.LoadDelivery(ctx, deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindVerification, Version: r.Revision,
			})
			must(t, err)
			want(t, d.DetachedRecipient != nil, true) // by which feedback knows that it is nobody's
		})
		for name, prepare := range map[string]func(*testing.T, deltag.Event) deltag.Counts{
			"Cancelled": func(t *testing.T, e deltag.Event) deltag.Counts {
				_, other := signUp(t, s, e, 2, now)
				must(t, s.CancelRegistration(ctx, e, other, now))
				return deltag.Counts{Cancelled: 1}
			},
			"Unverified": func(t *testing.T, e deltag.Event) deltag.Counts {
				signUpToVerify(t, s, e, 2, now)
				return deltag.Counts{Unverified: 1}
			},
		} {
			change := map[string]func(*testing.T, deltag.Event, deltag.Registration, time.Time){
				"Attendee": func(t *testing.T, e deltag.Event, r deltag.Registration, at time.Time) {
					changeAddress(t, s, e, r, 2, at)
				},
				"Organiser": func(t *testing.T, e deltag.Event, r deltag.Registration, at time.Time) {
					must(t, s.UpdateByOrganiser(ctx, e, r, person(2), at))
				},
			}
			for who, change := range change {
				t.Run("ASeatSurvivesTheChangeToAnAddressThatIs"+name+"By"+who, func(t *testing.T) {
					e, mine := eventWithPerson1(t, s, withCapacity(3))
					other := prepare(t, e)
					signUp(t, s, e, 3, now.Add(time.Second))
					want(t, counts(t, s, e), deltag.Counts{
						Confirmed: 2, Cancelled: other.Cancelled, Unverified: other.Unverified,
					})
					change(t, e, mine, now.Add(time.Hour))
					got := registration(t, s, e, 2)
					want(t, []any{got.Status, got.RegisteredAt, got.Name}, []any{deltag.RegistrationConfirmed, now, "Person 2"})
					want(t, counts(t, s, e), deltag.Counts{Confirmed: 2})
					v := readAll(t, engine, s, e.ID)
					for _, violation := range v.violations() {
						t.Errorf("%s\n%s", violation, v)
					}
					must(t, s.Expire(ctx, e.ID, got.ID, now.Add(25*time.Hour)))
					want(t, counts(t, s, e), deltag.Counts{Confirmed: 2})
				})
			}
		}
		t.Run("ASeatMovedBackAndForthIsErased", func(t *testing.T) {
			e, mine := eventWithPerson1(t, s, nil)
			_, other := signUp(t, s, e, 2, now)
			changeAddress(t, s, e, other, 1, now) // merged: the address of 2 is free again
			for day := range 2 {
				now := now.AddDate(0, 0, day)
				changeAddress(t, s, e, mine, 2, now)
				_, again := signUp(t, s, e, 1, now)
				must(t, s.CancelRegistration(ctx, e, again, now))
				changeAddress(t, s, e, registration(t, s, e, 2), 1, now)
				mine = registration(t, s, e, 1)
				_, again = signUp(t, s, e, 2, now)
				changeAddress(t, s, e, again, 3, now)
				must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 3), now))
				changeAddress(t, s, e, mine, 3, now)
				mine = registration(t, s, e, 3)
			}
			must(t, s.Erase(ctx, e, mine, now.AddDate(0, 0, 2)))
		})
		t.Run("APlaceInLineSurvivesTheChangeToAnAddressThatGaveOneUp", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, withCapacity(1))
			_, other := signUp(t, s, e, 2, now.Add(time.Second))
			must(t, s.CancelRegistration(ctx, e, other, now.Add(2*time.Second)))
			_, mine := signUp(t, s, e, 3, now.Add(3*time.Second))
			signUp(t, s, e, 4, now.Add(4*time.Second))
			changeAddress(t, s, e, mine, 2, now.Add(time.Hour))
			want(t, []int{waitlistPosition(t, s, e, 2), waitlistPosition(t, s, e, 4)}, []int{1, 2})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("ASeatSurvivesTheChangeToAnAddressThatWaits", func(t *testing.T) {
			e, mine := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now.Add(time.Second))
			signUp(t, s, e, 3, now.Add(2*time.Second))
			changeAddress(t, s, e, mine, 2, now.Add(time.Hour))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, waitlistPosition(t, s, e, 3), 1)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1})
			r, err := s.Reconcile(ctx, e.ID, now.Add(2*time.Hour))
			must(t, err)
			want(t, r.HasDrift(), false)
		})
		t.Run("ToAnAddressWithASeatTheOldOneIsFreed", func(t *testing.T) {
			e, mine := eventWithPerson1(t, s, withCapacity(2))
			_, other := signUp(t, s, e, 2, now)
			signUp(t, s, e, 3, now.Add(time.Second))
			changeAddress(t, s, e, mine, 2, now.Add(time.Hour))
			want(t, registration(t, s, e, 2).Name, other.Name)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationConfirmed) // who waited
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2})
		})
		t.Run("ConcurrentPressesMoveItOnce", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(2))
			must(t, s.UpdateByAttendee(ctx, e, r, person(2), now))
			r = registration(t, s, e, 1)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if err := s.ConfirmAddressChange(ctx, e, r, true, now); err != nil {
						wantError(t, err, deltag.ErrConflict)
					}
				})
			}
			wg.Wait()
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"confirmation.2"})
		})
	})
}
