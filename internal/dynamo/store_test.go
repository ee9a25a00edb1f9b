package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

var (
	ctx   = context.Background()
	now   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	start = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
)

func limit(n int) *int { return &n }

// newEvent makes and stores an event; change sees it before it is stored.
func newEvent(t testing.TB, s *dynamo.Store, change func(*deltag.Event)) deltag.Event {
	t.Helper()
	id, err := deltag.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := deltag.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := deltag.Event{
		ID: id, Slug: "s-" + id, Title: "Samskabelse i praksis", Description: "En time.\n\nGratis.", Language: deltag.LanguageDanish,
		StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Copenhagen", HasWaitlist: true,
		JoinURL: "https://meet.example.org/1", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret, Reminders: deltag.DefaultReminders(),
		Questions: []deltag.Question{{ID: "why", Kind: deltag.QuestionChoice, Label: "Hvorfor?", Options: []string{"a", "b"}, Required: true}},
	}
	if change != nil {
		change(&e)
	}
	e, plan := e.WithInitialState(now)
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateEvent(ctx, e, plan); err != nil {
		t.Fatal(err)
	}
	return e
}

func person(n int) deltag.SignUpRequest {
	a := fmt.Sprintf("p%d@example.dk", n)
	return deltag.SignUpRequest{
		Name: fmt.Sprintf("Person %d", n), Email: deltag.Address{Original: a, Normalized: a}, Organisation: "Eksempel Kommune",
		Answers: map[string][]string{"why": {"a"}}, Language: deltag.LanguageDanish,
	}
}

func signUp(t testing.TB, s *dynamo.Store, e deltag.Event, n int, at time.Time) (deltag.SignUpOutcome, deltag.Registration) {
	t.Helper()
	outcome, err := s.SignUp(ctx, e, person(n), at)
	if err != nil {
		t.Fatalf("sign up %d: %v", n, err)
	}
	return outcome, registration(t, s, e, n)
}

func registration(t testing.TB, s *dynamo.Store, e deltag.Event, n int) deltag.Registration {
	t.Helper()
	_, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, person(n).Email))
	if err != nil {
		t.Fatalf("registration %d: %v", n, err)
	}
	return r
}

func counts(t testing.TB, s *dynamo.Store, e deltag.Event) deltag.Counts {
	t.Helper()
	c, err := s.Counts(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kinds are those of the ledger's rows of a registration.
func kinds(t testing.TB, s *dynamo.Store, r deltag.Registration) []string {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	ks := []string{}
	for _, d := range ds {
		ks = append(ks, fmt.Sprintf("%s.%d", d.Kind, d.Version))
	}
	slices.Sort(ks)
	return ks
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestEvents(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ComesBackAsItWasStored", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(7) })
			got, err := s.Event(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, got, e)
			if got, err = s.EventBySlug(ctx, e.Slug); err != nil {
				t.Fatal(err)
			}
			want(t, got, e)
		})
		t.Run("PlansItsReminders", func(t *testing.T) {
			e := newEvent(t, s, nil)
			ms, err := s.Mailings(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			want(t, len(ms), 3)
			tasks, err := s.DueTasks(ctx, start.Add(-24*time.Hour), 100)
			if err != nil {
				t.Fatal(err)
			}
			reminder := deltag.DueTask{Kind: deltag.TaskMailing, EventID: e.ID, Mailing: deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: 1}}
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
			if err := s.UpdateEvent(ctx, next, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateEvent(ctx, next, deltag.MailingChanges{}); !errors.Is(err, deltag.ErrConflict) {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("UpdateMovesTheSlug", func(t *testing.T) {
			e := newEvent(t, s, nil)
			next := e
			next.Slug, next.Revision = e.Slug[:20]+"-new", 2
			if err := s.UpdateEvent(ctx, next, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.EventBySlug(ctx, e.Slug); !errors.Is(err, deltag.ErrNotFound) {
				t.Errorf("old slug: %v", err)
			}
			if _, err := s.EventBySlug(ctx, next.Slug); err != nil {
				t.Errorf("new slug: %v", err)
			}
		})
		t.Run("ListsByStartInPages", func(t *testing.T) {
			late := newEvent(t, s, func(e *deltag.Event) { e.StartsAt, e.EndsAt = start.AddDate(1, 0, 0), start.AddDate(1, 0, 1) })
			var all []string
			cursor := ""
			for {
				es, next, err := s.Events(ctx, cursor, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range es {
					all = append(all, e.ID)
				}
				if cursor = next; cursor == "" {
					break
				}
			}
			want(t, all[len(all)-1], late.ID)
			up, err := s.Upcoming(ctx, start.AddDate(0, 6, 0), 10)
			if err != nil {
				t.Fatal(err)
			}
			want(t, len(up), 1)
		})
		t.Run("RefusesACursorOfSomethingElse", func(t *testing.T) {
			for _, cursor := range []string{"?", "e30", "eyJQSyI6IngiLCJTSyI6InkifQ"} {
				if _, _, err := s.Events(ctx, cursor, 2); !errors.As(err, new(deltag.ValidationErrors)) {
					t.Errorf("%q: %v", cursor, err)
				}
			}
		})
	})
}

func TestSignUp(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("StoresRegistrationAndConfirmationInOneCall", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, newEvent(t, s, nil), 1, now) // a warm process has the table's key
			engine.Transport.Reset()
			outcome, err := s.SignUp(ctx, e, person(1), now)
			if err != nil {
				t.Fatal(err)
			}
			want(t, engine.Transport.Count(), 1)
			want(t, outcome, deltag.OutcomeConfirmed)
			r := registration(t, s, e, 1)
			want(t, kinds(t, s, r), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			want(t, r.Answers, map[string][]string{"why": {"a"}})
		})
		t.Run("RepeatedAtOnceIsOneRegistrationAndOneConfirmation", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 1, now)
			outcome, r := signUp(t, s, e, 1, now.Add(59*time.Second))
			want(t, outcome, deltag.OutcomeAlreadyRegistered)
			want(t, kinds(t, s, r), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RepeatedLaterSendsTheConfirmationAgain", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUp(t, s, e, 1, now)
			_, r := signUp(t, s, e, 1, now.Add(time.Minute))
			want(t, kinds(t, s, r), []string{"confirmation.1", "confirmation.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RepeatDoesNotChangeWhatIsStored", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, before := signUp(t, s, e, 1, now)
			other := person(1)
			other.Name = "Somebody Else"
			if _, err := s.SignUp(ctx, e, other, now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 1), before)
		})
		t.Run("SixteenAtOnceForOneAddressIsOneRegistration", func(t *testing.T) {
			e := newEvent(t, s, nil)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if _, err := s.SignUp(ctx, e, person(1), now); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			want(t, kinds(t, s, registration(t, s, e, 1)), []string{"confirmation.1"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("FullEventGoesToWaitingList", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			signUp(t, s, e, 1, now)
			outcome, second := signUp(t, s, e, 2, now.Add(time.Second))
			want(t, outcome, deltag.OutcomeWaitlisted)
			want(t, kinds(t, s, second), []string{"waiting.1"})
			_, third := signUp(t, s, e, 3, now.Add(2*time.Second))
			for r, place := range map[string]int{second.ID: 1, third.ID: 2} {
				_, reg, _ := s.EventAndRegistration(ctx, e.ID, r)
				got, err := s.WaitlistPosition(ctx, reg)
				if err != nil {
					t.Fatal(err)
				}
				want(t, got, place)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("FullEventWithoutWaitingListStoresNothing", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity, e.HasWaitlist = limit(1), false })
			signUp(t, s, e, 1, now)
			if _, err := s.SignUp(ctx, e, person(2), now); !errors.Is(err, deltag.ErrFull) {
				t.Fatalf("got %v", err)
			}
			if _, _, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, person(2).Email)); !errors.Is(err, deltag.ErrNotFound) {
				t.Fatalf("got %v", err)
			}
			if _, err := s.SignUp(ctx, e, person(1), now); !errors.Is(err, deltag.ErrFull) {
				t.Errorf("an address that is signed up stands out: %v", err)
			}
		})
	})
}

func TestSeats(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("AFreedSeatGoesToTheFirstInLine", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			if err := s.CancelRegistration(ctx, e, first, now.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"promoted.2", "waiting.1"})
			want(t, kinds(t, s, first), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("WhoReturnsGoesToTheEnd", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			signUp(t, s, e, 3, now.Add(2))
			if err := s.CancelRegistration(ctx, e, first, now.Add(3)); err != nil {
				t.Fatal(err)
			}
			outcome, err := s.Rejoin(ctx, e, registration(t, s, e, 1), now.Add(4))
			if err != nil {
				t.Fatal(err)
			}
			want(t, outcome, deltag.OutcomeWaitlisted)
			place, err := s.WaitlistPosition(ctx, registration(t, s, e, 1))
			if err != nil {
				t.Fatal(err)
			}
			want(t, place, 2)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 2})
		})
		t.Run("ANewcomerDoesNotTakeASeatThatSomebodyWaitsFor", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now.Add(1))
			raised := e
			raised.Capacity, raised.Revision = limit(2), 2
			if err := s.UpdateEvent(ctx, raised, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			outcome, _ := signUp(t, s, e, 3, now.Add(2)) // before the repair has run
			want(t, outcome, deltag.OutcomeWaitlisted)
			if err := s.Promote(ctx, e.ID, now.Add(3)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			want(t, registration(t, s, e, 3).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("LoweredCapacityThrowsNobodyOut", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(3) })
			for n := range 3 {
				signUp(t, s, e, n, now)
			}
			lowered := e
			lowered.Capacity, lowered.Revision = limit(1), 2
			if err := s.UpdateEvent(ctx, lowered, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			signUp(t, s, e, 4, now)
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 0), now); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 2, Waitlisted: 1, Cancelled: 1})
		})
		t.Run("ALimitOnARunningEventCountsThoseWhoCameBefore", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range 20 {
				signUp(t, s, e, n, now)
			}
			limited := e
			limited.Capacity, limited.HasSeatCounter, limited.Revision = limit(20), true, 2
			if err := s.UpdateEvent(ctx, limited, deltag.MailingChanges{}); err != nil {
				t.Fatal(err)
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20})
			outcome, _ := signUp(t, s, e, 20, now) // by a function that knows the event as it was
			want(t, outcome, deltag.OutcomeWaitlisted)
			if err := s.CancelRegistration(ctx, e, registration(t, s, e, 3), now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 20).Status, deltag.RegistrationWaitlisted) // the stale event did not know of seats
			if err := s.Promote(ctx, e.ID, now); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 20).Status, deltag.RegistrationConfirmed)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 20, Cancelled: 1})
		})
		t.Run("NobodyIsPromotedAfterTheEnd", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, first := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now)
			if err := s.CancelRegistration(ctx, e, first, e.EndsAt); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationWaitlisted)
		})
		t.Run("WithdrawIsHarmlessToRepeat", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			for range 3 {
				if err := s.CancelRegistration(ctx, e, r, now); err != nil {
					t.Fatal(err)
				}
			}
			want(t, kinds(t, s, r), []string{"confirmation.1", "withdrawn.2"})
			want(t, counts(t, s, e), deltag.Counts{Cancelled: 1})
		})
	})
}

// sendFarewell takes an address's last mail to its end, as the mailer does.
func sendFarewell(t *testing.T, s *dynamo.Store, e deltag.Event, a deltag.Address) {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, e.ID, deltag.RegistrationID(e, a))
	if err != nil || len(ds) != 1 || !ds[0].Kind.IsFinal() {
		t.Fatal(ds, err)
	}
	d := ds[0].Claim(now)
	if err := s.Claim(ctx, d, *d.DetachedRecipient); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveDelivery(ctx, d.MarkSent("ses-1", now)); err != nil {
		t.Fatal(err)
	}
}

func TestOwnData(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("ANewAddressMovesTheRegistration", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.EventAndRegistration(ctx, e.ID, r.ID); !errors.Is(err, deltag.ErrNotFound) {
				t.Errorf("the old one: %v", err)
			}
			moved := registration(t, s, e, 2)
			want(t, moved.RegisteredAt, r.RegisteredAt)
			want(t, moved.PreviousIDs, []string{r.ID})
			want(t, kinds(t, s, moved), []string{"confirmation.2"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "readdressed.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
			if err := (deltag.Link{EventID: e.ID, RegistrationID: moved.ID, Purpose: deltag.PurposeManage}).Check(nil, r.Secret); err == nil {
				t.Error("the old secret still opens it")
			}
		})
		t.Run("AnAddressThatIsSignedUpKeepsItsOwn", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			_, other := signUp(t, s, e, 2, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			got := registration(t, s, e, 2)
			want(t, got.Name, other.Name)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("ErasureLeavesNothingOfThePerson", func(t *testing.T) {
			e := newEvent(t, s, func(e *deltag.Event) { e.Capacity = limit(1) })
			_, r := signUp(t, s, e, 1, now)
			signUp(t, s, e, 2, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(3), now); err != nil {
				t.Fatal(err)
			}
			if err := s.Erase(ctx, e, registration(t, s, e, 3), now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			want(t, registration(t, s, e, 2).Status, deltag.RegistrationConfirmed)
			sendFarewell(t, s, e, person(1).Email)
			sendFarewell(t, s, e, person(3).Email)
			for _, it := range engine.Dump(t) {
				if text := fmt.Sprint(it); it["PK"] == "EVENT#"+e.ID && (strings.Contains(text, "p1@example.dk") || strings.Contains(text, "p3@example.dk") || strings.Contains(text, "Person 1")) {
					t.Errorf("left: %s", text)
				}
			}
		})
		t.Run("AnAddressMayGoBackToWhatItWas", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			if err := s.UpdateByAttendee(ctx, e, r, person(2), now); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateByAttendee(ctx, e, registration(t, s, e, 2), person(1), now); err != nil {
				t.Fatal(err)
			}
			back := registration(t, s, e, 1)
			want(t, back.PreviousIDs, []string{deltag.RegistrationID(e, person(2).Email)})
			want(t, kinds(t, s, back), []string{"confirmation.1", "confirmation.3", "readdressed.2"})
		})
		t.Run("AnOrganisersCorrectionLeavesTheOldAddressAloneAndSendsWhatItMissed", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			for version, outcome := range map[int]deltag.SESEventType{1: deltag.SESBounce, 2: deltag.SESDelivery} {
				d := deltag.NewDelivery(r, deltag.KindMessage, version, now).Claim(now)
				d, _ = d.ApplySESEvent(deltag.SESEvent{Type: outcome, At: now})
				d.Revision = 0
				if err := s.SaveDelivery(ctx, d); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 3, now, "Husk kaffe").Claim(now)); err != nil {
				t.Fatal(err)
			}
			if err := s.PutMailing(ctx, e.NewMailing(deltag.KindMessage, 4, now, "Endnu ikke").SuspendUntil(now.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateByOrganiser(ctx, e, r, person(2), now); err != nil {
				t.Fatal(err)
			}
			want(t, kinds(t, s, registration(t, s, e, 2)), []string{"confirmation.2", "message.1", "message.3"})
			want(t, kinds(t, s, r), []string{"confirmation.1", "message.1", "message.2"})
		})
		t.Run("WhoSignsUpAgainAfterAnErasureKeepsTheNewMail", func(t *testing.T) {
			e := newEvent(t, s, nil)
			_, r := signUp(t, s, e, 1, now)
			process := engine.NewClient()
			process.Transport.InjectFault(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
				if n > 1 { // the function ends once the registration is gone
					return nil, errors.New("gone")
				}
				return send()
			})
			if err := process.Store().Erase(ctx, e, r, now); err == nil {
				t.Fatal("it did not end")
			}
			_, again := signUp(t, s, e, 1, now.Add(time.Second))
			if err := s.PurgeDeliveries(ctx, e.ID, r.ID); err != nil {
				t.Fatal(err)
			}
			want(t, kinds(t, s, again), []string{"confirmation.1", "erased.2"})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1})
		})
		t.Run("RetentionErasesAllPeopleAndKeepsTheNumbers", func(t *testing.T) {
			e := newEvent(t, s, nil)
			for n := range 7 {
				signUp(t, s, e, n, now)
			}
			if done, err := s.EraseEvent(ctx, e.ID, e.RetentionEndsAt().Add(-time.Second)); !done || err != nil {
				t.Fatal(done, err)
			}
			want(t, len(kinds(t, s, registration(t, s, e, 1))), 1)
			for range 10 {
				done, err := s.EraseEvent(ctx, e.ID, e.RetentionEndsAt())
				if err != nil {
					t.Fatal(err)
				}
				if done {
					break
				}
			}
			for _, it := range engine.Dump(t) {
				if it["PK"] == "EVENT#"+e.ID && strings.Contains(fmt.Sprint(it), "@example.dk") && it["SK"] != "META" {
					t.Errorf("left: %v", it)
				}
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 7})
		})
	})
}
