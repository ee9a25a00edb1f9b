package mailer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/mailer"
)

// A staleIndex lists tasks as due whatever their items say, once each tick.
type staleIndex struct {
	mailer.Store
	tasks []deltag.DueTask
}

func (s staleIndex) DueTasks(context.Context, time.Time, int) ([]deltag.DueTask, error) {
	return slices.Clone(s.tasks), nil
}

// runOverHours gives mailings of the past time enough.
func (f *fixture) runOverHours() {
	f.t.Helper()
	for range 3 {
		f.setTime(f.clock().Add(time.Hour))
		f.runDue()
	}
}

// TestMailingReachesEverybody: whatever happens on the way, a mailing ends and everybody has their reminder once.
func TestMailingReachesEverybody(t *testing.T) {
	once := map[string]int{"confirmation": 1, "reminder-P1D": 1}
	onEachEngine(t, func(run runFunc) {
		run("WhenTheRateIsTooSlowForATick", func(t *testing.T, f *fixture) {
			const people = 30
			f.signUpMany(f.newEvent(oneReminder), people)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			// As after throttling: a page takes longer than a tick, which has a second beside its margin, has left.
			for range 3 * people {
				short, cancel := context.WithTimeout(ctx, 11*time.Second)
				if err := f.mailerAt(0.01).RunDue(short); err != nil {
					t.Fatal(err)
				}
				cancel()
				f.setTime(f.clock().Add(time.Minute))
			}
			f.wantMailsToEach(people, once)
		})
		run("WhenAPageIsLimitedByItsSize", func(t *testing.T, f *fixture) {
			const people = 120 // of 12 KB: DynamoDB's page of 1 MB holds fewer than the mailing asks for
			e := f.newEvent(func(e *deltag.Event) {
				oneReminder(e)
				for _, id := range []string{"a", "b", "c"} {
					e.Questions = append(e.Questions, deltag.Question{ID: id, Kind: deltag.QuestionLongText, Label: id})
				}
			})
			long := []string{strings.Repeat("x", deltag.MaxLongText)}
			for n := range people {
				request := signUpRequest(n)
				request.Answers = map[string][]string{"a": long, "b": long, "c": long}
				if _, err := f.store.SignUp(ctx, e, request, f.clock()); err != nil {
					t.Fatal(err)
				}
			}
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			f.runDue()
			f.runOverHours()
			f.wantMailsToEach(people, once)
		})
		run("WhenTheLastPageIsFull", func(t *testing.T, f *fixture) {
			f.signUpMany(f.newEvent(oneReminder), 20)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.PageSize = 10
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			f.wantMailsToEach(20, once)
		})
		run("WhenAnAddressIsCorrectedToAnIDBeforeTheCheckpoint", func(t *testing.T, f *fixture) {
			const people = 30
			e := f.newEvent(oneReminder)
			rs := f.signUpMany(e, people)
			f.runDue()
			f.setTime(start.Add(-24*time.Hour + time.Minute))
			slices.SortFunc(rs, func(a, b deltag.Registration) int { return strings.Compare(a.ID, b.ID) })
			last := rs[people-1]
			n := people // an address whose registration sorts before all others
			for registrationID(e, n) > rs[0].ID {
				n++
			}
			m := f.mailer()
			m.PageSize = 10
			sent := 0
			f.ses.fault = func(deltag.OutgoingMail) (bool, error) {
				if sent++; sent == 15 { // on the second page
					if err := f.changeAddress(e, last, n); err != nil {
						t.Error(err)
					}
				}
				return true, nil
			}
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			f.ses.fault = nil
			f.runOverHours()
			want(t, f.ses.to(address(n)), once)
		})
		for name, storeOf := range map[string]func(*dynamo.Store) mailer.Store{
			"WhenOneWriteOfAPageFailsAndTheDeadlineStopsTheRest": func(s *dynamo.Store) mailer.Store { return failingClaim{s} },
			"WhenTheRowsOfMailsThatHaveToWaitAreNotWritten":      func(s *dynamo.Store) mailer.Store { return failingNewRows{s} },
		} {
			run(name, func(t *testing.T, f *fixture) {
				f.signUpMany(f.newEvent(oneReminder), 10)
				f.runDue()
				f.setTime(start.Add(-24 * time.Hour))
				m := f.mailerAt(0.01) // one mail, and no time for a second
				m.Store = storeOf(f.store)
				tick, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				if err := m.RunDue(tick); !errors.Is(err, deltag.ErrUnavailable) {
					t.Errorf("RunDue: %v", err)
				}
				f.runOverHours()
				f.wantMailsToEach(10, once)
			})
		}
	})
}

// A failingNewRows is a table that is not reached by writes of rows that are not claimed yet.
type failingNewRows struct{ *dynamo.Store }

func (s failingNewRows) SaveDelivery(ctx context.Context, d deltag.Delivery) error {
	if d.Revision == 0 {
		return deltag.ErrUnavailable
	}
	return s.Store.SaveDelivery(ctx, d)
}

// A failingClaim is a table that is not reached by Claim.
type failingClaim struct{ *dynamo.Store }

func (failingClaim) Claim(context.Context, deltag.Delivery, deltag.Registration) error {
	return deltag.ErrUnavailable
}

// TestUrgentMailOvertakesAMailing: a confirmation does not wait until the mailing's last page.
func TestUrgentMailOvertakesAMailing(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("AfterThePageUnderWay", func(t *testing.T, f *fixture) {
			e := f.newEvent(oneReminder)
			f.signUpMany(e, 30)
			f.runDue()
			f.setTime(start.Add(-24 * time.Hour))
			m := f.mailer()
			m.PageSize = 10
			position := 0
			f.ses.fault = func(mail deltag.OutgoingMail) (bool, error) {
				if mail.To == address(30) {
					position = len(f.ses.mails) - 30
				} else if len(f.ses.mails) == 30 { // the mailing's first
					f.signUp(e, 30)
				}
				return true, nil
			}
			if err := m.RunDue(ctx); err != nil {
				t.Fatal(err)
			}
			if position != 10 {
				t.Errorf("the confirmation went out after %d of 30 reminders", position)
			}
		})
	})
}
