package dynamo_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// corrupt changes an item of an event's partition, or creates it, without the store.
func corrupt(t *testing.T, engine storetest.Engine, e deltag.Event, sk string, change func(item)) {
	t.Helper()
	k := itemKey(e, sk)
	out, err := engine.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &engine.Table, Key: k})
	must(t, err)
	it := out.Item
	if it == nil {
		it = k
	}
	change(it)
	_, err = engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &engine.Table, Item: it})
	must(t, err)
}

type item = map[string]types.AttributeValue

// itemKey is the key of the item with a sort key; of the COUNTS, those of the shard of person 0.
func itemKey(e deltag.Event, sk string) item {
	pk := "EVENT#" + e.ID
	parts := strings.Split(sk, "#")
	switch parts[0] {
	case "REG", "MAIL":
		pk = storetest.PersonPK(e.ID, parts[1])
	case "COUNTS":
		pk = storetest.PersonPK(e.ID, deltag.RegistrationID(e, person(0).Email))
	case "WAIT", "SEATS":
		pk += "#" + parts[0]
	}
	return item{"PK": str(pk), "SK": str(sk)}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

func TestReconcile(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		reconcile := func(t *testing.T, e deltag.Event) deltag.Reconciliation {
			t.Helper()
			r, err := s.Reconcile(ctx, e.ID, now)
			must(t, err)
			last, err := s.LastReconciliation(ctx, e.ID)
			must(t, err)
			want(t, last, r)
			return r
		}
		addStaleEntry := func(t *testing.T, e deltag.Event, id string) {
			t.Helper()
			sk := "WAIT#2026-11-01T09:00:00.000000000Z#" + id
			corrupt(t, engine, e, sk, func(it item) { it["ID"] = str(id) })
		}
		deleteWaitlistEntries := func(t *testing.T, e deltag.Event) {
			t.Helper()
			for _, it := range engine.Dump(t) {
				if sk := it["SK"].(string); isOf(e, it) && strings.HasPrefix(sk, "WAIT#") {
					in := &dynamodb.DeleteItemInput{TableName: &engine.Table, Key: itemKey(e, sk)}
					_, err := engine.Client.DeleteItem(ctx, in)
					must(t, err)
				}
			}
		}
		t.Run("RestoresTheWaitlistEntriesOfRegistrationsThatCanBeReadAgain", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			signUpMany(t, s, e, 5)
			damaged := []string{registration(t, s, e, 1).ID, registration(t, s, e, 2).ID}
			write := func(id, value string) {
				corrupt(t, engine, e, "REG#"+id, func(it item) { it["RegisteredAt"] = str(value) })
			}
			for _, id := range damaged {
				write(id, "no time")
			}
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationConfirmed) // who was behind them
			must(t, runTasks(s, now))
			tasks, err := s.DueTasks(ctx, now, 10)
			must(t, err)
			tasks = slices.DeleteFunc(tasks, func(t deltag.DueTask) bool {
				return t.EventID != e.ID || t.Kind == deltag.TaskDelivery
			})
			want(t, tasks, []deltag.DueTask{{Kind: deltag.TaskReconcile, EventID: e.ID, DueAt: now}})
			r, err := s.Reconcile(ctx, e.ID, now)
			wantUnreadable(t, err, damaged[0])
			wantUnreadable(t, err, damaged[1])
			want(t, r.WaitlistRepairs, 0)
			want(t, waitlistPosition(t, s, e, 4), 1) // nobody else is touched

			write(damaged[1], now.Add(2).Format("2006-01-02T15:04:05.000000000Z"))
			r, err = s.Reconcile(ctx, e.ID, now)
			wantUnreadable(t, err, damaged[0]) // which does not keep the other off the waitlist
			want(t, r.WaitlistRepairs, 1)
			want(t, waitlistPosition(t, s, e, 2), 1)
			write(damaged[0], now.Add(1).Format("2006-01-02T15:04:05.000000000Z"))
			want(t, reconcile(t, e).WaitlistRepairs, 1)
			want(t, waitlistPosition(t, s, e, 1), 1)
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 3), now))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
		})
		t.Run("IsDueAgainIfItWasMadeDueMeanwhile", func(t *testing.T) {
			e := newEvent(t, s, nil)
			p := interrupted(engine, 3, func() { // after the task was read
				corrupt(t, engine, e, "RECONCILE", func(it item) { it["GSI1SK"] = str("2026-11-23T09:00:00.000000000Z") })
			})
			_, err := p.store.Reconcile(ctx, e.ID, now)
			wantError(t, err, deltag.ErrConflict)
		})
		for name, seats := range map[string]*int{"WithCapacity": capacity(3), "WithoutCapacity": nil} {
			t.Run("FindsNoDriftInAnEvent"+name, func(t *testing.T) {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = seats })
				signUpMany(t, s, e, 6)
				must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 1), now))
				changeAddress(t, s, e, registration(t, s, e, 2), 12, now)
				must(t, s.MarkAttended(ctx, e, registration(t, s, e, 0), now))
				must(t, s.Erase(ctx, e, registration(t, s, e, 0), now))
				want(t, reconcile(t, e), deltag.Reconciliation{At: now})
				want(t, counts(t, s, e).Attended, 1)
			})
			t.Run("CorrectsTheCountersOfAnEvent"+name, func(t *testing.T) {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = seats })
				signUpMany(t, s, e, 3)
				right := counts(t, s, e)
				corrupt(t, engine, e, "COUNTS", func(it item) {
					it["Confirmed"], it["Waitlisted"], it["Cancelled"] = number(1), number(4), number(0)
					it["Attended"], it["Version"] = number(0), number(9)
				})
				wrong := counts(t, s, e)
				want(t, reconcile(t, e).Drift, right.Sub(wrong))
				want(t, counts(t, s, e), right)
				want(t, reconcile(t, e), deltag.Reconciliation{At: now})
			})
			t.Run("ChangesNothingIfTheCountersChangeMeanwhileInAnEvent"+name, func(t *testing.T) {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = seats })
				signUp(t, s, e, 0, now)
				corrupt(t, engine, e, "COUNTS", func(it item) { it["Cancelled"], it["Version"] = number(5), number(9) })
				_, err := interruptedBeforeUpdates(engine, func() {
					must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
				}).Reconcile(ctx, e.ID, now)
				wantError(t, err, deltag.ErrConflict)
				want(t, counts(t, s, e).Cancelled, 5+1)
				want(t, reconcile(t, e).Drift, deltag.Counts{Cancelled: -5})
			})
		}
		t.Run("CorrectsTheSeatCounter", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(3))
			signUpMany(t, s, e, 5)
			corrupt(t, engine, e, "SEATS", func(it item) { it["Taken"], it["Version"] = number(1), number(99) })
			_, err := s.Reconcile(ctx, e.ID, now)
			wantError(t, err, deltag.ErrConflict) // seats that were just taken may not be held yet
			for minute := range 2 {
				must(t, s.CheckSeats(ctx, e.ID, now.Add(time.Duration(1+minute)*time.Minute)))
			}
			want(t, reconcile(t, e), deltag.Reconciliation{At: now, SeatDrift: 2})
			want(t, reconcile(t, e), deltag.Reconciliation{At: now})
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 3, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("RepairsTheWaitlist", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			signUpMany(t, s, e, 3)
			deleteWaitlistEntries(t, e)
			addStaleEntry(t, e, registration(t, s, e, 0).ID)
			want(t, reconcile(t, e), deltag.Reconciliation{At: now, WaitlistRepairs: 3})
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 0), now))
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("ANewcomerDoesNotPassWhoseEntryIsRepaired", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			signUpMany(t, s, e, 2)
			corrupt(t, engine, e, "SEATS", func(it item) { delete(it, "WaitlistUntil") })
			deleteWaitlistEntries(t, e)
			want(t, reconcile(t, e).WaitlistRepairs, 1)
			setCapacity(t, s, e, 2)
			outcome, _ := signUp(t, s, e, 5, now.Add(time.Second)) // before the promotion has run
			want(t, outcome, deltag.OutcomeWaitlisted)
		})
		t.Run("AStaleWaitlistEntryDoesNotBlockPromotion", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now)
			addStaleEntry(t, e, strings.Repeat("a", 20))
			must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 1), now))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("ChangesNothingOnceThePeopleOfTheEventAreErased", func(t *testing.T) {
			e, _ := eventWithPerson1(t, s, nil)
			eraseEvent(t, engine, e)
			_, err := s.Reconcile(ctx, e.ID, e.RetentionEndsAt())
			must(t, err)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			tasks, err := s.DueTasks(ctx, e.RetentionEndsAt().AddDate(1, 0, 0), 100)
			must(t, err)
			for _, task := range tasks {
				if task.EventID == e.ID && (task.Kind == deltag.TaskReconcile || task.Kind == deltag.TaskEraseEvent) {
					t.Errorf("%+v is still due", task)
				}
			}
		})
	})
}

// interruptedBeforeUpdates interrupts a process before it corrects anything.
func interruptedBeforeUpdates(engine storetest.Engine, by func()) *dynamo.Store {
	process := engine.NewClient()
	process.Transport.InjectFault(func(_ int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
			by()
		}
		return send()
	})
	return process.Store()
}
