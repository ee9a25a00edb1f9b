package mailer_test

import (
	"errors"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

func signUpAs(n int) deltag.SignUpRequest {
	return deltag.SignUpRequest{Name: "Ny", Email: deltag.Address{Original: address(n), Normalized: address(n)}, Language: deltag.LanguageDanish}
}

// rows are all of a registration id's ledger.
func (w *fixture) rows(e deltag.Event, n int) []deltag.Delivery {
	w.t.Helper()
	ds, err := w.store.DeliveriesOf(ctx, e.ID, deltag.RegistrationID(e, signUpAs(n).Email))
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

// report hands over what SES says of a delivery.
func (w *fixture) report(k deltag.DeliveryKey, r deltag.SESEvent) {
	w.t.Helper()
	r.Delivery, r.At = k, w.clock()
	if err := (&mailer.Feedback{Store: w.store}).HandleSESEvent(ctx, r); err != nil {
		w.t.Fatal(err)
	}
}

// TestRecipients is about mail to those who have no registration, or no longer, and to addresses that were corrected.
func TestRecipients(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		run("AnErasedPersonGetsAReceiptAndThenNothingIsLeft", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			w.runDue()
			if err := w.store.Erase(ctx, e, r, w.clock()); err != nil {
				t.Fatal(err)
			}
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, deltag.ErrThrottled }
			w.runDue()
			w.ses.fault = nil
			want(t, len(w.rows(e, 1)), 1) // the address is kept until its receipt is out
			w.setTime(t0.Add(time.Minute))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "erased": 1})
			want(t, len(w.rows(e, 1)), 0)
		})
		run("AReceiptWithoutAnAnswerIsSettledBySES", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			if err := w.store.Erase(ctx, e, w.signUp(e, 1), w.clock()); err != nil {
				t.Fatal(err)
			}
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) { return true, errors.New("connection reset") }
			w.runDue()
			rows := w.rows(e, 1)
			want(t, len(rows), 1)
			w.report(rows[0].DeliveryKey, deltag.SESEvent{Type: deltag.SESSend, MessageID: "id-1"})
			want(t, len(w.rows(e, 1)), 0)
		})
		run("AnAddressThatWasChangedGetsANote", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			if err := w.store.UpdateByAttendee(ctx, e, w.signUp(e, 1), signUpAs(2), w.clock()); err != nil {
				t.Fatal(err)
			}
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"readdressed": 1})
			want(t, w.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("ACorrectedAddressGetsWhatItMissedOnce", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			r := w.signUp(e, 1)
			if err := w.store.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 7, w.clock(), "Husk kaffe")); err != nil {
				t.Fatal(err)
			}
			w.runDue()
			confirmation := deltag.DeliveryKey{EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: 1}
			message := deltag.DeliveryKey{EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindMessage, Version: 7}
			dead := deltag.SESEvent{Type: deltag.SESBounce, Permanent: true}
			w.report(confirmation, dead)
			w.setTime(start.Add(-24 * time.Hour))
			w.runDue()
			want(t, w.row(r, "reminder-P1D", 1), "skipped address-bounced")
			if err := w.store.UpdateByOrganiser(ctx, e, w.registration(e, 1), signUpAs(2), w.clock()); err != nil {
				t.Fatal(err)
			}
			w.report(message, dead) // late, about the old address: it must not strike the new one
			w.runDue()
			w.runDue()
			// The message went to an address that was dead; the reminder is told by the confirmation.
			want(t, w.ses.to(address(2)), map[string]int{"confirmation": 1, "message": 1})
			want(t, w.registration(e, 2).AddressStatus, deltag.AddressOK)
			state, err := w.store.Suppression(ctx, signUpAs(1).Email)
			want(t, []any{state, err}, []any{deltag.AddressBounced, error(nil)})
		})
		run("APreviewGoesToTheOrganiserAlone", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			d := deltag.NewOrganiserDelivery(e, deltag.KindPreview, 3, w.clock())
			d.Text = "Husk kaffe"
			if err := w.store.SaveDelivery(ctx, d); err != nil {
				t.Fatal(err)
			}
			w.runDue()
			w.runDue()
			want(t, w.ses.to("hej@example.dk"), map[string]int{"preview": 1})
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("AnOrganiserWhoWishesGetsTheReminders", func(t *testing.T, w *fixture) {
			e := w.newEvent(func(e *deltag.Event) { e.Organiser.ReceivesReminders = true })
			w.signUp(e, 1)
			for _, before := range []time.Duration{24 * time.Hour, time.Hour, 10 * time.Minute} {
				w.setTime(start.Add(-before))
				w.runDue()
				w.setTime(start.Add(-before + time.Minute)) // the second look for late sign-ups
				w.runDue()
			}
			want(t, w.ses.to("hej@example.dk"), map[string]int{"reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1})
		})
	})
}

// TestMovedBackNotice: who has heard of nothing is told nothing.
func TestMovedBackNotice(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		there := func(e *deltag.Event) {
			e.StartsAt, e.EndsAt = start.AddDate(0, 0, 1), start.AddDate(0, 0, 1).Add(time.Hour)
		}
		back := func(e *deltag.Event) { e.StartsAt, e.EndsAt = start, start.Add(time.Hour) }
		run("BeforeTheNewsWasSentOnlyThoseInBetweenAreTold", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.runDue()
			w.setTime(t0.Add(time.Hour))
			e = w.edit(e, there)
			w.setTime(t0.Add(time.Hour + time.Minute))
			w.signUp(e, 2)
			w.runDue()
			w.setTime(t0.Add(time.Hour + 2*time.Minute))
			w.edit(e, back)
			w.setTime(t0.Add(2 * time.Hour))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, w.ses.to(address(2)), map[string]int{"confirmation": 1, "moved": 1})
			w.setTime(start.Add(-24 * time.Hour))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AfterTheNewsWasSentAtOnceAllAreTold", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.setTime(t0.Add(time.Hour))
			e = w.edit(e, there)
			news, err := w.store.Mailing(ctx, e.NoticeMailingKey())
			if err != nil {
				t.Fatal(err)
			}
			e, plan, err := e.SendNoticeNow(news, w.clock())
			if err == nil {
				err = w.store.UpdateEvent(ctx, e, plan)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.runDue()
			w.setTime(t0.Add(time.Hour + time.Minute))
			w.edit(e, back)
			w.setTime(t0.Add(2 * time.Hour))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 2})
		})
		run("WhereAReminderWasDueInBetweenAllAreTold", func(t *testing.T, w *fixture) {
			e := w.newEvent(nil)
			w.signUp(e, 1)
			w.runDue()
			w.setTime(start.Add(-24*time.Hour - time.Minute))
			e = w.edit(e, there)
			w.setTime(start.Add(-24*time.Hour + time.Minute))
			w.edit(e, back)
			w.setTime(start.Add(-23 * time.Hour))
			w.runDue()
			want(t, w.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 1})
		})
	})
}
