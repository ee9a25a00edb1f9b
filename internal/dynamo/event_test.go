package dynamo_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestEvents(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ReadsWhatWasStored", func(t *testing.T) {
			e := newEvent(t, s, withCapacity(7))
			got, err := s.Event(ctx, e.ID)
			must(t, err)
			want(t, got, e)
			if got, err = s.EventBySlug(ctx, e.Slug); err != nil {
				t.Fatal(err)
			}
			want(t, got, e)
		})
		t.Run("StoresTheMailingsOfItsReminders", func(t *testing.T) {
			e := newEvent(t, s, nil)
			ms, err := s.Mailings(ctx, e.ID)
			must(t, err)
			want(t, len(ms), 3)
			tasks, err := s.DueTasks(ctx, start.Add(-24*time.Hour), 100)
			must(t, err)
			reminder := deltag.DueTask{
				Kind: deltag.TaskMailing, EventID: e.ID,
				Mailing: deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: 1},
			}
			want(t, slices.Contains(tasks, reminder), true)
		})
		t.Run("RefusesATakenSlugAndStoresNothing", func(t *testing.T) {
			first := newEvent(t, s, nil)
			second := first
			second.ID, _ = deltag.NewID(rand.Reader)
			if err := s.CreateEvent(ctx, second, deltag.MailingChanges{}); !errors.Is(err, deltag.ErrSlugTaken) {
				t.Fatalf("got %v", err)
			}
			if _, err := s.Event(ctx, second.ID); !errors.Is(err, deltag.ErrNotFound) {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("UpdateRefusesAStaleRevision", func(t *testing.T) {
			e := newEvent(t, s, nil)
			next := e
			next.Title, next.Revision = "Nyt navn", 2
			must(t, s.UpdateEvent(ctx, next, deltag.MailingChanges{}))
			if err := s.UpdateEvent(ctx, next, deltag.MailingChanges{}); !errors.Is(err, deltag.ErrConflict) {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("UpdateReplacesTheSlug", func(t *testing.T) {
			e := newEvent(t, s, nil)
			next := e
			next.Slug, next.Revision = e.Slug[:20]+"-new", 2
			must(t, s.UpdateEvent(ctx, next, deltag.MailingChanges{}))
			if _, err := s.EventBySlug(ctx, e.Slug); !errors.Is(err, deltag.ErrNotFound) {
				t.Errorf("old slug: %v", err)
			}
			if _, err := s.EventBySlug(ctx, next.Slug); err != nil {
				t.Errorf("new slug: %v", err)
			}
		})
		t.Run("ListsByStartInPages", func(t *testing.T) {
			late := newEvent(t, s, func(e *deltag.Event) {
				e.StartsAt, e.EndsAt = start.AddDate(1, 0, 0), start.AddDate(1, 0, 1)
			})
			var all []string
			cursor := ""
			for {
				es, next, err := s.Events(ctx, cursor, 2)
				must(t, err)
				for _, e := range es {
					all = append(all, e.ID)
				}
				if cursor = next; cursor == "" {
					break
				}
			}
			want(t, all[len(all)-1], late.ID)
			up, err := s.Upcoming(ctx, start.AddDate(0, 6, 0), 10)
			must(t, err)
			want(t, len(up), 1)
		})
		t.Run("RefusesACursorOfAnotherList", func(t *testing.T) {
			for _, cursor := range []string{"?", "e30", "eyJQSyI6IngiLCJTSyI6InkifQ"} {
				if _, _, err := s.Events(ctx, cursor, 2); !errors.As(err, new(deltag.ValidationErrors)) {
					t.Errorf("%q: %v", cursor, err)
				}
			}
		})
	})
}
