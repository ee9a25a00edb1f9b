package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
		t.Run("AnAddressThatHasHadItsMailsCanStillSignUp", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range deltag.MaxFormMailsPerMailboxPerDay {
				at := now.Add(time.Duration(n) * deltag.ResendCooldown)
				signUp(t, s, e, 1, at)
				must(t, claim(t, e, 1, at))
			}
			later, tomorrow := now.Add(time.Hour), now.Add(24*time.Hour)
			outcome, _ := signUp(t, s, e, 1, later)
			want(t, outcome, deltag.OutcomeAlreadyRegistered)
			other := newEvent(t, s, nil)
			outcome, _ = signUp(t, s, other, 1, later)
			want(t, outcome, deltag.OutcomeConfirmed)
			for _, e := range []deltag.Event{e, other} {
				wantError(t, claim(t, e, 1, later), deltag.ErrMailLimit)
				must(t, claim(t, e, 1, tomorrow))
			}
		})
		t.Run("MailThatWaitsIsNotAskedForTwice", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.SaveDelivery(ctx, confirmation(t, s, r).WaitForNextDay(now)))
			must(t, s.ResendConfirmation(ctx, e, person(1).Email, "", now.Add(time.Hour)))
			signUp(t, s, e, 1, now.Add(2*time.Hour))
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.1"})
		})
		t.Run("NoMailboxGetsMoreMailsThanTheDailyLimit", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 2, now)
			refused := 0
			for n := range deltag.MaxMailsPerMailboxPerDay + 3 {
				at := now.Add(time.Duration(n) * time.Minute)
				must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 2), at)) // takes the personal link
				r := registration(t, s, e, 2)
				d, err := s.Delivery(ctx, deltag.DeliveryKey{
					EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindRegistrationCancelled, Version: r.MailVersion,
				})
				must(t, err)
				if err := s.Claim(ctx, d.Claim(at), r); err != nil {
					wantError(t, err, deltag.ErrMailLimit)
					refused++
				}
				_, err = s.Rejoin(ctx, e, r, true, at)
				must(t, err)
			}
			want(t, refused, 3)
		})
		t.Run("MailThatFormsAskForLeavesWhatTheOwnerNeeds", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 6, now)
			for n := range deltag.MaxFormMailsPerMailboxPerDay {
				at := now.Add(time.Duration(n) * deltag.ResendCooldown)
				must(t, s.ResendConfirmation(ctx, e, person(6).Email, "", at))
				must(t, claim(t, e, 6, at))
			}
			later := now.Add(time.Hour)
			must(t, s.ResendConfirmation(ctx, e, person(6).Email, "", later))
			wantError(t, claim(t, e, 6, later), deltag.ErrMailLimit)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 6), later))
			_, err := s.Rejoin(ctx, e, registration(t, s, e, 6), true, later)
			must(t, err)
			must(t, claim(t, e, 6, later))
		})
		for name, address := range map[string]func(n int) string{ // of one mailbox
			"AddressesOfOneMailboxAreCountedTogether": func(n int) string { return fmt.Sprintf("anna+%d@example.dk", n) },
			"SoAreDotsAtGmail": func(n int) string {
				const name = "bentehansenvestergaard"
				return name[:n+1] + "." + name[n+1:] + "@" + []string{"gmail.com", "googlemail.com"}[n%2]
			},
		} {
			t.Run(name, func(t *testing.T) {
				e := newEvent(t, s, nil)
				for n := range deltag.MaxFormMailsPerMailboxPerDay + 1 {
					in := person(5)
					in.Email = deltag.Address{Original: address(n), Normalized: address(n)}
					_, err := s.SignUp(ctx, e, in, now)
					must(t, err)
					_, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, in.Email))
					must(t, err)
					err = s.Claim(ctx, confirmation(t, s, r).Claim(now), r)
					if n < deltag.MaxFormMailsPerMailboxPerDay {
						must(t, err)
					} else {
						wantError(t, err, deltag.ErrMailLimit)
					}
				}
			})
		}
		t.Run("RemindersCountAndNewsOfTheEventDoNot", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 8, now)
			claim := func(k deltag.MailKind, version int) error {
				return s.Claim(ctx, deltag.NewDelivery(r, k, version, now).Claim(now), r)
			}
			for n := range deltag.MaxMailsPerMailboxPerDay {
				must(t, claim(deltag.KindMessage, n+1))
			}
			wantError(t, claim("reminder-P1D", 1), deltag.ErrMailLimit)
			for _, k := range []deltag.MailKind{deltag.KindMoved, deltag.KindChanged, deltag.KindEventCancelled} {
				must(t, claim(k, 1))
			}
		})
		t.Run("ARetriedMailCountsOnce", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 3, now)
			d := confirmation(t, s, r)
			for range deltag.MaxMailsPerMailboxPerDay + 1 {
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
			must(t, attempt(0, now))
			for _, it := range engine.Dump(t) { // the others are counted by hand
				if pk := it["PK"].(string); strings.HasPrefix(pk, "RATE#NETWORK#") {
					_, err := engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
						TableName: &engine.Table, Key: item{"PK": str(pk), "SK": str(it["SK"].(string))},
						UpdateExpression:          aws.String("ADD Counted :n"),
						ExpressionAttributeValues: item{":n": number(deltag.MaxSignUpsPerNetwork - 2)},
					})
					must(t, err)
				}
			}
			must(t, attempt(1, now))
			wantError(t, attempt(2, now), deltag.ErrSignUpLimit)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2})
			must(t, attempt(2, now.Add(time.Hour)))
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
				}, deltag.ErrFull, 3},
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
