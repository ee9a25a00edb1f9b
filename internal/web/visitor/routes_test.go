package visitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

func TestRoutes(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.signedUp(e, "Anna Holm")
	const get, post = "GET, HEAD", "POST"
	const both = "GET, HEAD, POST"
	for path, allow := range map[string]string{
		"/":                            get,
		"/e/samskabelse":               get,
		"/e/samskabelse/embed":         get,
		"/e/samskabelse/thanks":        get,
		"/e/samskabelse/calendar.ics":  get,
		"/e/samskabelse/registrations": post,
		"/e/samskabelse/link":          both,
		own(r):                         both,
		own(r) + "/cancel":             post,
		own(r) + "/rejoin":             post,
		own(r) + "/erase":              post,
		own(r) + "/calendar.ics":       get,
		own(r) + "/data.json":          get,
		door(r):                        both,
		"/unsubscribe/" + r.Link('u'):  both,
		"/healthz":                     get,
		"/robots.txt":                  get,
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
		"/e", "/e/", "/e/nix", "/e/nix/thanks", "/e/samskabelse/", "/e/samskabelse/nix", "/e/" + strings.Repeat("a", 3000), "/e/%00", "/e/%ff", "/e/..%2f..", "/r", "/r/", "/join/", "/wp-login.php", "/e/Samskabelse", "/organiser",
	} {
		t.Run("NotFound/"+path[:min(20, len(path))], func(t *testing.T) {
			v.get(path).want(http.StatusNotFound)
		})
	}
	t.Run("PostToNowhereIsNotFound", func(t *testing.T) { v.post("/e/nix/registrations", "name", "Anna").want(http.StatusNotFound) })
}

func TestHeaders(t *testing.T) {
	e := webinar()
	v := newClient(t, e)
	r := v.signedUp(e, "Anna Holm")
	t.Run("EveryAnswerIsHardened", func(t *testing.T) {
		for _, path := range []string{"/", "/e/samskabelse", "/e/nix", own(r), own(r) + "/data.json", "/healthz", "/robots.txt", "/e/samskabelse/calendar.ics", "/r/hello"} {
			h := v.get(path).Header
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000"} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s %q, want %q", path, name, got, want)
				}
			}
			if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: content security policy %q", path, policy)
			}
		}
	})
	t.Run("StyleAndScriptStandInThePolicyByHash", func(t *testing.T) {
		a := v.get(door(r))
		for element, directive := range map[string]string{"style": "style-src ", "script": "script-src "} {
			_, after, _ := strings.Cut(a.text, "<"+element+">")
			text, _, _ := strings.Cut(after, "</"+element+">")
			if len(text) < 100 {
				t.Fatalf("no %s on the page", element)
			}
			wantPolicy(t, a, directive+hashed(text).source+";")
		}
	})
	t.Run("NoPageBesideTheCountdownRunsAScript", func(t *testing.T) {
		a := v.get("/e/samskabelse").hasNot("script").hasNot("[style]").hasNot("link[rel=stylesheet]").hasNot("img")
		if strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src") {
			t.Error("scripts are allowed")
		}
	})
	t.Run("PersonalPagesCannotBeFramed", func(t *testing.T) {
		wantPolicy(t, v.get(own(r)+"?embed=yes"), "frame-ancestors 'none'")
		wantPolicy(t, v.post(own(r), "embed", "yes", "name", "", "email", ""), "frame-ancestors 'none'")
	})
	t.Run("PageIsSmall", func(t *testing.T) {
		if n := len(v.get("/e/samskabelse").text); n > 16<<10 {
			t.Errorf("the event page has %d bytes, want at most 16 KiB", n)
		}
	})
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
	if want := int64(len(v.get("/e/samskabelse").text)); resp.StatusCode != http.StatusOK || resp.ContentLength != want {
		t.Errorf("status %d, %d bytes; want 200, %d", resp.StatusCode, resp.ContentLength, want)
	}
}

// TestGetChangesNothing opens what mail scanners open: every link on every page, from every link in a mail.
func TestGetChangesNothing(t *testing.T) {
	e, full := webinar(), limited(webinar(), 1, true)
	full.ID, full.Slug, full.Secret = "bbbbbbbbbbbbbbbbbbbb", "fuldt", []byte("fedcba9876543210")
	v := newClient(t, e, full)
	v.signedUp(full, "Carl Dam")
	todo := []string{"/"}
	for _, r := range []deltag.Registration{v.signedUp(e, "Anna Holm"), v.signedUp(full, "Bo Lund")} {
		todo = append(todo, own(r), door(r), "/unsubscribe/"+r.Link(deltag.PurposeUnsubscribe))
		for _, action := range []string{"/cancel", "/rejoin", "/erase"} {
			todo = append(todo, own(r)+action)
		}
	}
	seen := map[string]bool{}
	for _, now := range []time.Time{before, starts, starts.Add(2 * time.Hour)} {
		v.now = now
		people := fmt.Sprint(v.store.people)
		for queue := todo; len(queue) > 0; queue = queue[1:] {
			key := now.String() + queue[0]
			if seen[key] {
				continue
			}
			seen[key] = true
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
		if v.store.writes > 0 || len(v.store.links) > 0 || fmt.Sprint(v.store.people) != people {
			t.Errorf("at %v, a GET has changed something", now)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d pages were opened", len(seen))
	}
}

func TestIndex(t *testing.T) {
	later, closed := webinar(), webinar()
	later.ID, later.Slug, later.Title, later.StartsAt, later.EndsAt = "bbbbbbbbbbbbbbbbbbbb", "senere", "Senere", starts.AddDate(0, 0, 7), starts.AddDate(0, 0, 7).Add(time.Hour)
	closed.ID, closed.Slug, closed.Title, closed.Status = "cccccccccccccccccccc", "lukket", "Lukket", deltag.EventClosed
	v := newClient(t, later, closed, webinar())
	t.Run("ListsWhatIsComingSoonestFirst", func(t *testing.T) {
		a := v.get("/").want(http.StatusOK)
		var got []string
		a.doc.Find(".events a").Each(func(_ int, s *goquery.Selection) { got = append(got, s.AttrOr("href", "")) })
		if diff := cmp.Diff([]string{"/e/samskabelse", "/e/senere"}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
	t.Run("KeepsTheChosenLanguage", func(t *testing.T) { v.get("/?lang=en").has(`.events a[href="/e/senere?lang=en"]`) })
	t.Run("SaysWhenThereIsNothing", func(t *testing.T) { newClient(t).get("/").says("main", "ingen åbne arrangementer") })
	t.Run("WithoutStoreAsksToComeBack", func(t *testing.T) {
		v := newClient(t)
		v.store.err = fmt.Errorf("reading: %w", context.DeadlineExceeded)
		a := v.get("/").want(http.StatusServiceUnavailable).hasNot("form")
		if a.Header.Get("Retry-After") != "5" {
			t.Errorf("Retry-After %q, want 5 seconds", a.Header.Get("Retry-After"))
		}
	})
	t.Run("UnknownFaultIsFixedWordsAndOneLogLine", func(t *testing.T) {
		v := newClient(t)
		v.store.err = errors.New("disk on fire")
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
	if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || a.Header.Get("Content-Disposition") != `attachment; filename="samskabelse.ics"` {
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
	v.store.err = deltag.ErrUnavailable
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
	for _, f := range errorTable {
		if f.code != "bad-link" {
			keys = append(keys, "page.error."+f.code+".title", "page.error."+f.code+".text")
		}
	}
	for _, f := range []httpError{errNotFound, errMethod, errTooLarge, errMediaType, errMalformed, errInternal} {
		keys = append(keys, "page.error."+f.code+".title", "page.error."+f.code+".text")
	}
	for _, code := range []string{"unknown-field", "wrong-type", "twice"} {
		keys = append(keys, "page.error."+code+".title", "page.error."+code+".text", "error."+code)
	}
	for _, state := range []deltag.SignUpState{deltag.SignUpNotYet, deltag.SignUpClosed, deltag.SignUpOver, deltag.SignUpCancelled} {
		keys = append(keys, fmt.Sprintf("page.state.%s.title", state), fmt.Sprintf("page.state.%s.text", state), fmt.Sprintf("page.error.%s.title", state))
	}
	for _, sorry := range []string{"event-cancelled", "over", "cancelled", "closed", "full"} {
		keys = append(keys, "page.registration.error."+sorry)
	}
	for _, mail := range []deltag.AddressStatus{deltag.AddressBounced, deltag.AddressComplained, deltag.AddressUnsubscribed} {
		keys = append(keys, "page.registration.mail."+string(mail))
	}
	for _, l := range deltag.Languages {
		for _, key := range keys {
			if !wordsOf(l).Has(key) {
				t.Errorf("%s has no words for %s", l, key)
			}
		}
	}
}

// TestEveryErrorHasWords reads the codes out of the sources that make them.
func TestEveryErrorHasWords(t *testing.T) {
	code := regexp.MustCompile(`(?:require\([^\n]*|invalid\(|return |Code: )"((?:address-)?[a-z]+(?:-[a-z]+)*)"`)
	found := 0
	for _, path := range []string{"../../deltag/event.go", "../../deltag/registration.go", "../../address/address.go"} {
		for _, match := range code.FindAllStringSubmatch(source(t, path), -1) {
			found++
			for _, l := range deltag.Languages {
				if !wordsOf(l).Has("error." + match[1]) {
					t.Errorf("%s has no words for fault.%s of %s", l, match[1], path)
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d codes were found: does the pattern still fit?", found)
	}
}
