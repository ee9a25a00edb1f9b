package visitor

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/testing/contract"
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
		Language:    deltag.LanguageDanish, CreatedAt: before, StartsAt: starts, EndsAt: starts.Add(time.Hour),
		TimeZone:    "Europe/Copenhagen",
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
		{ID: "erfaring", Kind: deltag.QuestionChoice, Label: "Hvor meget har du arbejdet med samskabelse?",
			Options: []string{"Ingenting endnu", "Lidt", "Meget"}, Required: true},
		{ID: "emner", Kind: deltag.QuestionMultipleChoice, Label: "Hvilke emner interesserer dig?",
			Options: []string{"Ledelse", "Borgere", "Økonomi"}},
		{ID: "optagelse", Kind: deltag.QuestionCheckbox, Label: "Jeg er indforstået med, at mødet bliver optaget",
			Required: true},
	}
}

func limited(e deltag.Event, capacity int, waitlist bool) deltag.Event {
	e.Capacity, e.HasWaitlist, e.HasSeatCounter = &capacity, waitlist, true
	return e
}

// A client uses a site of its own as a browser without JavaScript does.
type client struct {
	testing.TB
	store  *testStore
	events []deltag.Event
	now    time.Time
	log    bytes.Buffer
	site   http.Handler

	checkDomain address.DomainCheck
}

func newClient(tb testing.TB, events ...deltag.Event) *client {
	tb.Helper()
	v := &client{TB: tb, store: newTestStore(tb, events...), events: events, now: before}
	v.site = New(Options{
		Store: v.store, BaseURL: "https://deltag.example.dk", Build: "test",
		Now: func() time.Time { return v.now },
		Log: slog.New(slog.NewTextHandler(&v.log, nil)),
		CheckDomain: func(ctx context.Context, domain string) bool {
			return v.checkDomain == nil || v.checkDomain(ctx, domain)
		},
	})
	return v
}

// A response is a response and its page.
type response struct {
	*http.Response
	t    testing.TB
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
	a := response{w.Result(), v.TB, w.Body.String(), doc}
	if method == "POST" && path == publicPath {
		contract.CheckResponse(v, r, a.Response)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && method != "HEAD" {
		a.checkHTML()
	}
	return a
}

// checkHTML checks what holds for every page: no words are missing, no id comes twice, every id that is referred to
// exists, and so does a style for every class.
func (a response) checkHTML() {
	a.t.Helper()
	style := a.doc.Find("style").Text()
	if found := missingWords.FindString(strings.Replace(a.text, style, "", 1)); found != "" {
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
	a.doc.Find("body [class]").Each(func(_ int, s *goquery.Selection) {
		for _, class := range strings.Fields(s.AttrOr("class", "")) {
			if !strings.Contains(style, "."+class) {
				a.t.Errorf("class %q has no style", class)
			}
		}
	})
	if n := a.doc.Find("h1").Length(); n != 1 {
		a.t.Errorf("%d h1, want 1", n)
	}
}

// missingWords matches keys of the language files, {placeholders} and what Go prints when a template is wrong.
var missingWords = regexp.MustCompile(`\b(page|form|error|date|zone)\.[a-z-]+\b|\{[a-z]+\}|%!|<no value>|ZgotmplZ`)

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

// addRegistration signs somebody up behind the site's back.
func (v *client) addRegistration(e deltag.Event, name string) deltag.Registration {
	v.Helper()
	return v.addRegistrationWith(e, deltag.SignUpRequest{Name: name, Language: e.Language})
}

// addRegistrationWith fills in the address by the name, and an organisation.
func (v *client) addRegistrationWith(e deltag.Event, request deltag.SignUpRequest) deltag.Registration {
	v.Helper()
	email := strings.ToLower(strings.Fields(request.Name)[0]) + "@example.dk"
	request.Email = deltag.Address{Original: email, Normalized: email}
	request.Organisation = "Eksempel Kommune"
	_, err := v.store.Store.SignUp(v.Context(), e, request, v.now)
	v.must(err)
	return v.stored(e, request.Email)
}

// stored is the registration of an address as it is stored now.
func (v *client) stored(e deltag.Event, a deltag.Address) deltag.Registration {
	v.Helper()
	_, r, err := v.store.Store.EventAndRegistration(v.Context(), e.ID, deltag.RegistrationID(e, a))
	v.must(err)
	return r
}

// registrations are all that are stored.
func (v *client) registrations() []deltag.Registration {
	v.Helper()
	var all []deltag.Registration
	for _, e := range v.events {
		of, _, err := v.store.RegistrationsAfter(v.Context(), e.ID, "", 100)
		v.must(err)
		all = append(all, of...)
	}
	return all
}

// only is the one registration that is stored.
func (v *client) only() deltag.Registration {
	v.Helper()
	all := v.registrations()
	if len(all) != 1 {
		v.Fatalf("%d registrations stored, want 1", len(all))
	}
	return all[0]
}

// editEvent changes the stored event behind the site's back.
func (v *client) editEvent(e deltag.Event, change func(*deltag.Event)) {
	v.Helper()
	stored, err := v.store.Event(v.Context(), e.ID)
	v.must(err)
	change(&stored)
	stored.Revision++
	v.must(v.store.UpdateEvent(v.Context(), stored, deltag.MailingChanges{}))
}

// wantUnchanged checks that do changes nothing in the table.
func (v *client) wantUnchanged(do func()) {
	v.Helper()
	if diff := v.store.changed(v, do); diff != "" {
		v.Errorf("the table has changed (-before +after):\n%s", diff)
	}
}

func (v *client) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

func (a response) want(status int) response {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("status %d, want %d; page:\n%s", a.StatusCode, status, a.doc.Find("main").Text())
	}
	return a
}

// hasText checks that an element has a text in it, spaces aside.
func (a response) hasText(selector, text string) response {
	a.t.Helper()
	found := a.doc.Find(selector)
	if found.Length() == 0 {
		a.t.Errorf("no %s on the page", selector)
		return a
	}
	if got := oneSpaced(found.Text()); !strings.Contains(got, text) {
		a.t.Errorf("%s has text %q, want %q in it", selector, got, text)
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

func (a response) redirectsTo(location string) response {
	a.t.Helper()
	a.want(http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != location {
		a.t.Errorf("redirects to %q, want %q", got, location)
	}
	return a
}

func managePath(r deltag.Registration) string { return "/r/" + r.LinkToken(deltag.PurposeManage) }

func joinPath(r deltag.Registration) string { return "/join/" + r.LinkToken(deltag.PurposeJoin) }

func unsubscribePath(r deltag.Registration) string {
	return "/unsubscribe/" + r.LinkToken(deltag.PurposeUnsubscribe)
}

// oneSpaced is s with every run of spaces made one.
func oneSpaced(s string) string { return strings.Join(strings.Fields(s), " ") }

func wantContentSecurityPolicy(t *testing.T, a response, directive string) {
	t.Helper()
	if got := a.Header.Get("Content-Security-Policy") + ";"; !strings.Contains(got, directive) {
		t.Errorf("content security policy %q, want %q in it", got, directive)
	}
}
