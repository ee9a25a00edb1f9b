package visitor

import (
	"regexp"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/golden"
	"deltag/internal/testing/pagecheck"
)

// TestPages compares what each page says, in both languages, with testdata, and has axe and the HTML checker look at the
// pages. Reading those files is the quickest way to judge the words.
func TestPages(t *testing.T) {
	pages, seen := pagecheck.Pages{}, map[deltag.Language]string{}
	for name, open := range pageList(t) {
		pages[name] = map[deltag.Language]string{}
		for _, l := range deltag.Languages {
			a := open("?lang=" + string(l))
			pages[name][l] = a.text
			seen[l] += oneSpaced(a.doc.Text()) + a.doc.Find("meta[name=description]").AttrOr("content", "") + "\n"
			t.Run(name+"/"+string(l), func(t *testing.T) {
				golden.Compare(t, "pages/"+name+"."+string(l)+".txt", pageText(a))
			})
		}
	}
	for _, l := range deltag.Languages {
		t.Run("SayEverything/"+string(l), func(t *testing.T) { pagecheck.WantTexts(t, "../../i18n", l, pageKey, problemKey, seen[l]) })
	}
	t.Run("PassTheCheckers", func(t *testing.T) { pagecheck.Run(t, pages) })
}

var (
	pageKey = regexp.MustCompile(`^(page|form)\.`)
	// problemKey matches what only the answers to programs say.
	problemKey = regexp.MustCompile(`^page\.error\.(full|invalid|not-yet|too-many-changes|` +
		`too-many-sign-ups\.title|twice|unavailable|unknown-field|wrong-type)\b`)
)

// pageText is a page's title and its words, a line each.
func pageText(a response) string {
	a.doc.Find("main .sheet span, main br, main dt, main dd, main li, main p").AfterHtml("\n")
	lines := []string{oneSpaced(a.doc.Find("title").Text()), ""}
	for _, l := range strings.Split(a.doc.Find("main").Text(), "\n") {
		if l = oneSpaced(l); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestEveryTemplateParses(t *testing.T) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, entry := range entries {
		name, isPage := strings.CutSuffix(entry.Name(), ".html")
		if !isPage || name == "partials" {
			continue
		}
		tmpl, err := templates.Parse(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if tmpl.Lookup("main") == nil {
			t.Errorf("%s has no main", name)
		}
		opened++
	}
	if opened < 11 {
		t.Errorf("only %d templates were found", opened)
	}
}
