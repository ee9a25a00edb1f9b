package visitor

import (
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/golden"
)

// TestPages compares what each page says, in both languages, with testdata. Reading those files is
// the quickest way to judge the words.
func TestPages(t *testing.T) {
	e, asking, off := webinar(), webinar(), webinar()
	few, full := limited(webinar(), 1, true), limited(webinar(), 1, false)
	asking.ID, asking.Slug, asking.Title = "bbbbbbbbbbbbbbbbbbbb", "spoergsmaal", "Spørgsmål"
	asking.Questions = questions()
	few.ID, few.Slug, few.Title = "cccccccccccccccccccc", "faa", "Få pladser"
	full.ID, full.Slug, full.Title = "dddddddddddddddddddd", "fuldt", "Fuldt hus"
	off.ID, off.Slug, off.Title, off.Status = "eeeeeeeeeeeeeeeeeeee", "aflyst", "Aflyst", deltag.EventCancelled
	v := newClient(t, e, asking, few, full, off)
	v.addRegistration(few, "Carl Dam")
	v.addRegistration(full, "Dorte Juul")
	anna, waiting := v.addRegistration(e, "Anna Holm"), v.addRegistration(few, "Bo Lund")
	cancelled := v.addRegistration(e, "Eva Skov")
	v.must(v.store.CancelRegistration(t.Context(), e, cancelled, before))

	unverified := v.addUnverified(few, "Lis Bro")
	changing := v.addRegistration(e, "Mia Vad")
	changing = v.requestAddressChange(e, changing, "vad@example.dk")

	pages := map[string]func(lang string) response{
		"thanks-verify":    func(l string) response { return v.get("/e/faa/thanks" + l + "&verify=yes") },
		"verify":           func(l string) response { return v.get(verifyPath(unverified) + l) },
		"verify-new-email": func(l string) response { return v.get(verifyNewEmailPath(changing) + l) },
		"verify-used":      func(l string) response { return v.get(verifyPath(anna) + l) },
		"verify-expired": func(l string) response {
			defer func() { v.now = before }()
			v.now = before.Add(deltag.VerificationPeriod)
			return v.get(verifyPath(unverified) + l)
		},
		"verify-unknown": func(l string) response {
			return v.get(verifyPath(deltag.Registration{EventID: e.ID, ID: anna.ID, Secret: []byte("another key 1234")}) + l)
		},
		"registration-unverified": func(l string) response { return v.get(managePath(unverified) + l) },
		"registration-changing":   func(l string) response { return v.get(managePath(changing) + l) },
		"index":                   func(l string) response { return v.get("/" + l) },
		"event":                   func(l string) response { return v.get("/e/samskabelse" + l) },
		"event-with-questions":    func(l string) response { return v.get("/e/spoergsmaal" + l) },
		"event-cancelled":         func(l string) response { return v.get("/e/aflyst" + l) },
		"event-full":              func(l string) response { return v.get("/e/fuldt" + l) },
		"event-waitlist":          func(l string) response { return v.get("/e/faa" + l) },
		"embed":                   func(l string) response { return v.get("/e/samskabelse/embed" + l) },
		"field-errors": func(l string) response {
			return v.post("/e/spoergsmaal/registrations"+l, "email", "anna")
		},
		"full": func(l string) response {
			return v.post("/e/fuldt/registrations"+l, "name", "Finn", "email", "finn@example.dk")
		},
		"thanks":                 func(l string) response { return v.get("/e/samskabelse/thanks" + l) },
		"thanks-limited":         func(l string) response { return v.get("/e/faa/thanks" + l) },
		"link":                   func(l string) response { return v.get("/e/samskabelse/link" + l) },
		"link-sent":              func(l string) response { return v.get("/e/samskabelse/link" + l + "&sent=yes") },
		"invalid-link":           func(l string) response { return v.get("/r/hello" + l) },
		"not-found":              func(l string) response { return v.get("/e/nix" + l) },
		"registration":           func(l string) response { return v.get(managePath(anna) + l) },
		"registration-waiting":   func(l string) response { return v.get(managePath(waiting) + l) },
		"registration-cancelled": func(l string) response { return v.get(managePath(cancelled) + l + "&done=cancelled") },
		"join-early":             func(l string) response { return v.get(joinPath(anna) + l) },
		"join-open": func(l string) response {
			defer func() { v.now = before }()
			v.now = starts
			return v.get(joinPath(anna) + l)
		},
		"unsubscribe": func(l string) response { return v.get(unsubscribePath(anna) + l) },
		"erased": func(l string) response {
			return v.post(managePath(v.addRegistration(e, "Gro Toft"))+"/erase"+l, "confirm", "yes")
		},
		"address-changed": func(l string) response {
			hans := v.addRegistration(e, "Hans Krag")
			return v.post(managePath(hans)+l, "name", "Hans Krag", "email", "ny@example.dk")
		},
		"retry": func(l string) response {
			defer v.store.fail(nil)
			v.store.fail(deltag.ErrUnavailable)
			return v.post("/e/samskabelse/registrations"+l, "name", "Ida Friis", "email", "ida@example.dk")
		},
		"conflict": func(l string) response {
			defer v.store.fail(nil)
			v.store.onWrite = always(deltag.ErrConflict)
			return v.post(managePath(anna)+l, "name", "Anna Holm", "email", "anna@example.dk")
		},
	}
	for name, open := range pages {
		for _, l := range deltag.Languages {
			t.Run(name+"/"+string(l), func(t *testing.T) {
				golden.Compare(t, "pages/"+name+"."+string(l)+".txt", pageText(open("?lang="+string(l))))
			})
		}
	}
}

// pageText is a page's title and its words, a line each.
func pageText(a response) string {
	a.doc.Find("main .sheet span, main br, main dt, main dd, main li, main p").AfterHtml("\n")
	lines := []string{oneSpaced(a.doc.Find("title").Text()), ""}
	for _, l := range strings.Split(a.doc.Find("main").Text(), "\n") {
		if l = oneSpaced(l); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestEveryTemplateParses(t *testing.T) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, entry := range entries {
		name, isPage := strings.CutSuffix(entry.Name(), ".html")
		if !isPage || name == "partials" {
			continue
		}
		tmpl, err := templates.Parse(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if tmpl.Lookup("main") == nil {
			t.Errorf("%s has no main", name)
		}
		opened++
	}
	if opened < 11 {
		t.Errorf("only %d templates were found", opened)
	}
}
