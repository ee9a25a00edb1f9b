package dynamo_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// damage writes an item behind the store's back, as nothing of ours ever should.
func damage(t *testing.T, engine storetest.Engine, pk, sk string, change func(map[string]types.AttributeValue)) {
	t.Helper()
	k := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk}}
	out, err := engine.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &engine.Table, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	it := out.Item
	if it == nil {
		it = k
	}
	change(it)
	if _, err := engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &engine.Table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

func TestReconcile(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		recount := func(t *testing.T, e deltag.Event) deltag.Reconciliation {
			t.Helper()
			r, err := s.Reconcile(ctx, e.ID, now)
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.LastReconciliation(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, last, r)
			return r
		}
		for name, capacity := range map[string]*int{"Limited": limit(3), "Unlimited": nil} {
			t.Run("FindsNothingOffIn"+name, func(t *testing.T) {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = capacity })
				for n := range 6 {
					signUp(t, s, e, n, now.Add(time.Duration(n)))
				}
				if err := s.CancelRegistration(ctx, e, registration(t, s, e, 1), now); err != nil {
					t.Fatal(err)
				}
				if err := s.UpdateByAttendee(ctx, e, registration(t, s, e, 2), person(12), now); err != nil {
					t.Fatal(err)
				}
				if err := s.MarkAttended(ctx, e, registration(t, s, e, 0), now); err != nil {
					t.Fatal(err)
				}
				if err := s.Erase(ctx, e, registration(t, s, e, 0), now); err != nil {
					t.Fatal(err)
				}
				want(t, recount(t, e), deltag.Reconciliation{At: now})
				want(t, counts(t, s, e).Attended, 1)
			})
			t.Run("MendsTheCountOf"+name, func(t *testing.T) {
				e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = capacity })
				for n := range 3 {
					signUp(t, s, e, n, now)
				}
				right := counts(t, s, e)
				sk := "SEATS"
				if capacity == nil {
					sk = "SEATS#7"
				}
				damage(t, engine, "EVENT#"+e.ID, sk, func(it map[string]types.AttributeValue) {
					it["Confirmed"], it["Waitlisted"], it["Cancelled"], it["Attended"], it["Version"] = number(1), number(4), number(0), number(0), number(9)
				})
				wrong := counts(t, s, e)
				want(t, recount(t, e).Drift, right.Sub(wrong))
				want(t, counts(t, s, e), right)
				want(t, recount(t, e), deltag.Reconciliation{At: now})
			})
		}
		t.Run("MendsTheLine", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			for n := range 3 {
				signUp(t, s, e, n, now.Add(time.Duration(n)))
			}
			for _, it := range engine.Dump(t) {
				if sk := it["SK"].(string); it["PK"] == "EVENT#"+e.ID && strings.HasPrefix(sk, "WAIT#") {
					k := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "EVENT#" + e.ID}, "SK": &types.AttributeValueMemberS{Value: sk}}
					if _, err := engine.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &engine.Table, Key: k}); err != nil {
						t.Fatal(err)
					}
				}
			}
			nobody := registration(t, s, e, 0).ID
			damage(t, engine, "EVENT#"+e.ID, "WAIT#2026-11-01T09:00:00.000000000Z#"+nobody, func(it map[string]types.AttributeValue) {
				it["ID"] = &types.AttributeValueMemberS{Value: nobody}
			})
			want(t, recount(t, e), deltag.Reconciliation{At: now, WaitlistRepairs: 3})
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 0), now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 1).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("APlaceOfNobodyDoesNotHoldUpTheLine", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now)
			nobody := strings.Repeat("a", 20)
			damage(t, engine, "EVENT#"+e.ID, "WAIT#2026-11-01T09:00:00.000000000Z#"+nobody, func(it map[string]types.AttributeValue) {
				it["ID"] = &types.AttributeValueMemberS{Value: nobody}
			})
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 1), now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
		})
		t.Run("IsDisturbedByWhatHappensMeanwhileAndChangesNothing", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(9) })
			signUp(t, s, e, 0, now)
			damage(t, engine, "EVENT#"+e.ID, "SEATS", func(it map[string]types.AttributeValue) { it["Confirmed"] = number(5) })
			n := 0
			_, err := disturbed(engine, func() { n++; signUp(t, s, e, n, now) }).Reconcile(ctx, e.ID, now)
			if !errors.Is(err, deltag.ErrConflict) {
				t.Fatalf("%v", err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 5 + n})
			want(t, recount(t, e).Drift, deltag.Counts{Confirmed: -4})
		})
		t.Run("IsNotMadeOfAnEventWhosePeopleAreErased", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 1, now)
			for done := false; !done; {
				var err error
				if done, err = s.EraseEvent(ctx, e.ID, e.RetentionEndsAt()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Reconcile(ctx, e.ID, e.RetentionEndsAt()); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			tasks, err := s.DueTasks(ctx, e.RetentionEndsAt().AddDate(1, 0, 0), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range tasks {
				if task.EventID == e.ID && (task.Kind == deltag.TaskReconcile || task.Kind == deltag.TaskEraseEvent) {
					t.Errorf("%+v is due for ever", task)
				}
			}
		})
	})
}

// disturbed is a store whose every third request is overtaken by something else: a recount reads the event, the tallies and the
// registrations, and then writes.
func disturbed(engine storetest.Engine, something func()) *dynamo.Store {
	process := engine.NewClient()
	process.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
		if n%3 == 0 {
			something()
		}
		return send()
	})
	return process.Store()
}

func TestEventStats(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		for n := range 5 {
			signUp(t, s, e, n, now.AddDate(0, 0, n/2))
		}
		midnight := time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC) // the next day in Copenhagen
		signUp(t, s, e, 9, midnight)
		if err := s.Erase(ctx, e, registration(t, s, e, 4), now); err != nil {
			t.Fatal(err)
		}
		wanted := deltag.EventStats{
			Counts:       deltag.Counts{Confirmed: 5},
			SignUpsByDay: map[string]int{"2026-11-23": 2, "2026-11-24": 2, "2026-11-25": 1},
			Mails:        map[deltag.MailKind]map[deltag.DeliveryStatus]int{deltag.KindConfirmation: {deltag.DeliveryPending: 5}, deltag.KindErasureReceipt: {deltag.DeliveryPending: 1}},
			Erasures:     1,
		}
		got, err := s.EventStats(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		want(t, got, wanted)
		for done := false; !done; {
			// Each step in a process of its own, as if each had been ended.
			if done, err = engine.NewClient().Store().EraseEvent(ctx, e.ID, e.RetentionEndsAt()); err != nil {
				t.Fatal(err)
			}
		}
		if got, err = s.EventStats(ctx, e); err != nil {
			t.Fatal(err)
		}
		wanted.ErasedAt = e.RetentionEndsAt()
		want(t, got, wanted)
		for _, it := range engine.Dump(t) {
			if text := fmt.Sprint(it); it["PK"] == "EVENT#"+e.ID && it["SK"] != "META" && strings.Contains(text, "@example.dk") {
				t.Errorf("left: %s", text)
			}
		}
	})
}
