package mailtmpl_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

var hostile = []string{
	"", "Mette\r\nBcc: bad@example.org\r\n\r\n<b>", "Mette\nSubject: x", "=?utf-8?q?=0D=0ABcc:_bad@example.org?=",
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; background:url(https://bad.example.org)`,
	"{{.Event.JoinURL}} {{template \"own\"}}", "{name}{title}{link}",
	"\u202egnp.exe\u202c \u2066x", "\x00\x07\x1b[31m\x7f\u0085\u2028",
	`javascript:alert(1) https://example.org/"onclick="x`, "\xff\xfe\xc3",
	strings.Repeat("å", 300), strings.Repeat("W", 300),
	"a@b, c@d", `"q" <x@example.org>`, "--boundary--\r\n--x", "&lt;b&gt; &amp; %s %d",
	"</td></table></body></html>", "-- \n",
	"👩‍👩‍👧 עִבְרִית العربية 中文",
}

func TestHostileTextIsHarmless(t *testing.T) {
	for _, s := range hostile {
		checkHarmless(t, s, s)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s)
	}
	f.Fuzz(checkHarmless)
}

// checkHarmless puts words wherever people's words go, and text where the organiser's goes. The mail must keep its
// headers, its parts and its elements.
func checkHarmless(t *testing.T, words, text string) {
	for _, name := range []string{"confirmation", "reminder-P1D", "message", "cancelled"} {
		s := mailCases(deltag.LanguageDanish)[name]
		plain := render(t, s)
		s.Event.Title, s.Event.Organiser.Name = words, words
		s.Registration.Name = words
		s.Text = text
		r := render(t, s)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(plain.header)), slices.Sorted(maps.Keys(r.header))); diff != "" {
			t.Errorf("%q changes the headers (-without +with):\n%s", words, diff)
		}
		for _, line := range strings.Split(string(r.raw), "\r\n") {
			if len(line) > 998 || strings.ContainsFunc(line, isNotPlainASCII) {
				t.Errorf("%q makes the line %q", words, line)
			}
		}
		if r.shape != plain.shape {
			t.Errorf("%q makes the parts %s", words, r.shape)
		}
		for _, key := range []string{"From", "To", "Reply-To"} {
			if got, want := r.address(t, key).Address, plain.address(t, key).Address; got != want {
				t.Errorf("%q makes %s %q", words, key, got)
			}
		}
		if got := r.decoded(t, "Subject") + r.address(t, "To").Name; strings.ContainsAny(got, "\r\n\x00\u202e\u2066") {
			t.Errorf("%q reaches the reader's headers as %q", words, got)
		}
		checkPageHarmless(t, words, r)
		if strings.ContainsAny(r.text, "\x00\x1b\u202e\u2066\r") {
			t.Errorf("%q reaches the text:\n%q", words, r.text)
		}
	}
}

func checkPageHarmless(t *testing.T, words string, r parsedMail) {
	t.Helper()
	page := r.page(t)
	forbidden := "script, img, iframe, form, input, svg, object, embed, base, body style, " +
		"body *[onclick], body *[onerror]"
	if n := page.Find(forbidden).Length(); n > 0 {
		t.Errorf("%q adds %d elements:\n%s", words, n, r.html)
	}
	if page.Find("body > table").Length() != 1 || page.Find("body > *").Length() != 2 {
		t.Errorf("%q breaks out of the layout:\n%s", words, r.html)
	}
	page.Find("a").Each(func(_ int, a *goquery.Selection) {
		href := a.AttrOr("href", "")
		isAllowed := func(scheme string) bool { return strings.HasPrefix(href, scheme) }
		if !slices.ContainsFunc([]string{"https://", "http://", "mailto:"}, isAllowed) {
			t.Errorf("%q makes a link to %q", words, href)
		}
	})
	if strings.ContainsAny(r.html, "\x00\x1b\u202e\u2066") || strings.Contains(r.html, "ZgotmplZ") {
		t.Errorf("%q reaches the page:\n%q", words, r.html)
	}
}
