package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"deltag/internal/testing/chromium"
)

// hostPage is another site's page, with the form in the middle of it.
const hostPage = `<!doctype html><html lang="da"><meta name="viewport" content="width=device-width">
<title>Host</title><h1>Host</h1><p style="height: 900px">Before</p>
<script src="%s/embed.js" data-event="samskabelse"></script>
<p style="height: 1500px">After</p>`

// A framedForm is the form of an event in a page of another origin, in Chromium at the width of a phone.
type framedForm struct {
	t    *testing.T
	ctx  context.Context
	host *httptest.Server

	mu      sync.Mutex
	context runtime.ExecutionContextID // of the page in the frame
	entries []string                   // in the console
}

// TestEmbedScript signs up in another site's page: at each step the frame is as high as its page, and what the reader
// has to see next is on the screen and has the focus.
func TestEmbedScript(t *testing.T) {
	allocator, ok := chromium.Start(t)
	if !ok {
		return
	}
	p := start(t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z")
	f := newFramedForm(t, allocator, p)
	f.waitFor("the form", `!!document.querySelector("form")`)
	f.wantFrameAsHighAsItsPage()
	if top := f.evaluate(0, `scrollY`); top != "0" {
		t.Errorf("opening the page scrolls it to %s", top)
	}

	f.submit()
	f.waitFor("the faults", `!!document.querySelector(".alert a")`)
	f.waitFor("the focus", `document.activeElement.matches(".alert") && document.hasFocus()`)
	f.wantFrameAsHighAsItsPage()
	f.wantFrameAtTheTop()

	f.evaluate(f.page(), `document.getElementById("name").value = "Mette"`)
	f.evaluate(f.page(), `document.getElementById("email").value = "mette@example.dk"`)
	f.submit()
	f.waitFor("the thanks", `!!document.querySelector(".done h1")`)
	f.waitFor("the focus", `document.activeElement.matches(".done") && document.hasFocus()`)
	f.wantFrameAsHighAsItsPage()
	f.wantFrameAtTheTop()
	if title := f.evaluate(0, `document.querySelector("iframe").title`); !strings.HasPrefix(title, "Tak") {
		t.Errorf("the frame's title is %s", title)
	}
	p.until("the confirmation", func() bool { return p.kinds("mette@example.dk") == "confirmation" })

	height := f.evaluate(0, frameHeight)
	f.evaluate(0, `postMessage({ type: "deltag:page", title: "x", height: 9 }, "*")`)
	f.evaluate(0, `addEventListener("message", event => { told = event.data.height })`)
	f.evaluate(f.page(), `location = "`+f.host.URL+`/other"`)
	p.until("the other site's message", func() bool { return f.evaluate(0, `window.told`) == "9" })
	if got := f.evaluate(0, frameHeight); got != height {
		t.Errorf("another site's message makes the frame %s high", got)
	}
	for _, message := range f.console() {
		if strings.Contains(message, "Blocked") || strings.Contains(message, "Content Security Policy") {
			t.Errorf("in the console: %s", message)
		}
	}
}

const frameHeight = `document.querySelector("iframe").getBoundingClientRect().height`

func newFramedForm(t *testing.T, allocator context.Context, p *process) *framedForm {
	t.Helper()
	f := &framedForm{t: t}
	f.host = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			fmt.Fprint(w, `<script>parent.postMessage({ type: "deltag:page", title: "x", height: 9 }, "*")</script>`)
			return
		}
		fmt.Fprintf(w, hostPage, p.url)
	}))
	t.Cleanup(f.host.Close)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	f.ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	err := chromedp.Listen(f.ctx, func(event any) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch event := event.(type) {
		case *runtime.EventExecutionContextCreated:
			if event.Context.Origin == p.url {
				f.context = event.Context.ID
			}
		case *log.EventEntryAdded:
			f.entries = append(f.entries, event.Entry.Text)
		}
	})
	if err == nil {
		_, err = chromedp.Call(f.ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		err = chromedp.Do(f.ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(f.host.URL))
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *framedForm) page() runtime.ExecutionContextID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.context
}

func (f *framedForm) console() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entries
}

// evaluate evaluates an expression in the page in the frame, or in the page around it (0). It returns "" while a page
// is loading.
func (f *framedForm) evaluate(in runtime.ExecutionContextID, expression string) string {
	f.t.Helper()
	got, err := chromedp.Run(f.ctx, chromedp.Evaluate[string](`String(`+expression+`)`,
		func(p *runtime.EvaluateParams) { p.ContextID = in }))
	if f.ctx.Err() != nil {
		f.t.Fatal(f.ctx.Err())
	}
	if err != nil {
		return ""
	}
	return got
}

// waitFor waits until a condition holds in the page in the frame.
func (f *framedForm) waitFor(what, condition string) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); f.evaluate(f.page(), condition) != "true"; {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not there", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// submit presses the button at the end of the form as a person does: it scrolls there and clicks on the screen.
func (f *framedForm) submit() {
	f.t.Helper()
	f.evaluate(f.page(), `document.querySelector("form > button").scrollIntoView()`)
	var x, y float64
	frame := f.evaluate(0, `[document.querySelector("iframe").getBoundingClientRect()].map(r => r.x + " " + r.y)`)
	button := f.evaluate(f.page(), `[document.querySelector("form > button").getBoundingClientRect()].
		map(r => (r.x + r.width / 2) + " " + (r.y + r.height / 2))`)
	for _, at := range []string{frame, button} {
		var dx, dy float64
		if _, err := fmt.Sscan(at, &dx, &dy); err != nil {
			f.t.Fatalf("%q: %v", at, err)
		}
		x, y = x+dx, y+dy
	}
	if f.evaluate(0, `scrollY`) == "0" {
		f.t.Error("the button was on the screen from the start: the test shows nothing")
	}
	if err := chromedp.Do(f.ctx, chromedp.MouseClickXY(x, y)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *framedForm) wantFrameAsHighAsItsPage() {
	f.t.Helper()
	var frame, page string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		frame = f.evaluate(0, frameHeight)
		page = f.evaluate(f.page(), `Math.ceil(document.documentElement.getBoundingClientRect().height)`)
		if frame == page && frame != "" {
			break
		}
	}
	if frame != page || frame == "640" { // embed.js's own first guess
		f.t.Errorf("the frame is %s high, its page %s", frame, page)
	}
	if got := f.evaluate(f.page(), `document.scrollingElement.scrollHeight <= innerHeight && innerWidth <= 390`); got != "true" {
		f.t.Error("the page in the frame scrolls")
	}
}

// wantFrameAtTheTop waits until the frame begins at the upper edge of the screen.
func (f *framedForm) wantFrameAtTheTop() {
	f.t.Helper()
	const top = `Math.round(document.querySelector("iframe").getBoundingClientRect().top)`
	var got string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = f.evaluate(0, top); got == "0" {
			return
		}
	}
	f.t.Errorf("the frame begins at %s", got)
}
