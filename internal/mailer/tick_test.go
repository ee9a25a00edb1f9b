package mailer_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

func TestWhoGetsWhichMail(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("ConfirmationAtOnceAndEachReminderOnce", func(t *testing.T, f *fixture) {
			f.signUpMany(f.newEvent(nil), 30)
			f.runDue()
			for _, before := range []time.Duration{24 * time.Hour, time.Hour, 10 * time.Minute, 0} {
				f.setTime(start.Add(-before))
				f.runDue()
				f.runDue()
			}
			f.wantMailsToEach(30, map[string]int{
				"confirmation": 1, "reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1,
			})
		})
		run("NoReminderThatWasDueBeforeTheSignUp", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.setTime(start.Add(-30 * time.Minute))
			late := f.signUp(e, 1)
			f.runDue()
			f.setTime(start.Add(-10 * time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-PT10M": 1})
			want(t, f.outcome(late, "reminder-PT1H", 1), "skipped joined-later")
		})
		run("OnlyTheReceiptAfterACancellation", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			f.runDue()
			if err := f.store.CancelRegistration(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.setTime(start.Add(-time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "withdrawn": 1})
			want(t, f.outcome(r, "reminder-P1D", 1), "skipped registration-cancelled")
		})
		run("OnlyTheLastOfSeveralTransactionalMails", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			r := f.signUp(e, 1)
			if err := f.store.CancelRegistration(ctx, e, r, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"withdrawn": 1})
			want(t, f.outcome(r, deltag.KindConfirmation, 1), "skipped superseded")
		})
		run("RemindersMoveWithTheEvent", func(t *testing.T, f *fixture) {
			moveTo := func(e deltag.Event, start time.Time) {
				f.edit(e, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start, start.Add(time.Hour) })
			}
			e := f.newEvent(nil)
			f.signUp(e, 1)
			f.runDue()
			f.setTime(t0.Add(time.Hour))
			moveTo(e, start.Add(24*time.Hour))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1}) // the notice waits for further edits
			f.setTime(f.clock().Add(time.Minute))
			moveTo(e, start.Add(48*time.Hour))
			f.setTime(f.clock().Add(deltag.NoticeDebounce))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "moved": 1})
			for d := time.Duration(0); d <= 72*time.Hour; d += 5 * time.Minute {
				f.setTime(start.Add(-24 * time.Hour).Add(d))
				f.runDue()
			}
			want(t, f.ses.to(address(1)), map[string]int{
				"confirmation": 1, "moved": 1, "reminder-P1D": 1, "reminder-PT1H": 1, "reminder-PT10M": 1,
			})
			for _, mail := range f.ses.mails[1:] {
				if !strings.Contains(string(mail.Raw), "2026-12-03T13:00:00Z") {
					t.Errorf("a mail with the old time: %s", mail.Raw)
				}
			}
		})
		run("OneMailAboutTheEventsCancellationAndNoneAfter", func(t *testing.T, f *fixture) {
			e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.HasSingleCounter = new(1), true })
			f.signUp(e, 1)
			f.signUp(e, 2)
			f.runDue()
			f.cancelEvent(e)
			f.runDue()
			f.setTime(start.Add(-time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "cancelled": 1})
			want(t, f.ses.to(address(2)), map[string]int{"waiting": 1, "cancelled": 1})
		})
		run("TheEventsCancellationAfterASignUpAtTheSameTime", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.cancelEvent(e)
			f.runDue()
			f.signUp(e, 1) // by a function that has the event cached as it was
			f.runDue()
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"cancelled": 1})
		})
		run("NothingThatWasDueBeforeTheEventWasCreated", func(t *testing.T, f *fixture) {
			f.setTime(start.Add(-30 * time.Minute))
			e := f.newEvent(nil)
			mailings, err := f.store.Mailings(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, len(mailings), 1) // ten minutes before
		})
	})
}

// TestNothingHidesWhatIsBehindIt puts entries at the head of the due index that can't be done.
func TestNothingHidesWhatIsBehindIt(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("ItemsOfAnUnknownKind", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			for n := range 101 {
				f.putDue("EVENT#"+e.ID, fmt.Sprintf("LATER#%d", n), nil)
			}
			f.putDue("OTHER#1", "META", nil)
			f.signUp(e, 1)
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
		run("RowsThatCannotBeDecoded", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 15)
			for n := range 150 {
				sk := fmt.Sprintf("MAIL#%s#message#%d", registrationID(e, 1), n+1)
				f.putDue("EVENT#"+e.ID, sk, map[string]types.AttributeValue{
					"History": &types.AttributeValueMemberS{Value: "no list"},
				})
			}
			if err := f.mailer().RunDue(ctx); err == nil {
				t.Error("no error for rows that can't be decoded")
			}
			f.wantMailsToEach(15, map[string]int{"confirmation": 1})
			// Nor does a mailing, which gives way after each page, leave out what is behind them.
			f.setTime(start.Add(-24 * time.Hour))
			late := f.newEvent(nil)
			m := f.mailer()
			m.PageSize = 10
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) {
				f.ses.fault = nil
				f.signUp(late, 20)
				return true, nil
			}
			_ = m.RunDue(ctx)
			f.wantMailsToEach(15, map[string]int{"confirmation": 1, "reminder-P1D": 1})
			last := f.ses.mails[len(f.ses.mails)-1]
			if last.To == address(20) || f.ses.to(address(20))["confirmation"] != 1 {
				t.Error("the confirmation did not overtake the mailing")
			}
		})
	})
}

// putDue puts an item that has been due for a long time, without the store.
func (f *fixture) putDue(pk, sk string, attributes map[string]types.AttributeValue) {
	f.t.Helper()
	it := map[string]types.AttributeValue{}
	for name, value := range map[string]string{"PK": pk, "SK": sk, "GSI1PK": "DUE", "GSI1SK": "2026-01-01"} {
		it[name] = &types.AttributeValueMemberS{Value: value}
	}
	maps.Copy(it, attributes)
	_, err := f.engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &f.engine.Table, Item: it})
	if err != nil {
		f.t.Fatal(err)
	}
}
