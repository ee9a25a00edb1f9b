package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/testing/storetest"
)

// TestLinksChangeNothing opens every link of all mails and pages, as mail scanners do, and compares the table before
// and after.
func TestLinksChangeNothing(t *testing.T) {
	engine := storetest.Embedded(t)
	p := start(t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z",
		"DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table)
	o := p.organiser()
	p.signUp("freja", 1)
	p.until("a confirmation", func() bool { return p.kinds("freja0@example.dk") == "confirmation" })
	o.must("POST", "/cancel", "")
	p.until(
		"the mail about the cancellation",
		func() bool { return p.kinds("freja0@example.dk") == "confirmation cancelled" },
	)
	o.create(`{"slug":"sal","title":"En sal med to pladser","capacity":2,"verify":"never",
		"startsAt":"2026-12-01T13:00:00Z","endsAt":"2026-12-01T14:00:00Z",
		"joinUrl":"https://meet.example.org/sal", "organiser":{"name":"UKON","email":"hej@example.dk"},
		"remindOrganiser":true,
		"reminders":[{"offset":"-P1D"},{"offset":"-PT10M","text":"Læs https://example.org/laes"},
			{"kind":"followup-attended","offset":"PT1H","text":"Tak"},
			{"kind":"followup-missed","offset":"PT1H","text":"Øv"}]}`, &o)

	for _, name := range []string{"anna", "bo", "carl", "dorte", "erik"} {
		p.post("/api/v1/public/events/sal/registrations", `{"name":"`+name+`","email":"`+name+`@example.dk"}`)
		p.until(name+"'s mail", func() bool { return p.kinds(name+"@example.dk") != "" })
	}
	p.do("POST", p.link("anna@example.dk", "/r/")+"/cancel", form, "")
	p.until("a promotion", func() bool { return p.kinds("carl@example.dk") == "waiting promoted" })
	p.do("POST", p.link("erik@example.dk", "/r/"), form, fields("Erik", "erika@example.dk"))
	p.press("erika@example.dk")
	p.until(
		"the mail to the former address",
		func() bool { return strings.HasSuffix(p.kinds("erik@example.dk"), "readdressed") },
	)
	o.must("PATCH", "", `{"verify":"always"}`)
	p.post("/api/v1/public/events/sal/registrations", `{"name":"Gerda","email":"gerda@example.dk"}`)
	p.until("a mail to verify an address", func() bool { return p.kinds("gerda@example.dk") == "verify" })
	for kind, edit := range map[string]string{
		"changed": `{"title":"En sal"}`, "moved": `{"startsAt":"2026-12-01T15:00:00Z","endsAt":"2026-12-01T16:00:00Z"}`,
	} {
		o.must("PATCH", "", edit)
		o.must("POST", "/notice", "")
		p.until(kind, func() bool { return strings.HasSuffix(p.kinds("bo@example.dk"), kind) })
		p.post("/local/clock", `{"advance":"3h"}`) // else one notice covers both edits
	}
	o.must("POST", "/messages", `{"text":"Husk {link}"}`)
	o.must("POST", "/messages", `{"text":"Husk {link}","preview":true}`)
	crawl(t, p, engine, "erik@example.dk")

	p.setClock("2026-11-30T15:00:00Z")
	p.until("a reminder", func() bool { return strings.Contains(p.kinds("bo@example.dk"), "reminder-P1D") })
	p.setClock("2026-12-01T14:50:00Z")
	p.until("the last reminder", func() bool { return strings.Contains(p.kinds("bo@example.dk"), "reminder-PT10M") })
	crawl(t, p, engine, "erik@example.dk") // the join pages are open

	p.do("POST", p.link("bo@example.dk", "/join/"), form, "")
	p.do("POST", p.link("dorte@example.dk", "/r/")+"/erase", form, "confirm=yes")
	p.setClock("2026-12-01T17:00:00Z")
	for to, kind := range map[string]string{"bo": "followup-attended", "carl": "followup-missed", "dorte": "erased"} {
		p.until(kind, func() bool { return strings.HasSuffix(p.kinds(to+"@example.dk"), kind) })
	}
	crawl(t, p, engine, "erik@example.dk", "dorte@example.dk")
	seen := map[string]bool{}
	for _, m := range p.mails() {
		seen[m.Kind] = true
	}
	if want := 17; len(seen) != want { // all there are, with two reminders
		t.Errorf("%d kinds of mail were tested, not %d: %v", len(seen), want, seen)
	}
}

// create makes an event; into is an organiser who calls the API about it.
func (o organiserClient) create(event string, into *organiserClient) {
	o.t.Helper()
	status, raw := o.call("POST", "/api/v1/events", event)
	var made struct{ ID string }
	if err := json.Unmarshal(raw, &made); err != nil || status != 201 {
		o.t.Fatalf("%d %s", status, raw)
	}
	*into = o
	into.path = "/api/v1/events/" + made.ID
}

func (o organiserClient) must(method, path, body string) {
	o.t.Helper()
	if status, raw := o.call(method, o.path+path, body); status >= 300 {
		o.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
}

// link is the path of the newest personal link of a kind in the mails to an address.
func (p *process) link(to, kind string) (path string) {
	p.t.Helper()
	for _, m := range p.mails() {
		found := regexp.MustCompile(regexp.QuoteMeta(p.url) + `(` + kind + `[A-Za-z0-9_-]+)`).FindStringSubmatch(m.Text)
		if m.To[0] == to && found != nil {
			path = found[1]
		}
	}
	if path == "" {
		p.t.Fatalf("no link to %s was sent to %s", kind, to)
	}
	return path
}

var (
	urlInMail  = regexp.MustCompile(`https?://[^\s"<>]+`)
	linkInPage = regexp.MustCompile(`\s(href|src|action)="([^"]*)"`)
	personal   = regexp.MustCompile(`^/(r|join|unsubscribe)/`)
)

// minLinks is well below the number of links at each stage, and far above what a crawler finds that misses the mails.
const minLinks = 50

// crawl opens everything that can be reached, by GET and by HEAD, and checks the table. The personal links of those who
// are gone, and those of a preview, are dead; no others are.
func crawl(t *testing.T, p *process, engine storetest.Engine, gone ...string) {
	t.Helper()
	p.waitUntilIdle(engine)
	before, mails := engine.Dump(t), p.mails()
	var queue []string
	dead, verify, acts, opened := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, m := range mails {
		for _, link := range m.links() {
			queue = append(queue, link)
			path := p.ownPath(link)
			verify[path] = personal.MatchString(path) && m.Kind == "verify"
			dead[path] = personal.MatchString(path) && !verify[path] && (m.Kind == "preview" || slices.Contains(gone, m.To[0]))
		}
	}
	for len(queue) > 0 {
		path := p.ownPath(queue[0])
		queue = queue[1:]
		if path == "" || opened[path] {
			continue
		}
		opened[path] = true
		for _, scanner := range []struct{ method, agent string }{
			{"HEAD", "Barracuda"}, {"GET", "Mozilla/5.0 (Safe Links)"},
		} {
			res, raw := p.do(scanner.method, path, "", "", "User-Agent: "+scanner.agent)
			switch status := res.StatusCode; {
			case dead[path]:
				if status != http.StatusNotFound {
					t.Errorf("%s %s, which is dead: %d", scanner.method, path, status)
				}
			case verify[path] && status == http.StatusGone: // pressed, or a day old
			case status == http.StatusMethodNotAllowed && acts[path]: // the action of a form, for POST only
			case status != http.StatusOK && status != http.StatusSeeOther:
				t.Errorf("%s %s: %d", scanner.method, path, status)
			}
			queue = append(queue, res.Header.Get("Location"))
			for _, found := range linkInPage.FindAllStringSubmatch(string(raw), -1) {
				link := html.UnescapeString(found[2])
				queue = append(queue, link)
				acts[p.ownPath(link)] = acts[p.ownPath(link)] || found[1] == "action"
			}
		}
	}
	if len(opened) < minLinks {
		t.Errorf("only %d links were found", len(opened))
	}
	if diff := cmp.Diff(before, engine.Dump(t)); diff != "" {
		t.Errorf("opening links has changed the table: %s", diff)
	}
	if more := len(p.mails()) - len(mails); more != 0 {
		t.Errorf("opening links has sent %d mails", more)
	}
}

// waitUntilIdle waits until the table has not changed for longer than a tick: nothing is left to do.
func (p *process) waitUntilIdle(engine storetest.Engine) {
	p.t.Helper()
	last, since := engine.Dump(p.t), time.Now()
	p.until("the end of all changes", func() bool {
		if now := engine.Dump(p.t); !cmp.Equal(last, now) {
			last, since = now, time.Now()
		}
		return time.Since(since) > 1200*time.Millisecond // a tick comes each second
	})
}

// links are those in a mail's text, HTML, headers and invitation.
func (m mail) links() (links []string) {
	unfolded := strings.ReplaceAll(m.Calendar, "\r\n ", "")
	for _, text := range []string{
		m.Text, html.UnescapeString(m.HTML), strings.ReplaceAll(unfolded, `\n`, " "), fmt.Sprint(m.Headers),
	} {
		links = append(links, urlInMail.FindAllString(text, -1)...)
	}
	return links
}

// ownPath is the path of a link to this site, and "" for all others.
func (p *process) ownPath(link string) string {
	u, err := url.Parse(link)
	if err != nil || link == "" {
		return ""
	}
	base, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	u = base.ResolveReference(u)
	if u.Host != base.Host || strings.HasPrefix(u.Path, "/local") {
		return ""
	}
	return u.RequestURI()
}
