package dynamo_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
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
			got, err = s.EventBySlug(ctx, e.Slug)
			must(t, err)
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
				DueAt:   ms[0].NextRunAt,
			}
			want(t, slices.Contains(tasks, reminder), true)
		})
		t.Run("RefusesATakenSlugAndStoresNothing", func(t *testing.T) {
			first := newEvent(t, s, nil)
			second := first
			second.ID, _ = deltag.NewID(rand.Reader)
			wantError(t, s.CreateEvent(ctx, second, deltag.MailingChanges{}), deltag.ErrSlugTaken)
			_, err := s.Event(ctx, second.ID)
			wantError(t, err, deltag.ErrNotFound)
		})
		t.Run("UpdateRefusesAStaleRevision", func(t *testing.T) {
			e := newEvent(t, s, nil)
			next := e
			next.Title, next.Revision = "Nyt navn", 2
			must(t, s.UpdateEvent(ctx, next, deltag.MailingChanges{}))
			wantError(t, s.UpdateEvent(ctx, next, deltag.MailingChanges{}), deltag.ErrConflict)
		})
		t.Run("UpdateReplacesTheSlug", func(t *testing.T) {
			e := newEvent(t, s, nil)
			next := e
			next.Slug, next.Revision = e.Slug[:20]+"-new", 2
			must(t, s.UpdateEvent(ctx, next, deltag.MailingChanges{}))
			_, err := s.EventBySlug(ctx, e.Slug)
			wantError(t, err, deltag.ErrNotFound)
			_, err = s.EventBySlug(ctx, next.Slug)
			must(t, err)
		})
		t.Run("AnEditOfARunningReminderStopsTheRun", func(t *testing.T) {
			e := newEvent(t, s, nil)
			key := deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: 1}
			claim := func() deltag.Mailing {
				m, err := s.Mailing(ctx, key)
				must(t, err)
				m = m.Claim(now)
				must(t, s.SaveMailing(ctx, m))
				return m
			}
			slow := claim()
			edited := e
			edited.ScheduledMails = slices.Clone(e.ScheduledMails)
			edited.ScheduledMails[0].Text = "Ny tekst"
			next, mailings, err := e.Edit(edited, now)
			must(t, err)
			must(t, s.UpdateEvent(ctx, next, mailings))
			running := claim() // has the revision that the slow run had
			wantError(t, s.SaveMailing(ctx, slow.Checkpoint("zzz", now)), deltag.ErrConflict)
			got, err := s.Mailing(ctx, key)
			must(t, err)
			want(t, got, running)
			must(t, s.SaveMailing(ctx, running.Checkpoint("aaa", now)))
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
		t.Run("ListsLeaveOutWhatCannotBeRead", func(t *testing.T) {
			engine := engine.NewTable(t)
			s := engine.Store()
			damaged, good := newEvent(t, s, nil), newEvent(t, s, nil)
			corrupt(t, engine, damaged, "META", func(it item) { it["PromotionCutoff"] = str("tomorrow") })
			events, err := s.Upcoming(ctx, now, 10)
			want(t, events, []deltag.Event{good})
			wantUnreadable(t, err, damaged.ID)
			events, err = s.Upcoming(ctx, now, 10) // from the cache
			want(t, events, []deltag.Event{good})
			must(t, err)
			events, _, err = s.Events(ctx, "", 10)
			want(t, events, []deltag.Event{good})
			wantUnreadable(t, err, damaged.ID)
		})
		t.Run("UpcomingFindsOpenEventsBehindManyDraftsAndThoseThatLastAMonth", func(t *testing.T) {
			s := engine.NewTable(t).Store()
			for range 101 {
				newEvent(t, s, func(e *deltag.Event) { e.Status = deltag.EventDraft })
			}
			behind := newEvent(t, s, func(e *deltag.Event) { e.StartsAt = start.Add(time.Minute) })
			long := newEvent(t, s, func(e *deltag.Event) {
				e.StartsAt, e.EndsAt = start.AddDate(0, 0, -deltag.MaxDays), start
			})
			up, err := s.Upcoming(ctx, start.Add(-1), 10)
			must(t, err)
			want(t, up, []deltag.Event{long, behind})
		})
		t.Run("UpcomingIsReadAgainForAnotherTimeAndAfterAChange", func(t *testing.T) {
			p := newProcess(engine.NewTable(t))
			upcoming := func(at time.Time, requests int) []deltag.Event {
				t.Helper()
				p.Reset()
				up, err := p.store.Upcoming(ctx, at, 10)
				must(t, err)
				want(t, p.Count(), requests)
				return up
			}
			first := newEvent(t, p.store, nil)
			want(t, upcoming(now, 2), []deltag.Event{first})
			want(t, upcoming(now.Add(2*time.Second), 0), []deltag.Event{first})
			want(t, upcoming(first.EndsAt, 2), []deltag.Event(nil)) // somebody has moved the clock
			want(t, upcoming(now, 2), []deltag.Event{first})
			second := newEvent(t, p.store, func(e *deltag.Event) { e.StartsAt = start.Add(time.Minute) })
			want(t, upcoming(now, 2), []deltag.Event{first, second})
			closed := second
			closed.Status, closed.Revision = deltag.EventCancelled, 2
			must(t, p.store.UpdateEvent(ctx, closed, deltag.MailingChanges{}))
			want(t, upcoming(now, 2), []deltag.Event{first})
		})
		t.Run("RecentFreeSeatsAreReadOnceForAMoment", func(t *testing.T) {
			p := newProcess(engine)
			few, none := newEvent(t, s, withCapacity(2)), newEvent(t, s, withCapacity(2))
			signUp(t, s, few, 1, now)
			first := map[string]int{few.ID: 1, none.ID: 2}
			for range 2 {
				got, err := p.store.RecentFreeSeats(ctx, few, none)
				must(t, err)
				want(t, got, first)
				want(t, p.Count(), 2)
				signUp(t, s, few, 2, now)
			}
			other := newEvent(t, s, withCapacity(2))
			p.injectFault(crash, 1, forever)
			got, err := p.store.RecentFreeSeats(ctx, few, none, other)
			wantError(t, err, deltag.ErrUnavailable)
			want(t, got, first)
		})
		t.Run("RefusesACursorOfAnotherList", func(t *testing.T) {
			e := newEvent(t, s, nil)
			events := map[string]string{"PK": "EVENT#" + e.ID, "SK": "META", "GSI1PK": "EVENTS", "GSI1SK": "2026"}
			people := map[string]string{"PK": "EVENT#" + e.ID + "#63", "SK": "REG#x"}
			unsorted := map[string]string{"PK": "EVENT#" + e.ID, "SK": "META", "GSI1PK": "EVENTS"}
			changed := func(cursor map[string]string, name, value string) string {
				cursor = maps.Clone(cursor)
				if cursor[name] = value; value == "" {
					delete(cursor, name)
				}
				raw, _ := json.Marshal(cursor)
				return base64.RawURLEncoding.EncodeToString(raw)
			}
			accepts := func(list func(cursor string) error, accepted string, refused ...string) {
				must(t, list(accepted))
				for _, cursor := range refused {
					if err := list(cursor); !errors.As(err, new(deltag.ValidationErrors)) {
						t.Errorf("%q: %v", cursor, err)
					}
				}
			}
			accepts(func(cursor string) error { _, _, err := s.Events(ctx, cursor, 2); return err },
				changed(events, "SK", "META"),
				"?", "e30", changed(people, "SK", "REG#x"), changed(events, "X", "y"), changed(events, "GSI1SK", ""),
				changed(unsorted, "X", "y"), changed(events, "GSI1PK", "DUE"), changed(events, "PK", strings.Repeat("x", 2049)))
			accepts(func(cursor string) error { _, _, err := s.Registrations(ctx, e.ID, cursor, 2); return err },
				changed(people, "SK", "REG#x"),
				changed(people, "SK", "MAIL#x"), changed(people, "SK", "META"), changed(people, "PK", "EVENT#y"),
				changed(people, "PK", "EVENT#"+e.ID), changed(people, "PK", "EVENT#"+e.ID+"#64"),
				changed(people, "X", "y"), changed(events, "GSI1PK", "EVENTS"))
		})
		t.Run("ListsMoreThanOneBatchReads", func(t *testing.T) {
			for range 101 {
				newEvent(t, s, nil)
			}
			es, _, err := s.Events(ctx, "", 101)
			must(t, err)
			want(t, len(es), 101)
		})
		t.Run("WhatNoKeyCanBeIsNotFound", func(t *testing.T) {
			long := strings.Repeat("x", 3000)
			_, err := s.EventBySlug(ctx, long)
			wantError(t, err, deltag.ErrNotFound)
			_, _, err = s.EventAndRegistration(ctx, long, long)
			wantError(t, err, deltag.ErrNotFound)
		})
	})
}
