package pagecheck

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"deltag/internal/deltag"
)

// A view is how somebody looks at a page, and the rules of axe to check then, by tag or by name.
type view struct {
	width   int64 // in CSS pixels: of a small phone (WCAG 1.4.10), or of a computer
	colours string
	rules   []string
}

var (
	allRules    = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}
	colourRules = []string{"color-contrast", "link-in-text-block"}
)

// views are by language, to check each page at both widths, and there in both colours, only once: colours and widths
// change nothing of the words, and dark colours nothing else.
var views = map[deltag.Language][]view{
	deltag.LanguageDanish:  {{320, "light", allRules}, {1280, "dark", colourRules}},
	deltag.LanguageEnglish: {{1280, "light", allRules}, {320, "dark", colourRules}},
}

// checkAccessibility runs axe on each page. All pages are written to one tab, as starting axe takes longer than most of
// its runs.
func checkAccessibility(t *testing.T, allocator context.Context, script string, pages Pages) []string {
	t.Helper()
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	err = chromedp.Do(tab, chromedp.Navigate(site.URL))
	if err == nil {
		_, err = chromedp.Run(tab, chromedp.Evaluate[bool](string(axe)+"; true"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for l, html := range pages[name] {
			if views[l] == nil {
				t.Fatalf("no views are chosen for %q", l)
			}
			found, err := writeAndCheck(tab, html, views[l])
			if err != nil {
				t.Fatalf("%s.%s: %v", name, l, err)
			}
			for _, fault := range found {
				faults = append(faults, fmt.Sprintf("%s.%s: %s", name, l, fault))
			}
		}
	}
	return faults
}

func writeAndCheck(tab context.Context, html string, views []view) ([]string, error) {
	if _, err := evaluate[bool](tab, `document.open(), document.write(%s), document.close(), true`, html); err != nil {
		return nil, err
	}
	var faults []string
	for _, v := range views {
		if err := v.set(tab); err != nil {
			return nil, err
		}
		found, err := evaluate[[]string](tab, runAxe, v.rules)
		if err != nil {
			return nil, err
		}
		for _, fault := range found {
			faults = append(faults, fmt.Sprintf("%d px, %s: %s", v.width, v.colours, fault))
		}
	}
	return faults, nil
}

// runAxe returns what axe finds on the page, an element each. All CSS is in the page, so there is none to fetch. Frames
// have no scripts, so axe can't run there: they show pages and mails that are tested themselves.
const runAxe = `axe.run({ preload: false, resultTypes: ["violations", "incomplete"], runOnly: %s,
	iframes: false, rules: { "frame-tested": { enabled: false } } }).then(result =>
	[...result.violations, ...result.incomplete].flatMap(rule => rule.nodes.map(node => rule.id + ": " + node.html +
		"\n\t" + [...node.any, ...node.all, ...node.none].map(check => check.message).join(" "))))`

// evaluate runs a script with a value in it.
func evaluate[T any](tab context.Context, script string, value any) (T, error) {
	literal, err := json.Marshal(value)
	if err != nil {
		var none T
		return none, err
	}
	return chromedp.Run(tab, chromedp.Evaluate[T](fmt.Sprintf(script, literal), chromedp.EvalAwaitPromise))
}

func (v view) set(tab context.Context) error {
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: v.colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	return chromedp.Do(tab, chromedp.EmulateViewport(v.width, 800))
}
