package dynamo_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// received counts what is remembered about addresses that have received mail.
func received(t testing.TB, engine storetest.Engine) (n int) {
	t.Helper()
	for _, it := range engine.Dump(t) {
		if strings.HasPrefix(it["PK"].(string), "RECEIVED#") {
			n++
		}
	}
	return n
}

func hasReceived(t testing.TB, s *dynamo.Store, n int) bool {
	t.Helper()
	known, err := s.HasReceived(ctx, deltag.Registration{EventID: "none", Email: person(n).Email})
	must(t, err)
	return known
}

func TestFeedbackCounts(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		delivery := func(n int, network string) deltag.Delivery {
			r := deltag.NewRegistration(e, person(n), nil, now)
			d := deltag.NewDelivery(r, deltag.KindConfirmation, 1, now)
			d.NetworkHash = network
			return d
		}
		reputation := func(t *testing.T, network string, at time.Time) deltag.Reputation {
			t.Helper()
			r, err := engine.NewClient().Store().Reputation(ctx, network, at) // which has nothing cached
			must(t, err)
			return r
		}
		t.Run("AreCountedForAccountAndNetworkWhoeverReportsThemAtTheSameTime", func(t *testing.T) {
			var all sync.WaitGroup
			for n := range 40 {
				all.Go(func() {
					network, o := "a", deltag.FeedbackCounts{Delivered: 1}
					if n%4 == 0 {
						network, o = "b", deltag.FeedbackCounts{Bounced: 1}
					}
					if err := s.CountFeedback(ctx, delivery(n, network), o, now); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			account := deltag.FeedbackCounts{Delivered: 30, Bounced: 10}
			want(t, reputation(t, "", now), deltag.Reputation{Account: account})
			want(t, reputation(t, "a", now), deltag.Reputation{Account: account, Network: deltag.FeedbackCounts{Delivered: 30}})
			want(t, reputation(t, "b", now.Add(time.Hour)).Network, deltag.FeedbackCounts{Bounced: 10})
			want(t, reputation(t, "b", now.Add(2*time.Hour)).Network, deltag.FeedbackCounts{})
			want(t, reputation(t, "b", now.AddDate(0, 0, 1)), deltag.Reputation{})
			want(t, received(t, engine), 30)
			want(t, []bool{hasReceived(t, s, 0), hasReceived(t, s, 1)}, []bool{false, true})
		})
		t.Run("ExpireAndAreSpreadOverShards", func(t *testing.T) {
			shards := map[string]bool{}
			for _, it := range engine.Dump(t) {
				pk := it["PK"].(string)
				wanted := map[string]time.Duration{
					"RATE#BOUNCES": 3 * time.Hour, "RATE#ACCOUNT": 48 * time.Hour, "RECEIVED": 180 * 24 * time.Hour,
				}
				for prefix, ttl := range wanted {
					if strings.HasPrefix(pk, prefix+"#") {
						want(t, it["expiresAt"], any(float64(now.Add(ttl).Unix())))
					}
				}
				if strings.HasPrefix(pk, "RATE#ACCOUNT#") {
					shards[pk] = true
				}
			}
			if len(shards) < 3 { // of 8, for 40 people
				t.Errorf("the account is counted in %v alone", shards)
			}
		})
		t.Run("OfMailWithoutANetworkAreTheAccounts", func(t *testing.T) {
			must(t, s.CountFeedback(ctx, delivery(1, ""), deltag.FeedbackCounts{Complained: 1}, now))
			want(t, reputation(t, "", now).Account.Complained, 1)
		})
		t.Run("AreSeenAtOnceByWhoCountsThem", func(t *testing.T) {
			s := engine.NewClient().Store()
			before, err := s.Reputation(ctx, "a", now)
			must(t, err)
			must(t, s.CountFeedback(ctx, delivery(1, "a"), deltag.FeedbackCounts{Bounced: 1}, now))
			after, err := s.Reputation(ctx, "a", now)
			must(t, err)
			want(t, after.Network.Bounced-before.Network.Bounced, 1)
			want(t, after.Account.Bounced-before.Account.Bounced, 1)
		})
		t.Run("CostTwoRequestsSideBySideEachFewSeconds", func(t *testing.T) {
			client := engine.NewClient()
			s := client.Store()
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := s.Reputation(ctx, "a", now); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			want(t, client.Transport.Count(), 2)
		})
	})
}

// TestNetworkOfAMail: only mail that a form asked for names a network, and nothing names it in clear.
func TestNetworkOfAMail(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		const network = "192.0.2.7"
		from := func(n int) deltag.SignUpRequest {
			in := person(n)
			in.Network = network
			return in
		}
		signUp := func(in deltag.SignUpRequest) {
			t.Helper()
			_, err := s.SignUp(ctx, e, in, now)
			must(t, err)
		}
		signUp(from(1))
		signUp(from(2))
		signUp(person(3))
		byOrganiser := from(4)
		byOrganiser.ByOrganiser = true
		signUp(byOrganiser)
		first := confirmation(t, s, registration(t, s, e, 1)).NetworkHash
		want(t, first != "" && !strings.Contains(first, network), true)
		want(t, confirmation(t, s, registration(t, s, e, 2)).NetworkHash, first)
		for _, n := range []int{3, 4} {
			want(t, confirmation(t, s, registration(t, s, e, n)).NetworkHash, "")
		}
		// A link that a form asks for counts for those who have not been verified.
		e.Verify = deltag.VerifyAlways
		signUp(from(6))
		later := now.Add(2 * deltag.ResendCooldown)
		for _, n := range []int{1, 6} {
			must(t, s.ResendConfirmation(ctx, e, person(n).Email, network, later))
		}
		want(t, confirmation(t, s, registration(t, s, e, 1)).NetworkHash, "")
		unverified := registration(t, s, e, 6)
		d, err := s.Delivery(ctx, deltag.DeliveryKey{
			EventID: e.ID, RegistrationID: unverified.ID, Kind: deltag.KindVerification, Version: 2,
		})
		must(t, err)
		want(t, d.NetworkHash, first)
		for _, it := range engine.Dump(t) {
			if strings.Contains(fmt.Sprint(it), network) {
				t.Errorf("the network is stored in clear: %v", it)
			}
		}
	})
}

// TestHold stops a mail, takes what its recipient got by the form that asked for it, and notes that for the organiser.
func TestHold(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		noted := func(t *testing.T, e deltag.Event) int {
			t.Helper()
			people, err := s.Noted(ctx, deltag.NewOrganiserNote(e, now).DeliveryKey)
			must(t, err)
			return len(people)
		}
		told := deltag.NewOrganiserNote(newEvent(t, s, nil), now).DueAt
		t.Run("OnceHoweverOftenAtTheSameTime", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now)
			d := confirmation(t, s, r)
			done := make(chan error)
			for range 8 {
				go func() {
					done <- engine.NewClient().Store().Hold(ctx, e, r, d.Skip(deltag.ReasonNetworkBounces, now), now)
				}()
			}
			held := 0
			for range 8 {
				switch err := <-done; {
				case err == nil:
					held++
				default:
					wantError(t, err, deltag.ErrConflict)
				}
			}
			want(t, held, 1)
			d = confirmation(t, s, r)
			want(t, []any{d.Status, d.Reason}, []any{deltag.DeliverySkipped, deltag.ReasonNetworkBounces})
			r = registration(t, s, e, 1)
			want(t, []any{r.Status, r.Seat, r.Revision, r.VerifyUntil},
				[]any{deltag.RegistrationUnverified, "", 2, told.Add(deltag.VerificationPeriod)})
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Unverified: 1})
			want(t, noted(t, e), 1)
			_, err := s.Delivery(ctx, deltag.NewOrganiserNote(e, now).DeliveryKey)
			must(t, err)
		})
		t.Run("NotWhatHasChanged", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			d := confirmation(t, s, r)
			must(t, s.Claim(ctx, d.Claim(now), r))
			wantError(t, s.Hold(ctx, e, r, d.Skip(deltag.ReasonNetworkBounces, now), now), deltag.ErrConflict)
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
			want(t, noted(t, e), 0)
		})
		held := func(t *testing.T) deltag.Event {
			t.Helper()
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.Hold(ctx, e, r, confirmation(t, s, r).Skip(deltag.ReasonNetworkBounces, now), now))
			return e
		}
		later := now.Add(2 * deltag.ResendCooldown)
		t.Run("UntilTheOrganiserSendsTheMailAndItsButtonIsPressed", func(t *testing.T) {
			e := held(t)
			r := registration(t, s, e, 1)
			d, err := s.Delivery(ctx, deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: 1,
			})
			must(t, err)
			must(t, s.Resend(ctx, e, r, d, later))
			want(t, kinds(t, s, r), []string{"confirmation.1", "verify.2"})
			_, err = s.Rejoin(ctx, e, registration(t, s, e, 1), true, later)
			must(t, err)
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
			want(t, noted(t, e), 0)
		})
		t.Run("UntilThePersonSignsUpElsewhere", func(t *testing.T) {
			e := held(t)
			outcome, r := signUp(t, s, e, 1, later)
			want(t, []any{outcome, r.Status}, []any{deltag.OutcomeConfirmed, deltag.RegistrationConfirmed})
			want(t, kinds(t, s, r), []string{"confirmation.1", "confirmation.2"})
		})
		t.Run("UntilTheOrganiserAddsThePerson", func(t *testing.T) {
			e := held(t)
			in := person(1)
			in.ByOrganiser = true
			_, err := s.SignUp(ctx, e, in, later)
			must(t, err)
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
		})
		t.Run("UntilItIsErasedADayAfterTheOrganiserWasTold", func(t *testing.T) {
			e := held(t)
			must(t, runTasks(s, told.Add(deltag.VerificationPeriod-time.Second)))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationUnverified)
			must(t, runTasks(s, told.Add(deltag.VerificationPeriod)))
			wantNothingLeft(t, engine, e, "p1@example.dk")
			want(t, noted(t, e), 0)
		})
	})
}

// TestReceivedIsForgotten with an address that is given up.
func TestReceivedIsForgotten(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		receive := func(t *testing.T, s *dynamo.Store, r deltag.Registration) {
			t.Helper()
			must(t, s.CountFeedback(ctx, confirmation(t, s, r), deltag.FeedbackCounts{Delivered: 1}, now))
			want(t, hasReceived(t, s, 1), true)
		}
		for name, giveUp := range map[string]func(*testing.T, deltag.Event, deltag.Registration){
			"Erased":  func(t *testing.T, e deltag.Event, r deltag.Registration) { must(t, s.Erase(ctx, e, r, now)) },
			"Changed": func(t *testing.T, e deltag.Event, r deltag.Registration) { changeAddress(t, s, e, r, 2, now) },
			"Corrected": func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.UpdateByOrganiser(ctx, e, r, person(2), now))
			},
			"Merged": func(t *testing.T, e deltag.Event, r deltag.Registration) {
				signUp(t, s, e, 2, now)
				changeAddress(t, s, e, r, 2, now)
			},
		} {
			t.Run(name, func(t *testing.T) {
				e, r := eventWithPerson1(t, s, nil)
				receive(t, s, r)
				giveUp(t, e, r)
				want(t, hasReceived(t, s, 1), false)
			})
		}
		t.Run("NotWhatThisRegistrationHasReceived", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			other, atOther := eventWithPerson1(t, s, nil)
			d := confirmation(t, s, atOther)
			must(t, s.Claim(ctx, d.Claim(now), atOther))
			delivered, _ := d.Claim(now).ApplySESEvent(deltag.SESEvent{Type: deltag.SESDelivery, At: now})
			must(t, s.SaveDelivery(ctx, delivered))
			must(t, s.Erase(ctx, e, r, now))
			known, err := s.HasReceived(ctx, registration(t, s, other, 1))
			must(t, err)
			want(t, known, true)
		})
	})
}
