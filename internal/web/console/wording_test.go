package console

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

func wordingPath(e deltag.Event) string { return "/organiser/events/" + e.ID + "/wording" }

// frame is the HTML of a preview.
func (r response) frame(id string) string {
	r.t.Helper()
	frames := r.doc.Find(`iframe[id="` + id + `"][title][sandbox=""]`)
	if frames.Length() != 1 {
		r.t.Fatalf("%d frames %s", frames.Length(), id)
	}
	return frames.AttrOr("srcdoc", "")
}

func TestWording(t *testing.T) {
	t.Run("StoresTheWordsOfEachMail", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).want(http.StatusOK).has("textarea", 5).fields("/wording")
		for name, text := range map[string]string{
			"confirmationText": " Velkommen.\r\n\r\nTag papir med. ", "reminders.reminder-P1D": "I morgen.",
			"reminders.followup-missed": "Vi savnede dig.",
		} {
			form.Set(name, text)
		}
		c.postForm(wordingPath(e), form).wantLocation(wordingPath(e) + "?done=saved")
		after := c.event(e.ID)
		for k, want := range map[deltag.MailKind]string{
			deltag.KindConfirmation: "Velkommen.\n\nTag papir med.", "reminder-P1D": "I morgen.", "reminder-PT1H": "",
			deltag.KindFollowUpMissed: "Vi savnede dig.", deltag.KindFollowUpAttended: "",
		} {
			if got := after.MailText(k); got != want {
				t.Errorf("%s: %q, want %q", k, got, want)
			}
		}
		form = c.get(wordingPath(e)).says("textarea#confirmationText", "Velkommen.").fields("/wording")
		form.Set("reminders.followup-missed", "")
		c.postForm(wordingPath(e), form).want(http.StatusSeeOther)
		if n := len(c.event(e.ID).ScheduledMails); n != len(e.ScheduledMails) {
			t.Errorf("%d scheduled mails, want %d", n, len(e.ScheduledMails))
		}
	})
	t.Run("RefusesAMistypedPlaceholder", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).fields("/wording")
		form.Set("confirmationText", "Kære {nvan}")
		c.postForm(wordingPath(e), form).want(http.StatusUnprocessableEntity).says("textarea", "Kære {nvan}").
			says("[id='confirmationText.fault']", "{nvan} kan vi ikke sætte noget ind for. Du kan skrive {navn}, {titel}, {tidspunkt} og {link}.")
		form.Set("confirmationText", "Kære {navn}")
		c.postForm(wordingPath(e), form).want(http.StatusSeeOther)
	})
	t.Run("ShowsTheMailAndStoresNothing", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).fields("/wording")
		form.Set("confirmationText", `Kære {name}, <script>alert("x")</script>`)
		form.Set("reminders.reminder-P1D", "I morgen.")
		form.Set("step", "preview:confirmation")
		res := c.postForm(wordingPath(e), form).want(http.StatusOK).has("iframe", 1).says("textarea", "I morgen.")
		html := res.frame("preview-confirmation")
		for _, want := range []string{"Kære Anna Holm, &lt;script&gt;", "Du er tilmeldt", "Tænketank", `<base target="_blank">`} {
			if !strings.Contains(html, want) {
				t.Errorf("the preview lacks %q", want)
			}
		}
		if strings.Contains(html, "<script") {
			t.Error("the preview has a script")
		}
		form.Set("step", "preview:reminder-P1D")
		if html := c.postForm(wordingPath(e), form).frame("preview-reminder-P1D"); !strings.Contains(html, "I morgen.") {
			t.Error(html)
		}
		form.Set("step", "preview:followup-attended")
		c.postForm(wordingPath(e), form).want(http.StatusOK).has("iframe", 0).says("main", "bliver denne mail ikke sendt")
		form.Set("step", "preview:nonsense")
		c.postForm(wordingPath(e), form).want(http.StatusOK).has("iframe", 0)
		if after := c.event(e.ID); after.Revision != e.Revision {
			t.Error("it is saved")
		}
	})
	t.Run("TheFrameIsBoundByThePagesPolicy", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		policy := c.post(wordingPath(e), "step", "preview:confirmation").want(200).Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "'unsafe-hashes' 'sha256-", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%q lacks %s", policy, part)
			}
		}
		if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe-inline") {
			t.Error(policy)
		}
	})
	t.Run("ResetShowsTheStandardWordsUntilTheyAreSaved", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("x", func(e *deltag.Event) { e.ConfirmationText = "Velkommen." })
		form := c.get(wordingPath(e)).has(`button[value="reset:confirmation"]`, 1).fields("/wording")
		form.Set("step", "reset:confirmation")
		res := c.postForm(wordingPath(e), form).want(http.StatusOK).has(`button[value="reset:confirmation"]`, 0)
		if html := res.frame("preview-confirmation"); strings.Contains(html, "Velkommen.") {
			t.Error("the words are still there")
		}
		if c.event(e.ID).ConfirmationText == "" {
			t.Error("it is saved already")
		}
		c.postForm(wordingPath(e), res.fields("/wording")).want(http.StatusSeeOther)
		if text := c.event(e.ID).ConfirmationText; text != "" {
			t.Errorf("%q", text)
		}
	})
	t.Run("FaultsStandBesideTheirFields", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).fields("/wording")
		form.Set("confirmationText", strings.Repeat("å", deltag.MaxDescription+1))
		form.Set("reminders.reminder-PT1H", "a\u202eb")
		for _, step := range []string{"", "preview:confirmation"} {
			form.Set("step", step)
			c.postForm(wordingPath(e), form).want(http.StatusUnprocessableEntity).has("[aria-invalid=true]", 2).has("iframe", 0).
				has(`.alert a[href="#confirmationText"]`, 1).has(`.alert a[href="#reminders.reminder-PT1H"]`, 1)
		}
		full := c.newEvent("fuld", func(e *deltag.Event) {
			e.ScheduledMails = nil
			for n := range deltag.MaxReminders {
				offset := deltag.Offset(-time.Duration(n+1) * time.Hour)
				e.ScheduledMails = append(e.ScheduledMails, deltag.ScheduledMail{Kind: deltag.ReminderKind(offset), Offset: offset})
			}
		})
		form = c.get(wordingPath(full)).fields("/wording")
		form.Set("reminders.followup-missed", "Hej")
		c.postForm(wordingPath(full), form).want(http.StatusUnprocessableEntity).says(".alert", "højst 10").
			says(`[id="reminders.followup-missed"]`, "Hej")
	})
	t.Run("WhatHasGoneOutDoesNotChange", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).fields("/wording")
		form.Set("confirmationText", "Velkommen.")
		form.Set("reminders.reminder-P1D", "I morgen.")
		c.now = e.StartsAt.Add(-24 * time.Hour)
		c.signIn("anna")
		res := c.postForm(wordingPath(e), form).want(http.StatusUnprocessableEntity).
			has("textarea[readonly]", 1).says("textarea[readonly]", "I morgen.").
			says(".fault", "kan ikke ændres mere").has(`.alert a[href="#reminders.reminder-P1D"]`, 1)
		c.postForm(wordingPath(e), res.fields("/wording")).want(http.StatusSeeOther)
		if after := c.event(e.ID); after.ConfirmationText != "Velkommen." || after.MailText("reminder-P1D") != "" {
			t.Errorf("%+v", after)
		}
		c.get(wordingPath(e)).has(`textarea[id="reminders.reminder-P1D"]`, 0).says("#mail-reminder-P1D", "kan ikke ændres mere")
	})
	t.Run("TwoPeopleAtOnceLoseNothing", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		mine, theirs := c.get(wordingPath(e)).fields("/wording"), c.get(wordingPath(e)).fields("/wording")
		theirs.Set("confirmationText", "Deres.")
		c.postForm(wordingPath(e), theirs).want(http.StatusSeeOther)
		edit := c.get("/organiser/events/" + e.ID + "/edit").fields("/edit")
		edit["reminders"] = []string{"-P1D"}
		c.postForm("/organiser/events/"+e.ID+"/edit", edit).want(http.StatusSeeOther)
		mine.Set("confirmationText", "Min.")
		mine.Set("reminders.reminder-PT1H", "Om en time.")
		both := c.postForm(wordingPath(e), mine).want(http.StatusConflict).says(`[id="confirmationText.hint"]`, "Gemt nu: Deres.").
			says("textarea#confirmationText", "Min.").says("textarea[readonly]", "Om en time.")
		if after := c.event(e.ID); after.ConfirmationText != "Deres." {
			t.Errorf("%q", after.ConfirmationText)
		}
		c.postForm(wordingPath(e), both.fields("/wording")).want(http.StatusSeeOther)
		if after := c.event(e.ID); after.ConfirmationText != "Min." || len(after.ScheduledMails) != 1 {
			t.Errorf("%+v", after)
		}
		c.postForm(wordingPath(e), both.fields("/wording")).want(http.StatusSeeOther) // sent again
	})
	t.Run("ACancelledEventHasNoForm", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("aflyst", func(e *deltag.Event) { e.Status, e.ConfirmationText = deltag.EventCancelled, "Velkommen." })
		c.get(wordingPath(e)).want(http.StatusOK).has("textarea, main button", 0).says("#mail-confirmation", "Velkommen.")
	})
	t.Run("WhatWasTypedIsKeptWhenTheStoreFails", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		form := c.get(wordingPath(e)).fields("/wording")
		form.Set("confirmationText", "Velkommen.")
		form.Set("reminders.followup-missed", "Øv.")
		store := c.site.Organiser.Store
		c.failWrites(deltag.ErrUnavailable)
		res := c.postForm(wordingPath(e), form).want(http.StatusServiceUnavailable).has("[role=alert]", 1).has("textarea", 5).
			says("textarea#confirmationText", "Velkommen.").says("#mail-followup-missed textarea", "Øv.")
		c.site.Organiser.Store = store
		c.postForm(wordingPath(e), res.fields("/wording")).want(http.StatusSeeOther)
		if after := c.event(e.ID); after.ConfirmationText != "Velkommen." || after.MailText(deltag.KindFollowUpMissed) != "Øv." {
			t.Errorf("%+v", after)
		}
	})
}

// addWordingPages opens the page of the mails' words in every state.
func addWordingPages(
	all map[string]func(string) response, withEvent func(func(*client, deltag.Event, string) response) func(string) response,
) {
	posts := func(pairs ...string) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			form := c.get(wordingPath(e)).fields("/wording")
			for i := 0; i < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return c.postForm(wordingPath(e)+q, form)
		})
	}
	signedUp := func(names ...string) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			c.signUpFor(e, names...)
			return c.get(wordingPath(e) + q)
		})
	}
	maps.Copy(all, map[string]func(string) response{
		"event-preview": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/edit"
			form := c.get(path).fields("/edit")
			form.Set("step", "preview")
			return c.postForm(path+q, form)
		}),
		"wording":         signedUp(),
		"wording-one":     signedUp("a"),
		"wording-many":    signedUp("a", "b"),
		"wording-preview": posts("step", "preview:confirmation", "confirmationText", "Hej {name}."),
		"wording-none":    posts("step", "preview:followup-missed"),
		"wording-faulty":  posts("confirmationText", "a\u202eb"),
		"wording-stale": withEvent(func(c *client, e deltag.Event, q string) response {
			form := c.get(wordingPath(e)).fields("/wording")
			edit := c.get("/organiser/events/" + e.ID + "/edit").fields("/edit")
			edit["reminders"] = []string{"-P1D"}
			c.postForm("/organiser/events/"+e.ID+"/edit", edit)
			form.Set("confirmationText", "Velkommen.")
			form.Set("reminders.reminder-PT1H", "Om en time.")
			return c.postForm(wordingPath(e)+q, form)
		}),
		"wording-late": withEvent(func(c *client, e deltag.Event, q string) response {
			form := c.get(wordingPath(e)).fields("/wording")
			form.Set("reminders.reminder-P1D", "I morgen.")
			c.now = e.StartsAt.Add(-24 * time.Hour)
			c.signIn("anna")
			return c.postForm(wordingPath(e)+q, form)
		}),
		"wording-unavailable": withEvent(func(c *client, e deltag.Event, q string) response {
			form := c.get(wordingPath(e)).fields("/wording")
			form.Set("confirmationText", "Husk kaffe.")
			c.failWrites(deltag.ErrUnavailable)
			return c.postForm(wordingPath(e)+q, form)
		}),
		"wording-cancelled": withEvent(func(c *client, e deltag.Event, q string) response {
			c.post("/organiser/events/"+e.ID+"/cancel", "confirm", "yes")
			return c.get(wordingPath(e) + q)
		}),
	})
}
