package mailer_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

// TestMailingReachesEverybody: each of these walks ends, and everybody has their reminder.
func TestMailingReachesEverybody(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *fixture)) {
			t.Run(name, func(t *testing.T) { test(t, newFixture(t, engine.NewTable(t))) })
		}
		oneReminder := func(e *deltag.Event) { e.Reminders = e.Reminders[:1] }
		rest := func(w *fixture) { // with time enough
			for range 3 {
				w.setTime(w.clock().Add(time.Hour))
				w.runDue()
			}
		}
		run("WhenThePaceIsTooSlowForATick", func(t *testing.T, w *fixture) {
			const people = 30
			e := w.newEvent(oneReminder)
			for n := range people {
				w.signUp(e, n)
			}
			w.runDue()
			w.setTime(start.Add(-24 * time.Hour))
			// As after throttling: a page takes longer than a tick, which has a second beside its reserve, has left.
			for range 3 * people {
				slow := mailer.New(w.store, stubRenderer{}, w.ses, w.clock, slog.New(slog.DiscardHandler), 0.01)
				short, cancel := context.WithTimeout(ctx, 11*time.Second)
				if err := slow.RunDue(short); err != nil {
					t.Fatal(err)
				}
				cancel()
				w.setTime(w.clock().Add(time.Minute))
			}
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("WhenAnswersAreLong", func(t *testing.T, w *fixture) {
			const people = 120 // of 12 KB: DynamoDB's page of 1 MB holds fewer than the walk asks for
			e := w.newEvent(func(e *deltag.Event) {
				oneReminder(e)
				for _, id := range []string{"a", "b", "c"} {
					e.Questions = append(e.Questions, deltag.Question{ID: id, Kind: deltag.QuestionLongText, Label: id})
				}
			})
			long := []string{strings.Repeat("x", deltag.MaxLongText)}
			for n := range people {
				in := deltag.SignUpRequest{Name: "Mette", Email: deltag.Address{Original: address(n), Normalized: address(n)}, Language: deltag.LanguageDanish,
					Answers: map[string][]string{"a": long, "b": long, "c": long}}
				if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
					t.Fatal(err)
				}
			}
			w.runDue()
			w.setTime(start.Add(-24 * time.Hour))
			w.runDue()
			rest(w)
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("WhenAnAddressIsCorrectedBehindTheCursor", func(t *testing.T, w *fixture) {
			const people = 30
			e := w.newEvent(oneReminder)
			var rs []deltag.Registration
			for n := range people {
				rs = append(rs, w.signUp(e, n))
			}
			w.runDue()
			w.setTime(start.Add(-24*time.Hour + time.Minute))
			slices.SortFunc(rs, func(a, b deltag.Registration) int { return strings.Compare(a.ID, b.ID) })
			last := rs[people-1]
			n := people // an address whose registration sorts before everybody
			for deltag.RegistrationID(e, deltag.Address{Normalized: address(n)}) > rs[0].ID {
				n++
			}
			mailer := w.mailer()
			mailer.PageSize = 10
			sent := 0
			w.ses.fault = func(deltag.OutgoingMail) (bool, error) {
				if sent++; sent == 15 { // in the second page
					in := deltag.SignUpRequest{Name: last.Name, Email: deltag.Address{Original: address(n), Normalized: address(n)}, Language: deltag.LanguageDanish}
					if err := w.store.UpdateByAttendee(ctx, e, last, in, w.clock()); err != nil {
						t.Error(err)
					}
				}
				return true, nil
			}
			if err := mailer.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			w.ses.fault = nil
			rest(w)
			want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
	})
}
