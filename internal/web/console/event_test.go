package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

// newEventForm are the values of a form that makes an event.
func newEventForm() url.Values {
	return url.Values{
		"title": {"Tænketank"}, "startsAt": {"2026-12-01T14:00"}, "endsAt": {"2026-12-01T15:00"},
		"description": {"En time.\r\n\r\nGratis."}, "joinUrl": {"https://meet.example.org/1"},
		"organiser.name": {"UKON"}, "organiser.email": {"hej@example.dk"}, "capacity": {"50"}, "waitingList": {"yes"},
		"reminders": {"-P1D", "-PT1H"}, "slug": {""}, "language": {"da"}, "timeZone": {"Europe/Copenhagen"},
		"signUpOpensAt": {""}, "signUpClosesAt": {"2026-12-01T13:00"}, "verify": {"auto"}, "retentionDays": {"30"},
		"status":         {"open"},
		"questions.0.id": {""}, "questions.0.label": {"Hvor kommer du fra?"}, "questions.0.kind": {"choice"},
		"questions.0.options": {"Aarhus\r\n\r\n Odense "}, "questions.0.required": {"yes"},
		"questions.1.label": {""}, "questions.1.kind": {"short"},
	}
}

func (c *client) postForm(path string, form url.Values) response {
	c.Helper()
	return c.send("POST", path, form.Encode())
}

// create makes an event with a form, and reads it.
func (c *client) create(change func(url.Values)) deltag.Event {
	c.Helper()
	form := newEventForm()
	if change != nil {
		change(form)
	}
	res := c.postForm("/organiser/events", form).want(http.StatusSeeOther)
	id := strings.TrimSuffix(strings.TrimPrefix(res.Header.Get("Location"), "/organiser/events/"), "?done=created")
	return c.event(id)
}

func (c *client) event(id string) deltag.Event {
	c.Helper()
	e, err := c.store.Event(context.Background(), id)
	if err != nil {
		c.Fatal(err)
	}
	return e
}

func (c *client) signUpFor(e deltag.Event, names ...string) {
	c.Helper()
	for _, name := range names {
		in := deltag.SignUpRequest{
			Name: name, Email: addressOf(name), Language: "da", Answers: map[string][]string{"hvor-kommer-du-fra": {"Aarhus"}},
		}
		if _, err := c.store.SignUp(context.Background(), e, in, c.now); err != nil {
			c.Fatal(err)
		}
	}
}

// fields are the values of the form on a page whose action ends so, as a browser would send them.
// TestDeleteEvent: the button is there, and works, only while nobody has signed up.
func TestDeleteEvent(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	used, unused := c.newEvent("brugt", nil), c.newEvent("ubrugt", func(e *deltag.Event) { e.Status = deltag.EventDraft })
	path := eventPath(unused.ID)
	c.get(path).has(`form[action="`+path+`/delete"]`, 1)
	form := c.post(path+"/delete").want(http.StatusOK).says("main", "Ingen har tilmeldt sig »Samskabelse ubrugt«").
		fields("/delete")
	c.get(path).want(http.StatusOK)
	for range 2 {
		c.postForm(path+"/delete", form).wantLocation("/organiser?done=event-deleted")
	}
	c.get(path).want(http.StatusNotFound)
	c.get("/organiser?done=event-deleted").says(".done", "Arrangementet er slettet").has(".rows li", 1)

	path = eventPath(used.ID)
	c.get(path).has(`form[action$="/delete"]`, 1)
	r := c.signUp(used, "ida")
	for _, confirm := range []string{"", "yes"} {
		c.post(path+"/delete", "confirm", confirm).want(http.StatusConflict).says("h1", "kan ikke slettes")
		c.get(path).want(http.StatusOK).has(`form[action$="/delete"]`, 0)
		if err := c.store.Erase(context.Background(), used, r, start); err != nil { // as if she had never been there
			t.Fatal(err)
		}
	}
	c.addMember("rie", deltag.RoleReader)
	c.signIn("rie")
	c.get(eventPath(c.newEvent("nyt", nil).ID)).has(`form[action$="/delete"]`, 0)
}

func (r response) fields(action string) url.Values {
	r.t.Helper()
	form := r.doc.Find(`form[action$="` + action + `"]`)
	if form.Length() != 1 {
		r.t.Fatalf("%d forms for %s", form.Length(), action)
	}
	v := url.Values{}
	for _, node := range form.Find("input, textarea, select").Nodes {
		s := r.doc.FindNodes(node)
		name, kind := s.AttrOr("name", ""), s.AttrOr("type", "")
		_, checked := s.Attr("checked")
		switch {
		case name == "" || (kind == "checkbox" || kind == "radio") && !checked:
		case node.Data == "textarea":
			v.Add(name, s.Text())
		case node.Data == "select":
			v.Add(name, s.Find("option[selected]").AttrOr("value", s.Find("option").First().AttrOr("value", "")))
		default:
			v.Add(name, s.AttrOr("value", ""))
		}
	}
	return v
}

func newOwner(t *testing.T) *client {
	c := newClient(t)
	c.signIn("anna")
	return c
}

func TestCreateEvent(t *testing.T) {
	t.Run("StoresWhatWasTyped", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		at := func(hour int) time.Time { return time.Date(2026, 12, 1, hour, 0, 0, 0, time.UTC) }
		want := deltag.Question{
			ID: "hvor-kommer-du-fra", Kind: deltag.QuestionChoice, Label: "Hvor kommer du fra?",
			Options: []string{"Aarhus", "Odense"}, Required: true,
		}
		if e.Title != "Tænketank" || e.Slug != "taenketank" || e.Description != "En time.\n\nGratis." ||
			!e.StartsAt.Equal(at(13)) || !e.EndsAt.Equal(at(14)) || !e.SignUpClosesAt.Equal(at(12)) || *e.Capacity != 50 ||
			!e.HasWaitlist || len(e.ScheduledMails) != 2 || len(e.Questions) != 1 || e.Status != deltag.EventOpen {
			t.Errorf("%+v", e)
		}
		if got := e.Questions[0]; got.ID != want.ID || got.Kind != want.Kind || len(got.Options) != 2 || !got.Required {
			t.Errorf("%+v", got)
		}
		c.get("/organiser/events/"+e.ID+"?done=created").says(".done", "oprettet").says("h1", "Tænketank").
			says(".numbers", "0 tilmeldte 50 ledige").says(".rows", "Mandag den 30. november 2026 kl. 14.00")
	})
	t.Run("AFormThatNobodyHasChangedIsTheEvent", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		path := "/organiser/events/" + e.ID + "/edit"
		c.postForm(path, c.get(path).want(http.StatusOK).fields("/edit")).wantLocation("/organiser/events/" + e.ID + "?done=saved")
		after := c.event(e.ID)
		after.Revision, after.UpdatedAt = e.Revision, e.UpdatedAt
		if got, want := eventValues(after).Encode(), eventValues(e).Encode(); got != want || after.ICalSequence != e.ICalSequence {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
	t.Run("KeepsEverythingWithEachFaultBesideItsField", func(t *testing.T) {
		c := newOwner(t)
		form := newEventForm()
		for name, value := range map[string]string{
			"title": "", "startsAt": "i morgen", "capacity": "mange", "organiser.email": "hej", "timeZone": "Mars",
			"questions.0.kind": "choice", "questions.0.options": "", "retentionDays": "0", "questions.0.id": "q",
		} {
			form.Set(name, value)
		}
		res := c.postForm("/organiser/events", form).want(http.StatusUnprocessableEntity).says("title", "Fejl:")
		for _, name := range []string{"title", "startsAt", "capacity", "organiser.email", "timeZone", "retentionDays", "questions.0.label"} {
			res.has(`[name="`+name+`"][aria-invalid=true]`, 1).has(`.alert a[href="#`+name+`"]`, 1)
		}
		sent := res.fields("/organiser/events")
		for name, values := range form {
			value := strings.ReplaceAll(values[0], "\r\n", "\n")
			if got := strings.ReplaceAll(sent.Get(name), "\r\n", "\n"); got != value {
				t.Errorf("%s keeps %q, want %q", name, got, value)
			}
		}
		res.has("details[open]", 1).has("details", 1) // what is wrong is not folded in
		res.has(`[name=slug][aria-invalid=true]`, 0)  // it would have been made of the title
	})
	t.Run("ATakenAddressIsAFaultOfItsField", func(t *testing.T) {
		c := newOwner(t)
		c.create(nil)
		c.postForm("/organiser/events", newEventForm()).want(http.StatusUnprocessableEntity).has(`[name=slug][aria-invalid=true]`, 1)
	})
	t.Run("ANewOneIsADraftUnlessChosen", func(t *testing.T) {
		c := newOwner(t)
		res := c.get("/organiser/events/new").want(http.StatusOK)
		fields := res.fields("/organiser/events")
		if fields.Get("status") != "draft" || fields.Get("organiser.email") != "anna@example.dk" || len(fields["reminders"]) != 3 {
			t.Errorf("%v", fields)
		}
	})
}

func TestSaveEvent(t *testing.T) {
	t.Run("AsksBeforePeopleAreMailedAndThenSaves", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		c.signUpFor(e, "a", "b")
		path := "/organiser/events/" + e.ID + "/edit"
		form := c.get(path).fields("/edit")
		form.Set("startsAt", "2026-12-01T15:00")
		form.Set("endsAt", "2026-12-01T16:00")
		asked := c.postForm(path, form).want(http.StatusOK).says(".lead", "2 tilmeldte får en mail om det nye tidspunkt om 5 minutter")
		if after := c.event(e.ID); !after.StartsAt.Equal(e.StartsAt) {
			t.Error("it is saved already")
		}
		again := asked.fields("/edit") // "change more first"
		again.Set("step", "preview")
		c.postForm(path, again).want(http.StatusOK).has(`[name=startsAt][value="2026-12-01T15:00"]`, 1)
		if after := c.event(e.ID); !after.StartsAt.Equal(e.StartsAt) {
			t.Error("it is saved by going back")
		}
		c.postForm(path, asked.fields("/edit")).wantLocation("/organiser/events/" + e.ID + "?done=saved")
		after := c.event(e.ID)
		if !after.StartsAt.Equal(e.StartsAt.Add(time.Hour)) || after.LatestNotice.Kind != deltag.KindMoved {
			t.Errorf("%v, notice %v", after.StartsAt, after.LatestNotice)
		}
		c.get("/organiser/events/"+e.ID).says(".rows", "Besked om nyt tidspunkt").says(".rows", "til 2")
		c.postForm(path, asked.fields("/edit")).wantLocation("/organiser/events/" + e.ID + "?done=saved") // sent again
		if again := c.event(e.ID); again.Revision != after.Revision {
			t.Error("it is saved twice")
		}
	})
	t.Run("AsksNobodyAboutWhatNobodyIsMailed", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		path := "/organiser/events/" + e.ID + "/edit"
		form := c.get(path).fields("/edit")
		form.Set("startsAt", "2026-12-01T14:30") // nobody is signed up
		c.postForm(path, form).want(http.StatusSeeOther)
		c.signUpFor(c.event(e.ID), "a")
		form = c.get(path).fields("/edit")
		form.Set("description", "Kort.")
		c.postForm(path, form).want(http.StatusSeeOther)
	})
	t.Run("TwoPeopleAtOnceLoseNothing", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		path := "/organiser/events/" + e.ID + "/edit"
		mine, theirs := c.get(path).fields("/edit"), c.get(path).fields("/edit")
		theirs.Set("description", "Deres.")
		theirs.Set("capacity", "60")
		c.postForm(path, theirs).want(http.StatusSeeOther)
		mine.Set("description", "Min.")
		mine.Set("capacity", "60")
		both := c.postForm(path, mine).want(http.StatusConflict).says(".alert", "En anden har gemt").
			says(`[id="description.hint"]`, "Gemt nu: Deres.").has("[id='title.hint']", 0).says("textarea#description", "Min.")
		if after := c.event(e.ID); after.Description != "Deres." {
			t.Errorf("%q", after.Description)
		}
		c.postForm(path, both.fields("/edit")).want(http.StatusSeeOther)
		if after := c.event(e.ID); after.Description != "Min." || *after.Capacity != 60 {
			t.Errorf("%q", after.Description)
		}
	})
	t.Run("TheOtherSeesEverythingThatWasChanged", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		path := "/organiser/events/" + e.ID + "/edit"
		mine, theirs := c.get(path).fields("/edit"), c.get(path).fields("/edit")
		theirs.Del("waitingList")
		theirs.Del("reminders")
		theirs.Set("verify", "always")
		theirs.Set("questions.1.label", "Hvad vil du?")
		c.postForm(path, theirs).want(http.StatusSeeOther)
		mine.Set("description", mine.Get("description")+" Ny.")
		c.postForm(path, mine).want(http.StatusConflict).says(`[id="waitingList.hint"]`, "Gemt nu: Nej").
			says(`[id="reminders.hint"]`, "Gemt nu:").says(`[id="verify.hint"]`, "Gemt nu: Altid").
			says("details ul", "Hvor kommer du fra?Hvad vil du?")
		mine.Del("revision") // nobody knows what was edited
		c.postForm(path, mine).want(http.StatusConflict)
	})
	t.Run("TimesStayAsTheyAreUnlessTheyAreChanged", func(t *testing.T) {
		c := newOwner(t)
		for name, at := range map[string]time.Time{
			"sekunder": time.Date(2026, 12, 1, 13, 0, 30, 0, time.UTC),
			"gentaget": time.Date(2027, 10, 31, 0, 30, 0, 0, time.UTC), // 02:30, which comes twice
		} {
			e := c.newEvent(name, func(e *deltag.Event) { e.StartsAt, e.EndsAt = at, at.Add(3*time.Hour) })
			c.signUpFor(e, "a")
			path := "/organiser/events/" + e.ID + "/edit"
			c.postForm(path, c.get(path).fields("/edit")).want(http.StatusSeeOther)
			if after := c.event(e.ID); !after.StartsAt.Equal(e.StartsAt) || after.ICalSequence != e.ICalSequence {
				t.Errorf("%s: %v, was %v", name, after.StartsAt, e.StartsAt)
			}
		}
		form := newEventForm()
		form.Set("startsAt", "2027-03-28T02:30") // which does not come
		form.Set("endsAt", "2027-03-28T05:00")
		c.postForm("/organiser/events", form).want(http.StatusUnprocessableEntity).says(".alert", "findes ikke den dag")
	})
	t.Run("AsksBeforeTheWaitlistGetsSeats", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(func(form url.Values) { form.Set("capacity", "1") })
		c.signUpFor(e, "a", "b", "d")
		path := "/organiser/events/" + e.ID + "/edit"
		form := c.get(path).fields("/edit")
		form.Set("capacity", "2")
		form.Set("confirm", "no")
		asked := c.postForm(path, form).want(http.StatusOK).says(".lead", "Én på ventelisten får en plads")
		c.postForm(path, asked.fields("/edit")).want(http.StatusSeeOther)
		if got := *c.event(e.ID).Capacity; got != 2 {
			t.Error(got)
		}
	})
	t.Run("AFaultIsShownForAnEventThatIsThere", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		path := "/organiser/events/" + e.ID + "/edit"
		form := c.get(path).fields("/edit")
		form.Set("title", "")
		c.postForm(path, form).want(http.StatusUnprocessableEntity).has(`[name=title][aria-invalid=true]`, 1).says("h1", "Tænketank")
		c.get("/organiser/events/aaaaaaaaaaaaaaaaaaaa/edit").want(http.StatusNotFound)
	})
	t.Run("FollowUpsAndTextsOfRemindersStay", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("tekster", func(e *deltag.Event) {
			e.ScheduledMails[0].Text = "Husk kaffe."
			e.ScheduledMails = append(e.ScheduledMails,
				deltag.ScheduledMail{Kind: deltag.KindFollowUpAttended, Offset: deltag.Offset(time.Hour), Text: "Tak."})
		})
		path := "/organiser/events/" + e.ID + "/edit"
		form := c.get(path).fields("/edit")
		form["reminders"] = []string{"-P1D", "-P2D"}
		c.postForm(path, form).want(http.StatusSeeOther)
		after := c.event(e.ID)
		if len(after.ScheduledMails) != 3 || after.MailText(deltag.ReminderKind(-deltag.Offset(24*time.Hour))) != "Husk kaffe." ||
			after.MailText(deltag.KindFollowUpAttended) != "Tak." {
			t.Errorf("%+v", after.ScheduledMails)
		}
	})
}

// TestWhatWasTypedIsKept: the store fails during a save, and repeating it is safe.
func TestWhatWasTypedIsKept(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{{deltag.ErrUnavailable, http.StatusServiceUnavailable}, {deltag.ErrConflict, http.StatusConflict}} {
		o := newOwner(t)
		e := o.create(nil)
		o.signUpFor(e, "a")
		events, path := "/organiser/events", "/organiser/events/"+e.ID
		edit, message := o.get(path+"/edit").fields("/edit"), o.get(path+"/messages").fields("/messages")
		create := newEventForm()
		create.Set("key", o.get(events+"/new").fields("/events").Get("key"))
		create.Set("title", "Ny")
		message.Set("text", "Hej.")
		message = o.postForm(path+"/messages", message).fields("/messages")
		edit.Set("description", "Min.")
		store, accounts := o.site.Organiser.Store, o.accounts.Store
		o.failWrites(c.err)
		o.postForm(events, create).want(c.status).has(`input[name=title][value=Ny]`, 1).has("[role=alert]", 1)
		o.postForm(path+"/edit", edit).want(c.status).says("textarea#description", "Min.").has("[role=alert]", 1)
		for _, step := range []string{"test", "send"} {
			message.Set("step", step)
			o.postForm(path+"/messages", message).want(http.StatusServiceUnavailable).says("textarea#text", "Hej.").has("[role=alert]", 1).has(".done", 0)
		}
		o.post("/organiser/members", "email", "bo@example.dk", "role", "reader").want(c.status).
			has(`input[name=email][value="bo@example.dk"]`, 1).has("[role=alert]", 1)
		o.post("/organiser/tokens", "name", "crm", "role", "reader", "expires", "2027-01-01").want(c.status).
			has(`input[name=name][value=crm]`, 1).has("[role=alert]", 1).has("code", 0)

		o.site.Organiser.Store, o.accounts.Store = store, accounts
		first := o.postForm(events, create).want(http.StatusSeeOther).Header.Get("Location")
		o.postForm(events, create).wantLocation(first) // sent twice: one event
		o.postForm(path+"/edit", edit).want(http.StatusSeeOther)
		o.postForm(path+"/messages", message).want(http.StatusSeeOther)
	}
}

// TestOddForms are those that no page of ours has.
func TestOddForms(t *testing.T) {
	c := newOwner(t)
	e := c.create(nil)
	c.post("/organiser/events", "title", "", "questions.22.label", "x").want(http.StatusUnprocessableEntity).
		has(`input[name="questions.22.label"][value=x]`, 1)
	large := newEventForm()
	for n := range deltag.MaxQuestions {
		row := questionRow(n)
		large.Set(row+"label", strings.Repeat("æ", 200))
		large.Set(row+"kind", "choice")
		large.Set(row+"options", strings.Repeat(strings.Repeat("ø", 150)+"\n", deltag.MaxOptions))
	}
	large.Set("title", "Stor")
	large.Set("description", strings.Repeat("å", deltag.MaxDescription))
	c.postForm("/organiser/events", large).want(http.StatusSeeOther)
	path := "/organiser/events/" + e.ID
	c.post(path + "/cancel").want(http.StatusOK)
	c.post(path+"/cancel", "confirm", "yes").want(http.StatusSeeOther)
	c.post(path+"/cancel").want(http.StatusUnprocessableEntity).says("main p", "aflyst") // no raw key
	draft := c.create(func(form url.Values) { form.Set("status", "draft"); form.Set("title", "Kladde") })
	c.post("/organiser/events/"+draft.ID+"/close").want(http.StatusUnprocessableEntity).says("main p", "ikke åbent")
	c.now = draft.RetentionEndsAt()
	c.signIn("anna")
	c.post("/organiser/events/"+draft.ID+"/messages", "audience", "all", "text", "Hej").
		want(http.StatusUnprocessableEntity).says(".alert", "ingen at skrive til")
}

func TestEventActions(t *testing.T) {
	c := newOwner(t)
	e := c.create(func(form url.Values) { form.Set("status", "draft") })
	path := "/organiser/events/" + e.ID
	c.get(path).has(`form[action$="/open"]`, 1).has(`form[action$="/close"]`, 0)
	for range 2 { // repeating it is harmless
		c.post(path + "/open").wantLocation(path + "?done=opened")
	}
	c.get(path).has(`form[action$="/open"]`, 0).has(`form[action$="/close"]`, 1)
	c.signUpFor(c.event(e.ID), "a", "b", "c")
	c.post(path + "/close").wantLocation(path + "?done=closed")
	if got := c.event(e.ID).Status; got != deltag.EventClosed {
		t.Error(got)
	}

	first := c.post(path + "/copy").want(http.StatusSeeOther).Header.Get("Location")
	second := c.post(path + "/copy").want(http.StatusSeeOther).Header.Get("Location")
	id := strings.TrimSuffix(strings.TrimPrefix(first, "/organiser/events/"), "/edit?done=copied")
	copied := c.event(id)
	if first == second || copied.Status != deltag.EventDraft || !copied.StartsAt.Equal(e.StartsAt.AddDate(0, 0, 7)) {
		t.Errorf("%s, %s: %+v", first, second, copied)
	}
	c.get(first).says(".done", "kladde")

	asked := c.post(path+"/cancel").want(http.StatusOK).says(".lead", "3 personer får en mail om aflysningen").
		has("button.danger", 1)
	if c.event(e.ID).Status == deltag.EventCancelled {
		t.Error("it is cancelled already")
	}
	for range 2 {
		c.postForm(path+"/cancel", asked.fields("/cancel")).wantLocation(path + "?done=cancelled")
	}
	c.get(path).has("form[action$='/cancel']", 0).has("form[action$='/open']", 0).says(".state", "Aflyst")
	c.post(path + "/open").want(http.StatusUnprocessableEntity)
}

func TestReadersSeeAndChangeNothing(t *testing.T) {
	c := newOwner(t)
	e := c.create(nil)
	c.addMember("rie", deltag.RoleReader)
	c.cookies = map[string]string{}
	c.signIn("rie")
	c.get("/organiser/events/"+e.ID).want(http.StatusOK).has("main form", 0).has("a[href$='/edit']", 0)
	c.get("/organiser").has("a[href='/organiser/events/new']", 0)
}

// everyStatus cancels a registration, leaves one unverified, and marks one as attended.
func (c *client) everyStatus(e deltag.Event) {
	c.Helper()
	ctx := context.Background()
	read := func(name string) deltag.Registration {
		_, r, err := c.store.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, addressOf(name)))
		if err != nil {
			c.Fatal(err)
		}
		return r
	}
	if err := c.store.CancelRegistration(ctx, e, read("a"), c.now); err != nil {
		c.Fatal(err)
	}
	if err := c.store.MarkAttended(ctx, e, read("b"), c.now); err != nil {
		c.Fatal(err)
	}
	e.Verify = deltag.VerifyAlways
	c.signUpFor(e, "f")
}

// followUps is an event with every kind of mail to all.
func (c *client) followUps() deltag.Event {
	c.Helper()
	e := c.newEvent("opfoelgning", func(e *deltag.Event) {
		for _, kind := range []deltag.MailKind{deltag.KindFollowUpAttended, deltag.KindFollowUpMissed} {
			e.ScheduledMails = append(e.ScheduledMails,
				deltag.ScheduledMail{Kind: kind, Offset: deltag.Offset(time.Hour), Text: "Tak."})
		}
	})
	c.signUpFor(e, "a")
	message := e.NewMailing(deltag.KindMessage, 1, c.now, "Hej.")
	message.Audience = deltag.AudienceAll
	cancellation := e.NewMailing(deltag.KindEventCancelled, e.ICalSequence, c.now, "")
	for _, m := range []deltag.Mailing{message, cancellation} {
		if err := c.store.PutMailing(context.Background(), m); err != nil {
			c.Fatal(err)
		}
	}
	return e
}

func TestMessages(t *testing.T) {
	mails := func(c *client, e deltag.Event) (messages int, previews []string) {
		c.Helper()
		all, err := c.store.Mailings(context.Background(), e.ID)
		if err != nil {
			c.Fatal(err)
		}
		for _, m := range all {
			if m.Kind == deltag.KindMessage {
				messages++
			}
		}
		ds, _, err := c.store.Deliveries(context.Background(), e.ID, "", 100)
		if err != nil {
			c.Fatal(err)
		}
		for _, d := range ds {
			if d.Kind == deltag.KindPreview {
				previews = append(previews, d.Email.Original+" "+d.Text)
			}
		}
		return messages, previews
	}
	c := newOwner(t)
	e := c.create(nil)
	c.signUpFor(e, "a", "b")
	path := "/organiser/events/" + e.ID + "/messages"
	form := c.get(path).want(http.StatusOK).fields("/messages")
	form.Set("audience", "confirmed")
	for _, step := range []string{"preview", "test", "send"} {
		form.Set("text", "Hej {fornavn}")
		form.Set("step", step)
		c.postForm(path, form).want(http.StatusUnprocessableEntity).says("[id='text.fault']", "{fornavn} kan vi ikke")
	}
	form.Set("text", " Hej {navn}.\r\nVi ses. ")
	form.Set("step", "preview")
	seen := c.postForm(path, form).want(http.StatusOK).says("#preview", "Du skriver til 2 personer").says(".card .text", "Hej Anna Holm. Vi ses.")
	if n, previews := mails(c, e); n != 0 || len(previews) != 0 {
		t.Errorf("%d messages, previews %v", n, previews)
	}
	form = seen.fields("/messages")
	form.Set("step", "test")
	for range 2 { // two presses are one
		c.postForm(path, form).want(http.StatusOK).says(".done", "anna@example.dk")
	}
	form.Set("text", "Hej igen.")
	form = c.postForm(path, form).want(http.StatusOK).fields("/messages")
	if n, previews := mails(c, e); n != 0 || len(previews) != 2 || !strings.HasPrefix(previews[0], "anna@example.dk Hej") {
		t.Errorf("%d messages, previews %v", n, previews)
	}
	form.Set("step", "send")
	for range 2 {
		c.postForm(path, form).wantLocation("/organiser/events/" + e.ID + "?done=message-sent")
	}
	again := c.get(path).fields("/messages") // the same words later
	again.Set("text", "Hej igen.")
	again.Set("audience", "confirmed")
	again.Set("step", "send")
	again = c.postForm(path, again).want(http.StatusOK).says("#preview", "2 personer").fields("/messages") // not seen yet
	again.Set("step", "send")
	c.postForm(path, again).want(http.StatusSeeOther)
	again.Set("audience", "all")
	c.postForm(path, again).want(http.StatusOK) // nor that it goes to all
	again.Set("audience", "")
	c.postForm(path, again).want(http.StatusUnprocessableEntity).has("[role=radiogroup][aria-invalid=true]", 1)
	if n, _ := mails(c, e); n != 2 {
		t.Errorf("%d messages", n)
	}
	form.Set("text", " ")
	c.postForm(path, form).want(http.StatusUnprocessableEntity).has("[name=text][aria-invalid=true]", 1)
}
