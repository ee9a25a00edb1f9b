package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/testing/chromium"
)

// TestBrowser does all that a visitor can do, in Chromium on a narrow screen, in both languages, with JavaScript and
// without: sign up for a full event, wait, be promoted when somebody cancels, correct their name, join, download their
// data, erase it.
func TestBrowser(t *testing.T) {
	allocator, ok := chromium.Start(t)
	if !ok {
		return
	}
	path := build(t)
	for _, l := range deltag.Languages {
		for name, scripts := range map[string]bool{"WithJavaScript": true, "WithoutJavaScript": false} {
			t.Run(string(l)+"/"+name, func(t *testing.T) {
				folder := t.TempDir()
				p := start(t, path, "DATA_DIR="+folder, "LOCAL_NOW=2026-11-23T09:00:00Z")
				b := newBrowser(t, allocator, p, i18n.For(l), scripts)
				b.joinWaitlist()
				b.getPromoted()
				b.correctName()
				b.joinMeeting()
				b.erase()
				p.until(
					"the erasure on disk", func() bool { return !strings.Contains(diskContent(t, folder), b.email) },
				)
				b.checkForeignRequests()
			})
		}
	}
}

// screenWidth is that of a small phone, in CSS pixels (WCAG 1.4.10).
const screenWidth = 320

// A browser is a browser's tab and its user.
type browser struct {
	*process
	ctx       context.Context
	words     *i18n.Catalog
	meeting   *httptest.Server
	organiser organiserClient
	email     string
	width     int

	mu      sync.Mutex
	foreign []string // requests to other sites
}

// newBrowser is that of Mette, who comes to an event with one seat, which Bo has.
func newBrowser(t *testing.T, allocator context.Context, p *process, words *i18n.Catalog, scripts bool) *browser {
	t.Helper()
	b := openTab(t, allocator, p, words, scripts, screenWidth)
	b.email, b.organiser = "mette@example.dk", p.organiser()
	b.meeting = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<h1>Meeting</h1>")
	}))
	t.Cleanup(b.meeting.Close)
	b.organiser.create(fmt.Sprintf(`{"slug":"sal","title":"Bæredygtighedsrapportering og velfærdsteknologi","language":%q,
		"startsAt":"2026-12-01T13:00:00Z","endsAt":"2026-12-01T14:00:00Z","capacity":1,"verify":"never",
		"joinUrl":"%s/","organiser":{"name":"UKON","email":"hej@example.dk"}}`,
		words.Language, b.meeting.URL), &b.organiser)
	p.post("/api/v1/public/events/sal/registrations", `{"name":"Bo","email":"bo@example.dk"}`)
	p.until("the confirmation of the first", func() bool { return p.kinds("bo@example.dk") == "confirmation" })
	return b
}

// openTab opens a tab of a width, with JavaScript or without.
func openTab(
	t *testing.T, allocator context.Context, p *process, words *i18n.Catalog, scripts bool, width int,
) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{process: p, ctx: ctx, words: words, width: width}
	_, err := chromedp.Call(
		ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts},
	)
	if err == nil {
		err = chromedp.Listen(ctx, b.watch)
	}
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(int64(width), 640, chromedp.EmulateScale(1)))
	return b
}

// watch records requests to other sites than the meeting's.
func (b *browser) watch(event any) {
	sent, ok := event.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	ours := []string{b.url, "data:"}
	if b.meeting != nil {
		ours = append(ours, b.meeting.URL)
	}
	if slices.ContainsFunc(ours, func(u string) bool { return strings.HasPrefix(sent.Request.URL, u) }) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.foreign = append(b.foreign, sent.Request.URL)
}

func (b *browser) checkForeignRequests() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.foreign {
		b.t.Errorf("a request to %s", u)
	}
}

func (b *browser) joinWaitlist() {
	b.open(b.url + "/e/sal")
	b.fill("name", "Mette Ostergard")
	b.fill("email", "mette")
	b.do(chromedp.Submit(chromedp.CSS(`input[name="email"]`))) // skips the browser's own validation
	b.waitFor(`[role="alert"]`)
	if kept := b.value(`input[name="email"]`); kept != "mette" || b.value(`input[name="name"]`) != "Mette Ostergard" {
		b.t.Errorf("kept %q", kept)
	}
	b.fill("email", b.email)
	b.press(`form[action$="/registrations"] button`, `.done`)
	b.wantText("h1", b.words.Text("page.thanks.title-limited"))
	b.until("the mail about the waitlist", func() bool { return b.kinds(b.email) == "waiting" })
	b.open(b.url + b.link(b.email, "/r/"))
	b.wantText("h1", b.words.Text("page.registration.waiting.title"))
	b.wantText(".lead", b.words.Text("page.registration.waiting.position", "n", 1))
}

func (b *browser) getPromoted() {
	b.open(b.url + b.link("bo@example.dk", "/r/"))
	b.press(`#cancel button`, `.done`)
	b.until("the promotion", func() bool { return b.kinds(b.email) == "waiting promoted" })
	b.open(b.url + b.link(b.email, "/r/"))
	b.wantText("h1", b.words.Text("page.registration.confirmed.title"))
}

func (b *browser) correctName() {
	b.fill("name", "Mette Østergård")
	b.press(`section form button`, `.done`)
	b.wantText(".done", b.words.Text("page.registration.flash.saved"))
	if saved := b.value(`input[name="name"]`); saved != "Mette Østergård" {
		b.t.Errorf("saved %q", saved)
	}
}

func (b *browser) joinMeeting() {
	page := b.url + b.link(b.email, "/r/")
	b.press(`.actions a[href*="/join/"]`, `#reload`)
	opens := b.words.TimeOfDay(time.Date(2026, 12, 1, 12, 45, 0, 0, time.UTC), copenhagen(b.t))
	b.wantText("h1", b.words.Text("page.join.early.title", "time", opens))
	b.setClock("2026-12-01T12:50:00Z")
	b.open(page)
	b.press(`.actions a[href*="/join/"]`, `button.large`)
	b.click(`button.large`)
	b.until("the meeting", func() bool {
		at, err := chromedp.Run(b.ctx, chromedp.Location())
		return err == nil && at == b.meeting.URL+"/"
	})
	if c := b.organiser.counts(); c.Attended != 1 || c.Confirmed != 1 || c.Cancelled != 1 {
		b.t.Errorf("%+v", c)
	}
	b.open(page)
}

func (b *browser) erase() {
	href, err := chromedp.Run(b.ctx, chromedp.AttributeValue(chromedp.CSS(`a[download]`), "href"))
	if err != nil {
		b.t.Fatal(err)
	}
	_, raw := b.process.do("GET", href.Value, "", "")
	if !strings.Contains(string(raw), "Mette Østergård") || !strings.Contains(string(raw), `"promoted"`) {
		b.t.Errorf("data.json: %s", raw)
	}
	b.click(`summary`)
	b.click(`#confirm`)
	b.press(`button.danger`, `ul.links`)
	b.wantText("h1", b.words.Text("page.erased.title"))
	b.until("the receipt", func() bool { return strings.HasSuffix(b.kinds(b.email), "erased") })
}

// open goes to a page and checks it.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.waitFor(`main h1`)
}

// press clicks, waits for an element of the next page, and checks the page.
func (b *browser) press(selector, next string) {
	b.t.Helper()
	b.click(selector)
	b.waitFor(next)
}

// click clicks by selector, not by position: a mouse misses while the page still moves.
func (b *browser) click(selector string) {
	b.t.Helper()
	script := fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector)
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil {
		b.t.Fatal(err)
	}
}

// waitFor waits for a page with the element, and checks it. Each try looks it up again: during a navigation, the
// library's own waiting may wait for an element of the previous page.
func (b *browser) waitFor(selector string) {
	b.t.Helper()
	b.until(selector, func() bool {
		script := fmt.Sprintf(`document.readyState == "complete" && !!document.querySelector(%q)`, selector)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		return err == nil && found
	})
	b.checkPage()
}

// checkPage holds for every page: it is in the reader's language, has one heading, and is not wider than the screen.
func (b *browser) checkPage() {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		`document.documentElement.lang + " " +
			Math.max(document.scrollingElement.scrollWidth, window.innerWidth) + " " +
			document.querySelectorAll("main h1").length`))
	if err != nil {
		b.t.Fatal(err)
	}
	if want := fmt.Sprintf("%s %d 1", b.words.Language, b.width); got != want {
		at, _ := chromedp.Run(b.ctx, chromedp.Location())
		u, _ := url.Parse(at)
		b.t.Errorf("%s: language, width and headings are %s, not %s", u.Path, got, want)
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) wantText(selector, text string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil || !strings.Contains(got, text) {
		b.t.Errorf("%s is %q, not %q: %v", selector, got, text, err)
	}
}

func (b *browser) fill(name, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(`input[name="`+name+`"]`), value))
}

func (b *browser) value(selector string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).value`, selector)))
	if err != nil {
		b.t.Fatal(err)
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
