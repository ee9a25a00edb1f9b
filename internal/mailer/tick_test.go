package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
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
		run("OnlyTheLastOfTheRemindersThatAnOutageHeldUp", func(t *testing.T, f *fixture) {
			r := f.signUp(f.newEvent(nil), 1)
			f.runDue()
			f.setTime(start.Add(-5 * time.Minute))
			f.runDue()
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-PT10M": 1})
			want(t, f.outcome(r, "reminder-P1D", 1), "skipped superseded")
			want(t, f.outcome(r, "reminder-PT1H", 1), "skipped superseded")
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
			e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.HasSeatCounter = new(1), true })
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
		run("ARegistrationThatCannotBeDecoded", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 25)
			f.runDue()
			damaged := registrationID(e, 7)
			_, err := f.engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &f.engine.Table, UpdateExpression: aws.String("SET ConfirmedAt = :no"),
				Key: map[string]types.AttributeValue{
					"PK": text(storetest.PersonPK(e.ID, damaged)), "SK": text("REG#" + damaged),
				},
				ExpressionAttributeValues: map[string]types.AttributeValue{":no": text("no time")},
			})
			if err != nil {
				t.Fatal(err)
			}
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.PageSize = 10
			if err := m.RunDue(ctx); err == nil || !strings.Contains(err.Error(), damaged) {
				t.Errorf("the error does not name it: %v", err)
			}
			for n := range 25 {
				wanted := map[string]int{"confirmation": 1, "reminder-P1D": 1}
				if n == 7 {
					delete(wanted, "reminder-P1D")
				}
				want(t, f.ses.to(address(n)), wanted)
			}
		})
		run("ARowOfAMailingThatCannotBeDecoded", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 25)
			f.runDue()
			id := registrationID(e, 7)
			f.putDue(storetest.PersonPK(e.ID, id), "MAIL#"+id+"#reminder-P1D#1", map[string]types.AttributeValue{
				"History": &types.AttributeValueMemberS{Value: "no list"},
			})
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.PageSize = 10
			if err := m.RunDue(ctx); err == nil || !strings.Contains(err.Error(), id) {
				t.Errorf("the error does not name it: %v", err)
			}
			for n := range 25 {
				want(t, f.ses.to(address(n))["reminder-P1D"], map[bool]int{true: 0, false: 1}[n == 7])
			}
		})
		run("SomebodyWhoCannotBeDecodedWhenTheEventIsErased", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 5)
			id := registrationID(e, 3)
			for _, sk := range []string{"REG#" + id, "MAIL#" + id + "#message#1"} {
				f.putDue(storetest.PersonPK(e.ID, id), sk, map[string]types.AttributeValue{
					"ConfirmedAt": text("no time"), "SentAt": text("no time"),
				})
			}
			for range 20 {
				f.setTime(e.RetentionEndsAt().Add(time.Hour))
				_ = f.mailer().RunDue(ctx) // which names the row
			}
			for _, it := range f.engine.Dump(t) {
				if strings.Contains(fmt.Sprint(it), "p1@example.dk") || strings.Contains(fmt.Sprint(it), id) {
					t.Errorf("left: %v", it)
				}
			}
		})
		run("RowsThatCannotBeDecoded", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 15)
			for n := range 150 {
				sk := fmt.Sprintf("MAIL#%s#message#%d", registrationID(e, 1), n+1)
				f.putDue(storetest.PersonPK(e.ID, registrationID(e, 1)), sk, map[string]types.AttributeValue{
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
	for name, value := range map[string]string{"PK": pk, "SK": sk, "GSI1PK": "DUE#00", "GSI1SK": "2026-01-01"} {
		it[name] = &types.AttributeValueMemberS{Value: value}
	}
	maps.Copy(it, attributes)
	_, err := f.engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &f.engine.Table, Item: it})
	if err != nil {
		f.t.Fatal(err)
	}
}

// A repairCounter counts calls. Its first erasures erase nothing, and its reconciliations are disturbed if so asked.
type repairCounter struct {
	mailer.Store
	emptyErasures, erasures, reconciliations int
	disturbed                                bool
	onReconcile                              func()
	onErasure                                func(n int)
}

func (s *repairCounter) EraseEvent(ctx context.Context, eventID string, now time.Time) (bool, error) {
	s.erasures++
	if s.onErasure != nil {
		s.onErasure(s.erasures)
	}
	if s.erasures <= s.emptyErasures {
		return false, nil
	}
	return s.Store.EraseEvent(ctx, eventID, now)
}

func (s *repairCounter) Reconcile(ctx context.Context, id string, now time.Time) (deltag.Reconciliation, error) {
	if s.onReconcile != nil {
		s.onReconcile()
	}
	if s.reconciliations++; s.disturbed {
		return deltag.Reconciliation{}, deltag.ErrConflict
	}
	return s.Store.Reconcile(ctx, id, now)
}

// TestRepairsGiveWay is about tasks that take long, or cannot be done at present.
func TestRepairsGiveWay(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		// overdue is an event whose erasure is due before the reminder of another, which person 1 gets.
		overdue := func(f *fixture) deltag.Event {
			old := f.newEvent(nil)
			f.signUp(old, 0)
			f.signUp(f.newEvent(func(e *deltag.Event) {
				oneReminder(e)
				e.StartsAt = old.RetentionEndsAt().Add(27 * time.Hour)
				e.EndsAt = e.StartsAt.Add(time.Hour)
			}), 1)
			f.runDue()
			f.setTime(old.RetentionEndsAt().Add(3 * time.Hour))
			return old
		}
		run("AnErasureThatNeverEnds", func(t *testing.T, f *fixture) {
			overdue(f)
			m := f.mailer()
			const pages = 50
			tick, end := context.WithCancel(ctx)
			defer end()
			store := &repairCounter{Store: f.store, emptyErasures: 1 << 30, onErasure: func(n int) {
				if n == pages { // the time is over
					end()
				}
			}}
			m.Store = store
			if err := m.RunDue(tick); err != nil {
				t.Fatal(err)
			}
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			if store.erasures < pages {
				t.Errorf("the tick ended after %d pages, with time left", store.erasures)
			}
		})
		run("AnErasureGoesOnUntilItIsDone", func(t *testing.T, f *fixture) {
			old := overdue(f)
			m := f.mailer()
			m.Store = &repairCounter{Store: f.store, emptyErasures: 25}
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			want(t, len(f.deliveries(old, 0)), 0)
			tasks, err := f.store.DueTasks(ctx, f.clock(), 100)
			if err != nil || len(tasks) > 0 {
				t.Error(tasks, err)
			}
		})
		run("AnErasureThatAnEditHasPutOff", func(t *testing.T, f *fixture) {
			old := overdue(f)
			task := deltag.DueTask{Kind: deltag.TaskEraseEvent, EventID: old.ID}
			early := old.RetentionEndsAt().Add(-time.Second)
			if err := f.store.PutOffTask(ctx, task, early, early); !errors.Is(err, deltag.ErrConflict) {
				t.Error(err)
			}
		})
		run("AnEventsTaskAfterAnother", func(t *testing.T, f *fixture) {
			e := f.newEvent(nil)
			f.newEvent(nil)
			f.setTime(f.clock().Add(deltag.ReconcileInterval))
			m := f.mailer()
			var sentBefore []int // each of the two tasks
			m.Store = &repairCounter{Store: f.store, onReconcile: func() {
				sentBefore = append(sentBefore, len(f.ses.to(address(1))))
				f.signUp(e, 1)
			}}
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			want(t, sentBefore, []int{0, 1})
		})
		run("ADisturbedReconciliation", func(t *testing.T, f *fixture) {
			f.newEvent(nil)
			f.setTime(f.clock().Add(deltag.ReconcileInterval))
			m := f.mailer()
			store := &repairCounter{Store: f.store, disturbed: true}
			m.Store = store
			for _, wanted := range []int{1, 1, 2, 2} {
				if err := m.RunDue(ctx); err != nil {
					t.Fatal(err)
				}
				want(t, store.reconciliations, wanted)
				f.setTime(f.clock().Add(5*time.Minute + time.Second))
			}
			store.disturbed = false
			f.setTime(f.clock().Add(deltag.ReconcileInterval))
			for range 2 {
				if err := m.RunDue(ctx); err != nil {
					t.Fatal(err)
				}
			}
			want(t, store.reconciliations, 3)
		})
	})
}
