package mailing_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo/storetest"
	"deltag/internal/mailing"
)

// TestWalkLosesNobody: each of these walks ends, and everybody has their reminder.
func TestWalkLosesNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, engine storetest.Engine) {
		run := func(name string, test func(t *testing.T, w *world)) {
			t.Run(name, func(t *testing.T) { test(t, newWorld(t, engine.Another(t))) })
		}
		oneReminder := func(e *deltag.Event) { e.Reminders = e.Reminders[:1] }
		rest := func(w *world) { // with time enough
			for range 3 {
				w.goTo(w.clock().Add(time.Hour))
				w.tick()
			}
		}
		run("WhenThePaceIsTooSlowForATick", func(t *testing.T, w *world) {
			const people = 30
			e := w.newEvent(oneReminder)
			for n := range people {
				w.signUp(e, n)
			}
			w.tick()
			w.goTo(start.Add(-24 * time.Hour))
			// As after throttling: a page takes longer than a tick, which has a second beside its reserve, has left.
			for range 3 * people {
				slow := mailing.New(w.store, plain{}, w.ses, w.clock, slog.New(slog.DiscardHandler), 0.01)
				short, cancel := context.WithTimeout(ctx, 11*time.Second)
				if err := slow.Tick(short); err != nil {
					t.Fatal(err)
				}
				cancel()
				w.goTo(w.clock().Add(time.Minute))
			}
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("WhenAnswersAreLong", func(t *testing.T, w *world) {
			const people = 120 // of 12 KB: DynamoDB's page of 1 MB holds fewer than the walk asks for
			e := w.newEvent(func(e *deltag.Event) {
				oneReminder(e)
				for _, id := range []string{"a", "b", "c"} {
					e.Questions = append(e.Questions, deltag.Question{ID: id, Kind: deltag.LongText, Label: id})
				}
			})
			long := []string{strings.Repeat("x", deltag.MaxLongText)}
			for n := range people {
				in := deltag.SignUp{Name: "Mette", Email: deltag.Address{Typed: address(n), Identity: address(n)}, Language: deltag.Danish,
					Answers: map[string][]string{"a": long, "b": long, "c": long}}
				if _, err := w.store.SignUp(ctx, e, in, w.clock()); err != nil {
					t.Fatal(err)
				}
			}
			w.tick()
			w.goTo(start.Add(-24 * time.Hour))
			w.tick()
			rest(w)
			for n := range people {
				want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
			}
		})
		run("WhenAnAddressIsCorrectedBehindTheCursor", func(t *testing.T, w *world) {
			const people = 30
			e := w.newEvent(oneReminder)
			var rs []deltag.Registration
			for n := range people {
				rs = append(rs, w.signUp(e, n))
			}
			w.tick()
			w.goTo(start.Add(-24*time.Hour + time.Minute))
			slices.SortFunc(rs, func(a, b deltag.Registration) int { return strings.Compare(a.ID, b.ID) })
			last := rs[people-1]
			n := people // an address whose registration sorts before everybody
			for deltag.RegistrationID(e, deltag.Address{Identity: address(n)}) > rs[0].ID {
				n++
			}
			mailer := w.mailer()
			mailer.Page = 10
			sent := 0
			w.ses.fault = func(deltag.Mail) (bool, error) {
				if sent++; sent == 15 { // in the second page
					in := deltag.SignUp{Name: last.Name, Email: deltag.Address{Typed: address(n), Identity: address(n)}, Language: deltag.Danish}
					if err := w.store.Change(ctx, e, last, in, w.clock()); err != nil {
						t.Error(err)
					}
				}
				return true, nil
			}
			if err := mailer.Tick(ctx); err != nil {
				t.Fatal(err)
			}
			w.ses.fault = nil
			rest(w)
			want(t, w.ses.to(address(n)), map[string]int{"confirmation": 1, "reminder-P1D": 1})
		})
	})
}
