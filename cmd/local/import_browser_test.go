package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/testing/chromium"
)

// TestImportInBrowser is the import of a list in Chromium, on a phone and a laptop, with JavaScript, which refuses a
// large file by itself, and without.
func TestImportInBrowser(t *testing.T) {
	allocator, ok := chromium.Start(t)
	if !ok {
		return
	}
	folder, path := t.TempDir(), build(t)
	large, list := filepath.Join(folder, "large.csv"), filepath.Join(folder, "list.csv")
	var rows strings.Builder
	rows.WriteString("Navn;E-mail\n;no-name@example.dk\n")
	for i := range 30 { // so few that one request does it
		fmt.Fprintf(&rows, "Ærlig %d;p%d@example.dk\n", i, i)
	}
	for name, content := range map[string]string{large: strings.Repeat("x", 4<<20+1), list: rows.String()} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		language deltag.Language
		scripts  bool
		width    int
	}{{deltag.LanguageDanish, true, screenWidth}, {deltag.LanguageEnglish, false, 1280}} {
		t.Run(fmt.Sprint(c.language, "/", c.width, "/", c.scripts), func(t *testing.T) {
			p := start(t, path, "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z", "ORGANISERS=anna@example.dk")
			b := openTab(t, allocator, p, i18n.For(c.language), c.scripts, c.width)
			b.signInByLink("anna@example.dk")
			b.press(`main a[href^="/organiser/events/"]:not([href$="new"])`, `.numbers`)
			b.press(`.sub a[href$="/attendees"]`, `a[href$="/import"]`)
			b.press(`a[href$="/import"]`, `input[type=file]`)
			if c.scripts {
				b.upload(large)
				b.click(`main form button`)
				b.wantText("#file\\.fault", strings.ReplaceAll(b.words.Text("error.file-too-large"), "{limit}", "4"))
			}
			b.upload(list)
			b.press(`main form button`, `input[name="source"]`)
			b.wantText(".faults", b.words.Text("console.import.fault.name.missing"))
			b.fill("source", "Mødet i maj")
			b.press(`form[action$="/import/confirm"] button`, `a.button[href$="/attendees"]`)
			b.wantText(".tally dd", "30")
			b.wantMails([]string{"p0@example.dk", "p29@example.dk"}, "confirmation")
			b.checkForeignRequests()
		})
	}
}

func (b *browser) upload(file string) {
	b.t.Helper()
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{file}))
}
