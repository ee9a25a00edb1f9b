package mailer_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
)

func TestFeedback(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("EventsInAnyOrderEndInTheSameStatus", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			orders := [][]deltag.SESEventType{
				{deltag.SESSend, deltag.SESDelivery}, {deltag.SESDelivery, deltag.SESSend},
				{deltag.SESDelivery, deltag.SESDelivery, deltag.SESSend},
			}
			for n, order := range orders {
				r := f.signUp(e, n)
				f.runDue()
				for _, typ := range order {
					f.handleSESEvent(f.ses.mails[n], typ)
				}
				want(t, f.outcome(r, deltag.KindConfirmation, 1), "delivered ")
			}
		})
		run("AnEventBeforeTheAnswerKeepsItsStatusAndTheAnswerItsMessageID", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.fault = func(mail deltag.OutgoingMail) (bool, error) {
				f.handleSESEvent(mail, deltag.SESDelivery)
				return true, nil
			}
			f.runDue()
			d, err := f.store.Delivery(ctx, deliveryKey(r, deltag.KindConfirmation, 1))
			want(t, []any{d.Status, d.MessageID, err}, []any{deltag.DeliveryDelivered, "id-1", error(nil)})
		})
		run("ALateEventAboutTheFirstMailDoesNotEndTheOneThatIsResent", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			r := f.signUp(e, 1)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			first := f.ses.mails[1]
			d, err := f.store.Delivery(ctx, first.Delivery)
			if err == nil {
				err = f.store.Resend(ctx, e, r, d, f.clock())
			}
			if err != nil {
				t.Fatal(err)
			}
			f.ses.failOnce(false, deltag.ErrThrottled)
			f.runDue()
			f.handleSESEvent(first, deltag.SESSend)
			f.handleSESEvent(first, deltag.SESDelivery)
			f.setTime(f.clock().Add(time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 2})
			f.handleSESEvent(f.ses.mails[2], deltag.SESDelivery)
			want(t, f.outcome(r, "reminder-P1D", 1), "delivered ")
		})
		run("APermanentBounceStopsAllMailToTheAddress", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESBounce)
			want(t, f.registration(e, 1).AddressStatus, deltag.AddressBounced)
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			want(t, f.outcome(r, "reminder-P1D", 1), "skipped address-bounced")
			atOtherEvent := f.signUp(f.newEvent(nil), 1)
			f.runDue()
			want(t, f.outcome(atOtherEvent, deltag.KindConfirmation, 1), "skipped address-bounced")
		})
		run("ATransientBounceStopsNothing", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			r := f.signUp(e, 1)
			f.runDue()
			f.handle(deltag.SESEvent{
				Delivery: deliveryKey(r, deltag.KindConfirmation, 1), Type: deltag.SESBounce,
				Detail: "bounce-Transient-MailboxFull",
			})
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "bounced bounce-Transient-MailboxFull")
			want(t, f.registration(e, 1).AddressStatus, deltag.AddressOK)
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AComplaintStopsOptionalMailAndWhatAStrangerCanCause", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESComplaint)
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			f.cancelEvent(e)
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
			f.signUp(f.newEvent(nil), 1) // by whomever
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
		})
		run("WhoComplainedGetsWhatTheyAskForThemselves", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.runDue()
			f.handleSESEvent(f.ses.mails[0], deltag.SESComplaint)
			if err := f.store.CancelRegistration(ctx, e, f.registration(e, 1), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			sent := map[string]int{"confirmation": 1, "withdrawn": 1}
			want(t, f.ses.to(address(1)), sent)
			f.setTime(f.clock().Add(2 * deltag.ResendCooldown))
			err := f.store.ResendConfirmation(ctx, e, signUpRequest(1).Email, "", f.clock()) // anybody may
			if err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), sent)
			if _, err := f.store.Rejoin(ctx, e, f.registration(e, 1), true, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 2, "withdrawn": 1})
			if err := f.changeAddress(e, f.registration(e, 1), 2); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("AnEventAboutAnErasedMailIsIgnored", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			f.runDue()
			if err := f.store.Erase(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.handleSESEvent(f.ses.mails[0], deltag.SESDelivery)
		})
	})
}
