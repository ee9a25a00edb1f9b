package visitor

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

var (
	starts = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC) // 14.00 in Copenhagen
	before = starts.Add(-7 * 24 * time.Hour)
)

// webinar is an event like any other: no limit, Danish, no questions.
func webinar() deltag.Event {
	return deltag.Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Samskabelse på dagsorden",
		Description: "Hvad kan samskabelse, som andet ikke kan?\n\nKom og tænk med.",
		Language:    deltag.LanguageDanish, StartsAt: starts, EndsAt: starts.Add(time.Hour), TimeZone: "Europe/Copenhagen",
		HasWaitlist: true, JoinURL: "https://meet.example.org/j/4711",
		Organiser: deltag.Organiser{Name: "Eksempelhuset", Email: "hej@example.dk"}, RetentionDays: 30,
		Status: deltag.EventOpen, Secret: []byte("0123456789abcdef"), Revision: 1, ScheduleVersion: 1,
	}
}

// questions are one of each kind.
func questions() []deltag.Question {
	return []deltag.Question{
		{ID: "kommune", Kind: deltag.QuestionShortText, Label: "Hvilken kommune kommer du fra?", Required: true},
		{ID: "bidrag", Kind: deltag.QuestionLongText, Label: "Hvad vil du gerne drøfte?"},
		{ID: "erfaring", Kind: deltag.QuestionChoice, Label: "Hvor meget har du arbejdet med samskabelse?", Options: []string{"Ingenting endnu", "Lidt", "Meget"}, Required: true},
		{ID: "emner", Kind: deltag.QuestionMultipleChoice, Label: "Hvilke emner interesserer dig?", Options: []string{"Ledelse", "Borgere", "Økonomi"}},
		{ID: "optagelse", Kind: deltag.QuestionCheckbox, Label: "Jeg er indforstået med, at mødet bliver optaget", Required: true},
	}
}

func limited(e deltag.Event, capacity int, waitingList bool) deltag.Event {
	e.Capacity, e.HasWaitlist, e.HasSeatCounter = &capacity, waitingList, true
	return e
}

// A client is a site and somebody who uses it, as a browser without JavaScript does.
type client struct {
	*testing.T
	store *memory
	now   time.Time
	log   bytes.Buffer
	site  http.Handler
}

func newClient(t *testing.T, events ...deltag.Event) *client {
	v := &client{T: t, store: newMemory(events...), now: before}
	v.site = New(Options{
		Store: v.store, BaseURL: "https://deltag.example.dk", Build: "test",
		Now: func() time.Time { return v.now },
		Log: slog.New(slog.NewTextHandler(&v.log, nil)),
		Calendar: func(e deltag.Event, url string, _ time.Time) []byte {
			return []byte("BEGIN:VCALENDAR\r\nURL:" + url + "\r\n")
		},
		OwnCalendar: func(_ deltag.Event, r deltag.Registration, _ time.Time) []byte {
			return []byte("BEGIN:VCALENDAR\r\nUID:" + r.ID + "\r\n")
		},
	})
	return v
}

// A response is a response and its page.
type response struct {
	*http.Response
	t    *testing.T
	text string
	doc  *goquery.Document
}

func (v *client) send(method, path, contentType, body string) response {
	v.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	v.site.ServeHTTP(w, r)
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		v.Fatal(err)
	}
	a := response{w.Result(), v.T, w.Body.String(), doc}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && method != "HEAD" {
		a.wellMade()
	}
	return a
}

// wellMade holds for every page: no words are missing, no id comes twice, and whatever is pointed at is there.
func (a response) wellMade() {
	a.t.Helper()
	if found := unsaid.FindString(a.text); found != "" {
		a.t.Errorf("no words for %q in:\n%s", found, a.text)
	}
	seen := map[string]bool{}
	a.doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if seen[id] || id == "" {
			a.t.Errorf("id %q comes twice", id)
		}
		seen[id] = true
	})
	for _, attribute := range []string{"for", "aria-describedby", "aria-labelledby", "href"} {
		a.doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			value, _ := s.Attr(attribute)
			if attribute == "href" {
				if !strings.HasPrefix(value, "#") {
					return
				}
				value = value[1:]
			}
			for _, id := range strings.Fields(value) {
				if !seen[id] {
					a.t.Errorf("%s=%q points nowhere", attribute, id)
				}
			}
		})
	}
	if n := a.doc.Find("h1").Length(); n != 1 {
		a.t.Errorf("%d h1, want 1", n)
	}
}

// unsaid are keys of the language files, {placeholders} and what Go prints when a template is wrong.
var unsaid = regexp.MustCompile(`\b(page|form|fault|date|zone)\.[a-z-]+\b|\{[a-z]+\}|%!|<no value>|ZgotmplZ`)

func (v *client) get(path string) response {
	v.Helper()
	return v.send("GET", path, "", "")
}

// post sends name-value pairs as a browser sends a form.
func (v *client) post(path string, pairs ...string) response {
	v.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.send("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

// signedUp is somebody who has signed up already.
func (v *client) signedUp(e deltag.Event, name string) deltag.Registration {
	v.Helper()
	email := strings.ToLower(strings.Fields(name)[0]) + "@example.dk"
	s := deltag.SignUpRequest{Name: name, Email: deltag.Address{Original: email, Normalized: email}, Organisation: "Eksempel Kommune", Language: e.Language, Answers: map[string][]string{}}
	if _, err := v.store.SignUp(v.Context(), e, s, v.now); err != nil {
		v.Fatal(err)
	}
	v.store.writes = 0
	return v.store.people[deltag.RegistrationID(e, s.Email)]
}

func (a response) want(status int) response {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("status %d, want %d; page:\n%s", a.StatusCode, status, a.doc.Find("main").Text())
	}
	return a
}

// says checks that an element reads as it should, spaces aside.
func (a response) says(selector, text string) response {
	a.t.Helper()
	found := a.doc.Find(selector)
	if found.Length() == 0 {
		a.t.Errorf("no %s on the page", selector)
		return a
	}
	if got := plain(found.Text()); !strings.Contains(got, text) {
		a.t.Errorf("%s reads %q, want %q in it", selector, got, text)
	}
	return a
}

func (a response) has(selector string) response {
	a.t.Helper()
	if a.doc.Find(selector).Length() == 0 {
		a.t.Errorf("no %s on the page:\n%s", selector, a.text)
	}
	return a
}

func (a response) hasNot(selector string) response {
	a.t.Helper()
	if a.doc.Find(selector).Length() > 0 {
		a.t.Errorf("%s is on the page", selector)
	}
	return a
}

func (a response) leadsTo(location string) response {
	a.t.Helper()
	a.want(http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != location {
		a.t.Errorf("leads to %q, want %q", got, location)
	}
	return a
}

func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

func (v *client) words() *i18n.Catalog { return i18n.For(deltag.LanguageDanish) }

func wantPolicy(t *testing.T, a response, directive string) {
	t.Helper()
	if got := a.Header.Get("Content-Security-Policy") + ";"; !strings.Contains(got, directive) {
		t.Errorf("content security policy %q, want %q in it", got, directive)
	}
}
