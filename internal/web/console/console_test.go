package console

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/mailtmpl"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
	"deltag/internal/web/visitor"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func addressOf(name string) deltag.Address {
	a := name + "@example.dk"
	return deltag.Address{Original: a, Normalized: a}
}

// A client uses a site of its own as a browser without JavaScript does. anna@example.dk is always an owner.
type client struct {
	testing.TB
	store    *dynamo.Store
	accounts *account.Service
	site     *site
	handler  http.Handler
	now      time.Time
	cookies  map[string]string

	newEvents int // so many, a minute apart

	tick time.Duration // passes each time that the site looks at the clock
}

func newClient(tb testing.TB) *client {
	tb.Helper()
	return newClientOf(tb, storetest.Embedded(tb).Store(), "https://deltag.example.dk")
}

func newClientOf(tb testing.TB, store *dynamo.Store, baseURL string) *client {
	tb.Helper()
	c := &client{TB: tb, store: store, now: start, cookies: map[string]string{}}
	c.accounts = &account.Service{Store: store, Owners: []deltag.Address{addressOf("anna")}, Random: rand.Reader}
	o := Options{
		Organiser: &organiser.Service{Store: store, Random: rand.Reader}, Accounts: c.accounts, BaseURL: baseURL,
		Now: func() time.Time { c.now = c.now.Add(c.tick); return c.now }, Log: slog.New(slog.DiscardHandler),
		Previews: Previews{
			EventPage: visitor.Preview, Mail: (&mailtmpl.Renderer{BaseURL: baseURL}).Preview, MailStyles: mailtmpl.Styles,
		},
	}
	c.site, c.handler = &site{o}, New(o)
	return c
}

// A response is an answer and its page.
type response struct {
	*http.Response
	t    testing.TB
	text string
	doc  *goquery.Document
}

// send sends a request, with header lines like "Name: value", and keeps the cookies of the answer.
func (c *client) send(method, path, form string, header ...string) response {
	c.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	res := w.Result()
	for _, cookie := range res.Cookies() {
		if c.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	text := w.Body.String()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		c.Fatal(err)
	}
	return response{res, c, text, doc}
}

func (c *client) get(path string) response { c.Helper(); return c.send("GET", path, "") }

// post sends a form of names and values.
func (c *client) post(path string, pairs ...string) response {
	c.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return c.send("POST", path, form.Encode())
}

func (r response) want(status int) response {
	r.t.Helper()
	if r.StatusCode != status {
		r.t.Fatalf("status %d, want %d: %s %s", r.StatusCode, status, r.Header.Get("Location"), r.doc.Find("main").Text())
	}
	return r
}

func (r response) wantLocation(path string) response {
	r.t.Helper()
	r.want(http.StatusSeeOther)
	if got := r.Header.Get("Location"); got != path {
		r.t.Errorf("goes to %s, want %s", got, path)
	}
	return r
}

// says checks that an element has a text.
func (r response) says(selector, text string) response {
	r.t.Helper()
	if got := strings.Join(strings.Fields(r.doc.Find(selector).Text()), " "); !strings.Contains(got, text) {
		r.t.Errorf("%s says %q, want %q", selector, got, text)
	}
	return r
}

func (r response) has(selector string, n int) response {
	r.t.Helper()
	if got := r.doc.Find(selector).Length(); got != n {
		r.t.Errorf("%d of %s, want %d:\n%s", got, selector, n, r.doc.Find("main").Text())
	}
	return r
}

func (c *client) id(name string) string {
	c.Helper()
	id, err := c.store.MemberID(context.Background(), addressOf(name))
	if err != nil {
		c.Fatal(err)
	}
	return id
}

// addMember makes somebody a member.
func (c *client) addMember(name string, role deltag.Role) {
	c.Helper()
	owner := deltag.Principal{Role: deltag.RoleOwner}
	if err := c.accounts.Invite(context.Background(), owner, addressOf(name), role, "da", c.now); err != nil {
		c.Fatal(err)
	}
}

// link asks for a link for somebody, and is its path.
func (c *client) link(name string) string {
	c.Helper()
	c.post("/organiser/sign-in", "email", name+"@example.dk").want(http.StatusOK)
	m, err := c.store.Member(context.Background(), c.id(name))
	if err != nil {
		c.Fatal(err)
	}
	return "/organiser/sign-in/" + deltag.SignInToken(m.ID, m.Secret, m.LastLink)
}

func (c *client) signIn(name string) {
	c.Helper()
	c.post(c.link(name)).wantLocation("/organiser")
}

// newEvent stores an event.
func (c *client) newEvent(slug string, change func(*deltag.Event)) deltag.Event {
	c.Helper()
	e := organiser.NewEvent()
	e.Slug, e.Title = slug, "Samskabelse "+slug
	c.newEvents++
	e.StartsAt = start.AddDate(0, 0, 8).Add(time.Duration(c.newEvents) * time.Minute)
	e.EndsAt = e.StartsAt.Add(time.Hour)
	e.Organiser = deltag.Organiser{Name: "UKON", Email: "hej@example.dk"}
	var err error
	if e.ID, err = deltag.NewID(rand.Reader); err == nil {
		e.Secret, err = deltag.NewSecret(rand.Reader)
	}
	if err != nil {
		c.Fatal(err)
	}
	if change != nil {
		change(&e)
	}
	e, mailings := e.WithInitialState(start)
	if err := c.store.CreateEvent(context.Background(), e, mailings); err != nil {
		c.Fatal(err)
	}
	return e
}

// access says what each route answers to each kind of session. A route without a line here fails the test.
var access = map[string]struct {
	anybody, reader, organiser, owner int
	form                              string
}{
	"GET /organiser/sign-in":                                              {200, 303, 303, 303, ""},
	"POST /organiser/sign-in":                                             {200, 200, 200, 200, "email=nobody@example.dk"},
	"GET /organiser/sign-in/oidc":                                         {404, 404, 404, 404, ""}, // not configured
	"GET /organiser/sign-in/oidc/callback":                                {404, 404, 404, 404, ""},
	"GET /organiser/sign-in/{token}":                                      {410, 410, 410, 410, ""},
	"POST /organiser/sign-in/{token}":                                     {410, 303, 303, 303, ""},
	"POST /organiser/sign-out":                                            {303, 303, 303, 303, ""},
	"GET /organiser":                                                      {303, 200, 200, 200, ""},
	"GET /organiser/events/new":                                           {303, 403, 200, 200, ""},
	"POST /organiser/events":                                              {303, 403, 422, 422, "title="},
	"GET /organiser/events/{id}":                                          {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/edit":                                     {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/edit":                                    {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/open":                                    {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/close":                                   {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/cancel":                                  {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/copy":                                    {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/delete":                                  {303, 403, 404, 404, "confirm=yes"},
	"GET /organiser/events/{id}/messages":                                 {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/messages":                                {303, 403, 404, 404, "text=Hej&audience=all"},
	"GET /organiser/events/{id}/wording":                                  {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/wording":                                 {303, 403, 404, 404, "confirmationText=Hej"},
	"GET /organiser/events/{id}/coverage":                                 {303, 404, 404, 404, ""},
	"POST /organiser/events/{id}/coverage":                                {303, 404, 404, 404, "expected=KL"},
	"GET /organiser/events/{id}/coverage.csv":                             {303, 404, 404, 404, ""},
	"POST /organiser/events/{id}/coverage.csv":                            {303, 404, 404, 404, "expected=KL"},
	"GET /organiser/events/{id}/import":                                   {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/import":                                  {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/import/confirm":                          {303, 403, 404, 404, ""},
	"GET /organiser/events/{id}/attendance":                               {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendance":                              {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendance/confirm":                      {303, 403, 404, 404, ""},
	"GET /organiser/events/{id}/mails":                                    {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/sign-ups":                                 {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/history":                                  {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/history.csv":                              {303, 404, 404, 404, ""},
	"GET /organiser/history":                                              {303, 200, 200, 200, ""},
	"GET /organiser/history.csv":                                          {303, 200, 200, 200, ""},
	"GET /organiser/people":                                               {303, 200, 200, 200, ""},
	"POST /organiser/people":                                              {303, 200, 200, 200, "email=nobody@example.dk"},
	"GET /organiser/members":                                              {303, 403, 403, 200, ""},
	"POST /organiser/members":                                             {303, 403, 403, 422, ""},
	"POST /organiser/members/{id}":                                        {303, 403, 403, 404, "role=reader"},
	"POST /organiser/members/{id}/remove":                                 {303, 403, 403, 303, ""},
	"GET /organiser/tokens":                                               {303, 403, 403, 200, ""},
	"POST /organiser/tokens":                                              {303, 403, 403, 422, ""},
	"POST /organiser/tokens/{id}/revoke":                                  {303, 403, 403, 303, ""},
	"GET /organiser/events/{id}/attendees":                                {303, 404, 404, 404, ""},
	"POST /organiser/events/{id}/attendees":                               {303, 403, 404, 404, ""},
	"GET /organiser/events/{id}/attendees.csv":                            {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/attendees.xlsx":                           {303, 404, 404, 404, ""},
	"GET /organiser/events/{id}/attendees/new":                            {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendees/selection":                     {303, 403, 404, 404, "rid=x&action=cancel"},
	"GET /organiser/events/{id}/attendees/{rid}":                          {303, 404, 404, 404, ""},
	"POST /organiser/events/{id}/attendees/{rid}":                         {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendees/{rid}/cancel":                  {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendees/{rid}/seat":                    {303, 403, 404, 404, ""},
	"POST /organiser/events/{id}/attendees/{rid}/attended":                {303, 403, 404, 404, "attended=yes"},
	"POST /organiser/events/{id}/attendees/{rid}/erase":                   {303, 403, 404, 404, "confirm=yes"},
	"POST /organiser/events/{id}/attendees/{rid}/deliveries/{did}/resend": {303, 403, 404, 404, ""},
}

func TestWhoMayWhat(t *testing.T) {
	c := newClient(t)
	c.addMember("rie", deltag.RoleReader)
	c.addMember("ole", deltag.RoleOrganiser)
	c.addMember("gone", deltag.RoleOwner)
	sessions := map[string]map[string]string{"anybody": {}, "forged": {"__Host-session": c.id("anna") + "." + strings.Repeat("A", 43)}}
	for _, name := range []string{"rie", "ole", "anna", "gone"} {
		c.cookies = map[string]string{}
		c.signIn(name)
		sessions[name] = c.cookies
	}
	owner := deltag.Principal{Role: deltag.RoleOwner}
	if err := c.accounts.Remove(context.Background(), owner, c.id("gone"), time.Now()); err != nil {
		t.Fatal(err)
	}
	path := strings.NewReplacer("{token}", "x", "{id}", "aaaaaaaaaaaaaaaaaaab", "{rid}", "aaaaaaaaaaaaaaaaaaac",
		"{did}", "aaaaaaaaaaaaaaaaaaac.confirmation.1")
	var known []string
	for _, route := range c.site.routes() {
		name := route.method + " " + route.path
		known = append(known, name)
		line, ok := access[name]
		if !ok {
			t.Errorf("%s is not in the table", name)
		}
		for who, want := range map[string]int{
			"anybody": line.anybody, "forged": line.anybody, "gone": line.anybody, "rie": line.reader, "ole": line.organiser,
			"anna": line.owner,
		} {
			if name == "POST /organiser/sign-out" {
				continue // see TestSignOut
			}
			t.Run(name+"/"+who, func(t *testing.T) {
				c.cookies = map[string]string{}
				for name, value := range sessions[who] {
					c.cookies[name] = value
				}
				res := c.send(route.method, path.Replace(route.path), line.form)
				if res.StatusCode != want {
					t.Errorf("%d, want %d: %s", res.StatusCode, want, res.doc.Find("main").Text())
				}
				if want == 303 && want == line.anybody && line.owner != 303 && res.Header.Get("Location") != "/organiser/sign-in" {
					t.Errorf("goes to %s", res.Header.Get("Location"))
				}
			})
		}
	}
	for name := range access {
		if !slices.Contains(known, name) {
			t.Errorf("there is no %s", name)
		}
	}
	t.Run("AnExpiredSession", func(t *testing.T) {
		c.now = start.Add(deltag.SessionIdlePeriod)
		c.cookies = sessions["anna"]
		c.get("/organiser/members").wantLocation("/organiser/sign-in")
	})
}

// TestHeaders: nothing of these pages is kept, framed or found, and other sites' pages can't act in them.
func TestHeaders(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	for _, path := range []string{"/organiser", "/organiser/members", "/organiser/sign-in/x", "/organiser/nope"} {
		res := c.get(path)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		policy := res.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
	}
	form := "email=bo@example.dk&role=owner"
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example.org"} {
		c.send("POST", "/organiser/members", form, header).want(http.StatusForbidden)
	}
	if _, err := c.store.Member(context.Background(), c.id("bo")); err == nil {
		t.Error("another site's page has made a member")
	}
	c.send("POST", "/organiser/members", form, "Sec-Fetch-Site: same-origin").wantLocation("/organiser/members?done=invited")
	c.send("GET", "/organiser/members", "", "Sec-Fetch-Site: cross-site").want(http.StatusOK) // a link in a mail
}

func TestSignIn(t *testing.T) {
	t.Run("BeginsANewSessionWithASafeCookie", func(t *testing.T) {
		c := newClient(t)
		planted := c.id("anna") + "." + strings.Repeat("A", 43)
		c.cookies["__Host-session"] = planted
		link := c.link("anna")
		c.get(link).want(http.StatusOK).says("main", "anna@example.dk").has(`form[action="`+link+`"] button`, 1)
		res := c.post(link).wantLocation("/organiser")
		cookie := res.Cookies()[0]
		if cookie.Value == planted || cookie.Name != "__Host-session" || !cookie.Secure || !cookie.HttpOnly ||
			cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("%+v", cookie)
		}
		c.get("/organiser").want(http.StatusOK).says("footer", "anna@example.dk (Ejer)")
	})
	t.Run("EndsTheSessionThatTheBrowserHad", func(t *testing.T) {
		c := newClient(t)
		c.signIn("anna")
		before := c.cookies["__Host-session"]
		c.signIn("anna")
		c.cookies["__Host-session"] = before
		c.get("/organiser").wantLocation("/organiser/sign-in")
	})
	t.Run("OnLoopbackTheCookieNeedsNoHTTPS", func(t *testing.T) {
		c := newClientOf(t, storetest.Embedded(t).Store(), "http://127.0.0.1:8080")
		if cookie := c.post(c.link("anna")).Cookies()[0]; cookie.Name != "session" || cookie.Secure {
			t.Errorf("%+v", cookie)
		}
		c.get("/organiser").want(http.StatusOK)
	})
	t.Run("TheAnswerIsTheSameForEveryAddress", func(t *testing.T) {
		c := newClient(t)
		member := c.post("/organiser/sign-in", "email", "anna@example.dk").want(http.StatusOK)
		nobody := c.post("/organiser/sign-in", "email", "nobody@example.dk").want(http.StatusOK)
		if member.text != nobody.text || fmt.Sprint(member.Header) != fmt.Sprint(nobody.Header) {
			t.Error("the answers differ")
		}
		member.says("h1", "Se i din indbakke")
	})
	t.Run("AFaultyAddressIsKept", func(t *testing.T) {
		c := newClient(t)
		c.post("/organiser/sign-in", "email", "anna@@example.dk").want(http.StatusUnprocessableEntity).
			has(`input[name=email][value="anna@@example.dk"][aria-invalid=true]`, 1).has(`.alert a[href="#email"]`, 1).
			says("title", "Fejl:")
	})
	t.Run("ANetworkThatHasAskedTooOften", func(t *testing.T) {
		c := newClient(t)
		for range deltag.MaxSignInsPerNetwork {
			c.post("/organiser/sign-in", "email", "nobody@example.dk").want(http.StatusOK)
		}
		c.post("/organiser/sign-in", "email", "anna@example.dk").want(http.StatusTooManyRequests).
			has(`input[value="anna@example.dk"]`, 1).says(".alert", "Prøv igen om en time")
	})
	t.Run("AUsedLinkHelps", func(t *testing.T) {
		c := newClient(t)
		link := c.link("anna")
		c.post(link).want(http.StatusSeeOther)
		c.post(link).wantLocation("/organiser") // pressed twice
		c.cookies = map[string]string{}
		c.post(link).want(http.StatusGone).has(`a[href="/organiser/sign-in"]`, 1).says("h1", "virker ikke mere")
		c.get(link).want(http.StatusGone)
	})
}

func TestSignOut(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	first := c.cookies["__Host-session"]
	c.cookies = map[string]string{}
	c.signIn("anna")
	second := c.cookies["__Host-session"]
	c.post("/organiser/sign-out").wantLocation("/organiser/sign-in?done=signed-out")
	if len(c.cookies) > 0 {
		t.Errorf("the browser keeps %v", c.cookies)
	}
	c.get("/organiser/sign-in?done=signed-out").says(".done", "logget ud")
	c.cookies["__Host-session"] = second
	c.get("/organiser").wantLocation("/organiser/sign-in")
	c.cookies["__Host-session"] = first
	c.get("/organiser").want(http.StatusOK)
	c.now = c.now.Add(time.Second)
	c.signIn("anna")
	c.cookies["__Host-session"] = first // a third browser
	c.signIn("anna")
	third := c.cookies["__Host-session"]
	c.signIn("anna")
	c.now = c.now.Add(time.Second)
	c.post("/organiser/sign-out", "everywhere", "yes")
	c.cookies["__Host-session"] = third
	c.get("/organiser").wantLocation("/organiser/sign-in")
}

func TestLanguage(t *testing.T) {
	c := newClient(t)
	c.get("/organiser/sign-in").says("h1", "Log ind").has(`a.switch[href="/organiser/sign-in?lang=en"]`, 1)
	c.get("/organiser/sign-in?lang=en").says("h1", "Sign in")
	c.get("/organiser/sign-in").says("h1", "Sign in").has("html[lang=en]", 1) // remembered
	c.signIn("anna")
	c.cookies = map[string]string{"__Host-session": c.cookies["__Host-session"]}
	c.get("/organiser").says("h1", "Events") // the language that the link was used in
	other := newClientOf(t, c.store, "https://deltag.example.dk")
	other.post("/organiser/sign-in", "email", "anna@example.dk") // by a stranger
	c.get("/organiser").says("h1", "Events")
	c.post("/organiser/events", "title", "", "language", "da").want(422).says("h1", "New event") // the event's language
	c.get("/organiser/nope").want(http.StatusNotFound)
}

func TestEvents(t *testing.T) {
	c := newClient(t)
	c.addMember("rie", deltag.RoleReader)
	c.signIn("rie")
	c.get("/organiser").want(http.StatusOK).says("main", "ingen arrangementer").has("a[href='/organiser/members']", 0)
	ten := 10
	limited := c.newEvent("kommende", func(e *deltag.Event) { e.Capacity = &ten })
	c.newEvent("kladde", func(e *deltag.Event) { e.Status = deltag.EventDraft })
	for n := range 21 {
		c.newEvent(fmt.Sprint("gammel", n), func(e *deltag.Event) {
			e.StartsAt, e.EndsAt = start.AddDate(0, 0, -n-1), start.AddDate(0, 0, -n-1).Add(time.Hour)
		})
	}
	for n := range 2 {
		in := deltag.SignUpRequest{Name: "Bo", Email: addressOf(fmt.Sprint("p", n)), Language: "da"}
		if _, err := c.store.SignUp(context.Background(), limited, in, start); err != nil {
			t.Fatal(err)
		}
	}
	res := c.get("/organiser").want(http.StatusOK).has("h2", 3).has(".rows li", 22).
		says(".rows:nth-of-type(1)", "2 af 10 pladser taget").says(".rows:nth-of-type(1)", "Åben").
		says(".rows:nth-of-type(2)", "Kladde").says(".rows:nth-of-type(3) li:first-child", "gammel0")
	earlier, _ := res.doc.Find("main > p a").Attr("href")
	c.get(earlier).has("h2", 1).has(".rows li", 1).says(".rows", "gammel20")
	c.get("/organiser?cursor=nonsense").want(http.StatusUnprocessableEntity)
}

func TestMembersPage(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	c.post("/organiser/members", "email", "bo@example.dk", "role", "reader").wantLocation("/organiser/members?done=invited")
	bo := "/organiser/members/" + c.id("bo")
	c.get("/organiser/members?done=invited").says(".done", "på vej").has(`form[action="`+bo+`"] option[selected]`, 1).
		has(`form[action="`+bo+`"] option[value=reader][selected]`, 1).has(`form[action="/organiser/members/`+c.id("anna")+`"]`, 0)
	c.post("/organiser/members", "email", "bo@example.dk", "role", "owner").want(http.StatusUnprocessableEntity).
		has(`input[name=email][value="bo@example.dk"]`, 1).has("input[value=owner][checked]", 1).says(".alert", "allerede adgang")
	c.post(bo, "role", "organiser").wantLocation("/organiser/members?done=role-changed")
	c.post("/organiser/members/"+c.id("anna")+"/remove").want(http.StatusUnprocessableEntity).says(".alert", "fast ejer").
		has(`a.switch[href="/organiser/members?lang=en"]`, 1).has(".menu [aria-current]", 1)
	c.post(bo + "/remove").wantLocation("/organiser/members?done=removed")
	c.post(bo + "/remove").wantLocation("/organiser/members?done=removed") // again
}

func TestTokensPage(t *testing.T) {
	c := newClient(t)
	c.signIn("anna")
	c.get("/organiser/tokens").says("main", "ingen nøgler").has("input[type=date][value='2027-11-23']", 1)
	c.post("/organiser/tokens", "name", "Nyhedsbrev", "role", "reader", "expires", "i morgen").
		want(http.StatusUnprocessableEntity).has("input[name=name][value=Nyhedsbrev]", 1).says(".alert", "2027-06-30")
	c.post("/organiser/tokens", "name", "x", "role", "reader", "expires", "2026-11-22").
		want(http.StatusUnprocessableEntity).says(".alert", "ikke er gået")
	res := c.post("/organiser/tokens", "name", " Nyhedsbrev ", "role", "reader", "expires", "2026-11-24").want(http.StatusOK)
	token := res.doc.Find("code").Text()
	p, err := c.accounts.AuthenticateToken(context.Background(), token, time.Date(2026, 11, 24, 22, 59, 0, 0, time.UTC))
	if err != nil || p.Role != deltag.RoleReader || p.Name != "Nyhedsbrev" || !strings.HasPrefix(token, "dlt_") {
		t.Errorf("%q: %+v, %v", token, p, err) // valid until the end of the day in Copenhagen
	}
	list := c.get("/organiser/tokens").has("code", 0).says(".rows", "Virker til og med tirsdag den 24. november 2026")
	action, _ := list.doc.Find(".rows form").Attr("action")
	c.post(action).wantLocation("/organiser/tokens?done=revoked")
	if _, err := c.accounts.AuthenticateToken(context.Background(), token, start); err == nil {
		t.Error("it still works")
	}
}

// breakStore makes the table fail when sessions are read.
func (c *client) breakStore() { c.accounts.Store = brokenStore{c.accounts.Store} }

// failWrites makes every write of an event, a mail, a member or a token fail.
func (c *client) failWrites(err error) {
	c.site.Organiser.Store = failingStore{c.site.Organiser.Store, err}
	c.accounts.Store = failingAccounts{c.accounts.Store, err}
}

type failingStore struct {
	organiser.Store
	err error
}

func (s failingStore) CreateEvent(context.Context, deltag.Event, deltag.MailingChanges) error {
	return s.err
}

func (s failingStore) UpdateEvent(context.Context, deltag.Event, deltag.MailingChanges) error {
	return s.err
}

func (failingStore) PutMailing(context.Context, deltag.Mailing) error { return deltag.ErrUnavailable }

func (failingStore) SaveDelivery(context.Context, deltag.Delivery) error {
	return deltag.ErrUnavailable
}

type failingAccounts struct {
	account.Store
	err error
}

func (s failingAccounts) SaveRole(context.Context, deltag.Member, int, *deltag.Delivery) error {
	return s.err
}

func (s failingAccounts) PutToken(context.Context, string, deltag.AccessToken) error { return s.err }

type brokenStore struct{ account.Store }

func (brokenStore) SessionAndMember(context.Context, string, string) (deltag.Session, deltag.Member, error) {
	return deltag.Session{}, deltag.Member{}, deltag.ErrUnavailable
}

// newEveryEvent stores events in every state.
func (c *client) newEveryEvent() {
	c.Helper()
	one, three := 1, 3
	full := c.newEvent("fuldt", func(e *deltag.Event) { e.Capacity = &one })
	c.newEvent("begraenset", func(e *deltag.Event) { e.Capacity = &three })
	single, many := c.newEvent("en", nil), c.newEvent("to", nil)
	for n, e := range []deltag.Event{full, full, single, many, many} {
		in := deltag.SignUpRequest{Name: "Bo", Email: addressOf(fmt.Sprint("p", n)), Language: "da"}
		if _, err := c.store.SignUp(context.Background(), e, in, start); err != nil {
			c.Fatal(err)
		}
	}
	c.newEvent("kladde", func(e *deltag.Event) { e.Status = deltag.EventDraft })
	c.newEvent("lukket", func(e *deltag.Event) { e.Status = deltag.EventClosed })
	c.newEvent("aflyst", func(e *deltag.Event) { e.Status = deltag.EventCancelled })
	c.newEvent("senere", func(e *deltag.Event) { e.SignUpOpensAt = start.AddDate(0, 0, 1) })
	c.newEvent("engelsk", func(e *deltag.Event) { e.Language = deltag.LanguageEnglish })
	for n := range 21 {
		c.newEvent(fmt.Sprint("gammel", n), func(e *deltag.Event) {
			e.StartsAt, e.EndsAt = start.AddDate(0, 0, -n-1), start.AddDate(0, 0, -n-1).Add(time.Hour)
		})
	}
}

// newTokens makes two access tokens, and uses one.
func (c *client) newTokens() {
	c.Helper()
	owner := deltag.Principal{Role: deltag.RoleOwner}
	for n, name := range []string{"Nyhedsbrev", "Regneark"} {
		token, _, err := c.accounts.CreateToken(context.Background(), owner, name, deltag.RoleReader,
			start.AddDate(1, 0, 0), start.Add(time.Duration(n)*time.Minute))
		if err == nil && name == "Regneark" {
			_, err = c.accounts.AuthenticateToken(context.Background(), token, start)
		}
		if err != nil {
			c.Fatal(err)
		}
	}
}
