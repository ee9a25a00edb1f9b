package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/testing/chromium"
)

// TestConsoleInBrowser is an organiser's way in Chromium, on a phone and a laptop, in both languages, with JavaScript and
// without: sign in by the link in the mail, make an event, see three people sign up, write to them, move the time, cancel.
func TestConsoleInBrowser(t *testing.T) {
	allocator, ok := chromium.Start(t)
	if !ok {
		return
	}
	path := build(t)
	for _, c := range []struct {
		language deltag.Language
		scripts  bool
		width    int
	}{
		{deltag.LanguageDanish, true, screenWidth}, {deltag.LanguageDanish, false, 1280},
		{deltag.LanguageEnglish, false, screenWidth}, {deltag.LanguageEnglish, true, 1280},
	} {
		t.Run(fmt.Sprint(c.language, "/", c.width, "/", c.scripts), func(t *testing.T) {
			p := start(t, path, "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z", "ORGANISERS=anna@example.dk")
			b := openTab(t, allocator, p, i18n.For(c.language), c.scripts, c.width)
			b.signInByLink("anna@example.dk")
			b.makeEvent()
			b.wantPreview(c.scripts)
			people := []string{"bo@example.dk", "carl@example.dk", "dorte@example.dk"}
			for _, email := range people {
				p.post("/api/v1/public/events/taenketank/registrations", `{"name":"P","email":"`+email+`"}`)
			}
			b.wantMails(people, "confirmation")
			if c.scripts {
				b.wantFreshNumbers("3")
			}
			b.writeToAll()
			b.wantMails(people, "confirmation message")
			b.moveTime()
			p.setClock("2026-11-23T09:30:00Z")
			b.wantMails(people, "confirmation message moved")
			b.cancelEvent()
			b.wantMails(people, "confirmation message moved cancelled")
			b.press(`footer button`, `input[name="email"]`)
			b.wantText(".done", b.words.Text("console.done.signed-out"))
			b.checkForeignRequests()
		})
	}
}

func (b *browser) wantMails(people []string, kinds string) {
	b.t.Helper()
	for _, email := range people {
		b.until(kinds+" to "+email, func() bool { return b.kinds(email) == kinds })
	}
}

func (b *browser) signInByLink(email string) {
	b.t.Helper()
	b.open(b.url + "/organiser/sign-in?lang=" + string(b.words.Language))
	b.fill("email", email)
	b.press(`main form button`, `.done`)
	b.until("the link", func() bool { return b.kinds(email) == "sign-in" })
	b.open(b.url + b.link(email, "/organiser/sign-in/"))
	b.press(`main form button`, `.menu`)
	b.wantText("h1", b.words.Text("console.events.title"))
}

func (b *browser) makeEvent() {
	b.t.Helper()
	b.press(`main a.button`, `.event-form`)
	for name, value := range map[string]string{
		"title": "Tænketank", "startsAt": "2026-12-01T14:00", "endsAt": "2026-12-01T13:00", "organiser.name": "UKON",
	} {
		b.fill(name, value)
	}
	b.click(`input[name=status][value=open]`)
	b.press(`.event-form .actions button`, `[role="alert"]`)
	b.wantText(`[role="alert"]`, b.words.Text("error.not-after-start"))
	b.fill("endsAt", "2026-12-01T15:00")
	b.press(`.event-form .actions button`, `.numbers`)
	b.wantText(".done", b.words.Text("console.done.created"))
	b.wantText("h1", "Tænketank")
}

// wantPreview: the form shows the event's page as it is typed, at once with JavaScript and without at the press of a
// button, and leaving it changes nothing.
func (b *browser) wantPreview(scripts bool) {
	b.t.Helper()
	b.press(`.sub a[href$="/edit"]`, `.event-form`)
	script := `(field => (field.value = "Ny titel", field.dispatchEvent(new Event("input", { bubbles: true }))))(
		document.querySelector("[name=title]"))`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil {
		b.t.Fatal(err)
	}
	if !scripts {
		b.press(`.event-form button[value=preview]`, `input[name=title][value="Ny titel"]`)
	}
	b.until("the preview", func() bool {
		shown := `document.getElementById("preview-page").srcdoc.includes("<h1>Ny titel</h1>")`
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](shown))
		return err == nil && got
	})
	b.press(`.sub a`, `.numbers`)
	b.wantText("h1", "Tænketank")
}

// wantFreshNumbers: the open page brings itself up to date when somebody looks at it again.
func (b *browser) wantFreshNumbers(confirmed string) {
	b.t.Helper()
	script := `document.dispatchEvent(new Event("visibilitychange")), true`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil {
		b.t.Fatal(err)
	}
	b.until("the numbers", func() bool {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector(".numbers b").textContent`))
		return err == nil && got == confirmed
	})
}

func (b *browser) writeToAll() {
	b.t.Helper()
	b.press(`.sub a[href$="/messages"]`, `.event-form`)
	b.do(chromedp.SetValue(chromedp.CSS(`textarea`), "Hej {name}. Vi glæder os."))
	b.press(`.event-form .actions button`, `#preview`)
	b.wantText("#preview", b.words.Text("console.message.to", "n", 3))
	b.press(`button[value=send]`, `.numbers`)
	b.wantText(".done", b.words.Text("console.done.message-sent"))
	b.wantText(".numbers", "3")
}

func (b *browser) moveTime() {
	b.t.Helper()
	b.press(`.sub a[href$="/edit"]`, `.event-form`)
	b.fill("startsAt", "2026-12-01T15:00")
	b.fill("endsAt", "2026-12-01T16:00")
	b.press(`.event-form .actions button`, `input[name=confirm]`)
	b.wantText(".lead", b.words.Text("console.confirm.moved", "n", 3))
	b.press(`main form button`, `.numbers`)
	b.wantText(".lead", b.movedTime())
}

// movedTime is the new time as the pages write it.
func (b *browser) movedTime() string {
	if b.words.Language == deltag.LanguageDanish {
		return "15.00–16.00"
	}
	return "15:00–16:00"
}

func (b *browser) cancelEvent() {
	b.t.Helper()
	b.press(`form[action$="/cancel"] button`, `button.danger`)
	b.wantText(".lead", b.words.Text("console.confirm.cancelled", "n", 3))
	b.press(`button.danger`, `.numbers`)
	b.wantText(".state", b.words.Text("console.state.cancelled"))
}
