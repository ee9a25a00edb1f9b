package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"deltag/internal/deltag"
)

// buttons are what a browser sends for each button of the form on a page whose action ends so, in their order.
func (r response) buttons(action string) (all []url.Values) {
	r.t.Helper()
	fields := r.fields(action)
	for _, node := range r.doc.Find(`form[action$="` + action + `"] button`).Nodes {
		form := maps.Clone(fields)
		if button := r.doc.FindNodes(node); button.AttrOr("name", "") != "" {
			form[button.AttrOr("name", "")] = append(form[button.AttrOr("name", "")], button.AttrOr("value", ""))
		}
		all = append(all, form)
	}
	return all
}

// TestEachButtonOfAPageThatAsks: one does what the page says, and only the page of a change that mails people has
// another, which leads back to the form and does nothing.
func TestEachButtonOfAPageThatAsks(t *testing.T) {
	isOpen := func(c *client, e deltag.Event) bool { return c.event(e.ID).Status == deltag.EventOpen }
	hasIda := func(c *client, e deltag.Event) bool {
		_, r, err := c.store.EventAndRegistration(context.Background(), e.ID, deltag.RegistrationID(e, addressOf("ida")))
		return err == nil && r.Status == deltag.RegistrationConfirmed
	}
	tests := map[string]struct {
		path, action string
		ask          func(c *client, e deltag.Event) response
		isUntouched  func(c *client, e deltag.Event) bool
	}{
		"ErasePerson": {"/organiser/people", "/people", func(c *client, e deltag.Event) response {
			return c.post("/organiser/people", "email", "ida@example.dk", "step", "erase")
		}, hasIda},
		"CancelEvent": {"/cancel", "/cancel", func(c *client, e deltag.Event) response {
			return c.post(eventPath(e.ID) + "/cancel")
		}, isOpen},
		"CancelSelected": {"/attendees/selection", "/selection", func(c *client, e deltag.Event) response {
			return c.press(e, "", "cancel")
		}, hasIda},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newOwner(t)
			e := c.newEvent("et", nil)
			c.signUp(e, "ida")
			path := test.path
			if name != "ErasePerson" {
				path = eventPath(e.ID) + test.path
			}
			buttons := test.ask(c, e).want(http.StatusOK).buttons(test.action)
			if len(buttons) != 1 || !test.isUntouched(c, e) {
				t.Fatalf("%d buttons, %q", len(buttons), buttons)
			}
			if c.postForm(path, buttons[0]); test.isUntouched(c, e) {
				t.Error("nothing was done")
			}
		})
	}
	t.Run("DeleteEvent", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("et", nil)
		buttons := c.post(eventPath(e.ID) + "/delete").want(http.StatusOK).buttons("/delete")
		if len(buttons) != 1 {
			t.Fatalf("%q", buttons)
		}
		c.postForm(eventPath(e.ID)+"/delete", buttons[0])
		if _, err := c.store.Event(context.Background(), e.ID); !errors.Is(err, deltag.ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("MoveEvent", func(t *testing.T) {
		c := newOwner(t)
		e := c.newEvent("et", nil)
		c.signUp(e, "ida")
		path := eventPath(e.ID) + "/edit"
		form := c.get(path).fields("/edit")
		form.Set("startsAt", "2026-12-01T07:00")
		form.Set("step", "save") // whatever stands there
		buttons := c.postForm(path, form).want(http.StatusOK).buttons("/edit")
		if len(buttons) != 2 {
			t.Fatalf("%q", buttons)
		}
		c.postForm(path, buttons[1]).want(http.StatusOK).has(`[name=startsAt][value="2026-12-01T07:00"]`, 1)
		if got := c.event(e.ID).StartsAt; !got.Equal(e.StartsAt) {
			t.Errorf("moved to %s", got)
		}
		c.postForm(path, buttons[0]).wantLocation(eventPath(e.ID) + "?done=saved")
		if got := c.event(e.ID).StartsAt; got.Equal(e.StartsAt) {
			t.Error("not moved")
		}
	})
}

// TestPersonIsErasedOnlyByTheStepThatErases: a confirmation alone, or with another step, is none.
func TestPersonIsErasedOnlyByTheStepThatErases(t *testing.T) {
	c := newOwner(t)
	e := c.newEvent("et", nil)
	c.signUp(e, "ida")
	for _, step := range []string{"", "preview", "export", "receipt"} {
		c.post("/organiser/people", "email", "ida@example.dk", "step", step, "confirm", "yes").want(http.StatusOK)
		c.registration(e, "ida")
	}
}
