package site

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"deltag/internal/deltag"
	"deltag/internal/language"
)

//go:embed templates
var files embed.FS

// A page is what a template is given.
type page struct {
	*language.Words
	Title    string
	Path     string // where GET shows this page
	Event    *deltag.Event
	Body     any
	Faulty   bool // something is to be mended: said in the title, which is what a screen reader reads first
	Private  bool // behind a token: neither cached nor indexed
	Embedded bool // within another site's frame
	Script   string
	// Leads says that the page's form leads on to another host. Chromium holds form-action against
	// redirects too, and a meeting's own host redirects further, so that it can't be named.
	Leads bool

	now    time.Time
	chosen bool // the reader chose the language; links carry it on
}

// newPage begins a page in the reader's language: the one chosen by ?lang= or sent with the form, else fallback.
func (s *site) newPage(r *http.Request, fallback deltag.Language) *page {
	p := &page{Path: r.URL.Path, Embedded: framed(r), now: s.Now()}
	l, chosen := chosenLanguage(r)
	if !chosen {
		l = fallback
	}
	p.Words, p.chosen = language.Of(l), chosen && l != fallback
	return p
}

// framed says whether the page is within another site's frame. Only what has to do with signing up may
// be: there is nothing on it that a press could give away.
func framed(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/e/") {
		return false
	}
	return strings.HasSuffix(r.URL.Path, "/embed") || r.URL.Query().Has("embed") || r.PostForm.Has("embed")
}

func chosenLanguage(r *http.Request) (deltag.Language, bool) {
	for _, l := range []string{r.URL.Query().Get("lang"), r.PostForm.Get("language")} {
		if l := deltag.Language(l); l.Known() {
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
	return inLanguage(path, p.Language)
}

// Switch is this page in the other language.
func (p *page) Switch() string {
	if p.Language == deltag.English {
		return inLanguage(p.Path, deltag.Danish)
	}
	return inLanguage(p.Path, deltag.English)
}

func inLanguage(path string, l deltag.Language) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "lang=" + url.QueryEscape(string(l))
}

// Style is the one style sheet, inlined so that a page is one request.
func (p *page) Style() template.CSS { return template.CSS(style().text) }

// JS is the page's script, if it has one.
func (p *page) JS() template.JS { return template.JS(p.Script) }

// Paragraphs are a text's, split at blank lines.
func (p *page) Paragraphs(text string) []string {
	var ps []string
	for _, s := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if s = strings.TrimSpace(s); s != "" {
			ps = append(ps, s)
		}
	}
	return ps
}

// A Block is a paragraph of a description, and the list that ends it.
type Block struct {
	Text  string
	Items []string
}

// Blocks finds the lists that people make in plain text, with a dash or a dot before each line.
func (p *page) Blocks(text string) []Block {
	var bs []Block
	for _, paragraph := range p.Paragraphs(text) {
		var b Block
		lines := strings.Split(paragraph, "\n")
		for len(lines) > 0 {
			item, listed := listItem(lines[len(lines)-1])
			if !listed {
				break
			}
			b.Items = append(b.Items, item)
			lines = lines[:len(lines)-1]
		}
		slices.Reverse(b.Items)
		b.Text = strings.Join(lines, "\n")
		bs = append(bs, b)
	}
	return bs
}

func listItem(line string) (string, bool) {
	for _, mark := range []string{"- ", "– ", "• ", "* "} {
		if item, ok := strings.CutPrefix(strings.TrimSpace(line), mark); ok {
			return strings.TrimSpace(item), true
		}
	}
	return "", false
}

// Day is the event's day of the month where it is held.
func (p *page) Day(e deltag.Event) int { return e.StartsAt.In(e.Zone()).Day() }

// Month is the name of the event's month.
func (p *page) Month(e deltag.Event) string {
	return p.Say(fmt.Sprintf("date.month.%d", e.StartsAt.In(e.Zone()).Month()))
}

// OneDay says whether the event ends on the day it begins.
func (p *page) OneDay(e deltag.Event) bool {
	return e.StartsAt.In(e.Zone()).Format(time.DateOnly) == e.EndsAt.In(e.Zone()).Format(time.DateOnly)
}

// EventDate is the event's day.
func (p *page) EventDate(e deltag.Event) string { return p.Date(e.StartsAt, e.Zone()) }

// EventClock is from when until when.
func (p *page) EventClock(e deltag.Event) string {
	return p.Say("page.facts.clock", "from", p.Clock(e.StartsAt, e.Zone()), "to", p.Clock(e.EndsAt, e.Zone()), "zone", p.Zone(e))
}

// Duration is how long the event takes, exact to the minute: "1 time og 30 minutter".
func (p *page) Duration(e deltag.Event) string {
	d := e.EndsAt.Sub(e.StartsAt).Round(time.Minute)
	hours, minutes := d.Truncate(time.Hour), d%time.Hour
	switch {
	case d >= 48*time.Hour || minutes == 0 || hours == 0:
		return p.Left(d)
	default:
		return p.Say("page.and", "a", p.Left(hours), "b", p.Left(minutes))
	}
}

// Machine is a time for a time element.
func (p *page) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ErasedOn is the day on which everything personal is erased.
func (p *page) ErasedOn(e deltag.Event) string { return p.Date(e.ErasedAt(), e.Zone()) }

// Capital makes a sentence's first letter large.
func (p *page) Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// show writes the page. The template is parsed when it is first asked for: a cold start pays for one.
func (s *site) show(w http.ResponseWriter, status int, name string, p *page) error {
	t, err := templates(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Language))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", p.policy())
	if p.Private {
		h.Set("X-Robots-Tag", "noindex, nofollow")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader is gone: nobody is left to tell
	return nil
}

// mayCache lets a shared cache in front take a rush, and has browsers ask each time.
func mayCache(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "public, max-age=0, s-maxage=15")
}

func (p *page) policy() string {
	parts := []string{"default-src 'none'", "base-uri 'none'", "img-src data:", "style-src " + style().source}
	if p.Script != "" {
		parts = append(parts, "script-src "+hashed(p.Script).source)
	}
	if p.Leads {
		parts = append(parts, "form-action 'self' https:")
	} else {
		parts = append(parts, "form-action 'self'")
	}
	if p.Embedded {
		parts = append(parts, "frame-ancestors *")
	} else {
		parts = append(parts, "frame-ancestors 'none'")
	}
	return strings.Join(parts, "; ")
}

// An inline is a text within the page and its source expression in the content security policy.
type inline struct{ text, source string }

func hashed(text string) inline {
	sum := sha256.Sum256([]byte(text))
	return inline{text, "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}
}

var style = sync.OnceValue(func() inline { return hashed(file("style.css")) })

// file reads an embedded one, without the indentation that only its editors need.
func file(name string) string {
	raw, err := files.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // embedded and tested: cannot happen in a build that passed
	}
	lines := strings.Split(string(raw), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

var parsed sync.Map // template name → *template.Template

func templates(name string) (*template.Template, error) {
	if t, ok := parsed.Load(name); ok {
		return t.(*template.Template), nil
	}
	t, err := template.New("layout.html").ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
	if err != nil {
		return nil, err
	}
	parsed.Store(name, t)
	return t, nil
}
