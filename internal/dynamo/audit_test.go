package dynamo_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// audited is a context whose change is entered as that of an event, at n seconds.
func audited(eventID string, n int) (context.Context, deltag.AuditEntry) {
	by := deltag.Principal{Name: "anna@example.dk", Channel: deltag.ChannelConsole}
	entry := deltag.AuditEntry{
		Action: deltag.AuditEventEdited, EventID: eventID, Subject: "Samskabelse", Details: []string{strconv.Itoa(n)},
	}
	at := now.Add(time.Duration(n) * time.Second)
	ctx := by.Record(ctx, at, entry)
	entry.At, entry.Actor, entry.Channel = at, by.Name, by.Channel
	return ctx, entry
}

func TestAuditLog(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		_, r := signUp(t, s, e, 1, now)
		log := func() []deltag.AuditEntry {
			entries, _, err := s.AuditLog(ctx, e.ID, "", 100)
			must(t, err)
			return entries
		}
		t.Run("IsWrittenOnceByTheFirstChange", func(t *testing.T) {
			ctx, entry := audited(e.ID, 1)
			must(t, s.NoteAttended(ctx, e, r, true, now))
			must(t, s.NoteAttended(ctx, e, r, false, now))
			want(t, log(), []deltag.AuditEntry{entry})
		})
		t.Run("IsNotWrittenWithoutAChange", func(t *testing.T) {
			before := log()
			m := deltag.Mailing{EventID: e.ID, Kind: deltag.KindMessage, Version: 7, DueAt: now, Text: "Hej"}
			must(t, s.PutMailing(ctx, m))
			ctx, _ := audited(e.ID, 2)
			must(t, s.NoteAttended(ctx, e, r, false, now))
			wantError(t, s.PutMailing(ctx, m), deltag.ErrConflict)
			want(t, log(), before)
		})
		t.Run("StandsAndFallsWithTheChange", func(t *testing.T) {
			for n, fault := range []storetest.FaultFunc{loseRequest, loseResponse} {
				e := newEvent(t, s, func(e *deltag.Event) { e.Slug = "fault-" + strconv.Itoa(n) })
				m := deltag.Mailing{EventID: e.ID, Kind: deltag.KindMessage, Version: 1, DueAt: now, Text: "Hej"}
				p := newProcess(engine)
				p.injectFault(fault, 1, forever)
				ctx, _ := audited(e.ID, 3)
				wantError(t, p.store.PutMailing(ctx, m), deltag.ErrUnavailable)
				_, err := s.Mailing(ctx, m.Key())
				entries, _, logErr := s.AuditLog(ctx, e.ID, "", 100)
				must(t, logErr)
				if (err == nil) != (len(entries) == 1) || (err == nil) != (n == 1) {
					t.Errorf("fault %d: the message is stored: %v; %d entries", n, err, len(entries))
				}
			}
		})
		t.Run("IsReadInPagesTheLatestFirst", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Slug = "pages" })
			var all []deltag.AuditEntry
			for n := range 5 {
				ctx, entry := audited(e.ID, 10+n)
				must(t, s.PutMailing(ctx, deltag.Mailing{
					EventID: e.ID, Kind: deltag.KindMessage, Version: n, DueAt: now, Text: "Hej",
				}))
				all = append([]deltag.AuditEntry{entry}, all...)
			}
			for _, list := range []func(cursor string) ([]deltag.AuditEntry, string, error){
				func(cursor string) ([]deltag.AuditEntry, string, error) { return s.AuditLog(ctx, e.ID, cursor, 2) },
				func(cursor string) ([]deltag.AuditEntry, string, error) { return s.WholeAuditLog(ctx, cursor, 2) },
			} {
				var got []deltag.AuditEntry
				for cursor := ""; len(got) < len(all); {
					page, next, err := list(cursor)
					must(t, err)
					got = append(got, page...)
					if cursor = next; cursor == "" {
						break
					}
				}
				want(t, got[:min(len(got), len(all))], all)
				_, _, err := list("bad")
				var invalid deltag.ValidationErrors
				want(t, errors.As(err, &invalid) && invalid[0].Code == "bad-cursor", true)
			}
		})
	})
}
