package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// addSelectionPages adds every page about those who are selected.
func addSelectionPages(
	pages map[string]func(string) response, owner func(func(*client, string) response) func(string) response,
) {
	// asks presses a button for some of newAttendees, or for all.
	asks := func(action string, people ...string) func(string) response {
		return owner(func(c *client, q string) response { return c.press(c.newAttendees(), q, action, people...) })
	}
	// does presses the button of the page that asks.
	does := func(action string, people ...string) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			c.now = c.now.Add(10 * time.Hour)
			c.signIn("anna")
			form := c.press(e, "", action, people...).fields("/selection")
			return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
		})
	}
	over := func(action string, people ...string) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			c.now = e.EndsAt
			c.signIn("anna")
			return c.press(e, q, action, people...)
		})
	}
	unverified := func(names ...string) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newEvent("usikkert", func(e *deltag.Event) { e.Verify = deltag.VerifyAlways })
			for _, name := range names {
				c.signUp(e, name)
			}
			return c.press(e, q, "cancel")
		})
	}
	for name, open := range map[string]func(string) response{
		"none": asks("cancel", "nobody"), "cancel": asks("cancel"), "cancel-one": asks("cancel", "p0"),
		"cancel-left": asks("cancel", "p4"), "cancel-done": does("cancel"), "cancel-done-one": does("cancel", "p0"),
		"cancel-erase": unverified("ida", "ole"), "cancel-erase-one": unverified("ida"),
		"cancel-over": over("cancel"), "cancel-over-one": over("cancel", "p0"), "resend": asks("resend"),
		"resend-one": asks("resend", "p0", "p4"), "resend-left": asks("resend", "p4"), "resend-over": over("resend"),
		"resend-done": does("resend"), "addresses": asks("addresses"), "addresses-one-out": asks("addresses", "p0", "p1"),
		"message": asks("message"), "message-one-out": asks("message", "p0", "p1"), "message-none": asks("message", "p1"),
	} {
		pages["selection-"+name] = open
	}
	for name, people := range map[string][]string{"preview": {"p0", "p1", "p2"}, "nobody": {"p1"}} {
		pages["selection-message-"+name] = owner(func(c *client, q string) response {
			e := c.newAttendees()
			form := c.press(e, "", "message", people...).fields("/messages")
			form.Set("text", "Hej {name}")
			form.Set("step", "preview")
			return c.postForm(eventPath(e.ID)+"/messages"+q, form)
		})
	}
	again := func(action string) func(string) response { // a press on a page that was left open
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			c.now = c.now.Add(10 * time.Hour)
			c.signIn("anna")
			form := c.press(e, "", action, "p0", "p1").fields("/selection")
			c.postForm(eventPath(e.ID)+"/attendees/selection", form)
			return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
		})
	}
	pages["selection-cancel-again"], pages["selection-resend-again"] = again("cancel"), again("resend")
	pages["selection-cancel-left-many"] = owner(func(c *client, q string) response {
		e := c.newAttendees()
		c.post(attendeePath(e.ID, c.registration(e, "p0").ID) + "/cancel")
		return c.press(e, q, "cancel", "p0", "p2", "p4")
	})
	pages["selection-resend-done-one"] = owner(func(c *client, q string) response {
		e := c.newSent(1)
		form := c.press(e, "", "resend").fields("/selection")
		return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
	})
	pages["selection-resend-done-many"] = owner(func(c *client, q string) response {
		e := c.newSent(2)
		form := c.press(e, "", "resend").fields("/selection")
		return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
	})
	pages["selection-file-in-parts"] = owner(func(c *client, q string) response {
		e := c.newLongList()
		res := c.press(e, "", "xlsx").want(http.StatusSeeOther)
		return c.get(res.Header.Get("Location") + "&" + q[1:])
	})
	pages["selection-cancel-unreadable"] = owner(func(c *client, q string) response {
		e := c.newSent(20)
		form := c.press(e, "", "cancel").fields("/selection")
		c.site.Organiser.Store = partlyUnreadableStore{c.site.Organiser.Store, c.registration(e, "p3").ID}
		return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
	})
	pages["selection-progress"] = owner(func(c *client, q string) response {
		e := c.newSent(20)
		form := c.press(e, "", "cancel").fields("/selection")
		c.passTime()
		return c.postForm(eventPath(e.ID)+"/attendees/selection"+q, form)
	})
}

// A partlyUnreadableStore holds a registration that can't be read.
type partlyUnreadableStore struct {
	organiser.Store
	id string
}

func (s partlyUnreadableStore) RegistrationsAfter(
	ctx context.Context, eventID, after string, limit int,
) ([]deltag.Registration, string, error) {
	page, next, err := s.Store.RegistrationsAfter(ctx, eventID, after, limit)
	i := slices.IndexFunc(page, func(r deltag.Registration) bool { return r.ID == s.id })
	if i >= 0 && err == nil {
		page, err = slices.Delete(page, i, i+1), deltag.UnreadableError{errors.New(s.id)}
	}
	return page, next, err
}

// A longList has as many attendees in its first part as need two files, and none in the others.
type longList struct{ organiser.Store }

func (s longList) Attendees(_ context.Context, _ string, part int) (all []deltag.Attendee, err error) {
	for n := range 20_001 {
		if part == 0 {
			all = append(all, deltag.Attendee{ID: fmt.Sprintf("%020d", n), Name: "Ida", Status: deltag.RegistrationConfirmed})
		}
	}
	return all, nil
}

func (c *client) newLongList() deltag.Event {
	c.Helper()
	e := c.newEvent("langt", nil)
	c.site.Organiser.Store = longList{c.site.Organiser.Store}
	return e
}

// TestFileOfALongList: all who match are more than a file may have, so the list offers its parts.
func TestFileOfALongList(t *testing.T) {
	c := newOwner(t)
	e := c.newLongList()
	path := eventPath(e.ID) + "/attendees"
	for _, format := range []string{"csv", "xlsx"} {
		form := url.Values{"action": {format}, "all": {"yes"}, "status": {"confirmed"}, "columns": {"email"}, "cursor": {"x"}}
		res := c.postForm(path+"/selection", form).wantLocation(path + "?columns=email&done=export-parts&status=confirmed")
		c.get(res.Header.Get("Location")).want(http.StatusOK).says(".done", "for lang til én fil").
			has(`a[href*=".`+format+`?part="][href*="status=confirmed"]`, 2)
		form.Set("status", "cancelled") // nobody
		c.postForm(path+"/selection", form).want(http.StatusUnprocessableEntity)
	}
}

// newSent stores an event with so many people, whose confirmations have been sent.
func (c *client) newSent(people int) deltag.Event {
	c.Helper()
	e := c.newEvent("sendt", nil)
	for i := range people {
		c.finishMails(c.signUp(e, fmt.Sprint("p", i)))
	}
	c.now = c.now.Add(time.Hour)
	c.signIn("anna")
	return e
}

// passTime lets so much time pass with each look at the clock that a portion is over after a few people.
func (c *client) passTime() {
	c.site.Now = func() time.Time { c.now = c.now.Add(portionTime); return c.now }
	o := c.site.Options
	c.handler = New(o)
}

// press presses a button of the list, with some people ticked, or with all selected.
func (c *client) press(e deltag.Event, query, action string, people ...string) response {
	c.Helper()
	form := url.Values{"action": {action}}
	if people == nil {
		form.Set("all", "yes")
	}
	for _, name := range people {
		form.Add("rid", deltag.RegistrationID(e, addressOf(name)))
	}
	return c.postForm(eventPath(e.ID)+"/attendees/selection"+query, form)
}

func (c *client) statuses(e deltag.Event, people int) string {
	c.Helper()
	var all []string
	for i := range people {
		all = append(all, string(c.registration(e, fmt.Sprint("p", i)).Status))
	}
	return strings.Join(all, " ")
}

func TestCancelSelection(t *testing.T) {
	c := newClient(t)
	e := c.newAttendees()
	c.now = c.now.Add(10 * time.Hour)
	c.signIn("anna")
	list := c.get(eventPath(e.ID) + "/attendees?answers.hvor=Kommune")
	list.has("tbody input[name=rid]", 2).has(`tbody input[aria-label="Vælg Åse Ærø"]`, 1)
	form := list.fields("/selection") // has nobody ticked, and the filters
	form.Set("action", "cancel")
	form.Set("all", "yes")
	path := eventPath(e.ID) + "/attendees/selection"
	asked := c.postForm(path, form).want(http.StatusOK).says(".lead", "2 deltagere bliver meldt fra")
	if got := c.statuses(e, 5); got != "confirmed confirmed confirmed waiting cancelled" {
		t.Errorf("before it is confirmed: %s", got)
	}
	asked.has(`a[href="`+eventPath(e.ID)+`/attendees?answers.hvor=Kommune"]`, 1)
	confirm := asked.fields("/selection")
	c.now = c.now.Add(time.Minute)
	for _, want := range []string{"2 er meldt fra.", "Der var ingen at melde fra."} { // pressed twice
		c.postForm(path, confirm).want(http.StatusOK).says(".lead", want)
		if got := c.statuses(e, 3); got != "cancelled cancelled confirmed" {
			t.Error(got)
		}
	}
	c.post(path, "action", "cancel", "rid", "x").want(http.StatusUnprocessableEntity).says("[role=alert]", "ikke valgt nogen")
	c.post(path, "action", "what", "all", "yes").want(http.StatusBadRequest)
	c.post(path, "action", "cancel", "all", "yes", "confirm", "yes", "asked", "x").want(http.StatusBadRequest)
	c.post(path, "action", "cancel", "all", "yes", "status", "gone").want(http.StatusUnprocessableEntity)
	many := url.Values{"action": {"cancel"}, "rid": make([]string, maxTicked+1)}
	c.postForm(path, many).want(http.StatusBadRequest)
}

// TestSelectionInPortions goes on by the button until all are done.
func TestSelectionInPortions(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newSent(20)
	path := eventPath(e.ID) + "/attendees/selection"
	res := c.press(e, "", "cancel").says(".lead", "20 deltagere")
	c.passTime()
	var portions []string
	for res.doc.Find(`form[action$="/selection"]`).Length() > 0 && len(portions) < 9 {
		res = c.postForm(path, res.fields("/selection")).want(http.StatusOK)
		value, _ := res.doc.Find("progress").Attr("value")
		portions = append(portions, value)
	}
	if got := strings.Join(portions, " "); !strings.HasPrefix(got, "8 16 20") {
		t.Errorf("progress %s", got)
	}
	res.says(".lead", "20 er meldt fra.")
	if got := c.statuses(e, 20); strings.Contains(got, "confirmed") {
		t.Error(got)
	}
}

func TestSelectionFilesAndAddresses(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	c.press(e, "", "addresses").says("#addresses", "p2@example.dk; p0@example.dk; p3@example.dk").
		says(".label", "(3)").says(".hint", "2 er ikke med")
	c.press(e, "", "addresses", "p4", "p1").says("#addresses", "p4@example.dk").says(".hint", "Én er ikke med")
	c.press(e, "", "addresses", "p1").says("#addresses", "Ingen af dem")
	res := c.press(e, "", "csv", "p0", "p2").want(http.StatusOK)
	if got := strings.Count(res.text, "\r\n"); got != 3 || !strings.Contains(res.text, "Bo Lund") {
		t.Errorf("%d lines: %s", got, res.text)
	}
	res = c.press(e, "", "xlsx", "p3").want(http.StatusOK)
	f, err := excelize.OpenReader(bytes.NewReader([]byte(res.text)))
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := f.GetRows(f.GetSheetName(0)); err != nil || len(rows) != 2 || rows[1][0] != "Aage Dahl" {
		t.Errorf("%q, %v", rows, err)
	}
	path := eventPath(e.ID) + "/attendees"
	c.post(path+"/selection", "action", "csv", "all", "yes", "q", "bo", "columns", "role").wantLocation(path + ".csv?q=bo")
}

// TestUnreadableIsToldAtTheEnd: what can't be read in one portion is told when the last is done.
func TestUnreadableIsToldAtTheEnd(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newSent(20)
	unreadable := c.registration(e, "p3").ID
	for n := range 20 { // one that the first portion comes to
		if id := c.registration(e, fmt.Sprint("p", n)).ID; id < unreadable {
			unreadable = id
		}
	}
	path := eventPath(e.ID) + "/attendees/selection"
	res := c.press(e, "", "cancel")
	c.site.Organiser.Store = partlyUnreadableStore{c.site.Organiser.Store, unreadable}
	c.passTime()
	portions := 0
	for ; res.doc.Find(`form[action$="/selection"]`).Length() > 0 && portions < 9; portions++ {
		res = c.postForm(path, res.fields("/selection")).want(http.StatusOK)
	}
	if portions < 3 {
		t.Errorf("%d portions", portions)
	}
	res.says("main", "19 er meldt fra.").says("main", "Noget kan ikke læses lige nu")
}

func TestMessageToSelection(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	e := c.newAttendees()
	path := eventPath(e.ID) + "/messages"
	form := c.press(e, "", "message", "p0", "p1", "p2").want(http.StatusOK).says("main", "2 personer").
		says("main", "Én af de valgte får den ikke").has("[name=audience]", 0).fields("/messages")
	form.Set("text", "Kun jer")
	form.Set("step", "send")
	preview := c.postForm(path, form).want(http.StatusOK).says("#preview", "Du skriver til 2 personer") // not seen yet
	form = preview.fields("/messages")
	form.Set("step", "send")
	other := url.Values{}
	for name, all := range form {
		other[name] = all
	}
	other["rid"] = form["rid"][:1] // others than those that were shown
	c.postForm(path, other).want(http.StatusOK).has("#preview", 1)
	for range 2 {
		c.postForm(path, form).wantLocation(eventPath(e.ID) + "?done=message-sent")
	}
	mailings, err := c.store.Mailings(context.Background(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	var messages []deltag.Mailing
	for _, m := range mailings {
		if m.Kind == deltag.KindMessage {
			messages = append(messages, m)
		}
	}
	if len(messages) != 1 || messages[0].RecipientCount != 2 || messages[0].Text != "Kun jer" {
		t.Errorf("%+v", messages)
	}
	form.Del("rid")
	c.postForm(path, form).want(http.StatusUnprocessableEntity) // an audience is missing
	nobody := c.press(e, "", "message", "p1").fields("/messages")
	nobody.Set("text", "Hej")
	nobody.Set("step", "preview")
	c.postForm(path, nobody).want(http.StatusUnprocessableEntity).says("[role=alert]", "Ingen af dem, du har valgt")
}
