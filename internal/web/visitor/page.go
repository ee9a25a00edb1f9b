package visitor

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// A page is what a template is given.
type page struct {
	*i18n.Catalog
	Title     string
	Path      string // where GET shows this page
	Event     *deltag.Event
	Body      any
	HasErrors bool // something is to be mended: said in the title, which is what a screen reader reads first
	Private   bool // behind a token: neither cached nor indexed
	Embedded  bool // within another site's frame
	Script    string
	// RedirectsOffsite says that the page's form leads on to another host. Chromium holds form-action against
	// redirects too, and a meeting's own host redirects further, so that it can't be named.
	RedirectsOffsite bool

	now    time.Time
	chosen bool // the reader chose the language; links carry it on
}

// newPage begins a page in the reader's language: the one chosen by ?lang= or sent with the form, else fallback.
func (s *site) newPage(r *http.Request, fallback deltag.Language) *page {
	p := &page{Path: r.URL.Path, Embedded: isEmbedded(r), now: s.Now()}
	l, chosen := chosenLanguage(r)
	if !chosen {
		l = fallback
	}
	p.Catalog, p.chosen = i18n.For(l), chosen && l != fallback
	return p
}

// isEmbedded says whether the page is within another site's frame. Only what has to do with signing up may
// be: there is nothing on it that a press could give away.
func isEmbedded(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/e/") {
		return false
	}
	return strings.HasSuffix(r.URL.Path, "/embed") || r.URL.Query().Has("embed") || r.PostForm.Has("embed")
}

func chosenLanguage(r *http.Request) (deltag.Language, bool) {
	for _, l := range []string{r.URL.Query().Get("lang"), r.PostForm.Get("language")} {
		if l := deltag.Language(l); l.IsSupported() {
			return l, true
		}
	}
	return "", false
}

func (s *site) eventPage(r *http.Request, e deltag.Event) *page {
	p := s.newPage(r, e.Language)
	p.Event, p.Title = &e, e.Title
	return p
}

// Href is a path of ours that keeps the language the reader chose.
func (p *page) Href(path string) string {
	if !p.chosen {
		return path
	}
	return withLang(path, p.Language)
}

// OtherLanguageURL is this page in the other language.
func (p *page) OtherLanguageURL() string {
	if p.Language == deltag.LanguageEnglish {
		return withLang(p.Path, deltag.LanguageDanish)
	}
	return withLang(p.Path, deltag.LanguageEnglish)
}

func withLang(path string, l deltag.Language) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "lang=" + url.QueryEscape(string(l))
}
