package organiser_test

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

var (
	now   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	anna  = annaAt(now)
	start = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
)

func annaAt(t time.Time) organiser.Caller {
	return organiser.Caller{Principal: deltag.Principal{Name: "anna@example.dk", Role: deltag.RoleOrganiser}, Now: t}
}

// A fixture is the use cases on a table of its own.
type fixture struct {
	*organiser.Service
	t         *testing.T
	ctx       context.Context
	store     *dynamo.Store
	transport *storetest.Transport
}

func newFixture(t *testing.T) fixture { return newFixtureOn(t, storetest.Embedded(t)) }

func newFixtureOn(t *testing.T, engine storetest.Engine) fixture {
	store := engine.Store()
	return fixture{
		Service: &organiser.Service{Store: store, Random: rand.Reader},
		t:       t, ctx: t.Context(), store: store, transport: engine.Transport,
	}
}

// newEvent creates an event, changed as the test needs it.
func (f fixture) newEvent(change func(*deltag.Event)) deltag.Event {
	f.t.Helper()
	e, err := f.CreateEvent(f.ctx, anna, func(e deltag.Event) (deltag.Event, error) {
		e.Title = "Samskabelse på dagsordenen"
		e.StartsAt, e.EndsAt = start, start.Add(time.Hour)
		e.Organiser = deltag.Organiser{Name: "UKON", Email: "hej@example.dk"}
		e.Questions = []deltag.Question{{ID: "hvad", Kind: deltag.QuestionShortText, Label: "Hvad vil du?"}}
		if change != nil {
			change(&e)
		}
		return e, nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

func (f fixture) addRegistration(e deltag.Event, email string) deltag.Registration {
	f.t.Helper()
	typed := deltag.SignUpRequest{
		Name: "Mette", Email: deltag.Address{Original: email}, Answers: map[string][]string{"hvad": {"Lære nyt"}},
	}
	_, r, err := f.AddRegistration(f.ctx, anna, e.ID, typed)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// setTitle is an edit that sets the title, and calls before each time that it is made.
func setTitle(title string, before func()) organiser.EventChange {
	return func(e deltag.Event) (deltag.Event, error) {
		before()
		e.Title = title
		return e, nil
	}
}

func wantEqual(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func wantError(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// wantInvalid wants ValidationErrors with exactly these fields and codes.
func wantInvalid(t testing.TB, err error, fields ...string) {
	t.Helper()
	var invalid deltag.ValidationErrors
	if err != nil && !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	var got []string
	for _, f := range invalid {
		got = append(got, f.Field+": "+f.Code)
	}
	wantEqual(t, got, fields)
}

// readUseCases are the methods of the Service that change nothing.
var readUseCases = map[string]bool{
	"Event": true, "Events": true, "Registration": true, "Registrations": true, "Attendees": true,
	"ExportAttendees": true, "AttendeeDetails": true, "CurrentEvents": true, "PastEvents": true,
	"Delivery": true, "Deliveries": true, "Timeline": true, "Stats": true, "LastReconciliation": true,
	"Coverage": true, "SignUps": true, "MailReport": true, "AuditLog": true, "WholeAuditLog": true, "Person": true,
	"Selected": true, "SummariseSelection": true,
}

// TestRoles calls every method of the Service, so that a use case that asks for no role fails it.
func TestRoles(t *testing.T) {
	f := newFixture(t)
	for role, may := range map[deltag.Role]func(useCase string) bool{
		"":                   func(string) bool { return false },
		"admin":              func(string) bool { return false },
		deltag.RoleReader:    func(useCase string) bool { return readUseCases[useCase] },
		deltag.RoleOrganiser: func(string) bool { return true },
		deltag.RoleOwner:     func(string) bool { return true },
	} {
		for method := range reflect.ValueOf(f.Service).Type().Methods() {
			t.Run(string(role)+"/"+method.Name, func(t *testing.T) {
				f.transport.Reset()
				err := callUseCase(f, method, role)
				forbidden := errors.Is(err, deltag.ErrForbidden)
				wantEqual(t, forbidden, !may(method.Name))
				if n := f.transport.Count(); forbidden && n > 0 {
					t.Errorf("%d requests before it was refused", n)
				}
			})
		}
	}
}

// callUseCase calls a method with zero values and returns its error.
func callUseCase(f fixture, m reflect.Method, role deltag.Role) error {
	args := []reflect.Value{reflect.ValueOf(f.Service)}
	for i := 1; i < m.Type.NumIn(); i++ {
		args = append(args, reflect.New(m.Type.In(i)).Elem())
		switch arg := args[i].Addr().Interface().(type) {
		case *context.Context:
			*arg = f.ctx
		case *organiser.Caller:
			arg.Role = role
		case *organiser.EventChange:
			*arg = func(e deltag.Event) (deltag.Event, error) { return e, nil }
		}
	}
	results := m.Func.Call(args)
	err, _ := results[len(results)-1].Interface().(error)
	return err
}
