package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
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

func capacity(n int) *int { return &n }

func withCapacity(n int) func(*deltag.Event) { return func(e *deltag.Event) { e.Capacity = &n } }

// newEvent makes and stores an event; change sees it before it is stored.
func newEvent(t testing.TB, s *dynamo.Store, change func(*deltag.Event)) deltag.Event {
	t.Helper()
	id, err := deltag.NewID(rand.Reader)
	must(t, err)
	secret, err := deltag.NewSecret(rand.Reader)
	must(t, err)
	e := deltag.Event{
		ID: id, Slug: "s-" + id, Title: "Samskabelse i praksis", Description: "En time.\n\nGratis.",
		Language: deltag.LanguageDanish, StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Copenhagen",
		HasWaitlist: true,
		JoinURL:     "https://meet.example.org/1", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret, ScheduledMails: deltag.DefaultScheduledMails(),
		ConfirmationText: "Hav papir klar.",
		Questions: []deltag.Question{{
			ID: "why", Kind: deltag.QuestionChoice, Label: "Hvorfor?", Options: []string{"a", "b"}, Required: true,
		}},
	}
	if change != nil {
		change(&e)
	}
	e, mailings := e.WithInitialState(now)
	must(t, e.Validate())
	must(t, s.CreateEvent(ctx, e, mailings))
	return e
}

func person(n int) deltag.SignUpRequest {
	a := fmt.Sprintf("p%d@example.dk", n)
	return deltag.SignUpRequest{
		Name: fmt.Sprintf("Person %d", n), Email: deltag.Address{Original: a, Normalized: a},
		Organisation: "Eksempel Kommune", Answers: map[string][]string{"why": {"a"}}, Language: deltag.LanguageDanish,
	}
}

func signUp(
	t testing.TB, s *dynamo.Store, e deltag.Event, n int, at time.Time,
) (deltag.SignUpOutcome, deltag.Registration) {
	t.Helper()
	outcome, err := s.SignUp(ctx, e, person(n), at)
	if err != nil {
		t.Fatalf("sign up %d: %v", n, err)
	}
	return outcome, registration(t, s, e, n)
}

// eventWithPerson1 is a new event, and the first registration for it.
func eventWithPerson1(
	t testing.TB, s *dynamo.Store, change func(*deltag.Event),
) (deltag.Event, deltag.Registration) {
	t.Helper()
	e := newEvent(t, s, change)
	_, r := signUp(t, s, e, 1, now)
	return e, r
}

// signUpMany signs up the persons 0 to n-1, a nanosecond apart.
func signUpMany(t testing.TB, s *dynamo.Store, e deltag.Event, n int) {
	t.Helper()
	for i := range n {
		signUp(t, s, e, i, now.Add(time.Duration(i)))
	}
}

// changeAddress has r's owner change the address to that of a person, who presses the button in the mail.
func changeAddress(t testing.TB, s *dynamo.Store, e deltag.Event, r deltag.Registration, to int, at time.Time) {
	t.Helper()
	must(t, s.UpdateByAttendee(ctx, e, r, person(to), at))
	_, r, err := s.EventAndRegistration(ctx, e.ID, r.ID)
	must(t, err)
	must(t, s.ConfirmAddressChange(ctx, e, r, true, at))
}

func registration(t testing.TB, s *dynamo.Store, e deltag.Event, n int) deltag.Registration {
	t.Helper()
	_, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, person(n).Email))
	if err != nil {
		t.Fatalf("registration %d: %v", n, err)
	}
	return r
}

// confirmation reads the latest mail about r, which is a confirmation.
func confirmation(t testing.TB, s *dynamo.Store, r deltag.Registration) deltag.Delivery {
	t.Helper()
	d, err := s.Delivery(ctx, deltag.DeliveryKey{
		EventID: r.EventID, RegistrationID: r.ID, Kind: deltag.KindConfirmation, Version: r.MailVersion,
	})
	must(t, err)
	return d
}

func waitlistPosition(t testing.TB, s *dynamo.Store, e deltag.Event, n int) int {
	t.Helper()
	position, err := s.WaitlistPosition(ctx, registration(t, s, e, n))
	must(t, err)
	return position
}

// setCapacity stores e, as it was created, with another capacity.
func setCapacity(t testing.TB, s *dynamo.Store, e deltag.Event, n int) {
	t.Helper()
	e.Capacity, e.HasSeatCounter, e.Revision = &n, true, 2
	must(t, s.UpdateEvent(ctx, e, deltag.MailingChanges{}))
}

// eraseEvent erases all people of e, each step in a process of its own, as if the one before had crashed.
func eraseEvent(t testing.TB, engine storetest.Engine, e deltag.Event) {
	t.Helper()
	for done := false; !done; {
		var err error
		done, err = engine.NewClient().Store().EraseEvent(ctx, e.ID, e.RetentionEndsAt())
		must(t, err)
	}
}

// wantNothingLeft checks that no item of e contains any of texts, apart from the organiser's address.
func wantNothingLeft(t testing.TB, engine storetest.Engine, e deltag.Event, texts ...string) {
	t.Helper()
	for _, it := range engine.Dump(t) {
		text := strings.ReplaceAll(fmt.Sprint(it), e.Organiser.Email, "")
		contains := func(personal string) bool { return strings.Contains(text, personal) }
		if isOf(e, it) && slices.ContainsFunc(texts, contains) {
			t.Errorf("left: %s", text)
		}
	}
}

// isOf says whether an item is one of e's.
func isOf(e deltag.Event, it map[string]any) bool {
	return strings.HasPrefix(it["PK"].(string), "EVENT#"+e.ID)
}

func counts(t testing.TB, s *dynamo.Store, e deltag.Event) deltag.Counts {
	t.Helper()
	c, err := s.Counts(ctx, e)
	must(t, err)
	return c
}

// kinds are the kinds and versions of a registration's deliveries.
func kinds(t testing.TB, s *dynamo.Store, r deltag.Registration) []string {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	must(t, err)
	ks := []string{}
	for _, d := range ds {
		ks = append(ks, fmt.Sprintf("%s.%d", d.Kind, d.Version))
	}
	slices.Sort(ks)
	return ks
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
