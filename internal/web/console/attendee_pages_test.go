package console

import (
	"context"
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
)

// addAttendeePages adds every page about attendees in every state.
func addAttendeePages(
	t *testing.T, pages map[string]func(string) response, owner func(func(*client, string) response) func(string) response,
) {
	list := func(path string) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			return c.get(eventPath(e.ID) + "/attendees" + path + q)
		})
	}
	// person opens somebody's page, or posts to it if there is a form.
	person := func(name, action string, form ...string) func(string) response {
		return owner(func(c *client, q string) response {
			e := c.newAttendees()
			path := attendeePath(e.ID, c.registration(e, name).ID) + action + q
			if form == nil {
				return c.get(path)
			}
			return c.post(path, form...)
		})
	}
	pages["attendees-none"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newEvent("tomt", nil).ID) + "/attendees" + q)
	})
	pages["attendees"] = list("")
	pages["attendees-filtered"] = owner(func(c *client, q string) response {
		e := c.newAttendees()
		return c.get(eventPath(e.ID) + "/attendees" + q + "&q=kommune&answers.hvor=Kommune&sort=name&addresses=yes")
	})
	pages["attendees-columns"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newAttendees().ID) + "/attendees" + q + "&columns=role&columns=mail&columns=attended&" +
			"columns=updates&columns=answers.hvor&columns=answers.film&columns=answers.mere")
	})
	addSelectionPages(pages, owner)
	pages["attendees-no-match"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newAttendees().ID) + "/attendees" + q + "&q=xyz")
	})
	pages["attendees-no-addresses"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newAttendees().ID) + "/attendees" + q + "&mail=bounced&addresses=yes")
	})
	long := func(c *client) deltag.Event {
		e := c.newEvent("mange", nil)
		for i := range 60 {
			c.signUpAt(e, fmt.Sprint("ida", i), start.Add(time.Duration(i)*time.Minute))
		}
		return e
	}
	pages["attendees-first-page"] = owner(func(c *client, q string) response {
		return c.get(eventPath(long(c).ID) + "/attendees" + q)
	})
	pages["attendees-second-page"] = owner(func(c *client, q string) response {
		e := long(c)
		next, _ := c.get(eventPath(e.ID) + "/attendees").doc.Find("a[rel=next]").Attr("href")
		return c.get(next + "&" + q[1:])
	})
	pages["attendee-new"] = list("/new")
	pages["attendee-new-faulty"] = owner(func(c *client, q string) response {
		return c.post(eventPath(c.newAttendees().ID)+"/attendees"+q, "name", "", "email", "ida", "answers.mere", "Tillid")
	})
	pages["attendee-new-closed"] = owner(func(c *client, q string) response {
		e := c.newAttendees()
		c.now = e.EndsAt
		c.signIn("anna")
		return c.post(eventPath(e.ID)+"/attendees"+q, "name", "Ida Ny", "email", "ida@example.dk")
	})
	pages["attendee"] = person("p0", "")
	pages["attendee-waiting"] = person("p3", "")
	pages["attendee-cancelled"] = person("p4", "")
	pages["attendee-bounced"] = person("p1", "")
	pages["attendee-full"] = person("p3", "/seat", "x", "")
	pages["attendee-faulty"] = person("p0", "", "name", "", "email", "p0@@example.dk")
	pages["attendee-address-taken"] = person("p0", "", "name", "Søren Ørsted", "email", "p2@example.dk")
	pages["attendee-consent-asked"] = owner(func(c *client, q string) response {
		e := c.newEvent("samtykke", nil)
		in := deltag.SignUpRequest{Name: "John", Email: addressOf("john"), Language: "da", AllowsNews: true}
		if _, err := c.store.SignUp(context.Background(), e, in, start); err != nil {
			t.Fatal(err)
		}
		return c.get(attendeePath(e.ID, c.registration(e, "john").ID) + q)
	})
	pages["attendee-erase-faulty"] = person("p0", "/erase", "confirm", "no")
	for _, done := range []string{
		"attendee-added", "attendee-waiting", "attendee-known", "attendee-saved", "attendee-cancelled", "attendee-attended",
		"attendee-missed", "mail-resent", "mail-on-its-way",
	} {
		pages["attendee-done-"+done] = owner(func(c *client, q string) response {
			e := c.newEvent("kort", nil)
			r := c.signUp(e, "ida")
			return c.get(attendeePath(e.ID, r.ID) + q + "&done=" + done)
		})
	}
	pages["attendees-erased"] = owner(func(c *client, q string) response {
		return c.get(eventPath(c.newEvent("kort", nil).ID) + "/attendees" + q + "&done=attendee-erased")
	})
	pages["attendee-mails"] = owner(func(c *client, q string) response {
		e, r := c.newEveryMail()
		return c.get(attendeePath(e.ID, r.ID) + q)
	})
	pages["attendee-read"] = func(q string) response {
		c := newClient(t)
		c.addMember("rie", deltag.RoleReader)
		c.signIn("rie")
		e, r := c.newEveryMail()
		return c.get(attendeePath(e.ID, r.ID) + q)
	}
	pages["attendee-unverified"] = owner(func(c *client, q string) response {
		e := c.newEvent("usikkert", func(e *deltag.Event) { e.Verify = deltag.VerifyAlways })
		r := c.signUp(e, "ida")
		return c.get(attendeePath(e.ID, r.ID) + q)
	})
	pages["attendees-unverified"] = owner(func(c *client, q string) response {
		e := c.newEvent("usikkert", func(e *deltag.Event) { e.Verify = deltag.VerifyAlways })
		c.signUp(e, "ida")
		return c.get(eventPath(e.ID) + "/attendees" + q)
	})
}

func (c *client) signUp(e deltag.Event, name string) deltag.Registration {
	c.Helper()
	return c.signUpAt(e, name, start)
}

func (c *client) signUpAt(e deltag.Event, name string, at time.Time) deltag.Registration {
	c.Helper()
	in := deltag.SignUpRequest{
		Name: "Ida Holm", Email: addressOf(name), Language: "da", Answers: map[string][]string{"gammelt": {"Et gammelt svar"}},
	}
	if _, err := c.store.SignUp(context.Background(), e, in, at); err != nil {
		c.Fatal(err)
	}
	return c.registration(e, name)
}

// newEveryMail stores somebody with a mail of every kind, status and reason.
func (c *client) newEveryMail() (deltag.Event, deltag.Registration) {
	c.Helper()
	e := c.newEvent("mange-mails", func(e *deltag.Event) {
		e.Questions = []deltag.Question{{ID: "hvor", Kind: deltag.QuestionShortText, Label: "Hvor?"}}
	})
	r := c.signUp(e, "ida")
	kinds := []deltag.MailKind{"reminder-P1D", "reminder-PT1H"}
	for _, k := range deltag.MailKinds {
		if k != deltag.KindPreview && k != deltag.KindOrganiserNote && !k.IsFinal() {
			kinds = append(kinds, k)
		}
	}
	n := 0
	add := func(k deltag.MailKind, status deltag.DeliveryStatus, reason deltag.Reason) {
		n++
		d := deltag.NewDelivery(r, k, 100+n, start.Add(time.Duration(n)*time.Hour))
		d.Status, d.Reason, d.NextAttemptAt = status, reason, time.Time{}
		d.History = []deltag.StatusChange{
			{At: d.DueAt, Status: deltag.DeliverySending}, {At: d.DueAt, Status: status, Reason: reason},
		}
		if err := c.store.SaveDelivery(context.Background(), d); err != nil {
			c.Fatal(err)
		}
	}
	for i, status := range deltag.DeliveryStatuses {
		add(kinds[i], status, "")
	}
	for i, reason := range attendeeReasons {
		add(kinds[i%len(kinds)], deltag.DeliverySkipped, reason)
	}
	add(deltag.KindAddressChanged, deltag.DeliveryPending, "")
	return e, r
}

var attendeeReasons = []deltag.Reason{
	deltag.ReasonEventCancelled, deltag.ReasonEventOver, deltag.ReasonEventStarted, deltag.ReasonOldSchedule,
	deltag.ReasonRegistrationCancelled, deltag.ReasonWaitlisted, deltag.ReasonUnverified, deltag.ReasonLinkExpired,
	deltag.ReasonNotWaitlisted, deltag.ReasonConfirmed, deltag.ReasonSignedUpLater, deltag.ReasonSuperseded,
	deltag.ReasonAddressBounced, deltag.ReasonAddressComplained, deltag.ReasonUnsubscribed, deltag.ReasonAttended,
	deltag.ReasonNotAttended, deltag.ReasonRegistrationGone, deltag.ReasonNetworkBounces, deltag.ReasonThrottled,
	deltag.ReasonSendQuota, deltag.ReasonDailyLimit, deltag.ReasonReputation, deltag.ReasonNotSubmitted,
	deltag.ReasonNotAllowed, deltag.ReasonNoResponse, deltag.ReasonRejected, deltag.ReasonRenderFailed,
	deltag.ReasonResent, deltag.ReasonRetriesExhausted, deltag.ReasonNotWanted,
}
