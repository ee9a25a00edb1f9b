package console

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// An eventlessStore can't read events.
type eventlessStore struct{ organiser.Store }

func (eventlessStore) Event(context.Context, string) (deltag.Event, error) {
	return deltag.Event{}, deltag.ErrUnavailable
}

// TestEventPreview: the form of an event shows the event's page and its confirmation, and stores nothing by that.
func TestEventPreview(t *testing.T) {
	const events = "/organiser/events"
	t.Run("OfANewEvent", func(t *testing.T) {
		c := newOwner(t)
		res := c.get(events+"/new").want(http.StatusOK).has("#preview iframe", 0).has(`button[name=step][value=preview]`, 1)
		form := newEventForm()
		form.Set("key", res.fields(events).Get("key"))
		form.Set("step", "preview")
		form.Set("title", "<b>Tænketank</b>")
		res = c.postForm(events, form).want(http.StatusOK).has("#preview iframe", 2).has(`[name=title][value="<b>Tænketank</b>"]`, 1)
		for id, words := range map[string][]string{
			"preview-page":         {"<h1>&lt;b&gt;Tænketank&lt;/b&gt;</h1>", "Hvor kommer du fra?", `name="email"`, "14.00–15.00"},
			"preview-confirmation": {"Du er tilmeldt", "Anna Holm", "&lt;b&gt;Tænketank"},
		} {
			html := res.frame(id)
			for _, want := range words {
				if !strings.Contains(html, want) {
					t.Errorf("%s lacks %q", id, want)
				}
			}
			if strings.Contains(html, "<script") {
				t.Errorf("%s has a script", id)
			}
		}
		if n := c.get("/organiser").doc.Find(".rows li").Length(); n != 0 {
			t.Errorf("%d events are stored", n)
		}
		c.postForm(events, res.fields(events)).want(http.StatusSeeOther) // what is shown can be saved
	})
	t.Run("OfAnEdit", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("x", func(e *deltag.Event) { e.ConfirmationText = "Tag papir med." })
		c.signUpFor(e, "a")
		path := "/organiser/events/" + e.ID + "/edit"
		res := c.get(path)
		if html := res.frame("preview-confirmation"); !strings.Contains(html, "Tag papir med.") {
			t.Error(html)
		}
		form := res.fields("/edit")
		form.Set("title", "Helt anden titel")
		form.Set("language", "en")
		form.Set("step", "preview")
		res = c.postForm(path, form).want(http.StatusOK).says("#preview .note", "Helt anden titel").has("#preview .note [lang=en]", 1)
		if html := res.frame("preview-page"); !strings.Contains(html, "Helt anden titel") || !strings.Contains(html, "Sign up") {
			t.Error(html)
		}
		if after := c.event(e.ID); after.Title != e.Title || after.Revision != e.Revision {
			t.Errorf("%+v", after)
		}
	})
	t.Run("WithFaultsItShowsWhatItCan", func(t *testing.T) {
		c := newOwner(t)
		form := newEventForm()
		form.Set("step", "preview")
		form.Set("capacity", "mange")
		c.postForm(events, form).want(http.StatusUnprocessableEntity).has("[name=capacity][aria-invalid=true]", 1).has("#preview iframe", 2)
		form.Set("timeZone", "Mars")
		form.Set("language", "xx")
		form.Set("questions.0.kind", "?")
		form.Set("retentionDays", "-1")
		c.postForm(events, form).want(http.StatusUnprocessableEntity).has("#preview iframe", 2)
		form.Set("startsAt", "")
		c.postForm(events, form).want(http.StatusUnprocessableEntity).has("#preview iframe", 0).says("#preview", "titel og tidspunkt")
	})
	t.Run("KeepsWhatWasTypedWhileTheTableFails", func(t *testing.T) {
		c := newOwner(t)
		e := c.create(nil)
		edit, wording := "/organiser/events/"+e.ID+"/edit", wordingPath(e)
		form, words := c.get(edit).fields("/edit"), c.get(wording).fields("/wording")
		form.Set("step", "preview")
		form.Set("title", "Ny titel")
		words.Set("step", "preview:confirmation")
		words.Set("confirmationText", "Velkommen.")
		c.site.Organiser.Store = eventlessStore{c.site.Organiser.Store}
		c.postForm(edit, form).want(http.StatusServiceUnavailable).has(`[name=title][value="Ny titel"]`, 1).has("[role=alert]", 1)
		for _, step := range []string{"preview:confirmation", ""} {
			words.Set("step", step)
			c.postForm(wording, words).want(http.StatusServiceUnavailable).says("textarea#confirmationText", "Velkommen.").
				has("[role=alert]", 1)
		}
	})
	t.Run("ThePolicyAllowsTheScriptAndTheStylesAlone", func(t *testing.T) {
		c := newOwner(t)
		res := c.get(events + "/new")
		policy := res.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'sha256-", "connect-src 'self'", "'unsafe-hashes'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%q lacks %s", policy, part)
			}
		}
		if strings.Contains(policy, "unsafe-inline") || len(policy) > 4096 {
			t.Errorf("%d: %s", len(policy), policy)
		}
	})
}
