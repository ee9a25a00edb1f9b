package console

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// report is that of a meeting with people of newAttendees: two by their addresses, one of them noted already, one by
// name, and one whom nobody knows.
const report = "Name (Original Name),User Email,Join Time\n" +
	"Søren Ørsted,p0@example.dk,13:00\nAase,P1@example.dk,13:01\nbo lund (Gæst),bo@other.example.org,13:02\nFremmed,,13:03\n"

func (c *client) uploadReport(e deltag.Event, query, content string) response {
	c.Helper()
	return c.upload(eventPath(e.ID)+"/attendance"+query, "file", "report.csv", content)
}

func addAttendancePages(
	pages map[string]func(string) response, owner func(func(*client, string) response) func(string) response,
) {
	of := func(content string) func(string) response {
		return owner(func(c *client, q string) response { return c.uploadReport(c.newAttendees(), q, content) })
	}
	pages["attendance"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newAttendees().ID) + "/attendance" + q)
	})
	pages["attendance-plan"] = of(report)
	pages["attendance-plan-nobody"] = of("Name,User Email\nSøren Ørsted,p0@example.dk\n")
	pages["attendance-refused"] = of("Navn;Varighed\nMette;3\n")
	confirmed := func(tick func(*client, deltag.Event)) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			form := c.uploadReport(e, "", report).fields("/attendance/confirm")
			tick(c, e)
			form.Set("ids", form.Get("ids")+strings.Repeat(" gone", 100))
			return c.postForm(eventPath(e.ID)+"/attendance/confirm"+q, form)
		})
	}
	pages["attendance-done"] = confirmed(func(*client, deltag.Event) {})
	pages["attendance-progress"] = confirmed(func(c *client, _ deltag.Event) { c.tick = importBudget + 1 })
	pages["attendees-after"] = owner(func(c *client, q string) response {
		e := c.newAttendees()
		c.now = e.EndsAt
		c.signIn("anna")
		return c.get(eventPath(e.ID) + "/attendees" + q)
	})
}

func TestAttendance(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	a := c.uploadReport(e, "", report).want(http.StatusOK).says("main", "Tilmeldt med adressen: 1").
		says("main", "Allerede noteret: 1").says("main", "Ikke tilmeldt: 1").says("fieldset", "tilmeldt som Bo Lund, p2@example.dk").
		has("input[type=checkbox]:not([checked])", 1)
	counts := func() int {
		got, err := c.store.Counts(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		return got.Attended
	}
	if n := counts(); n != 1 {
		t.Errorf("%d have attended after the dry run, want 1", n)
	}
	form := a.fields("/attendance/confirm")
	c.postForm(eventPath(e.ID)+"/attendance/confirm", form).want(http.StatusOK).says("h1", "Fremmødet er noteret").
		says(".tally dd", "1")
	if n := counts(); n != 2 {
		t.Errorf("%d have attended, want 2", n)
	}
	form.Add("attended", c.registration(e, "p2").ID)
	c.postForm(eventPath(e.ID)+"/attendance/confirm", form).want(http.StatusOK)
	if n := counts(); n != 3 {
		t.Errorf("%d have attended, want 3", n)
	}
	c.uploadReport(e, "", "Navn;Varighed\nMette;3\n").want(http.StatusUnprocessableEntity).says(".alert", "fremmøderapporten")
	c.uploadReport(e, "", strings.Repeat("x", 5<<20)).want(http.StatusRequestEntityTooLarge).says(".alert", "højst 4 MB")
}
