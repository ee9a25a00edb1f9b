package organiser_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

// auditLog are the entries about an event, the first first.
func (f fixture) auditLog(e deltag.Event) []deltag.AuditEntry {
	f.t.Helper()
	_, page, err := f.AuditLog(f.ctx, anna, e.ID, "", 100)
	if err != nil {
		f.t.Fatal(err)
	}
	entries := page.Items
	for i := range len(entries) / 2 {
		entries[i], entries[len(entries)-1-i] = entries[len(entries)-1-i], entries[i]
	}
	return entries
}

// An auditedChange is a use case that changes something, and what the audit log has to say of it.
type auditedChange struct {
	useCase string // the method of Service
	do      func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error
	action  deltag.AuditAction
	details []string
	ofOne   bool // it is about the registration
	again   bool // repeating it is another change
}

func auditedChanges() []auditedChange {
	edit := func(change func(*deltag.Event)) func(fixture, organiser.Caller, deltag.Event, deltag.Registration) error {
		return func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
			_, _, err := f.EditEvent(f.ctx, by, e.ID, organiser.AnyRevision, func(e deltag.Event) (deltag.Event, error) {
				change(&e)
				return e, nil
			})
			return err
		}
	}
	name := "Mette Maria"
	return []auditedChange{
		{useCase: "EditEvent", action: deltag.AuditEventEdited, details: []string{"title", "capacity"},
			do: edit(func(e *deltag.Event) { e.Title, e.Capacity = "Ny titel", new(int); *e.Capacity = 5 })},
		{useCase: "EditEvent", action: deltag.AuditEventClosed,
			do: edit(func(e *deltag.Event) { e.Status = deltag.EventClosed })},
		{useCase: "CancelEvent", action: deltag.AuditEventCancelled,
			do: func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
				_, _, err := f.CancelEvent(f.ctx, by, e.ID)
				return err
			}},
		{useCase: "SendNotice", action: deltag.AuditNoticeSent,
			do: func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
				_, _, err := f.SendNotice(f.ctx, by, e.ID)
				return err
			}},
		{useCase: "Reconcile", action: deltag.AuditRecounted, again: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
				_, _, err := f.Reconcile(f.ctx, by, e.ID)
				return err
			}},
		{useCase: "SendMessage", action: deltag.AuditMessageSent, details: []string{"waiting"},
			do: func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
				_, _, err := f.SendMessage(f.ctx, by, e.ID, organiser.Message{Audience: deltag.AudienceWaitlisted, Text: "Hej Mette"})
				return err
			}},
		{useCase: "PreviewMessage", action: deltag.AuditMessageTested,
			do: func(f fixture, by organiser.Caller, e deltag.Event, _ deltag.Registration) error {
				_, _, err := f.PreviewMessage(f.ctx, by, e.ID, organiser.Message{Text: "Hej Mette"})
				return err
			}},
		{useCase: "EditRegistration", action: deltag.AuditRegistrationCorrected, details: []string{"name"}, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				_, _, err := f.EditRegistration(f.ctx, by, e.ID, r.ID, organiser.RegistrationEdit{Name: &name})
				return err
			}},
		{useCase: "EditRegistration", action: deltag.AuditRegistrationCancelled, ofOne: true, do: cancelRegistration},
		{useCase: "GiveSeat", action: deltag.AuditSeatGiven, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				_, err := f.GiveSeat(f.ctx, by, e.ID, r.ID)
				return err
			}},
		{useCase: "NoteAttended", action: deltag.AuditAttendanceNoted, details: []string{"yes"}, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				return f.NoteAttended(f.ctx, by, e.ID, r.ID, true)
			}},
		{useCase: "ResendDelivery", action: deltag.AuditMailResent, details: []string{"confirmation"}, ofOne: true, do: resend},
		{useCase: "Import", action: deltag.AuditRegistrationImported, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				in := list(f.t, "Navn;E-mail", r.Name+";"+r.Email.Original)
				in.AddCancelled = true
				_, err := f.Import(f.ctx, by, e.ID, in, 0, func() bool { return false })
				return err
			}},
		{useCase: "NoteAttendance", action: deltag.AuditAttendanceNoted, details: []string{"yes"}, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				_, _, err := f.NoteAttendance(f.ctx, by, e.ID, []string{r.ID}, func() bool { return false })
				return err
			}},
		{useCase: "ErasePerson", action: deltag.AuditRegistrationErased, ofOne: true,
			do: func(f fixture, by organiser.Caller, _ deltag.Event, r deltag.Registration) error {
				_, err := f.ErasePerson(f.ctx, by, r.Email)
				return err
			}},
		{useCase: "CancelSelected", action: deltag.AuditRegistrationCancelled, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				_, err := f.CancelSelected(f.ctx, by, e.ID, organiser.Selection{IDs: []string{r.ID}}, allAt(by.Now))
				return err
			}},
		{useCase: "ResendToSelected", action: deltag.AuditMailResent, details: []string{"confirmation"}, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				_, err := f.ResendToSelected(f.ctx, by, e.ID, organiser.Selection{All: true}, allAt(by.Now))
				return err
			}},
		{useCase: "EraseRegistration", action: deltag.AuditRegistrationErased, ofOne: true,
			do: func(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
				return f.EraseRegistration(f.ctx, by, e.ID, r.ID)
			}},
	}
}

func cancelRegistration(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
	cancelled := deltag.RegistrationCancelled
	_, _, err := f.EditRegistration(f.ctx, by, e.ID, r.ID, organiser.RegistrationEdit{Status: &cancelled})
	return err
}

func resend(f fixture, by organiser.Caller, e deltag.Event, r deltag.Registration) error {
	deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, r.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if d.Kind == deltag.KindConfirmation {
			return f.ResendDelivery(f.ctx, by, e.ID, d.ID())
		}
	}
	return deltag.ErrNotFound
}

// prepare brings an event, and a registration for it, to where the change is one.
func (c auditedChange) prepare(f fixture) (deltag.Event, deltag.Registration) {
	f.t.Helper()
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	var err error
	switch c.useCase {
	case "SendNotice":
		e, _, err = f.EditEvent(f.ctx, anna, e.ID, organiser.AnyRevision, setTitle("Anden titel", func() {}))
	case "GiveSeat", "Import":
		err = cancelRegistration(f, anna, e, r)
	case "ResendDelivery", "ResendToSelected":
		var d []deltag.Delivery
		if d, err = f.store.DeliveriesOf(f.ctx, e.ID, r.ID); err == nil {
			d[0].Status, d[0].Revision = deltag.DeliverySent, d[0].Revision+1
			err = f.store.SaveDelivery(f.ctx, d[0])
		}
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return e, r
}

func TestAuditLog(t *testing.T) {
	by := annaAt(now.Add(time.Minute))
	by.Channel = deltag.ChannelConsole
	for _, c := range auditedChanges() {
		t.Run(c.useCase+"/"+string(c.action), func(t *testing.T) {
			engine := storetest.Embedded(t)
			f := newFixtureOn(t, engine)
			e, r := c.prepare(f)
			before := len(f.auditLog(e))
			if err := c.do(f, by, e, r); err != nil {
				t.Fatal(err)
			}
			log := f.auditLog(e)
			if len(log) != before+1 {
				t.Fatalf("%d entries, want 1: %v", len(log)-before, log[before:])
			}
			want := deltag.AuditEntry{
				At: by.Now, Actor: "anna@example.dk", Channel: deltag.ChannelConsole, Action: c.action, EventID: e.ID,
				Details: c.details,
			}
			if c.ofOne {
				want.RegistrationID = r.ID
			} else {
				changed, _, err := f.Event(f.ctx, anna, e.ID)
				if err != nil {
					t.Fatal(err)
				}
				want.Subject = changed.Title
			}
			wantEqual(t, log[before], want)
			if err := c.do(f, by, e, r); c.again && err != nil {
				t.Errorf("again: %v", err)
			}
			if n := len(f.auditLog(e)) - len(log); c.again != (n == 1) || n > 1 {
				t.Errorf("%d entries of the repetition", n)
			}
			for _, it := range engine.Dump(t) {
				pk, _ := it["PK"].(string)
				text := strings.ToLower(fmt.Sprint(it))
				if strings.HasPrefix(pk, "AUDIT#") && (strings.Contains(text, "mette") || strings.Contains(text, "lære")) {
					t.Errorf("names an attendee: %v", it)
				}
			}
		})
	}
}

// TestAuditLogHasEveryUseCase fails for a use case that neither only reads nor is in auditedChanges.
func TestAuditLogHasEveryUseCase(t *testing.T) {
	audited := map[string]bool{
		"CreateEvent": true, "CloneEvent": true, "CopyEvent": true, "DeleteEvent": true, "AddRegistration": true, // TestAuditLogOfWhatIsNew
		"CheckMessage": true, "MayDeleteEvent": true, "PlanImport": true, "PlanAttendance": true, "PreviewCancel": true, "PreviewEdit": true,
		"PreviewEvent": true, // change nothing
	}
	for _, c := range auditedChanges() {
		audited[c.useCase] = true
	}
	for method := range reflect.TypeFor[*organiser.Service]().Methods() {
		if !readUseCases[method.Name] && !audited[method.Name] {
			t.Errorf("%s changes something, and no test sees it in the audit log", method.Name)
		}
	}
}

func TestAuditLogOfWhatIsNew(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	later := annaAt(now.Add(time.Second))
	_, r, err := f.AddRegistration(f.ctx, later, e.ID, deltag.SignUpRequest{
		Name: "Mette", Email: deltag.Address{Original: "mette@example.dk"},
	})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := f.CloneEvent(f.ctx, anna, e.ID, organiser.Clone{StartsAt: start.AddDate(0, 0, 7)})
	if err != nil {
		t.Fatal(err)
	}
	actions := func(e deltag.Event) (texts []string) {
		for _, entry := range f.auditLog(e) {
			texts = append(texts, fmt.Sprint(entry.Action, " ", entry.Subject, entry.RegistrationID))
		}
		return texts
	}
	wantEqual(t, actions(e), []string{"event.created " + e.Title, "registration.added " + r.ID})
	wantEqual(t, actions(copied), []string{"event.copied " + e.Title})
	if err := f.DeleteEvent(f.ctx, later, copied.ID); err != nil {
		t.Fatal(err)
	}
	ofToken := later.Record(f.ctx, later.Now, deltag.AuditEntry{Action: deltag.AuditTokenCreated, Subject: "script"})
	if err := f.store.PutToken(ofToken, "hash", deltag.AccessToken{Name: "script", ExpiresAt: start}); err != nil {
		t.Fatal(err)
	}
	for role, want := range map[deltag.Role]int{deltag.RoleReader: 4, deltag.RoleOwner: 5} {
		page, err := f.WholeAuditLog(f.ctx, organiser.Caller{Principal: deltag.Principal{Role: role}, Now: now}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, len(page.Items), want)
	}
}

// TestAuditLogOfSomebodyKnown adds somebody again and again: what a sign-up takes and returns on its way is no change.
func TestAuditLogOfSomebodyKnown(t *testing.T) {
	for name, change := range map[string]func(*deltag.Event){
		"WithoutACapacity": nil,
		"WithAWaitlist":    func(e *deltag.Event) { e.Capacity, e.HasWaitlist = new(int), true; *e.Capacity = 5 },
		"Full":             func(e *deltag.Event) { e.Capacity, e.HasWaitlist = new(int), false; *e.Capacity = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			e := f.newEvent(change)
			f.addRegistration(e, "mette@example.dk")
			before := f.auditLog(e)
			for n := range 3 {
				_, _, err := f.AddRegistration(f.ctx, annaAt(now.Add(time.Duration(n)*24*time.Hour)), e.ID, deltag.SignUpRequest{
					Name: "Mette", Email: deltag.Address{Original: "mette@example.dk"},
				})
				if err != nil && !errors.Is(err, deltag.ErrFull) {
					t.Fatal(err)
				}
			}
			wantEqual(t, f.auditLog(e), before)
		})
	}
}

// TestAuditLogOfAnErasureAtTheSameTime: one of two erases, and the other finds what is left to purge.
func TestAuditLogOfAnErasureAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	before := len(f.auditLog(e))
	for range 2 { // with the registration as both have read it
		ctx := anna.Record(f.ctx, anna.Now, deltag.AuditEntry{Action: deltag.AuditRegistrationErased, EventID: e.ID})
		if err := f.store.Erase(ctx, e, r, anna.Now); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, len(f.auditLog(e))-before, 1)
}
