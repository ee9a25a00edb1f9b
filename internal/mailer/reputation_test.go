package mailer_test

import (
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
)

// signUpFrom signs a person up from a network.
func (f *fixture) signUpFrom(network string, e deltag.Event, n int) deltag.Registration {
	f.t.Helper()
	in := signUpRequest(n)
	in.Network = network
	if _, err := f.store.SignUp(ctx, e, in, f.clock()); err != nil {
		f.t.Fatal(err)
	}
	return f.registration(e, n)
}

// report has SES report the outcome of all mails that it was given since the last call.
func (f *fixture) report(outcome deltag.SESEventType) {
	f.t.Helper()
	mails := f.ses.mails
	for _, mail := range mails[f.reported:] {
		f.handleSESEvent(mail, outcome)
		f.handleSESEvent(mail, outcome) // events come twice
	}
	f.reported = len(mails)
}

// TestMailToANetworkThatBounces stops mail to strangers from there, and to nobody else.
func TestMailToANetworkThatBounces(t *testing.T) {
	const bad, good = "192.0.2.1", "192.0.2.2"
	onEachEngine(t, func(run runFunc) {
		// afterBounces is an event with five bounces from the bad network, and person 5, who was held.
		afterBounces := func(f *fixture, change func(*deltag.Event)) (e deltag.Event, held deltag.Registration) {
			e = f.newEvent(change)
			f.signUpFrom(good, e, 50)
			f.runDue()
			f.report(deltag.SESDelivery)
			for n := range 5 {
				f.signUpFrom(bad, e, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUpFrom(bad, e, 5)
			f.runDue()
			return e, f.registration(e, 5)
		}
		run("HoldsStrangersAndWritesToAllOthers", func(t *testing.T, f *fixture) {
			e, held := afterBounces(f, oneReminder)
			want(t, f.outcome(held, deltag.KindConfirmation, 1), "skipped network-bounces")
			want(t, held.Status, deltag.RegistrationUnverified)

			other := f.newEvent(oneReminder)
			f.signUpFrom(bad, other, 50) // who has received mail
			f.signUpFrom(good, other, 51)
			f.signUp(other, 52) // added by the organiser, say
			f.runDue()
			for _, n := range []int{50, 51, 52} {
				want(t, f.outcome(f.registration(other, n), deltag.KindConfirmation, 1), "sent ")
			}
			f.setTime(f.clock().Add(24 * time.Hour))
			f.runDue() // the note
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue() // the reminder
			want(t, f.ses.to(address(5)), map[string]int{})
			want(t, f.ses.to(address(50)), map[string]int{"confirmation": 2, "reminder-P1D": 2})
			want(t, f.ses.to(e.Organiser.Email), map[string]int{"organiser-note": 1})
		})
		run("AFormFromThereCausesNoMailAndOneFromElsewhereDoes", func(t *testing.T, f *fixture) {
			e, _ := afterBounces(f, nil)
			f.setTime(f.clock().Add(2 * deltag.ResendCooldown))
			f.signUpFrom(bad, e, 5) // again
			f.runDue()
			f.setTime(f.clock().Add(2 * deltag.ResendCooldown))
			if err := f.store.ResendConfirmation(ctx, e, signUpRequest(5).Email, bad, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(5)), map[string]int{})
			want(t, f.registration(e, 5).Status, deltag.RegistrationUnverified)

			f.setTime(f.clock().Add(2 * deltag.ResendCooldown))
			f.signUpFrom(good, e, 5)
			f.runDue()
			want(t, f.ses.to(address(5)), map[string]int{"confirmation": 1})
			want(t, f.registration(e, 5).Status, deltag.RegistrationConfirmed)
			f.setTime(f.clock().Add(2 * time.Hour)) // the hour is over
			f.signUpFrom(bad, e, 6)
			f.runDue()
			want(t, f.ses.to(address(6)), map[string]int{"confirmation": 1})
		})
		run("TheOrganisersWordIsHeard", func(t *testing.T, f *fixture) {
			e, held := afterBounces(f, oneReminder)
			d, err := f.store.Delivery(ctx, deliveryKey(held, deltag.KindConfirmation, 1))
			if err == nil {
				err = f.store.Resend(ctx, e, held, d, f.clock())
			}
			if err != nil {
				t.Fatal(err)
			}
			f.runDue()
			if _, err := f.store.Rejoin(ctx, e, f.registration(e, 5), true, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(5)), map[string]int{"verify": 1, "confirmation": 1, "reminder-P1D": 1})
			want(t, f.ses.to(e.Organiser.Email), map[string]int{}) // there is nobody left to tell of
		})
		run("ASeatGoesToTheNext", func(t *testing.T, f *fixture) {
			n := 6
			e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.ScheduledMails, e.Verify = &n, nil, deltag.VerifyNever })
			for n := range 5 {
				f.signUpFrom(bad, e, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUpFrom(bad, e, 5)
			f.signUpFrom(good, e, 50)
			want(t, f.registration(e, 50).Status, deltag.RegistrationWaitlisted)
			f.runDue()
			want(t, f.registration(e, 50).Status, deltag.RegistrationConfirmed)
		})
		run("MailToOtherNetworksSaysNothingAboutIt", func(t *testing.T, f *fixture) {
			e, _ := afterBounces(f, nil)
			for n := range 60 {
				f.signUpFrom(good, e, 100+n)
			}
			f.runDue()
			f.report(deltag.SESDelivery)
			f.signUpFrom(bad, e, 6)
			f.runDue()
			want(t, f.registration(e, 6).Status, deltag.RegistrationUnverified)
		})
		run("MailDeliveredThereMakesUpForBounces", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			for n := range 46 {
				f.signUpFrom(bad, e, 100+n)
			}
			f.runDue()
			f.report(deltag.SESDelivery)
			for n := range 5 {
				f.signUpFrom(bad, e, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUpFrom(bad, e, 6)
			f.runDue()
			want(t, f.ses.to(address(6)), map[string]int{"confirmation": 1})
		})
	})
}

// TestMailOnABadDay goes to those alone who have received mail before, and to all others on the next day.
func TestMailOnABadDay(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		for name, c := range map[string]struct {
			mails   int
			outcome deltag.SESEventType
		}{
			"Bounces":    {10, deltag.SESBounce},
			"Complaints": {3, deltag.SESComplaint},
		} {
			run(name, func(t *testing.T, f *fixture) {
				e := f.newEvent(oneReminder)
				known := f.signUp(e, 50)
				f.runDue()
				f.report(deltag.SESDelivery)
				for n := range c.mails { // each from elsewhere
					f.signUpFrom(fmt.Sprint("192.0.2.", n), e, n)
				}
				f.runDue()
				f.report(c.outcome)

				stranger := f.signUp(e, 51)
				other := f.newEvent(oneReminder)
				f.signUp(other, 50)
				m := f.mailer()
				if err := m.RunDue(ctx); err != nil {
					t.Fatal(err)
				}
				want(t, f.outcome(stranger, deltag.KindConfirmation, 1), "pending sender-reputation")
				want(t, f.ses.to(address(50)), map[string]int{"confirmation": 2})
				refused := 0.0
				for _, metric := range m.Metrics.Take() {
					if metric.Name == "MailsRefused" {
						refused = metric.Value
					}
				}
				want(t, refused, 1.0)

				f.sendMessage(e, 1)
				want(t, f.outcome(known, deltag.KindMessage, 1), "sent ")
				want(t, f.outcome(stranger, deltag.KindMessage, 1), "pending sender-reputation")
				for range 3 { // it looks again, without an attempt or a longer history
					f.setTime(f.clock().Add(2 * deltag.ReputationBackoff))
					f.runDue()
				}
				d, err := f.store.Delivery(ctx, deliveryKey(stranger, deltag.KindConfirmation, 1))
				if err != nil {
					t.Fatal(err)
				}
				want(t, []int{d.Attempt, len(d.History), d.Revision}, []int{0, 1, 5})

				f.setTime(t0.Truncate(24*time.Hour).AddDate(0, 0, 1).Add(2 * deltag.ReputationBackoff))
				f.runDue()
				want(t, f.ses.to(address(51)), map[string]int{"confirmation": 1, "message": 1})
			})
		}
		run("ALinkToVerifyWorksForADayFromWhenItsMailGoesOut", func(t *testing.T, f *fixture) {
			e := f.newEvent(func(e *deltag.Event) { e.Verify, e.ScheduledMails = deltag.VerifyAlways, nil })
			known := f.newEvent(nil)
			for n := range 10 {
				f.signUp(known, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUp(e, 51)
			for f.clock().Before(t0.Truncate(24*time.Hour).AddDate(0, 0, 1).Add(time.Hour)) {
				f.runDue()
				f.setTime(f.clock().Add(deltag.ReputationBackoff))
			}
			want(t, f.ses.to(address(51)), map[string]int{"verify": 1})
			if left := f.registration(e, 51).VerifyUntil.Sub(f.clock()); left < deltag.VerificationPeriod-90*time.Minute {
				t.Errorf("the link works for %v", left)
			}
		})
		run("AMailThatMayBeOutIsNotHeld", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.ses.failOnce(false, deltag.ErrUnavailable) // no response
			r := f.signUp(e, 51)
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "unknown no-answer")
			f.reported = len(f.ses.mails)
			for n := range 10 {
				f.signUp(e, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.setTime(f.clock().Add(deltag.SendLease))
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "sent ")
		})
	})
}

// TestFeedbackIsCountedOnce, and not at all if the row has them already when the process dies.
func TestFeedbackIsCountedOnce(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("AllEventsOfOneMail", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUpFrom("192.0.2.1", e, 1)
			f.runDue()
			network := f.deliveries(e, 1)[0].NetworkHash
			for range 2 {
				for _, typ := range []deltag.SESEventType{deltag.SESSend, deltag.SESDelivery, deltag.SESComplaint} {
					f.handleSESEvent(f.ses.mails[0], typ)
				}
			}
			got, err := f.store.Reputation(ctx, network, f.clock())
			if err != nil {
				t.Fatal(err)
			}
			want(t, got, deltag.Reputation{
				Account: deltag.FeedbackCounts{Delivered: 1, Complained: 1}, Network: deltag.FeedbackCounts{Delivered: 1},
			})
		})
		run("ThoseOfSomebodyWhoWasErasedCountForTheAccount", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUpFrom("192.0.2.1", e, 1)
			f.runDue()
			if err := f.store.Erase(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.handleSESEvent(f.ses.mails[0], deltag.SESDelivery)
			f.handleSESEvent(f.ses.mails[0], deltag.SESComplaint)
			got, err := f.store.Reputation(ctx, "", f.clock())
			if err != nil {
				t.Fatal(err)
			}
			want(t, got.Account, deltag.FeedbackCounts{Delivered: 1, Complained: 1})
			received, err := f.store.HasReceived(ctx, r)
			want(t, []any{received, err}, []any{false, nil})
		})
	})
}

// TestBouncesKnownFromElsewhere: an address that bounces at another event loses its seat like one that bounces at this.
func TestBouncesKnownFromElsewhere(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("GiveTheirSeatsBack", func(t *testing.T, f *fixture) {
			elsewhere, e := f.newEvent(nil), f.newEvent(oneSeat)
			f.signUp(elsewhere, 1)
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUp(e, 1)
			f.signUp(e, 2)
			f.runDue()
			want(t, f.outcome(f.registration(e, 1), deltag.KindConfirmation, 1), "skipped address-bounced")
			want(t, f.registration(e, 1).AddressStatus, deltag.AddressBounced)
			f.setTime(f.clock().Add(deltag.BounceGracePeriod))
			f.runDue()
			want(t, f.registration(e, 1).Status, deltag.RegistrationCancelled)
			want(t, f.registration(e, 2).Status, deltag.RegistrationConfirmed)
		})
	})
}

// TestBounceThatComesAgain is reported once more after the organiser has sent the mail anew, which arrived.
func TestBounceThatComesAgain(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("TakesNothing", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneSeat)
			f.signUp(e, 1)
			f.runDue()
			bounce := deltag.SESEvent{
				Delivery: f.ses.mails[0].Delivery, Generation: f.ses.mails[0].Generation, Attempt: 1, Type: deltag.SESBounce,
				Permanent: true, MessageID: "id", At: f.clock(),
			}
			handle := func(event deltag.SESEvent) {
				t.Helper()
				if err := (&mailer.Feedback{Store: f.store}).HandleSESEvent(ctx, event); err != nil {
					t.Error(err)
				}
			}
			handle(bounce)
			want(t, f.registration(e, 1).AddressStatus, deltag.AddressBounced)
			f.setTime(f.clock().Add(time.Hour))
			r := f.registration(e, 1)
			d, err := f.store.Delivery(ctx, f.ses.mails[0].Delivery)
			if err == nil {
				err = f.store.LiftSuppression(ctx, e, r)
			}
			if err == nil {
				err = f.store.Resend(ctx, e, f.registration(e, 1), d, f.clock())
			}
			if err != nil {
				t.Fatal(err)
			}
			f.runDue()
			f.handleSESEvent(f.ses.mails[1], deltag.SESDelivery)
			handle(bounce)
			want(t, f.registration(e, 1).AddressStatus, deltag.AddressOK)
			status, err := f.store.Suppression(ctx, r.Email)
			want(t, []any{status, err}, []any{deltag.AddressOK, nil})
		})
	})
}
