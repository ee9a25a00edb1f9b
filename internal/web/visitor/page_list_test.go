package visitor

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
)

// An opener opens a page in the language that the query names.
type opener func(query string) response

// A personalOpener opens one for somebody's registration.
type personalOpener func(v *client, r deltag.Registration, query string) response

// pageList is every page in every state, by name, for TestPages, which fails for a state that is missing here.
func pageList(t *testing.T) map[string]opener {
	list := map[string]opener{}
	for _, pages := range []map[string]opener{
		eventPages(t), signUpPages(t), verificationPages(t), registrationPages(t), changePages(t), joinPages(t),
		errorPages(t),
	} {
		maps.Copy(list, pages)
	}
	return list
}

// otherWebinar is an event beside webinar's. Its id is made of the letter.
func otherWebinar(letter, slug, title string) deltag.Event {
	e := webinar()
	e.ID, e.Slug, e.Title = strings.Repeat(letter, 20), slug, title
	return e
}

// signedUp opens a page for Anna, who is signed up for e.
func signedUp(t *testing.T, e deltag.Event, open personalOpener) opener {
	return func(query string) response {
		v := newClient(t, e)
		return open(v, v.addRegistration(e, "Anna Holm"), query)
	}
}

func (v *client) getAt(now time.Time, path string) response {
	v.Helper()
	defer func(now time.Time) { v.now = now }(v.now)
	v.now = now
	return v.get(path)
}

// whileWritesFail opens a page while the store answers err to every write.
func (v *client) whileWritesFail(err error, open func() response) response {
	v.Helper()
	defer v.store.fail(nil)
	v.store.onWrite = always(err)
	return open()
}

func eventPages(t *testing.T) map[string]opener {
	e, asking, off := webinar(), otherWebinar("b", "spoergsmaal", "Spørgsmål"), otherWebinar("e", "aflyst", "Aflyst")
	few, full := otherWebinar("c", "faa", "Få pladser"), otherWebinar("d", "fuldt", "Fuldt hus")
	asking.Questions = questions()
	few, full = limited(few, 1, true), limited(full, 1, false)
	off.Status = deltag.EventCancelled
	closed, later := otherWebinar("f", "lukket", "Lukket"), otherWebinar("g", "senere", "Senere")
	closed.Status = deltag.EventClosed
	later.SignUpOpensAt = before.Add(24 * time.Hour)
	one, some, many := otherWebinar("h", "en", "Én plads"), otherWebinar("i", "fem", "Fem pladser"),
		otherWebinar("j", "mange", "Mange pladser")
	one, some, many = limited(one, 1, true), limited(some, 5, true), limited(many, 50, true)
	long := otherWebinar("k", "to-dage", "To dage")
	long.EndsAt = starts.Add(26*time.Hour + 30*time.Minute)
	long.Description = "Læs mere på https://example.dk/laes.\n\nProgram:\n- Velkomst\n- Skriv til hej@example.dk"
	v := newClient(t, e, asking, few, full, off, closed, later, one, some, many, long)
	v.addRegistration(few, "Carl Dam")
	v.addRegistration(full, "Dorte Juul")
	get := func(path string) opener {
		return func(q string) response { return v.get(path + q) }
	}
	return map[string]opener{
		"index":                get("/"),
		"index-empty":          func(q string) response { return newClient(t).get("/" + q) },
		"event":                get("/e/samskabelse"),
		"event-with-questions": get("/e/spoergsmaal"),
		"event-long":           get("/e/to-dage"),
		"event-few-seats":      get("/e/fem"),
		"event-waitlist":       get("/e/faa"),
		"event-full":           get("/e/fuldt"),
		"event-not-yet":        get("/e/senere"),
		"event-closed":         get("/e/lukket"),
		"event-cancelled":      get("/e/aflyst"),
		"event-over":           func(q string) response { return v.getAt(e.EndsAt, "/e/samskabelse"+q) },
		"embed":                get("/e/samskabelse/embed"),
		"embed-waitlist":       get("/e/faa/embed"),
		"embed-few-seats":      get("/e/fem/embed"),
		"embed-closed":         get("/e/lukket/embed"),
		"embed-thanks":         func(q string) response { return v.get("/e/faa/thanks" + q + "&embed=yes") },
		"embed-not-found":      get("/e/nix/embed"),
		"embed-field-errors": func(q string) response {
			return v.post("/e/spoergsmaal/registrations"+q, "embed", "yes", "email", "anna")
		},
	}
}

func signUpPages(t *testing.T) map[string]opener {
	e, asking := webinar(), otherWebinar("b", "spoergsmaal", "Spørgsmål")
	full, closed := limited(otherWebinar("d", "fuldt", "Fuldt hus"), 1, false), otherWebinar("f", "lukket", "Lukket")
	asking.Questions = questions()
	closed.Status = deltag.EventClosed
	v := newClient(t, e, asking, full, closed)
	v.addRegistration(full, "Dorte Juul")
	signUp := func(slug, q string) response {
		return v.post("/e/"+slug+"/registrations"+q, "name", "Ida Friis", "email", "ida@example.dk")
	}
	send := func(contentType, body string) opener {
		return func(q string) response { return v.send("POST", signUpPath+q, contentType, body) }
	}
	thanks := func(slug string, now time.Time, more string) opener {
		return func(q string) response { return v.getAt(now, "/e/"+slug+"/thanks"+q+more) }
	}
	const form = "application/x-www-form-urlencoded"
	return map[string]opener{
		"field-errors": func(q string) response { return v.post("/e/spoergsmaal/registrations"+q, "email", "anna") },
		"full":         func(q string) response { return signUp("fuldt", q) },
		"closed":       func(q string) response { return signUp("lukket", q) },
		"retry": func(q string) response {
			defer v.store.fail(nil)
			v.store.fail(deltag.ErrUnavailable)
			return signUp("samskabelse", q)
		},
		"sign-up-limit": func(q string) response {
			return v.whileWritesFail(deltag.ErrSignUpLimit, func() response { return signUp("samskabelse", q) })
		},
		"malformed":              send(form, "%zz"),
		"too-large":              send(form, strings.Repeat("a", 100<<10)),
		"unsupported-media-type": send("text/plain", "Ida Friis"),

		"thanks":              thanks("samskabelse", before, ""),
		"thanks-limited":      thanks("fuldt", before, ""),
		"thanks-verify":       thanks("fuldt", before, "&verify=yes"),
		"thanks-soon":         thanks("samskabelse", starts, ""),
		"thanks-soon-limited": thanks("fuldt", starts, ""),

		"link":        func(q string) response { return v.get("/e/samskabelse/link" + q) },
		"link-sent":   func(q string) response { return v.get("/e/samskabelse/link" + q + "&sent=yes") },
		"link-errors": func(q string) response { return v.post("/e/samskabelse/link"+q, "email", "ida") },
		"link-limit": func(q string) response {
			return v.whileWritesFail(deltag.ErrSignUpLimit, func() response {
				return v.post("/e/samskabelse/link"+q, "email", "ida@example.dk")
			})
		},
		"invalid-link":           func(q string) response { return v.get("/r/hello" + q) },
		"invalid-link-one-event": func(q string) response { return newClient(t, webinar()).get("/r/hello" + q) },
		"invalid-link-no-event":  func(q string) response { return newClient(t).get("/r/hello" + q) },
	}
}

func verificationPages(t *testing.T) map[string]opener {
	// unverified opens a page for Lis, who has signed up for e and has not verified her address.
	unverified := func(e deltag.Event, open personalOpener) opener {
		return func(q string) response {
			v := newClient(t, e)
			return open(v, v.addUnverified(e, "Lis Bro"), q)
		}
	}
	page := func(v *client, r deltag.Registration, q string) response { return v.get(verifyPath(r) + q) }
	press := func(v *client, r deltag.Registration, q string) response {
		return v.post(verifyPath(r) + "/verify" + q)
	}
	e := webinar()
	return map[string]opener{
		"verify":         unverified(limited(e, 1, true), page),
		"verify-no-seat": unverified(e, page),
		"verify-new-email": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.get(verifyNewEmailPath(v.requestAddressChange(e, r, "vad@example.dk")) + q)
		}),
		"verify-used": signedUp(t, e, page),
		"verify-expired": unverified(e, func(v *client, r deltag.Registration, q string) response {
			return v.getAt(before.Add(deltag.VerificationPeriod), verifyPath(r)+q)
		}),
		"verify-over": unverified(e, func(v *client, r deltag.Registration, q string) response {
			return v.getAt(e.EndsAt, verifyPath(r)+q)
		}),
		"verify-event-cancelled": unverified(e, func(v *client, r deltag.Registration, q string) response {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
			return page(v, r, q)
		}),
		"verify-closed": unverified(e, func(v *client, r deltag.Registration, q string) response {
			press(v, r, q)
			v.must(v.store.CancelRegistration(t.Context(), e, v.only(), v.now))
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventClosed })
			return page(v, r, q)
		}),
		"verify-unknown": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			r.Secret = []byte("another key 1234")
			return page(v, r, q)
		}),
		"verify-full": unverified(limited(e, 1, false), func(v *client, r deltag.Registration, q string) response {
			v.addRegistration(limited(e, 1, false), "Bo Lund")
			return press(v, r, q)
		}),
		"verify-limit": unverified(e, func(v *client, r deltag.Registration, q string) response {
			limit := deltag.ChangeLimitError{Limit: deltag.MaxChangesPerDay, Until: starts}
			return v.whileWritesFail(limit, func() response { return press(v, r, q) })
		}),
		"registration-unverified": unverified(e, func(v *client, r deltag.Registration, q string) response {
			return v.get(managePath(r) + q)
		}),
		"join-unverified": unverified(e, func(v *client, r deltag.Registration, q string) response {
			return v.get(joinPath(r) + q)
		}),
		"change-unverified": unverified(e, func(v *client, r deltag.Registration, q string) response {
			return v.post(managePath(r)+q, "name", "Lis Bro", "email", "lis@example.dk")
		}),
	}
}

// registrationPages are those of one's own registration, as a link opens them.
func registrationPages(t *testing.T) map[string]opener {
	e, few, asking := webinar(), limited(webinar(), 1, true), webinar()
	asking.Questions = questions()
	done := func(what string) personalOpener {
		return func(v *client, r deltag.Registration, q string) response {
			return v.get(managePath(r) + q + "&done=" + what)
		}
	}
	page := done("") // nothing
	at := func(now time.Time) opener {
		return signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.getAt(now, managePath(r)+q)
		})
	}
	with := func(status deltag.AddressStatus) opener {
		return signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.must(v.store.Suppress(t.Context(), e, r.Email, r, status, v.now))
			return page(v, r, q)
		})
	}
	cancelled := func(v *client, r deltag.Registration, q string) response {
		v.post(managePath(r) + "/cancel")
		return done("cancelled")(v, r, q)
	}
	waiting := func(open personalOpener) opener {
		return signedUp(t, few, func(v *client, _ deltag.Registration, q string) response {
			return open(v, v.addRegistration(few, "Bo Lund"), q)
		})
	}
	return map[string]opener{
		"registration":                  signedUp(t, e, page),
		"registration-with-questions":   signedUp(t, asking, page),
		"registration-saved":            signedUp(t, e, done("saved")),
		"registration-verified":         signedUp(t, e, done("verified")),
		"registration-rejoined":         signedUp(t, e, done("rejoined")),
		"registration-open":             at(e.JoinOpensAt()),
		"registration-running":          at(starts),
		"registration-over":             at(e.EndsAt),
		"registration-bounced":          with(deltag.AddressBounced),
		"registration-complained":       with(deltag.AddressComplained),
		"registration-unsubscribed":     with(deltag.AddressUnsubscribed),
		"registration-cancelled":        signedUp(t, e, cancelled),
		"registration-waiting":          waiting(page),
		"registration-rejoined-waiting": waiting(done("rejoined")),
		"registration-left-waitlist":    waiting(cancelled),
		"registration-changing": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return page(v, v.requestAddressChange(e, r, "vad@example.dk"), q)
		}),
		"registration-attended": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.must(v.store.MarkAttended(t.Context(), e, r, starts))
			return v.getAt(e.EndsAt, managePath(r)+q)
		}),
		"registration-event-cancelled": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
			return page(v, r, q)
		}),
		"registration-given-back": signedUp(t, few, func(v *client, r deltag.Registration, q string) response {
			v.must(v.store.Suppress(t.Context(), few, r.Email, r, deltag.AddressBounced, v.now))
			v.now = v.now.Add(deltag.BounceGracePeriod)
			v.must(v.store.GiveBack(t.Context(), few.ID, r.ID, v.now))
			return page(v, r, q)
		}),
	}
}

// changePages are what the buttons of one's own registration lead to.
func changePages(t *testing.T) map[string]opener {
	e, few, full := webinar(), limited(webinar(), 1, true), limited(webinar(), 1, false)
	save := func(email string) personalOpener {
		return func(v *client, r deltag.Registration, q string) response {
			return v.post(managePath(r)+q, "name", "Anna Holm", "email", email)
		}
	}
	press := func(action string, pairs ...string) personalOpener {
		return func(v *client, r deltag.Registration, q string) response {
			return v.post(managePath(r)+action+q, pairs...)
		}
	}
	cancelled := func(open personalOpener) personalOpener {
		return func(v *client, r deltag.Registration, q string) response {
			v.post(managePath(r) + "/cancel")
			return open(v, r, q)
		}
	}
	refused := func(err error, open personalOpener) opener {
		return signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.whileWritesFail(err, func() response { return open(v, r, q) })
		})
	}
	same, limit := save("anna@example.dk"), deltag.ChangeLimitError{Limit: 50, Until: starts}
	limitOfAddress := deltag.ChangeLimitError{Limit: 5, OfAddress: true, Until: starts}
	return map[string]opener{
		"address-changed":      signedUp(t, e, save("ny@example.dk")),
		"change-errors":        signedUp(t, e, press("", "email", "anna")),
		"change-limit":         refused(limit, same),
		"change-limit-address": refused(limitOfAddress, same),
		"change-limit-network": refused(deltag.ErrSignUpLimit, same),
		"change-retry":         refused(deltag.ErrUnavailable, same),
		"conflict":             refused(deltag.ErrConflict, same),
		"change-cancelled":     signedUp(t, e, cancelled(same)),
		"change-left-waitlist": signedUp(t, few, func(v *client, _ deltag.Registration, q string) response {
			return cancelled(same)(v, v.addRegistration(few, "Bo Lund"), q)
		}),
		"change-over": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.now = e.EndsAt
			return same(v, r, q)
		}),
		"change-event-cancelled": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
			return press("/cancel")(v, r, q)
		}),
		"rejoin-closed": signedUp(t, e, cancelled(func(v *client, r deltag.Registration, q string) response {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventClosed })
			return press("/rejoin")(v, r, q)
		})),
		"rejoin-full": signedUp(t, full, cancelled(func(v *client, r deltag.Registration, q string) response {
			v.addRegistration(full, "Bo Lund")
			return press("/rejoin")(v, r, q)
		})),
		"erase-unconfirmed": signedUp(t, e, press("/erase")),
		"erased":            signedUp(t, e, press("/erase", "confirm", "yes")),
	}
}

// joinPages are those of the other links in mails.
func joinPages(t *testing.T) map[string]opener {
	e, few, linkless := webinar(), limited(webinar(), 1, true), webinar()
	linkless.JoinURL = ""
	at := func(e deltag.Event, now time.Time) opener {
		return signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.getAt(now, joinPath(r)+q)
		})
	}
	return map[string]opener{
		"join-early":   at(e, before),
		"join-soon":    at(e, starts.Add(-2*time.Hour)), // with the clock
		"join-open":    at(e, starts),
		"join-no-link": at(linkless, starts),
		"join-over":    at(e, e.EndsAt),
		"join-event-cancelled": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.editEvent(e, func(e *deltag.Event) { e.Status = deltag.EventCancelled })
			return v.get(joinPath(r) + q)
		}),
		"join-waiting": signedUp(t, few, func(v *client, _ deltag.Registration, q string) response {
			return v.get(joinPath(v.addRegistration(few, "Bo Lund")) + q)
		}),
		"join-cancelled": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			v.post(managePath(r) + "/cancel")
			return v.get(joinPath(r) + q)
		}),
		"unsubscribe": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.get(unsubscribePath(r) + q)
		}),
		"unsubscribed": signedUp(t, e, func(v *client, r deltag.Registration, q string) response {
			return v.post(unsubscribePath(r) + q)
		}),
	}
}

func errorPages(t *testing.T) map[string]opener {
	failing := func(err error) opener {
		return func(q string) response {
			v := newClient(t, webinar())
			v.store.fail(err)
			return v.get("/e/samskabelse" + q)
		}
	}
	return map[string]opener{
		"not-found":      func(q string) response { return newClient(t).get("/e/nix" + q) },
		"internal-error": failing(errors.New("disk on fire")),
		"unavailable":    failing(deltag.ErrUnavailable),
		"method-not-allowed": func(q string) response {
			return newClient(t, webinar()).send(http.MethodPut, "/e/samskabelse"+q, "", "")
		},
	}
}
