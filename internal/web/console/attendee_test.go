package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

func TestAddAttendee(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	path := eventPath(e.ID) + "/attendees"
	c.get(path+"/new").want(http.StatusOK).has(`form[action="`+path+`"] input[name=email]`, 1)
	c.post(path, "name", "Ida Ny", "email", "ida@@example.dk", "role", "Leder", "answers.hvor", "Region").
		want(http.StatusUnprocessableEntity).has(`input[name=name][value="Ida Ny"]`, 1).has("input[value=Region][checked]", 1).
		has(`input[name=email][value="ida@@example.dk"][aria-invalid=true]`, 1).has(`input[name=role][value=Leder]`, 1)
	res := c.post(path, "name", "Ida Ny", "email", "ida@example.dk").want(http.StatusSeeOther)
	ida := attendeePath(e.ID, c.registration(e, "ida").ID)
	res.wantLocation(ida + "?done=attendee-waiting")
	c.now = c.now.Add(time.Minute)
	c.post(path, "name", "En anden", "email", "ida@example.dk").wantLocation(ida + "?done=attendee-known")
	c.get(ida).says("h1", "Ida Ny")
	c.now = e.EndsAt
	c.signIn("anna")
	c.post(path, "name", "For Sent", "email", "sent@example.dk").want(http.StatusConflict).
		says(".alert", "slut eller aflyst").has(`input[value="For Sent"]`, 1)
}

func TestCorrectAttendee(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	soeren := attendeePath(e.ID, c.registration(e, "p0").ID)
	c.post(soeren, "name", "", "email", "p0@example.dk", "organisation", "Ny").want(http.StatusUnprocessableEntity).
		has("input[name=name][aria-invalid=true]", 1).has("input[name=organisation][value=Ny]", 1)
	c.post(soeren, "name", "Søren Ørsted", "email", "ny@example.dk", "answers.hvor", "Kommune", "answers.mere", "Tillid").
		want(http.StatusSeeOther)
	moved := c.registration(e, "ny")
	if moved.Answers["mere"][0] != "Tillid" || moved.AllowsNews || moved.Seat == "" {
		t.Errorf("%+v", moved)
	}
	c.get(soeren).want(http.StatusNotFound)
	c.get(attendeePath(e.ID, moved.ID)).want(http.StatusOK).says("#mails + ul", "Bekræftelse").says("#mails + ul", "Til p0@example.dk")
}

func TestCorrectAttendeeToAnAddressOfSomebodyElse(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	soeren, bo := c.registration(e, "p0"), c.registration(e, "p2")
	path := attendeePath(e.ID, bo.ID)
	c.post(path, "name", "Bo Rettet", "email", "P0@example.dk", "organisation", "Ny").want(http.StatusUnprocessableEntity).
		says("[id='email.fault']", "En anden deltager, "+soeren.Name+", har den adresse.").says("h1", bo.Name).
		has("input[name=email][value='P0@example.dk'][aria-invalid=true]", 1).has("input[name=name][value='Bo Rettet']", 1).
		has("input[name=organisation][value=Ny]", 1).has("main a[href='"+attendeePath(e.ID, soeren.ID)+"']", 1)
	for _, before := range []deltag.Registration{soeren, bo} {
		_, after, err := c.store.EventAndRegistration(context.Background(), e.ID, before.ID)
		if err != nil || after.Revision != before.Revision {
			t.Errorf("%v, %s was %+v and is %+v", err, before.Name, before, after)
		}
	}
	c.get(eventPath(e.ID)+"/history").has("main li", 0)
}

// TestConsentThatIsNotConfirmed: what somebody has ticked at sign-up is neither a yes nor a no.
func TestConsentThatIsNotConfirmed(t *testing.T) {
	c := newClient(t)
	c.addMember("rie", deltag.RoleReader)
	c.signIn("anna")
	e := c.newEvent("samtykke", nil)
	in := deltag.SignUpRequest{Name: "John", Email: addressOf("john"), Language: "da", AllowsNews: true}
	if _, err := c.store.SignUp(context.Background(), e, in, c.now); err != nil {
		t.Fatal(err)
	}
	const asked = "ja, men ikke bekræftet"
	list := eventPath(e.ID) + "/attendees"
	person := attendeePath(e.ID, c.registration(e, "john").ID)
	c.get(person).says("[id='updates.hint']", "ikke bekræftet").has("input[name=updates][checked]", 0)
	c.get(list+"?columns=updates").says("tbody", asked)
	if got := c.get(list + ".csv").text; !strings.Contains(got, asked) {
		t.Errorf("%s", got)
	}
	c.post("/organiser/people", "email", "john@example.dk").says(".pairs", asked)
	c.signIn("rie")
	c.get(person).says(".pairs", asked)
}

// TestAttendeeActions presses each button twice.
func TestAttendeeActions(t *testing.T) {
	c := newClient(t)
	c.now = start.Add(24 * time.Hour)
	c.signIn("anna")
	e := c.newAttendees()
	bo := c.registration(e, "p2")
	path := attendeePath(e.ID, bo.ID)
	for _, step := range []struct{ action, field, value, done string }{
		{"/attended", "attended", "yes", "attendee-attended"},
		{"/attended", "attended", "no", "attendee-missed"},
		{"/cancel", "", "", "attendee-cancelled"},
	} {
		for range 2 {
			c.post(path+step.action, step.field, step.value).wantLocation(path + "?done=" + step.done)
		}
	}
	c.post(path+"/attended", "attended", "perhaps").want(http.StatusBadRequest)
	if c.registration(e, "p3").Status != deltag.RegistrationConfirmed {
		t.Error("who waited has not got the seat")
	}
	c.get(path).says(".counts", "afmeldt").has(`form[action="`+path+`/seat"]`, 1).has(`form[action="`+path+`/cancel"]`, 0)
	c.post(path + "/seat").wantLocation(path + "?done=attendee-waiting")
	c.post(path+"/seat").want(http.StatusConflict).says(".alert", "Alle pladser er taget")
	c.post(path+"/erase").want(http.StatusUnprocessableEntity).has(`input[name=confirm][aria-invalid=true]`, 1).
		has("details.danger[open]", 1)
	c.post(path+"/erase", "confirm", "yes").wantLocation(eventPath(e.ID) + "/attendees?done=attendee-erased")
	c.get(path).want(http.StatusNotFound)
}

func TestResendMail(t *testing.T) {
	c := newClient(t)
	c.now = start.Add(24 * time.Hour)
	c.signIn("anna")
	e := c.newAttendees()
	bo, soeren := c.registration(e, "p2"), c.registration(e, "p0")
	c.finishMails(bo)
	path := attendeePath(e.ID, bo.ID)
	action, ok := c.get(path).doc.Find(`form[action$="/resend"]`).Attr("action")
	if !ok {
		t.Fatal("there is no button")
	}
	for range 2 {
		c.post(action).wantLocation(path + "?done=mail-resent")
	}
	if got := c.registration(e, "p2").MailVersion; got != bo.MailVersion+1 {
		t.Errorf("version %d of the mail, and it was %d", got, bo.MailVersion)
	}
	c.get(path).says("#mails + ul", "Venter").has(`form[action$="/resend"]`, 1)
	waiting := strings.Replace(action, ".1/resend", ".2/resend", 1)
	c.post(waiting).wantLocation(path + "?done=mail-on-its-way")
	c.post(strings.Replace(action, "attendees/"+bo.ID, "attendees/"+soeren.ID, 1)).want(http.StatusNotFound)
}

// finishMails lets all mail to r have been delivered.
func (c *client) finishMails(r deltag.Registration) {
	c.Helper()
	ctx := context.Background()
	deliveries, err := c.store.DeliveriesOf(ctx, r.EventID, r.ID)
	for _, d := range deliveries {
		d.Status, d.NextAttemptAt, d.SentAt = deltag.DeliveryDelivered, time.Time{}, start
		d.History = []deltag.StatusChange{{At: start, Status: deltag.DeliverySent}, {At: start, Status: d.Status}}
		d.Revision++
		if err == nil {
			err = c.store.SaveDelivery(ctx, d)
		}
	}
	if err != nil {
		c.Fatal(err)
	}
}

func TestReaderSeesAttendees(t *testing.T) {
	c := newClient(t)
	c.addMember("rie", deltag.RoleReader)
	c.signIn("rie")
	e := c.newAttendees()
	c.finishMails(c.registration(e, "p0"))
	c.get(eventPath(e.ID)+"/attendees").want(http.StatusOK).has("tbody tr", 5).has("a.button", 0)
	c.get(attendeePath(e.ID, c.registration(e, "p0").ID)).want(http.StatusOK).has("main form", 0).
		says(".pairs", "Hvor arbejder du?Kommune").says("#mails + ul", "Leveret mandag den 23. november 2026 kl. 10.00")
}
