package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// TestBrowser is all that a visitor can do, in Chromium on a narrow screen, in both languages, with JavaScript and without: sign up
// for a full event, wait, be promoted when somebody cancels, mend a typo in one's name, join, download one's data, erase oneself.
func TestBrowser(t *testing.T) {
	chromium := os.Getenv("DELTAG_CHROMIUM")
	if chromium == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not set up")
		}
		t.Log("not run: Chromium (make test installs it)")
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
		chromedp.IgnoreCertErrors, chromedp.UserDataDir(t.TempDir()))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	path := binary(t)
	for _, l := range deltag.Languages {
		for name, scripts := range map[string]bool{"WithJavaScript": true, "WithoutJavaScript": false} {
			t.Run(string(l)+"/"+name, func(t *testing.T) {
				folder := t.TempDir()
				p := start(t, path, "DATA_DIR="+folder, "LOCAL_NOW=2026-11-23T09:00:00Z")
				v := newBrowser(t, allocator, p, i18n.For(l), scripts)
				v.waitInLine()
				v.getASeat()
				v.mendTheName()
				v.joinTheMeeting()
				v.eraseOneself()
				p.until("the end of all traces", func() bool { return !strings.Contains(disk(t, folder), v.email) })
				v.behaved()
			})
		}
	}
}

// narrow is a small phone's width, in CSS pixels; WCAG 1.4.10 asks for it.
const narrow = 320

// A browser is a browser's tab, and who sits before it.
type browser struct {
	*process
	ctx     context.Context
	words   *i18n.Catalog
	meeting *httptest.Server
	o       organiserClient
	email   string

	mu      sync.Mutex
	foreign []string // requests to other sites
}

func newBrowser(t *testing.T, allocator context.Context, p *process, words *i18n.Catalog, scripts bool) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	v := &browser{process: p, ctx: ctx, words: words, email: "mette@example.dk", o: p.organiser()}
	v.meeting = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>Meeting</h1>") }))
	t.Cleanup(v.meeting.Close)
	v.o.create(fmt.Sprintf(`{"slug":"sal","title":"En sal med en plads","language":%q,"startsAt":"2026-12-01T13:00:00Z","endsAt":"2026-12-01T14:00:00Z",
		"capacity":1,"joinUrl":"%s/","organiser":{"name":"UKON","email":"hej@example.dk"}}`, words.Language, v.meeting.URL), &v.o)
	p.post("/api/v1/public/events/sal/registrations", `{"name":"Bo","email":"bo@example.dk"}`)
	p.until("the seat of another", func() bool { return p.kinds("bo@example.dk") == "confirmation" })

	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	if err == nil {
		err = chromedp.Listen(ctx, v.watch)
	}
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.EmulateViewport(narrow, 640, chromedp.EmulateScale(1)))
	return v
}

// watch notes requests that leave the site, other than to the meeting.
func (v *browser) watch(event any) {
	sent, ok := event.(*network.EventRequestWillBeSent)
	if !ok || strings.HasPrefix(sent.Request.URL, v.url) || strings.HasPrefix(sent.Request.URL, v.meeting.URL) || strings.HasPrefix(sent.Request.URL, "data:") {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.foreign = append(v.foreign, sent.Request.URL)
}

func (v *browser) behaved() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, u := range v.foreign {
		v.t.Errorf("%s was asked for", u)
	}
}

func (v *browser) waitInLine() {
	v.open(v.url + "/e/sal")
	v.do(chromedp.SetValue(chromedp.CSS(`input[name="name"]`), "Mette Ostergard"), chromedp.SetValue(chromedp.CSS(`input[name="email"]`), "mette"))
	v.do(chromedp.Submit(chromedp.CSS(`input[name="email"]`))) // past the browser's own check
	v.comes(`[role="alert"]`)
	if kept := v.value(`input[name="email"]`); kept != "mette" || v.value(`input[name="name"]`) != "Mette Ostergard" {
		v.t.Errorf("kept %q", kept)
	}
	v.do(chromedp.SetValue(chromedp.CSS(`input[name="email"]`), v.email))
	v.press(`form[action$="/registrations"] button`, `.done`)
	v.reads("h1", v.words.Text("page.thanks.title-limited"))
	v.until("a place in line", func() bool { return v.kinds(v.email) == "waiting" })
	v.open(v.url + v.link(v.email, "/r/"))
	v.reads("h1", v.words.Text("page.registration.waiting.title"))
	v.reads(".lead", v.words.Text("page.registration.waiting.place", "n", 1))
}

func (v *browser) getASeat() {
	v.open(v.url + v.link("bo@example.dk", "/r/"))
	v.press(`#cancel button`, `.done`)
	v.until("the promotion", func() bool { return v.kinds(v.email) == "waiting promoted" })
	v.open(v.url + v.link(v.email, "/r/"))
	v.reads("h1", v.words.Text("page.registration.confirmed.title"))
}

func (v *browser) mendTheName() {
	v.do(chromedp.SetValue(chromedp.CSS(`input[name="name"]`), "Mette Østergård"))
	v.press(`section form button`, `.done`)
	v.reads(".done", v.words.Text("page.registration.flash.saved"))
	if saved := v.value(`input[name="name"]`); saved != "Mette Østergård" {
		v.t.Errorf("saved %q", saved)
	}
}

func (v *browser) joinTheMeeting() {
	own := v.url + v.link(v.email, "/r/")
	v.press(`.actions a[href*="/join/"]`, `.door`)
	v.reads("h1", v.words.Text("page.join.early.title", "time", v.words.TimeOfDay(time.Date(2026, 12, 1, 12, 45, 0, 0, time.UTC), copenhagen(v.t))))
	v.goTo("2026-12-01T12:50:00Z")
	v.open(own)
	v.press(`.actions a[href*="/join/"]`, `.door form button`)
	v.click(`.door form button`)
	v.until("the meeting", func() bool {
		at, err := chromedp.Run(v.ctx, chromedp.Location())
		return err == nil && at == v.meeting.URL+"/"
	})
	if c := v.o.counts(); c.Attended != 1 || c.Confirmed != 1 || c.Cancelled != 1 {
		v.t.Errorf("%+v", c)
	}
	v.open(own)
}

func (v *browser) eraseOneself() {
	href, err := chromedp.Run(v.ctx, chromedp.AttributeValue(chromedp.CSS(`a[download]`), "href"))
	if err != nil {
		v.t.Fatal(err)
	}
	if _, raw := v.process.do("GET", href.Value, "", ""); !strings.Contains(string(raw), "Mette Østergård") || !strings.Contains(string(raw), `"promoted"`) {
		v.t.Errorf("one's data: %s", raw)
	}
	v.click(`summary`)
	v.click(`#confirm`)
	v.press(`button.danger`, `ul.links`)
	v.reads("h1", v.words.Text("page.erased.title"))
	v.until("the receipt", func() bool { return strings.HasSuffix(v.kinds(v.email), "erased") })
}

// open goes to a page and looks at it.
func (v *browser) open(address string) {
	v.t.Helper()
	v.do(chromedp.Navigate(address))
	v.comes(`main h1`)
}

// press clicks, waits for what comes, and looks at it.
func (v *browser) press(selector, comes string) {
	v.t.Helper()
	v.click(selector)
	v.comes(comes)
}

// click presses by name and not by place: a mouse that is sent off while the page still moves misses.
func (v *browser) click(selector string) {
	v.t.Helper()
	if _, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))); err != nil {
		v.t.Fatal(err)
	}
}

// comes waits for a page that has the element, and looks at it. It asks anew each time: while one page makes way for another, the
// library's own waiting may wait for an element of the former.
func (v *browser) comes(selector string) {
	v.t.Helper()
	v.until(selector, func() bool {
		there, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`document.readyState == "complete" && !!document.querySelector(%q)`, selector)))
		return err == nil && there
	})
	v.look()
}

// look holds for every page: it is in the reader's language, and nothing is wider than the screen.
func (v *browser) look() {
	v.t.Helper()
	seen, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](
		`document.documentElement.lang + " " + Math.max(document.scrollingElement.scrollWidth, window.innerWidth) + " " + document.querySelectorAll("main h1").length`))
	if err != nil {
		v.t.Fatal(err)
	}
	if want := fmt.Sprintf("%s %d 1", v.words.Language, narrow); seen != want {
		at, _ := chromedp.Run(v.ctx, chromedp.Location())
		u, _ := url.Parse(at)
		v.t.Errorf("%s: language, width and headings are %s, not %s", u.Path, seen, want)
	}
}

func (v *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

func (v *browser) reads(selector, text string) {
	v.t.Helper()
	got, err := chromedp.Run(v.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil || !strings.Contains(got, text) {
		v.t.Errorf("%s reads %q, not %q: %v", selector, got, text, err)
	}
}

func (v *browser) value(selector string) string {
	v.t.Helper()
	s, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).value`, selector)))
	if err != nil {
		v.t.Fatal(err)
	}
	return s
}

func copenhagen(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
