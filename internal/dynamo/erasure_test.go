package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// sendFinalMail sends the last mail to an address, as the mailer does.
func sendFinalMail(t *testing.T, s *dynamo.Store, e deltag.Event, a deltag.Address) {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, e.ID, deltag.RegistrationID(e, a))
	if err != nil || len(ds) != 1 || !ds[0].Kind.IsFinal() {
		t.Fatal(ds, err)
	}
	d := ds[0].Claim(now)
	must(t, s.Claim(ctx, d, *d.DetachedRecipient))
	must(t, s.SaveDelivery(ctx, d.MarkSent("ses-1", now)))
}

func TestErasure(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("LeavesNothingOfThePerson", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, withCapacity(1))
			signUp(t, s, e, 2, now)
			changeAddress(t, s, e, r, 3, now)
			must(t, s.Erase(ctx, e, registration(t, s, e, 3), now.Add(time.Hour)))
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			sendFinalMail(t, s, e, person(1).Email)
			sendFinalMail(t, s, e, person(3).Email)
			wantNothingLeft(t, engine, e, "p1@example.dk", "p3@example.dk", "Person 1")
		})
		t.Run("IsKnownByTheIDOfTheRegistration", func(t *testing.T) {
			e, first := eventWithPerson1(t, s, nil)
			_, second := signUp(t, s, e, 2, now)
			signUp(t, s, e, 3, now)
			for _, r := range []deltag.Registration{first, second} {
				must(t, s.Erase(ctx, e, r, now.Add(time.Hour)))
			}
			got, err := s.ErasedIDs(ctx, e.ID)
			must(t, err)
			slices.Sort(got)
			ids := []string{first.ID, second.ID}
			slices.Sort(ids)
			want(t, got, ids)
			got, err = s.ErasedIDs(ctx, newEvent(t, s, nil).ID)
			must(t, err)
			want(t, len(got), 0)
		})
		t.Run("DeletesMailThatCannotBeRead", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			corrupt(t, engine, e, "MAIL#"+r.ID+"#confirmation#1", func(it item) { it["History"] = str("no list") })
			must(t, s.Erase(ctx, e, r, now.Add(time.Hour)))
			sendFinalMail(t, s, e, person(1).Email)
			wantNothingLeft(t, engine, e, "p1@example.dk", "Person 1")
		})
		t.Run("PurgeKeepsMailThatCannotBeReadOfWhoeverElseItIs", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			err := crashed(engine, 3).Erase(ctx, e, r, now)
			wantError(t, err, deltag.ErrUnavailable)
			_, again := signUp(t, s, e, 1, now.Add(time.Second))
			damage := func(it item) { it["History"] = str("no list") }
			corrupt(t, engine, e, "MAIL#"+r.ID+"#confirmation#1", damage) // of the one who has signed up again
			corrupt(t, engine, e, "MAIL#"+r.ID+"#erased#2", damage)       // not sent yet
			corrupt(t, engine, e, "MAIL#"+r.ID+"#preview#7", func(it item) {
				damage(it)
				it["Kind"], it["DetachedRecipient"] = str("preview"), &types.AttributeValueMemberM{}
			})
			corrupt(t, engine, e, "META", func(it item) { it["PromotionCutoff"] = str("tomorrow") })
			must(t, s.PurgeDeliveries(ctx, e.ID, r.ID))
			left := 0
			for _, it := range engine.Dump(t) {
				if sk, _ := it["SK"].(string); isOf(e, it) && strings.HasPrefix(sk, "MAIL#"+again.ID) {
					left++
				}
			}
			want(t, left, 3)
		})
		t.Run("PurgeKeepsTheMailOfAPersonWhoSignsUpAgain", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			hasReceived(t, s, 1)                            // makes the key of the hashes, which is the first request of the next process
			err := crashed(engine, 3).Erase(ctx, e, r, now) // once the registration is deleted
			wantError(t, err, deltag.ErrUnavailable)
			_, again := signUp(t, s, e, 1, now.Add(time.Second))
			must(t, s.PurgeDeliveries(ctx, e.ID, r.ID))
			want(t, kinds(t, s, again), []string{"confirmation.1", "erased.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("OfTheOrganisersOwnSignUpKeepsTheNote", func(t *testing.T) {
			e := newEvent(t, s, nil)
			in := person(1)
			in.Email = deltag.Address{Original: e.Organiser.Email, Normalized: e.Organiser.Email}
			_, err := s.SignUp(ctx, e, in, now)
			must(t, err)
			note := deltag.NewOrganiserNote(e, now)
			must(t, s.SaveDelivery(ctx, note))
			_, r, err := s.EventAndRegistration(ctx, e.ID, note.RegistrationID)
			must(t, err)
			must(t, s.Erase(ctx, e, r, now))
			want(t, kinds(t, s, r), []string{"erased.2", fmt.Sprintf("organiser-note.%d", note.Version)})
		})
		t.Run("WhoSignsUpAgainGetsAnotherCalendarEntryThanTheOneThatIsRemoved", func(t *testing.T) {
			e, r := eventWithPerson1(t, s, nil)
			must(t, s.Erase(ctx, e, r, now))
			_, again := signUp(t, s, e, 1, now.Add(time.Second))
			receipt, _, recipient, err := s.LoadDelivery(ctx, deltag.DeliveryKey{
				EventID: e.ID, RegistrationID: r.ID, Kind: deltag.KindErasureReceipt, Version: r.MailVersion + 1,
			})
			must(t, err)
			entry := func(r deltag.Registration) []any {
				return []any{r.CalendarUID(), deltag.MailContext{Event: e, Registration: r}.ICalSequence()}
			}
			want(t, entry(r), []any{e.ID + "." + r.ID + "." + r.Generation() + "@deltag", 0})
			want(t, entry(recipient), []any{r.CalendarUID(), 1})
			want(t, entry(again), []any{e.ID + "." + r.ID + "." + again.Generation() + "@deltag", 0})
			want(t, again.Generation() != r.Generation(), true)
			must(t, s.SaveDelivery(ctx, receipt.Claim(now)))
		})
		t.Run("TheEndOfRetentionErasesAllPeopleAndKeepsTheCounts", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUpMany(t, s, e, 7)
			if done, err := s.EraseEvent(ctx, e.ID, e.RetentionEndsAt().Add(-time.Second)); !done || err != nil {
				t.Fatal(done, err)
			}
			want(t, len(kinds(t, s, registration(t, s, e, 1))), 1)
			eraseEvent(t, engine, e)
			wantNothingLeft(t, engine, e, "@example.dk")
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 7})
		})
		t.Run("AnEventIsNotMovedOnceItsPeopleAreErased", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(1))
			signUp(t, s, e, 1, now)
			eraseEvent(t, engine, e)
			again := e
			again.StartsAt, again.EndsAt = e.StartsAt.AddDate(1, 0, 0), e.EndsAt.AddDate(1, 0, 0)
			next, mailings, err := e.Edit(again, e.RetentionEndsAt().Add(-time.Second)) // by a clock that is late
			must(t, err)
			want(t, s.UpdateEvent(ctx, next, mailings), error(deltag.ErrRetentionEnded))
			renamed := e
			renamed.Title = "Et andet navn"
			next, mailings, err = e.Edit(renamed, e.RetentionEndsAt())
			must(t, err)
			must(t, s.UpdateEvent(ctx, next, mailings))
		})
		t.Run("AnEventMovedDuringItsErasureIsErasedLater", func(t *testing.T) {
			// Before each of the first requests, and then of ever fewer: those that count shard by shard are all alike.
			for at, more := 1, true; more; at += 1 + at/8 {
				e := newEvent(t, s, nil)
				later := e
				later.EndsAt = e.EndsAt.AddDate(0, 0, 7)
				signUp(t, s, e, 1, now)
				var moved error
				p := interrupted(engine, at, func() {
					next, mailings, err := e.Edit(later, e.RetentionEndsAt().Add(-time.Second))
					must(t, err)
					moved = s.UpdateEvent(ctx, next, mailings)
				})
				for done := false; !done; {
					var err error
					done, err = p.store.EraseEvent(ctx, e.ID, e.RetentionEndsAt())
					must(t, err)
				}
				if more = p.Count() >= at; !more {
					break // it was not interrupted
				}
				if errors.As(moved, new(deltag.ValidationErrors)) {
					want(t, moved, error(deltag.ErrRetentionEnded))
					continue // the erasure had begun
				}
				must(t, moved)
				registration(t, s, e, 1) // is still there
				got, err := s.EventStats(ctx, e)
				must(t, err)
				want(t, got.SignUpsByDay, map[string]int{"2026-11-23": 1})
				want(t, got.ErasedAt, time.Time{})
				tasks, err := s.DueTasks(ctx, later.RetentionEndsAt(), 1000)
				must(t, err)
				erase := deltag.DueTask{Kind: deltag.TaskEraseEvent, EventID: e.ID, DueAt: later.RetentionEndsAt()}
				if !slices.Contains(tasks, erase) {
					t.Errorf("moved before request %d: its people will never be erased", at)
				}
			}
		})
	})
}
