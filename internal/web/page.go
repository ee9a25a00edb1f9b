package web

import (
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// A Page is what every template is given; a package of pages embeds it in a page type of its own.
type Page struct {
	*i18n.Catalog
	Title     string
	Path      string // where GET shows this page
	Body      any
	HasErrors bool // something has to be corrected: in the title too, which screen readers read first
	Private   bool // behind a token: not to be indexed
	Embedded  bool // may be shown in another site's frame
	Script    string
	Refreshes bool   // the script reads pages of ours
	OwnStyle  string // CSS of a package's own pages, beside the shared one
	// FrameStyles are the style sheets and style attributes of documents in the page's frames (srcdoc), which are under the
	// page's policy.
	FrameStyles []string
	Home        string // where the name of the site leads; "" for the front page
	// RedirectsOffsite says that the page's form may redirect to another host. Chromium applies form-action to
	// redirects too, and a meeting's host redirects further, so the hosts can't be named.
	RedirectsOffsite bool

	languageChosen bool // by the reader, against the page's own: links carry it on
}

// NewPage begins a page in the language that the reader has chosen, or in fallback.
func NewPage(r *http.Request, fallback deltag.Language) Page {
	l, chosen := ChosenLanguage(r)
	if !chosen {
		l = fallback
	}
	return Page{Catalog: i18n.For(l), Path: r.URL.Path, languageChosen: l != fallback}
}

// ChosenLanguage is the language of ?lang= or of the form's field "language", if there is one that we have.
func ChosenLanguage(r *http.Request) (deltag.Language, bool) {
	for _, l := range []string{r.URL.Query().Get("lang"), r.PostForm.Get("language")} {
		if l := deltag.Language(l); l.IsSupported() {
			return l, true
		}
	}
	return "", false
}

// Href is a path of ours that keeps the language the reader chose.
func (p *Page) Href(path string) string {
	if !p.languageChosen {
		return path
	}
	return withLanguage(path, p.Language)
}

// OtherLanguageURL is this page in the other language.
func (p *Page) OtherLanguageURL() string {
	if p.Language == deltag.LanguageEnglish {
		return withLanguage(p.Path, deltag.LanguageDanish)
	}
	return withLanguage(p.Path, deltag.LanguageEnglish)
}

func withLanguage(path string, l deltag.Language) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "lang=" + string(l)
}

// Style is the shared style sheet, inlined so that a page is one request.
func (p *Page) Style() template.CSS { return template.CSS(styleSheet().text) }

// OwnCSS is OwnStyle, if the page has one.
func (p *Page) OwnCSS() template.CSS { return template.CSS(p.OwnStyle) }

// JS is the page's script, if it has one.
func (p *Page) JS() template.JS { return template.JS(p.Script) }

func (p *Page) contentSecurityPolicy() string {
	styles := "style-src " + styleSheet().hash
	if p.OwnStyle != "" {
		styles += " " + newInlineAsset(p.OwnStyle).hash
	}
	if len(p.FrameStyles) > 0 {
		styles += " 'unsafe-hashes'" // for style attributes, of these values only
	}
	for _, style := range p.FrameStyles {
		styles += " " + newInlineAsset(style).hash
	}
	directives := []string{"default-src 'none'", "base-uri 'none'", "img-src data:", styles}
	if p.Script != "" {
		directives = append(directives, "script-src "+newInlineAsset(p.Script).hash)
	}
	if p.Refreshes {
		directives = append(directives, "connect-src 'self'")
	}
	formAction, ancestors := "form-action 'self'", "frame-ancestors 'none'"
	if p.RedirectsOffsite {
		formAction += " https:"
	}
	if p.Embedded {
		ancestors = "frame-ancestors *"
	}
	return strings.Join(append(directives, formAction, ancestors), "; ")
}

// BreakableEmail lets a browser break a long mail address behind the @, and not within a word.
func (p *Page) BreakableEmail(address string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(address), "@", "@<wbr>"))
}

// Capitalize makes a sentence's first letter large.
func (p *Page) Capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// Paragraphs splits a text at blank lines.
func Paragraphs(text string) []string {
	var paragraphs []string
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return paragraphs
}
