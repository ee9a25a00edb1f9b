package pagecheck

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/testing/chromium"
)

// page is a page without faults, but for what is in its style and its body.
func page(style, body string) string {
	return `<!doctype html><html lang="da"><head><meta charset="utf-8"><title>Side</title>` +
		`<meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<style>body { color: #000; background: #fff } ` + style + `</style></head><body><main><h1>Side</h1>` + body + `</main></body></html>`
}

// inBoth is a page that is the same in both languages.
func inBoth(html string) map[deltag.Language]string {
	return map[deltag.Language]string{deltag.LanguageDanish: html, deltag.LanguageEnglish: html}
}

func TestHTML(t *testing.T) {
	folder, ok := tool(t, "DELTAG_HTML_CHECKER", "the HTML checker")
	if !ok {
		return
	}
	want(t, checkHTML(t, folder, Pages{
		"good":      inBoth(page("", "<p>Tekst</p>")),
		"end tag":   inBoth(page("", "<p>Tekst</i></p>")),
		"style":     inBoth(page("p { colour: red }", "<p>Tekst</p>")),
		"redundant": inBoth(page("", `<p hidden aria-hidden="true">Tekst</p>`)),
	}), "\n",
		"end tag.da: error: Stray end tag “i”.",
		"end tag.en: error: Stray end tag “i”.",
		"redundant.da: info: Attribute “aria-hidden” is unnecessary for elements that have attribute “hidden”.",
		"redundant.en: info: Attribute “aria-hidden” is unnecessary for elements that have attribute “hidden”.",
		"style.da: error: CSS: “colour”: Property “colour” doesn't exist.",
		"style.en: error: CSS: “colour”: Property “colour” doesn't exist.",
	)
}

func TestAccessibility(t *testing.T) {
	script, ok := tool(t, "DELTAG_AXE", "axe")
	allocator, alsoOK := chromium.Start(t)
	if !ok || !alsoOK {
		return
	}
	const pale, text = `{ p { color: #bbb } }`, "<p>Tekst</p>"
	want(t, checkAccessibility(t, allocator, script, Pages{
		"good":      inBoth(page("", text)),
		"dark":      inBoth(page("@media (prefers-color-scheme: dark) "+pale, text)),
		"light":     inBoth(page("@media (prefers-color-scheme: light) "+pale, text)),
		"narrow":    inBoth(page("@media (width <= 320px) "+pale, text)),
		"wide":      inBoth(page("@media (width >= 1280px) "+pale, text)),
		"undecided": inBoth(page("p { background: linear-gradient(#fff, #000) }", text)),
		"image":     inBoth(page("", `<p><img src="data:," width="9" height="9"></p>`)),
		"outside":   inBoth(page("", "</main><p>Tekst</p>")),
		"link":      inBoth(page("a { color: #020; text-decoration: none }", `<p>Tekst <a href="/a">mere</a>.</p>`)),
		"target": inBoth(page("a { display: inline-block; font: 10px/1 serif; color: #000 }",
			`<p><a href="/a">a</a> <a href="/b">b</a></p>`)),
	}), ": <",
		"dark.da: 1280 px, dark: color-contrast",
		"dark.en: 320 px, dark: color-contrast",
		"image.da: 320 px, light: image-alt",
		"image.en: 1280 px, light: image-alt",
		"light.da: 320 px, light: color-contrast",
		"light.en: 1280 px, light: color-contrast",
		"link.da: 1280 px, dark: link-in-text-block",
		"link.da: 320 px, light: link-in-text-block",
		"link.en: 1280 px, light: link-in-text-block",
		"link.en: 320 px, dark: link-in-text-block",
		"narrow.da: 320 px, light: color-contrast",
		"narrow.en: 320 px, dark: color-contrast",
		"outside.da: 320 px, light: region",
		"outside.en: 1280 px, light: region",
		"target.da: 320 px, light: target-size",
		"target.en: 1280 px, light: target-size",
		"undecided.da: 1280 px, dark: color-contrast",
		"undecided.da: 320 px, light: color-contrast",
		"undecided.en: 1280 px, light: color-contrast",
		"undecided.en: 320 px, dark: color-contrast",
		"wide.da: 1280 px, dark: color-contrast",
		"wide.en: 1280 px, light: color-contrast",
	)
}

// want compares faults, each up to end, with those expected.
func want(t *testing.T, faults []string, end string, expected ...string) {
	t.Helper()
	var found []string
	for _, fault := range faults {
		fault, _, _ = strings.Cut(fault, end)
		found = append(found, fault)
	}
	slices.Sort(found)
	if diff := cmp.Diff(expected, slices.Compact(found)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
