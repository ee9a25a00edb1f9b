package visitor

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

func TestRedirects(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	for path, want := range map[string]string{
		"/e/samskabelse/registrations":         "/e/samskabelse",
		"/e/samskabelse/registrations?lang=en": "/e/samskabelse?lang=en",
		managePath(r) + "/cancel":              managePath(r),
		managePath(r) + "/rejoin":              managePath(r),
		managePath(r) + "/erase":               managePath(r),
		"/e/samskabelse/":                      "/e/samskabelse",
		"/e/SAMSKABELSE":                       "/e/samskabelse",
		"/e/Samskabelse/":                      "/e/samskabelse",
		"/e/SAMSKABELSE/link?lang=en":          "/e/samskabelse/link?lang=en",
		"/e/SAMSKABELSE/embed":                 "/e/samskabelse/embed",
		"/e/SAMSKABELSE/calendar.ics":          "/e/samskabelse/calendar.ics",
		"/e/%2F%2Fevil.example/":               "/e/%2F%2Fevil.example",
	} {
		if got := v.get(path).want(http.StatusSeeOther).Header.Get("Location"); got != want {
			t.Errorf("%s: to %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{
		"/e/samskabelse/registrations", managePath(r) + "/cancel", managePath(r) + "/rejoin", managePath(r) + "/erase",
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
			a := v.send(method, path, "", "").want(http.StatusMethodNotAllowed)
			if got := a.Header.Get("Allow"); got != "GET, HEAD, POST" {
				t.Errorf("%s: Allow %q", method, got)
			}
		}
	}
	if got := v.only(); got.Status != deltag.RegistrationConfirmed {
		t.Errorf("a GET changed the registration: %v", got.Status)
	}
}

func TestRoutes(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	const get = "GET, HEAD"
	const both = "GET, HEAD, POST"
	for path, allow := range map[string]string{
		"/":                             get,
		"/e/samskabelse":                get,
		"/e/samskabelse/embed":          get,
		"/e/samskabelse/thanks":         get,
		"/e/samskabelse/calendar.ics":   get,
		"/e/samskabelse/link":           both,
		managePath(r):                   both,
		managePath(r) + "/calendar.ics": get,
		managePath(r) + "/data.json":    get,
		joinPath(r):                     both,
		unsubscribePath(r):              both,
		"/healthz":                      get,
		"/robots.txt":                   get,
		"/embed.js":                     get,
		"/api/v1/public/events/samskabelse/registrations": "OPTIONS, POST",
	} {
		t.Run(path, func(t *testing.T) {
			for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
				a := v.send(method, path, "", "").want(http.StatusMethodNotAllowed)
				if got := a.Header.Get("Allow"); got != allow {
					t.Errorf("%s: Allow %q, want %q", method, got, allow)
				}
			}
			if strings.HasPrefix(allow, "GET") {
				v.get(path).want(http.StatusOK)
			} else {
				v.get(path).want(http.StatusMethodNotAllowed)
			}
		})
	}
	for _, path := range []string{
		"/e", "/e/", "/e/nix", "/e/nix/thanks", "/e/samskabelse/nix",
		"/e/" + strings.Repeat("a", 3000), "/e/%00", "/e/%ff", "/e/..%2f..", "/r", "/r/", "/join/",
		"/wp-login.php", "/organiser",
	} {
		t.Run("NotFound/"+path[:min(20, len(path))], func(t *testing.T) {
			v.get(path).want(http.StatusNotFound)
		})
	}
	t.Run("PostToNowhereIsNotFound",
		func(t *testing.T) { v.post("/e/nix/registrations", "name", "Anna").want(http.StatusNotFound) })
}

func TestHeaders(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.addRegistration(e, "Anna Holm")
	t.Run("EveryAnswerIsHardened", func(t *testing.T) {
		for _, path := range []string{"/", "/e/samskabelse", "/e/nix", managePath(r), managePath(r) + "/data.json",
			"/healthz", "/robots.txt", "/e/samskabelse/calendar.ics", "/r/hello"} {
			h := v.get(path).Header
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
				"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()"} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s %q, want %q", path, name, got, want)
				}
			}
			policy := h.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: content security policy %q", path, policy)
			}
		}
	})
	t.Run("TheEmbeddedFormAndItsScriptAreForOtherSites", func(t *testing.T) {
		for _, path := range []string{"/e/samskabelse/embed", "/embed.js"} {
			if got := v.get(path).Header.Get("Cross-Origin-Resource-Policy"); got != "cross-origin" {
				t.Errorf("%s: got %q", path, got)
			}
		}
	})
	t.Run("StyleAndScriptAreInThePolicyByHash", func(t *testing.T) {
		a := v.get(joinPath(r))
		for element, directive := range map[string]string{"style": "style-src ", "script": "script-src "} {
			_, after, _ := strings.Cut(a.text, "<"+element+">")
			text, _, _ := strings.Cut(after, "</"+element+">")
			if len(text) < 100 {
				t.Fatalf("no %s on the page", element)
			}
			wantContentSecurityPolicy(t, a, directive+sourceHash(text)+";")
		}
	})
	t.Run("NoPageBesideTheCountdownRunsAScript", func(t *testing.T) {
		a := v.get("/e/samskabelse").hasNot("script").hasNot("[style]").hasNot("link[rel=stylesheet]").hasNot("img")
		if strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src") {
			t.Error("scripts are allowed")
		}
	})
	t.Run("PersonalPagesCannotBeFramed", func(t *testing.T) {
		wantContentSecurityPolicy(t, v.get(managePath(r)+"?embed=yes"), "frame-ancestors 'none'")
		wantContentSecurityPolicy(t, v.post(managePath(r), "embed", "yes", "name", "", "email", ""),
			"frame-ancestors 'none'")
	})
	t.Run("PageIsSmall", func(t *testing.T) {
		if n := len(v.get("/e/samskabelse").text); n > 16<<10 {
			t.Errorf("the event page has %d bytes, want at most 16 KiB", n)
		}
	})
}

// sourceHash allows an inline text in a content security policy.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	v := newClient(t, webinar())
	server := httptest.NewServer(v.site)
	defer server.Close()
	resp, err := server.Client().Head(server.URL + "/e/samskabelse")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want := int64(len(v.get("/e/samskabelse").text))
	if resp.StatusCode != http.StatusOK || resp.ContentLength != want {
		t.Errorf("status %d, %d bytes; want 200, %d", resp.StatusCode, resp.ContentLength, want)
	}
}

// TestGetChangesNothing opens what mail scanners open: every link on every page, from every link in a mail.
func TestGetChangesNothing(t *testing.T) {
	e, full := webinar(), limited(webinar(), 1, true)
	full.ID, full.Slug, full.Secret = "bbbbbbbbbbbbbbbbbbbb", "fuldt", []byte("fedcba9876543210")
	v := newClient(t, e, full)
	v.addRegistration(full, "Carl Dam")
	first := []string{"/"}
	for _, r := range []deltag.Registration{v.addRegistration(e, "Anna Holm"), v.addRegistration(full, "Bo Lund")} {
		first = append(first, managePath(r), joinPath(r), unsubscribePath(r))
		for _, action := range []string{"/cancel", "/rejoin", "/erase"} {
			first = append(first, managePath(r)+action)
		}
	}
	opened := 0
	for _, now := range []time.Time{before, starts, starts.Add(2 * time.Hour)} {
		v.now = now
		v.wantUnchanged(func() { opened += v.openEveryLink(first) })
	}
	if opened < 60 {
		t.Errorf("only %d pages were opened", opened)
	}
}

// openEveryLink opens paths and every page that is linked from there, each once, and returns how many.
func (v *client) openEveryLink(paths []string) int {
	seen := map[string]bool{}
	for queue := paths; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		a := v.get(queue[0])
		v.send("HEAD", queue[0], "", "")
		a.doc.Find("[href], [action]").Each(func(_ int, s *goquery.Selection) {
			for _, name := range []string{"href", "action"} {
				if to := s.AttrOr(name, ""); strings.HasPrefix(to, "/") {
					queue = append(queue, to)
				}
			}
		})
	}
	return len(seen)
}

func TestIndex(t *testing.T) {
	later, closed := webinar(), webinar()
	later.ID, later.Slug, later.Title = "bbbbbbbbbbbbbbbbbbbb", "senere", "Senere"
	later.StartsAt, later.EndsAt = starts.AddDate(0, 0, 7), starts.AddDate(0, 0, 7).Add(time.Hour)
	closed.ID, closed.Slug, closed.Title, closed.Status = "cccccccccccccccccccc", "lukket", "Lukket", deltag.EventClosed
	v := newClient(t, later, closed, webinar())
	t.Run("ListsWhatIsComingSoonestFirst", func(t *testing.T) {
		a := v.get("/").want(http.StatusOK)
		var got []string
		a.doc.Find(".events a").Each(func(_ int, s *goquery.Selection) { got = append(got, s.AttrOr("href", "")) })
		if diff := cmp.Diff([]string{"/e/samskabelse", "/e/lukket", "/e/senere"}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
	for name, tt := range map[string]struct {
		change func(deltag.Event) deltag.Event
		people []string
		want   string // "" for nothing
	}{
		"Open":    {func(e deltag.Event) deltag.Event { return e }, []string{"Anna"}, ""},
		"Limited": {func(e deltag.Event) deltag.Event { return limited(e, 3, true) }, []string{"Anna"}, "2 pladser tilbage"},
		"Full": {
			func(e deltag.Event) deltag.Event { return limited(e, 1, false) }, []string{"Anna"}, "Alle pladser er optaget",
		},
		"FullWithAWaitlist": {
			func(e deltag.Event) deltag.Event { return limited(e, 1, true) }, []string{"Anna", "Bo"},
			"Alle pladser er optaget – du kan skrive dig på ventelisten",
		},
		"Closed": {func(e deltag.Event) deltag.Event {
			e.Status = deltag.EventClosed
			return limited(e, 1, true)
		}, []string{"Anna"}, "Tilmeldingen er lukket"},
		"NotYetOpen": {func(e deltag.Event) deltag.Event {
			e.SignUpOpensAt = before.Add(24 * time.Hour)
			return e
		}, nil, "Tilmeldingen åbner onsdag den 25. november 2026 kl. 14.00"},
	} {
		t.Run("SaysBeforehand/"+name, func(t *testing.T) {
			e := tt.change(webinar())
			v := newClient(t, e)
			for _, name := range tt.people {
				v.addRegistration(e, name)
			}
			a := v.get("/").want(http.StatusOK)
			if tt.want == "" {
				a.hasNot(".availability")
			} else if got := a.doc.Find(".availability").Text(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	t.Run("KeepsTheChosenLanguage",
		func(t *testing.T) { v.get("/?lang=en").has(`.events a[href="/e/senere?lang=en"]`) })
	t.Run("SaysWhenThereIsNothing",
		func(t *testing.T) { newClient(t).get("/").hasText("main", "ingen åbne arrangementer") })
	t.Run("WithoutStoreAsksToComeBack", func(t *testing.T) {
		v := newClient(t)
		v.store.fail(fmt.Errorf("reading: %w", context.DeadlineExceeded))
		a := v.get("/").want(http.StatusServiceUnavailable).hasNot("form")
		if a.Header.Get("Retry-After") != "5" {
			t.Errorf("Retry-After %q, want 5 seconds", a.Header.Get("Retry-After"))
		}
	})
	t.Run("UnknownErrorIsFixedWordsAndOneLogEntry", func(t *testing.T) {
		v := newClient(t)
		v.store.fail(errors.New("disk on fire"))
		if a := v.get("/").want(http.StatusInternalServerError); strings.Contains(a.text, "fire") {
			t.Error("the cause is on the page")
		}
		if n := strings.Count(v.log.String(), "disk on fire"); n != 1 {
			t.Errorf("the cause was logged %d times, want once", n)
		}
	})
}

func TestCalendar(t *testing.T) {
	a := newClient(t, webinar()).get("/e/samskabelse/calendar.ics").want(http.StatusOK)
	if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" ||
		a.Header.Get("Content-Disposition") != `attachment; filename="samskabelse.ics"` {
		t.Errorf("headers %v", a.Header)
	}
	if !strings.Contains(a.text, "URL:https://deltag.example.dk/e/samskabelse\r\n") {
		t.Errorf("file:\n%s", a.text)
	}
}

func TestHealth(t *testing.T) {
	v := newClient(t)
	health := func() (got map[string]string) {
		t.Helper()
		if err := json.Unmarshal([]byte(v.get("/healthz").text), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(map[string]string{"build": "test", "table": "reachable"}, health()); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	v.store.fail(deltag.ErrUnavailable)
	v.get("/healthz").want(http.StatusServiceUnavailable)
	if diff := cmp.Diff(map[string]string{"build": "test", "table": "unreachable"}, health()); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

func TestRobots(t *testing.T) {
	text := newClient(t).get("/robots.txt").want(http.StatusOK).text
	for _, path := range []string{"/r/", "/join/", "/unsubscribe/"} {
		if !strings.Contains(text, "\nDisallow: "+path+"\n") {
			t.Errorf("%s is not kept from crawlers:\n%s", path, text)
		}
	}
}

// TestWords looks up every key that the code puts together from parts.
func TestWords(t *testing.T) {
	var keys []string
	for _, err := range []error{
		deltag.ErrNotFound, deltag.ErrFull, deltag.ErrClosed, deltag.ErrConflict, deltag.ErrChangeLimit,
		deltag.ErrSignUpLimit,
		deltag.ErrUnavailable, web.ErrMethod, web.ErrTooLarge, web.ErrMediaType, web.ErrMalformed, web.ErrInternal,
	} {
		key := "page.error." + web.ErrorFor(err).Code
		keys = append(keys, key+".title", key+".text")
	}
	for _, code := range []string{"unknown-field", "wrong-type", "twice"} {
		keys = append(keys, "page.error."+code+".title", "page.error."+code+".text", "error."+code)
	}
	for _, state := range []deltag.SignUpState{
		deltag.SignUpNotYet, deltag.SignUpClosed, deltag.SignUpOver, deltag.SignUpCancelled,
	} {
		onPage, problem := "page.state."+string(state), "page.error."+string(state)
		keys = append(keys, onPage+".title", onPage+".text", problem+".title")
	}
	for _, status := range []string{"event-cancelled", "over", "cancelled", "closed", "full"} {
		keys = append(keys, "page.registration.error."+status)
	}
	for _, mail := range []deltag.AddressStatus{deltag.AddressBounced, deltag.AddressComplained,
		deltag.AddressUnsubscribed} {
		keys = append(keys, "page.registration.mail."+string(mail))
	}
	for _, l := range deltag.Languages {
		for _, key := range keys {
			if !i18n.For(l).Has(key) {
				t.Errorf("%s has no words for %s", l, key)
			}
		}
	}
}

// TestEveryErrorHasWords reads the codes of field errors out of the sources that make them.
func TestEveryErrorHasWords(t *testing.T) {
	codes := map[string]bool{}
	for files, made := range map[string]string{
		"address/*.go":   `"(missing|bad-characters|address-[a-z-]+)"`,
		"deltag/*.go":    `(?:require\w*\([^\n]*|Code: )"([a-z-]+)"`,
		"dynamo/*.go":    `Code: "([a-z-]+)"`,
		"organiser/*.go": `Code: "([a-z-]+)"`,
		"account/*.go":   `Code: "([a-z-]+)"`,
		"web/*/*.go":     `Code: "([a-z-]+)"`,
		"api/*.go":       `(?:badField\([^\n]*|Code: )"([a-z-]+)"`,
		"web/*.go":       `bad(?:Body|Member)\([^\n]*"([a-z-]+)"\)`,
	} {
		paths, _ := filepath.Glob("../../" + files)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			for _, match := range regexp.MustCompile(made).FindAllStringSubmatch(readSource(t, path), -1) {
				codes[match[1]] = true
			}
		}
	}
	for code := range codes {
		for _, l := range deltag.Languages {
			if !i18n.For(l).Has("error." + code) {
				t.Errorf("%s has no words for error.%s", l, code)
			}
		}
	}
	if len(codes) < 40 {
		t.Errorf("only %d codes were found: do the patterns still fit?", len(codes))
	}
}
