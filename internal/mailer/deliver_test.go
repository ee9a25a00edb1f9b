package mailer_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"deltag/internal/deltag"
)

var errConnectionReset = errors.New("connection reset")

func TestSendFailures(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("AThrottledMailIsRetriedAfterASecond", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.failOnce(false, deltag.ErrThrottled)
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "pending throttled")
			f.setTime(f.clock().Add(time.Second))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("AnExhaustedQuotaPausesAMailing", func(t *testing.T, f *fixture) {
			const people = 60
			e := f.newEvent(nil)
			f.signUpMany(e, people)
			f.runDue()
			asked := 0
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { asked++; return false, deltag.ErrSendQuotaExceeded }
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.PageSize = 10
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			if asked > m.PageSize {
				t.Errorf("SES was asked %d times with its quota used up", asked)
			}
			late := f.signUp(e, people) // urgent mail does not queue behind the mailing
			f.ses.fault = nil
			f.runDue()
			want(t, f.outcome(late, deltag.KindConfirmation, 1), "sent ")
			f.setTime(f.clock().Add(deltag.QuotaBackoff))
			f.runDue()
			f.wantMailsToEach(people, map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AnExhaustedQuotaDelaysAConfirmation", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.failOnce(false, deltag.ErrSendQuotaExceeded)
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "pending daily-quota")
			f.setTime(f.clock().Add(15 * time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("ARejectedMailFailsAndTheOthersGoOn", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.signUp(e, 2)
			f.ses.fault = func(mail deltag.OutgoingMail) (bool, error) {
				if mail.To == address(1) {
					return false, deltag.ErrRejected
				}
				return true, nil
			}
			f.runDue()
			want(t, f.outcome(f.registration(e, 1), deltag.KindConfirmation, 1), "failed rejected")
			want(t, f.ses.to(address(2)), map[string]int{"confirmation": 1})
		})
		run("MailWaitsWhileSendingIsNotAllowed", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, deltag.ErrSendingNotAllowed }
			var log strings.Builder
			for range 100 { // a day
				m := f.mailer()
				m.Log = slog.New(slog.NewTextHandler(&log, nil))
				if err := m.RunDue(ctx); err != nil {
					t.Fatal(err)
				}
				f.setTime(f.clock().Add(15 * time.Minute))
			}
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "pending sending-not-allowed")
			if !strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), address(1)) {
				t.Error(log.String())
			}
			f.ses.fault = nil
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerIsUnknownUntilTheSendEvent", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.failOnce(true, errConnectionReset)
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "unknown no-answer")
			f.handleSESEvent(f.ses.mails[0], deltag.SESSend)
			f.setTime(f.clock().Add(time.Hour))
			f.runDue()
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "sent ")
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("NoAnswerAndNoEventIsRetriedAfterTheLease", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.failOnce(false, errConnectionReset)
			f.runDue()
			f.setTime(f.clock().Add(deltag.SendLease - time.Second))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{})
			f.setTime(f.clock().Add(time.Second))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "sent ")
		})
		run("AnOutageOfSESOfTwoHoursLosesNothing", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, errors.New("unclear response: 503") }
			outage := f.clock().Add(2 * time.Hour)
			for f.clock().Before(outage) {
				f.runDue()
				f.setTime(f.clock().Add(time.Minute))
			}
			f.ses.fault = nil
			f.setTime(outage.Add(deltag.SendLease))
			f.runDue()
			want(t, f.outcome(f.registration(e, 1), deltag.KindConfirmation, 1), "sent ")
		})
		run("NeverMoreThanThreeCopies", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return true, errConnectionReset }
			for range 20 {
				f.runDue()
				f.setTime(f.clock().Add(deltag.SendLease))
			}
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 3})
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "failed no-answer")
		})
		run("AMailThatFailedWithoutAnAnswerGoesOutWhenItIsResent", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			r := f.signUp(e, 1)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, errConnectionReset }
			for range 5 {
				f.runDue()
				f.setTime(f.clock().Add(3 * time.Hour))
			}
			want(t, f.outcome(r, "reminder-P1D", 1), "failed no-answer")
			f.ses.fault = nil
			failed, err := f.store.Delivery(ctx, deliveryKey(r, "reminder-P1D", 1))
			if err == nil {
				err = f.store.Resend(ctx, e, r, failed, f.clock())
			}
			if err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.outcome(r, "reminder-P1D", 1), "sent ")
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AMailThatCannotBeRenderedFails", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			request := signUpRequest(1)
			request.Name = "unrenderable"
			if _, err := f.store.SignUp(ctx, e, request, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.outcome(f.registration(e, 1), deltag.KindConfirmation, 1), "failed not-composed")
		})
	})
}

// TestOneMailerAtATime is about leases and claims: several mailers, or one task named several times, send one mail.
func TestOneMailerAtATime(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("SeveralMailersAtOnce", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUpMany(e, 20)
			threeMailers := func() {
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(f.runDue)
				}
				wg.Wait()
			}
			threeMailers()
			f.setTime(start.Add(-24 * time.Hour))
			threeMailers()
			f.runDue()
			f.wantMailsToEach(20, map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("ADeliveryNamedAgainDuringItsLease", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			task := deltag.DueTask{Kind: deltag.TaskDelivery, Delivery: deliveryKey(r, deltag.KindConfirmation, 1)}
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return true, errConnectionReset }
			for range 3 { // the first one's outcome stays unknown
				if err := f.mailer().RunTask(ctx, task); err != nil {
					t.Fatal(err)
				}
			}
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("AMailingListedAgainDuringItsLease", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUp(e, 1)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			key := deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: e.ScheduleVersion}
			mailing, err := f.store.Mailing(ctx, key)
			if err == nil {
				err = f.store.SaveMailing(ctx, mailing.Claim(f.clock())) // by another mailer
			}
			if err != nil {
				t.Fatal(err)
			}
			m := f.mailer()
			m.Store = staleIndex{f.store, []deltag.DueTask{{Kind: deltag.TaskMailing, EventID: e.ID, Mailing: key}}}
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
			f.setTime(f.clock().Add(deltag.RunLease))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
		run("AFormerRegistrationOfTheSameAddress", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			former := f.signUp(e, 1)
			if err := f.store.Erase(ctx, e, former, f.clock()); err != nil {
				t.Fatal(err)
			}
			// A mailing that read its page before the erasure creates the row after it.
			old := deltag.NewDelivery(former, deltag.KindMessage, 1, f.clock())
			if err := f.store.SaveDelivery(ctx, old); err != nil {
				t.Fatal(err)
			}
			message := e.NewMailing(deltag.KindMessage, 1, f.clock().Add(time.Hour), "Husk kaffe")
			if err := f.store.PutMailing(ctx, message); err != nil {
				t.Fatal(err)
			}
			f.signUp(e, 1)
			task := deltag.DueTask{Kind: deltag.TaskDelivery, Delivery: old.DeliveryKey}
			if err := f.mailer().RunTask(ctx, task); err != nil {
				t.Fatal(err)
			}
			want(t, f.outcome(former, deltag.KindMessage, 1), "skipped registration-gone")
			want(t, f.ses.to(address(1)), map[string]int{})
		})
	})
}
