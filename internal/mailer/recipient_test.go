package mailer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

// TestRecipients is about mail to people without a registration, and to corrected addresses.
func TestRecipients(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("AnErasedPersonGetsAReceiptAndTheRowGoesWithIt", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			f.runDue()
			if err := f.store.Erase(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, deltag.ErrThrottled }
			f.runDue()
			f.ses.fault = nil
			want(t, len(f.deliveries(e, 1)), 1) // the address is kept until its receipt is out
			f.setTime(t0.Add(time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "erased": 1})
			want(t, len(f.deliveries(e, 1)), 0)
		})
		run("ASendEventSettlesAReceiptWithoutAnAnswer", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			if err := f.store.Erase(ctx, e, f.signUp(e, 1), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return true, errConnectionReset }
			f.runDue()
			rows := f.deliveries(e, 1)
			want(t, len(rows), 1)
			f.handle(deltag.SESEvent{Delivery: rows[0].DeliveryKey, Type: deltag.SESSend, MessageID: "id-1"})
			want(t, len(f.deliveries(e, 1)), 0)
		})
		run("TheFormerAddressIsToldOfTheChange", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			if err := f.changeAddress(e, f.signUp(e, 1), 2); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"readdressed": 1})
			want(t, f.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("ABounceOfANewAddressThatIsNotVerifiedSaysNothingOfTheRegistration", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			if err := f.store.UpdateByAttendee(ctx, e, r, signUpRequest(2), f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, f.ses.to(address(2)), map[string]int{"verify": 1})
			before := f.registration(e, 1)
			for _, mail := range f.ses.mails {
				if mail.To == address(2) {
					f.handleSESEvent(mail, deltag.SESBounce)
				}
			}
			want(t, f.registration(e, 1), before)
			status, err := f.store.Suppression(ctx, signUpRequest(2).Email)
			want(t, []any{status, err}, []any{deltag.AddressBounced, error(nil)})
		})
		run("AMailToVerifyThatWaitsForTheNextDayIsGoodForADayFromThen", func(t *testing.T, f *fixture) {
			for range deltag.MaxFormMailsPerMailboxPerDay {
				f.signUp(f.newEvent(nil), 1)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": deltag.MaxFormMailsPerMailboxPerDay})
			e := f.newEvent(func(e *deltag.Event) { e.Verify = deltag.VerifyAlways })
			f.signUp(e, 1)
			f.runDue()
			want(t, f.ses.to(address(1))["verify"], 0)
			tomorrow := f.clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).Add(15 * time.Minute)
			f.setTime(tomorrow)
			f.runDue()
			want(t, f.ses.to(address(1))["verify"], 1)
			f.setTime(tomorrow.Add(23 * time.Hour))
			f.runDue() // erases what was not verified in time
			_, err := f.store.Rejoin(ctx, e, f.registration(e, 1), true, f.clock())
			want(t, err, error(nil))
			f.runDue() // what the owner has asked for is not in the way of the forms' share
			want(t, f.ses.to(address(1))["confirmation"], deltag.MaxFormMailsPerMailboxPerDay+1)
		})
		run("AChangeThatIsDroppedSendsNoMail", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			for _, n := range []int{2, 1} { // another address, and the old one again
				if err := f.store.UpdateByAttendee(ctx, e, r, signUpRequest(n), f.clock()); err != nil {
					t.Fatal(err)
				}
				r = f.registration(e, 1)
			}
			f.runDue()
			want(t, f.ses.to(address(2)), map[string]int{})
			want(t, f.outcome(r, deltag.KindVerification, 2), "skipped registration-gone")
		})
		run("ACorrectedAddressGetsMissedMailOnce", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			message := e.NewMailing(deltag.KindMessage, 7, f.clock(), "Husk kaffe")
			if err := f.store.PutMailing(ctx, message); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			bounce := func(kind deltag.MailKind, version int) {
				f.handle(deltag.SESEvent{
					Delivery: deliveryKey(r, kind, version), Type: deltag.SESBounce, Permanent: true,
				})
			}
			bounce(deltag.KindConfirmation, 1)
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			want(t, f.outcome(r, "reminder-P1D", 1), "skipped address-bounced")
			if err := f.store.UpdateByOrganiser(ctx, e, f.registration(e, 1), signUpRequest(2), f.clock()); err != nil {
				t.Fatal(err)
			}
			bounce(deltag.KindMessage, 7) // late, about the old address: the new one stays good
			f.runDue()
			f.runDue()
			// The message never arrived. What the reminder says is in the confirmation.
			want(t, f.ses.to(address(2)), map[string]int{"confirmation": 1, "message": 1})
			want(t, f.registration(e, 2).AddressStatus, deltag.AddressOK)
			status, err := f.store.Suppression(ctx, signUpRequest(1).Email)
			want(t, []any{status, err}, []any{deltag.AddressBounced, error(nil)})
		})
		run("EachMailHasTheEventsWordsForItsKind", func(t *testing.T, f *fixture) {
			f.signUp(f.newEvent(func(e *deltag.Event) {
				e.ConfirmationText, e.ScheduledMails[0].Text = "Velkommen", "Husk kaffe"
			}), 1)
			texts := textRenderer{}
			send := func() {
				m := f.mailer()
				m.Renderer = texts
				if err := m.RunDue(ctx); err != nil {
					t.Fatal(err)
				}
			}
			send()
			f.setTime(start.Add(-24 * time.Hour))
			send()
			want(t, texts, textRenderer{deltag.KindConfirmation: "Velkommen", "reminder-P1D": "Husk kaffe"})
		})
		run("APreviewGoesToTheOrganiserAlone", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			d := deltag.NewOrganiserDelivery(e, deltag.KindPreview, 3, f.clock())
			d.Text = "Husk kaffe"
			if err := f.store.SaveDelivery(ctx, d); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			f.runDue()
			want(t, f.ses.to("hej@example.dk"), map[string]int{"preview": 1})
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
	})
}

// A textRenderer keeps the organiser's text of each kind of mail.
type textRenderer map[deltag.MailKind]string

func (r textRenderer) Render(mail deltag.MailContext, now time.Time) ([]byte, error) {
	r[mail.Kind] = mail.Text
	return stubRenderer{}.Render(mail, now)
}

// TestOrganiserCopy: an organiser who wants the reminders gets each of them once.
func TestOrganiserCopy(t *testing.T) {
	receivesReminders := func(e *deltag.Event) { e.Organiser.ReceivesReminders = true }
	onEachEngine(t, func(run runFunc) {
		run("OfEachReminder", func(t *testing.T, f *fixture) {
			f.signUp(f.newEvent(receivesReminders), 1)
			for _, before := range []time.Duration{24 * time.Hour, time.Hour, 10 * time.Minute} {
				f.setTime(start.Add(-before))
				f.runDue()
				f.setTime(start.Add(-before + time.Minute)) // the catch-up run for late sign-ups
				f.runDue()
			}
			want(t, f.ses.to("hej@example.dk"), map[string]int{
				"reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1,
			})
		})
		run("OnceWhenTheFirstPageIsRepeated", func(t *testing.T, f *fixture) {
			f.newEvent(receivesReminders)
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.Store = noRegistrations{f.store}
			if err := m.RunDue(ctx); !errors.Is(err, deltag.ErrUnavailable) {
				t.Errorf("RunDue: %v", err)
			}
			f.setTime(f.clock().Add(deltag.RunLease))
			f.runDue()
			want(t, f.ses.to("hej@example.dk"), map[string]int{"reminder-P1D": 1})
		})
		run("NotAfterTheFirstPageWhenTheOrganiserHasChanged", func(t *testing.T, f *fixture) {
			e := f.newEvent(receivesReminders)
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			f.edit(e, func(e *deltag.Event) { e.Organiser.Email = "ny@example.dk" })
			f.setTime(f.clock().Add(time.Minute)) // the catch-up run
			f.runDue()
			want(t, f.ses.to("ny@example.dk"), map[string]int{})
		})
	})
}

// noRegistrations is a table whose registrations cannot be read.
type noRegistrations struct{ *dynamo.Store }

func (noRegistrations) RegistrationsAfter(
	context.Context, string, string, int,
) ([]deltag.Registration, string, error) {
	return nil, "", deltag.ErrUnavailable
}

// TestMoveBack: nobody gets a notice of a move that they never heard of and that was taken back.
func TestMoveBack(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		there := func(e *deltag.Event) {
			e.StartsAt, e.EndsAt = start.AddDate(0, 0, 1), start.AddDate(0, 0, 1).Add(time.Hour)
		}
		back := func(e *deltag.Event) { e.StartsAt, e.EndsAt = start, start.Add(time.Hour) }
		run("BeforeTheNoticeIsSentOnlyThoseWhoSignedUpInBetweenGetOne", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.runDue()
			f.setTime(t0.Add(time.Hour))
			e = f.edit(e, there)
			f.setTime(t0.Add(time.Hour + time.Minute))
			f.signUp(e, 2)
			f.runDue()
			f.setTime(t0.Add(time.Hour + 2*time.Minute))
			f.edit(e, back)
			f.setTime(t0.Add(2 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, f.ses.to(address(2)), map[string]int{"confirmation": 1, "moved": 1})
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AfterTheNoticeIsSentEverybodyGetsASecond", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.setTime(t0.Add(time.Hour))
			e = f.edit(e, there)
			notice, err := f.store.Mailing(ctx, e.NoticeMailingKey())
			if err != nil {
				t.Fatal(err)
			}
			f.update(e, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
				return e.SendNoticeNow(notice, f.clock())
			})
			f.runDue()
			f.setTime(t0.Add(time.Hour + time.Minute))
			f.edit(e, back)
			f.setTime(t0.Add(2 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 2})
		})
		run("AfterAReminderWasDueInBetweenEverybodyGetsOne", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.runDue()
			f.setTime(start.Add(-24*time.Hour - time.Minute))
			e = f.edit(e, there)
			f.setTime(start.Add(-24*time.Hour + time.Minute))
			f.edit(e, back)
			f.setTime(start.Add(-23 * time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 1})
		})
	})
}
