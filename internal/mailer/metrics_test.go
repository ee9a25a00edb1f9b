package mailer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/emf"
	"deltag/internal/mailer"
)

// TestMetrics looks at what an invocation tells the operator.
func TestMetrics(t *testing.T) {
	type metrics = map[string]float64
	taken := func(m *mailer.Mailer) metrics {
		got := metrics{}
		for _, metric := range m.Metrics.Take() {
			if !strings.HasPrefix(metric.Name, "ByKind.") {
				got[metric.Name] = metric.Value
			}
		}
		return got
	}
	tick := func(t *testing.T, m *mailer.Mailer) metrics {
		t.Helper()
		if err := m.RunDue(ctx); err != nil {
			t.Error(err)
		}
		return taken(m)
	}
	refuse := func(f *fixture, err error) {
		f.ses.fault = func(deltag.OutgoingMail) (bool, error) { return false, err }
	}
	onEachEngine(t, func(run runFunc) {
		run("ATickWithNothingDueHasTheAgeAlone", func(t *testing.T, f *fixture) {
			want(t, tick(t, f.mailer()), metrics{"OldestDueAge": 0})
		})
		run("HowLongTheOldestMailHasWaited", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.setTime(f.clock().Add(15 * time.Minute))
			f.signUp(e, 2)
			f.setTime(f.clock().Add(5 * time.Minute))
			m := f.mailer()
			want(t, tick(t, m), metrics{"OldestDueAge": 1200, "MailsSent": 2})
			want(t, tick(t, m), metrics{"OldestDueAge": 0})
		})
		run("ByKindAndCauseInTheLineAlone", func(t *testing.T, f *fixture) {
			f.signUp(f.newEvent(nil), 1)
			refuse(f, deltag.ErrRejected)
			m := f.mailer()
			if err := m.RunDue(ctx); err != nil {
				t.Error(err)
			}
			want(t, m.Metrics.Take(), []emf.Metric{
				{Name: "OldestDueAge", Unit: emf.Seconds},
				{Name: "ByKind.confirmation.MailsFailed", Value: 1},
				{Name: "MailsFailed", Unit: emf.Count, Value: 1},
				{Name: "MailsFailed.rejected", Value: 1},
			})
		})
		run("AMailingThatWaits", func(t *testing.T, f *fixture) {
			f.newEvent(oneReminder)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour).Add(time.Hour))
			if got := tick(t, f.mailer())["OldestDueAge"]; got < 3600 {
				t.Errorf("age %v", got)
			}
		})
		run("WorkThatIsNoMailHasNoAge", func(t *testing.T, f *fixture) {
			f.newEvent(func(e *deltag.Event) { e.ScheduledMails = nil })
			f.setTime(start.AddDate(1, 0, 0)) // its people are to be erased
			want(t, tick(t, f.mailer()), metrics{"OldestDueAge": 0})
		})
		run("NoAgeWhenTheIndexCannotBeRead", func(t *testing.T, f *fixture) {
			m := f.mailer()
			m.Store = brokenIndex{f.store}
			if err := m.RunDue(ctx); err == nil {
				t.Error("no error")
			}
			want(t, taken(m), metrics{})
		})
		run("NoAgeFromTheTablesStream", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			m := f.mailer()
			task := deltag.DueTask{Kind: deltag.TaskDelivery, Delivery: deliveryKey(r, deltag.KindConfirmation, 1)}
			if err := m.RunTask(ctx, task); err != nil {
				t.Error(err)
			}
			want(t, taken(m), metrics{"MailsSent": 1})
		})
		run("MailThatSESRefusesAgesThoughItIsPutOff", func(t *testing.T, f *fixture) {
			f.signUp(f.newEvent(nil), 1)
			refuse(f, deltag.ErrSendingNotAllowed)
			m := f.mailer()
			want(t, tick(t, m), metrics{
				"OldestDueAge": 0, "MailsRefused": 1, "MailsRefused.sending-not-allowed": 1,
			})
			for range 20 {
				f.setTime(f.clock().Add(time.Minute))
				tick(t, m)
			}
			refuse(f, deltag.ErrSendQuotaExceeded)
			f.setTime(f.clock().Add(10 * time.Minute))
			want(t, tick(t, m), metrics{"OldestDueAge": 1800, "MailsRefused": 1, "MailsRefused.daily-quota": 1})
		})
		for name, c := range map[string]struct {
			err      error
			expected metrics
		}{
			"Throttled":  {deltag.ErrThrottled, metrics{"MailsDelayed": 1, "MailsDelayed.throttled": 1}},
			"NotReached": {deltag.ErrNotSubmitted, metrics{"MailsDelayed": 1, "MailsDelayed.not-handed-over": 1}},
			"Rejected":   {deltag.ErrRejected, metrics{"MailsFailed": 1, "MailsFailed.rejected": 1}},
			"NoAnswer":   {errors.New("connection lost"), metrics{"MailsUnknown": 1, "MailsUnknown.no-answer": 1}},
		} {
			run(name, func(t *testing.T, f *fixture) {
				f.signUp(f.newEvent(nil), 1)
				refuse(f, c.err)
				c.expected["OldestDueAge"] = 0
				want(t, tick(t, f.mailer()), c.expected)
			})
		}
		run("TooManyForOneMailbox", func(t *testing.T, f *fixture) {
			for range deltag.MaxFormMailsPerMailboxPerDay + 1 {
				f.signUp(f.newEvent(nil), 1)
			}
			want(t, tick(t, f.mailer()), metrics{
				"OldestDueAge": 0, "MailsSent": deltag.MaxFormMailsPerMailboxPerDay,
				"MailsDelayed": 1, "MailsDelayed.too-many-today": 1,
			})
		})
		run("HeldForItsNetwork", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			for n := range 5 {
				f.signUpFrom("192.0.2.1/32", e, n)
			}
			f.runDue()
			f.report(deltag.SESBounce)
			f.signUpFrom("192.0.2.1/32", e, 5)
			want(t, tick(t, f.mailer()), metrics{
				"OldestDueAge": 0, "MailsSkipped": 1, "MailsSkipped.network-bounces": 1,
			})
		})
		run("Skipped", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			if err := f.store.CancelRegistration(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			want(t, tick(t, f.mailer()), metrics{
				"OldestDueAge": 0, "MailsSent": 1, "MailsSkipped": 1, "MailsSkipped.superseded": 1,
			})
		})
	})
}

// A brokenIndex can't be read.
type brokenIndex struct{ mailer.Store }

func (brokenIndex) DueTasks(context.Context, time.Time, int) ([]deltag.DueTask, error) {
	return nil, deltag.ErrUnavailable
}
