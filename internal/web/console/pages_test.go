package console

import (
	"maps"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/golden"
	"deltag/internal/testing/pagecheck"
)

// pageList opens every page in every state, in the language that the query names.
func pageList(t *testing.T) map[string]func(query string) response {
	c := newClient(t)
	owner := func(serve func(*client, string) response) func(string) response {
		return func(query string) response {
			c := newClient(t)
			c.signIn("anna")
			return serve(c, query)
		}
	}
	unavailable := func(path string) func(string) response {
		return owner(func(c *client, query string) response {
			c.breakStore()
			return c.get(path + query)
		})
	}
	withEvent := func(serve func(c *client, e deltag.Event, query string) response) func(string) response {
		return owner(func(c *client, query string) response { return serve(c, c.create(nil), query) })
	}
	overview := func(done string) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			return c.get("/organiser/events/" + e.ID + q + "&done=" + done)
		})
	}
	// asks opens the page that asks before people are mailed about an edit.
	asks := func(people int, name, value string) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			c.signUpFor(e, []string{"a", "b"}[:people]...)
			path := "/organiser/events/" + e.ID + "/edit"
			form := c.get(path).fields("/edit")
			form.Set(name, value)
			return c.postForm(path+q, form)
		})
	}
	cancels := func(people int) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			c.signUpFor(e, []string{"a", "b"}[:people]...)
			return c.post("/organiser/events/" + e.ID + "/cancel" + q)
		})
	}
	writes := func(people int, step, text string) func(string) response {
		return withEvent(func(c *client, e deltag.Event, q string) response {
			c.signUpFor(e, []string{"a", "b"}[:people]...)
			return c.post("/organiser/events/"+e.ID+"/messages"+q, "audience", "all", "text", text, "step", step, "key", "k")
		})
	}
	all := map[string]func(query string) response{
		"event-new": owner(func(c *client, q string) response { return c.get("/organiser/events/new" + q) }),
		"event-faulty": owner(func(c *client, q string) response {
			form := newEventForm()
			form.Set("startsAt", "i morgen")
			form.Set("capacity", "mange")
			form.Set("questions.0.options", "")
			return c.postForm("/organiser/events"+q, form)
		}),
		"event-slug-taken": owner(func(c *client, q string) response {
			c.create(nil)
			return c.postForm("/organiser/events"+q, newEventForm())
		}),
		"event-edit": withEvent(func(c *client, e deltag.Event, q string) response {
			return c.get("/organiser/events/" + e.ID + "/edit" + q)
		}),
		"event-copied": withEvent(func(c *client, e deltag.Event, q string) response {
			return c.get("/organiser/events/" + e.ID + "/edit" + q + "&done=copied")
		}),
		"event-stale": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/edit"
			form := c.get(path).fields("/edit")
			c.post("/organiser/events/" + e.ID + "/close")
			form.Set("description", "Min.")
			return c.postForm(path+q, form)
		}),
		"event-at-start": owner(func(c *client, q string) response {
			e := c.create(func(form url.Values) { form.Add("reminders", "PT0M") })
			return c.get("/organiser/events/" + e.ID + "/edit" + q)
		}),
		"event":           overview("created"),
		"event-saved":     overview("saved"),
		"event-opened":    overview("opened"),
		"event-closed":    overview("closed"),
		"event-cancelled": overview("cancelled"),
		"event-busy": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID
			c.signUpFor(e, "a", "b", "c", "d")
			form := c.get(path + "/edit").fields("/edit")
			form.Set("capacity", "1")
			form.Set("title", "Ny titel")
			form.Set("confirm", "yes")
			c.postForm(path+"/edit", form).want(303)
			form.Set("revision", "2")
			c.signUpFor(c.event(e.ID), "e")
			c.everyStatus(c.event(e.ID))
			return c.get(path + q)
		}),
		"event-moved": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID
			c.signUpFor(e, "a")
			form := c.get(path + "/edit").fields("/edit")
			form.Set("startsAt", "2026-12-01T13:30")
			form.Set("confirm", "yes")
			c.postForm(path+"/edit", form).want(303)
			return c.get(path + q)
		}),
		"event-without-mail": owner(func(c *client, q string) response {
			e := c.create(func(form url.Values) { form.Del("reminders"); form.Set("status", "draft") })
			return c.get("/organiser/events/" + e.ID + q)
		}),
		"event-follow-ups": owner(func(c *client, q string) response { return c.get("/organiser/events/" + c.followUps().ID + q) }),
		"message": withEvent(func(c *client, e deltag.Event, q string) response {
			return c.get("/organiser/events/" + e.ID + "/messages" + q)
		}),
		"message-none":         writes(0, "preview", "Hej {name}.\n\nVi ses {when}: {link}"),
		"message-preview":      writes(1, "preview", "Hej {name}, velkommen til {title}."),
		"message-test":         writes(2, "test", "Hej {name}."),
		"message-faulty":       writes(2, "preview", ""),
		"message-sent":         overview("message-sent"),
		"confirm-promoted":     withEvent(func(c *client, e deltag.Event, q string) response { return c.promotes(e, q, 2) }),
		"confirm-promoted-one": withEvent(func(c *client, e deltag.Event, q string) response { return c.promotes(e, q, 1) }),
		"event-stale-all": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/edit"
			mine, theirs := c.get(path).fields("/edit"), c.get(path).fields("/edit")
			theirs.Del("waitingList")
			theirs.Set("remindOrganiser", "yes")
			theirs.Set("questions.0.label", "")
			c.postForm(path, theirs).want(303)
			mine.Set("title", "Ny titel")
			return c.postForm(path+q, mine)
		}),
		"event-conflict": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/edit"
			form := c.get(path).fields("/edit")
			form.Set("joinUrl", "https://example.dk/ny")
			c.failWrites(deltag.ErrConflict)
			return c.postForm(path+q, form)
		}),
		"event-unavailable": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/edit"
			form := c.get(path).fields("/edit")
			form.Set("joinUrl", "https://example.dk/ny")
			c.failWrites(deltag.ErrUnavailable)
			return c.postForm(path+q, form)
		}),
		"cancelled-twice": withEvent(func(c *client, e deltag.Event, q string) response {
			path := "/organiser/events/" + e.ID + "/cancel"
			c.post(path, "confirm", "yes")
			return c.post(path + q)
		}),
		"bad-cursor": owner(func(c *client, q string) response { return c.get("/organiser" + q + "&cursor=x") }),
		"copies-taken": withEvent(func(c *client, e deltag.Event, q string) response {
			c.failWrites(deltag.ErrSlugTaken)
			return c.post("/organiser/events/" + e.ID + "/copy" + q)
		}),
		"copy-failed": withEvent(func(c *client, e deltag.Event, q string) response {
			c.failWrites(deltag.ErrConflict)
			return c.post("/organiser/events/" + e.ID + "/copy" + q)
		}),
		"message-audience": withEvent(func(c *client, e deltag.Event, q string) response {
			return c.post("/organiser/events/"+e.ID+"/messages"+q, "text", "Hej")
		}),
		"confirm-move":      asks(2, "startsAt", "2026-12-01T13:30"),
		"confirm-move-one":  asks(1, "startsAt", "2026-12-01T13:30"),
		"confirm-title":     asks(2, "title", "Ny titel"),
		"confirm-title-one": asks(1, "title", "Ny titel"),
		"cancel":            cancels(2),
		"cancel-one":        cancels(1),
		"cancel-none":       cancels(0),
		"delete": withEvent(func(c *client, e deltag.Event, q string) response {
			return c.post("/organiser/events/" + e.ID + "/delete" + q)
		}),
		"delete-refused": withEvent(func(c *client, e deltag.Event, q string) response {
			c.signUpFor(e, "a")
			return c.post("/organiser/events/"+e.ID+"/delete"+q, "confirm", "yes")
		}),
		"deleted":          owner(func(c *client, q string) response { return c.get("/organiser" + q + "&done=event-deleted") }),
		"sign-in":          func(q string) response { return c.get("/organiser/sign-in" + q) },
		"sign-in-faulty":   func(q string) response { return c.post("/organiser/sign-in"+q, "email", "anna") },
		"sign-in-sent":     func(q string) response { return c.post("/organiser/sign-in"+q, "email", "nobody@example.dk") },
		"sign-in-too-many": func(q string) response { return newBusyClient(t).post("/organiser/sign-in"+q, "email", "a@example.dk") },
		"signed-out":       func(q string) response { return c.get("/organiser/sign-in" + q + "&done=signed-out") },
		"link":             func(q string) response { return c.get(newLink(c) + q) },
		"link-expired":     func(q string) response { return c.get("/organiser/sign-in/x" + q) },
		"events-none":      owner(func(c *client, q string) response { return c.get("/organiser" + q) }),
		"events": owner(func(c *client, q string) response {
			c.newEveryEvent()
			return c.get("/organiser" + q)
		}),
		"members": owner(func(c *client, q string) response {
			c.addMember("ole", deltag.RoleOrganiser)
			c.addMember("rie", deltag.RoleReader)
			return c.get("/organiser/members" + q)
		}),
		"members-invited": owner(func(c *client, q string) response { return c.get("/organiser/members" + q + "&done=invited") }),
		"members-changed": owner(func(c *client, q string) response { return c.get("/organiser/members" + q + "&done=role-changed") }),
		"members-removed": owner(func(c *client, q string) response { return c.get("/organiser/members" + q + "&done=removed") }),
		"members-faulty": owner(func(c *client, q string) response {
			return c.post("/organiser/members"+q, "email", "anna", "role", "boss")
		}),
		"members-refused": owner(func(c *client, q string) response {
			return c.post("/organiser/members/" + c.id("anna") + "/remove" + q)
		}),
		"tokens-none": owner(func(c *client, q string) response { return c.get("/organiser/tokens" + q) }),
		"tokens": owner(func(c *client, q string) response {
			c.newTokens()
			return c.get("/organiser/tokens" + q)
		}),
		"tokens-created": owner(func(c *client, q string) response {
			return c.post("/organiser/tokens"+q, "name", "Nyhedsbrev", "role", "reader", "expires", "2027-06-30")
		}),
		"tokens-faulty": owner(func(c *client, q string) response {
			return c.post("/organiser/tokens"+q, "name", "", "role", "boss", "expires", "i morgen")
		}),
		"tokens-revoked": owner(func(c *client, q string) response { return c.get("/organiser/tokens" + q + "&done=revoked") }),
		"forbidden": func(q string) response {
			c := newClient(t)
			c.addMember("rie", deltag.RoleReader)
			c.signIn("rie")
			return c.get("/organiser/members" + q)
		},
		"not-found":   owner(func(c *client, q string) response { return c.get("/organiser/nope" + q) }),
		"unavailable": unavailable("/organiser"),
	}
	addWordingPages(all, withEvent)
	maps.Copy(all, insightPages(t))
	maps.Copy(all, auditPages(t))
	maps.Copy(all, oidcPages(t))
	addAttendeePages(t, all, owner)
	addPeoplePages(all, owner)
	addImportPages(all, owner)
	addAttendancePages(all, owner)
	return all
}

// TestPages compares what each page says, in both languages, with testdata, and has axe and the HTML checker look at the
// pages.
func TestPages(t *testing.T) {
	pages, seen := pagecheck.Pages{}, map[deltag.Language]string{}
	for name, open := range pageList(t) {
		pages[name] = map[deltag.Language]string{}
		for _, l := range deltag.Languages {
			a := open("?lang=" + string(l))
			// What differs each time.
			text := regexp.MustCompile(`dlt_[\w-]{43}`).ReplaceAllString(a.text, "dlt_token")
			pages[name][l] = text
			seen[l] += a.doc.Text() + " " + attributes(a) + "\n"
			t.Run(name+"/"+string(l), func(t *testing.T) {
				golden.Compare(t, "pages/"+name+"."+string(l)+".txt", pageText(a))
			})
		}
	}
	for _, l := range deltag.Languages {
		t.Run("SayEverything/"+string(l), func(t *testing.T) {
			pagecheck.WantTexts(t, "../../i18n", l, regexp.MustCompile(`^console\.`), except, seen[l])
		})
	}
	t.Run("PassTheCheckers", func(t *testing.T) { pagecheck.Run(t, pages) })
}

// except matches the titles of errors that are shown above a form, which has its own, and what is said in files, of longer
// lists than are made here, of a race, of people without mail, and in the receipt of an erasure.
var except = regexp.MustCompile(`^console\.(error\.too-many-sign-ins\.title$|(coverage|audit)\.csv\.|` +
	`attendees\.(unsorted|copied)$|selection\.failed(\.one)?$|` +
	`attendee\.(error\.conflict|no-mails)$|people\.(receipt\.|elsewhere\.file$))`)

// attributes are the texts that screen readers read and nobody sees.
func attributes(a response) string {
	var all []string
	for _, node := range a.doc.Find("[aria-label], [placeholder], iframe[title]").Nodes {
		for _, attribute := range node.Attr {
			all = append(all, attribute.Val)
		}
	}
	return strings.Join(all, " ")
}

// pageText is a page's title and its words, a line each.
func pageText(a response) string {
	a.doc.Find("main br, main li, main p, main h1, main h2, main h3, main label, main option, main button, main tr, " +
		"main td, main th, main dt, main dd, main summary, footer p").
		AfterHtml("\n")
	lines := []string{strings.TrimSpace(a.doc.Find("title").Text()), ""}
	for line := range strings.SplitSeq(a.doc.Find("main").Text()+a.doc.Find("footer").Text(), "\n") {
		line = regexp.MustCompile(`dlt_[\w-]{43}`).ReplaceAllString(line, "dlt_token")
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// newLink is the path of a link for anna, who is not signed in.
func newLink(c *client) string { c.cookies = map[string]string{}; return c.link("anna") }

// newBusyClient is in a network that has asked for all its links.
func newBusyClient(t *testing.T) *client {
	c := newClient(t)
	for range deltag.MaxSignInsPerNetwork {
		c.post("/organiser/sign-in", "email", "nobody@example.dk")
	}
	return c
}

// promotes opens the page that asks before so many on the waitlist get a seat.
func (c *client) promotes(e deltag.Event, query string, people int) response {
	path := "/organiser/events/" + e.ID + "/edit"
	form := c.get(path).fields("/edit")
	form.Set("capacity", "1")
	c.postForm(path, form).want(303)
	c.signUpFor(c.event(e.ID), []string{"a", "b", "d"}[:people+1]...)
	form = c.get(path).fields("/edit")
	form.Set("capacity", "9")
	return c.postForm(path+query, form)
}
