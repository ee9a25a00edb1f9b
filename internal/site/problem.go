package site

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/language"
)

// A refusal is an answer other than the one asked for. Its code is stable: the API's readers and the
// language files know it.
type refusal struct {
	status int
	code   string
	field  string // of JSON, when one is to blame
}

func (f refusal) Error() string { return f.code }

var (
	errNotFound  = refusal{status: http.StatusNotFound, code: "not-found"}
	errMethod    = refusal{status: http.StatusMethodNotAllowed, code: "method-not-allowed"}
	errTooLarge  = refusal{status: http.StatusRequestEntityTooLarge, code: "too-large"}
	errMediaType = refusal{status: http.StatusUnsupportedMediaType, code: "unsupported-media-type"}
	errMalformed = refusal{status: http.StatusBadRequest, code: "malformed"}
	errInternal  = refusal{status: http.StatusInternalServerError, code: "internal"}
)

// refusals is the one table from what went wrong to what is answered.
var refusals = []struct {
	err error
	refusal
}{
	{deltag.ErrNotFound, errNotFound},
	{deltag.ErrBadLink, refusal{status: http.StatusNotFound, code: "bad-link"}},
	{deltag.ErrFull, refusal{status: http.StatusConflict, code: "full"}},
	{deltag.ErrClosed, refusal{status: http.StatusConflict, code: "closed"}},
	{deltag.ErrTooManyMails, refusal{status: http.StatusTooManyRequests, code: "too-many-mails"}},
	{deltag.ErrTooManySignUps, refusal{status: http.StatusTooManyRequests, code: "too-many-sign-ups"}},
	{deltag.ErrConflict, refusal{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{deltag.ErrUnavailable, refusal{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{context.DeadlineExceeded, refusal{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{context.Canceled, refusal{status: http.StatusServiceUnavailable, code: "unavailable"}},
}

func refusalOf(err error) refusal {
	var f refusal
	if errors.As(err, &f) {
		return f
	}
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return known.refusal
		}
	}
	return errInternal
}

// refuse begins every refusal: it logs what is our own fault, once, and says when to come back.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) refusal {
	f := refusalOf(err)
	if f.status >= http.StatusInternalServerError {
		// The pattern, never the path: a token stands in it.
		s.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "route", r.Pattern, "status", f.status, "error", err)
	}
	switch f.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "3600") // an hour, in seconds: the limits' shorter period
	}
	return f
}

// retryAfter, in seconds, is longer than the table's usual hiccup and shorter than a visitor's patience.
const retryAfter = "5"

// fail answers with a page for people.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.refuse(w, r, err)
	p := s.newPage(r, deltag.Languages[0])
	switch {
	case f.code == "bad-link":
		err = s.showBrokenLink(w, r, p)
	case f.code == "unavailable":
		err = s.showAgain(w, r, p)
	default:
		if f.status != http.StatusNotFound {
			p.Path = backFrom(r)
		}
		err = s.showNote(w, f.status, p, "problem."+f.code)
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "no page for a failed request", "route", r.Pattern, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

func notFound(http.ResponseWriter, *http.Request) error { return deltag.ErrNotFound }

// A note is a page that only says something.
type note struct {
	Text  []string
	Links []link
}

type link struct{ Href, Text string }

// showNote shows the words of page.<key>.title and page.<key>.text, with links that lead on.
func (s *site) showNote(w http.ResponseWriter, status int, p *page, key string, pairs ...any) error {
	p.Title = p.Say("page."+key+".title", pairs...)
	n := note{Text: p.Paragraphs(p.Say("page."+key+".text", pairs...))}
	switch {
	case p.Event != nil:
		n.Links = append(n.Links, link{p.Href(eventPath(p.Event.Slug)), p.Say("page.to-event", "event", p.Event.Title)})
	case status != http.StatusNotFound && p.Path != "/":
		n.Links = append(n.Links, link{p.Href(p.Path), p.Say("page.back")})
	}
	n.Links = append(n.Links, link{p.Href("/"), p.Say("page.to-front")})
	p.Body = n
	return s.show(w, status, "note", p)
}

// again is a form that sends once more what was sent, word for word.
type again struct {
	Action string // "" when it was a GET
	Values []value
}

type value struct{ Name, Value string }

// showAgain keeps what was typed when the store was out of reach.
func (s *site) showAgain(w http.ResponseWriter, r *http.Request, p *page) error {
	p.Title = p.Say("page.again.title")
	b := again{}
	if r.Method == http.MethodPost {
		b.Action = r.URL.RequestURI()
		b.Values = valuesOf(r.PostForm)
		p.Path = backFrom(r)
	}
	p.Body = b
	return s.show(w, http.StatusServiceUnavailable, "again", p)
}

func valuesOf(v url.Values) []value {
	var all []value
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, text := range v[name] {
			all = append(all, value{name, text})
		}
	}
	return all
}

// backFrom is the page a form came from.
func backFrom(r *http.Request) string {
	if slug := r.PathValue("slug"); slug != "" {
		return eventPath(slug)
	}
	// "/r/token/cancel" → "/r/token", "/join/token" → "/join/token"
	if parts := strings.SplitN(r.URL.EscapedPath(), "/", 4); len(parts) > 2 {
		return "/" + parts[1] + "/" + parts[2]
	}
	return "/"
}

// A problemDocument is an answer to a program (RFC 9457).
type problemDocument struct {
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Detail string         `json:"detail,omitempty"`
	Errors []problemFault `json:"errors,omitempty"`
}

type problemFault struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// problem answers with a problem document.
func (s *site) problem(w http.ResponseWriter, r *http.Request, err error) {
	f := s.refuse(w, r, err)
	words := language.Of(spokenLanguage(r, err))
	d := problemDocument{Status: f.status, Code: f.code, Title: words.Say("page.problem." + f.code + ".title"), Detail: words.Say("page.problem." + f.code + ".text")}
	if f.field != "" {
		d.Errors = []problemFault{{Field: f.field, Code: f.code, Detail: words.Say("fault." + f.code)}}
	}
	s.showProblem(w, d)
}

// spoken is an error after the reader's language has become known.
type spoken struct {
	error
	language deltag.Language
}

func (e spoken) Unwrap() error { return e.error }

func spokenLanguage(r *http.Request, err error) deltag.Language {
	var known spoken
	if errors.As(err, &known) {
		return known.language
	}
	if l, chosen := chosenLanguage(r); chosen {
		return l
	}
	return deltag.English // only the program's author will read it
}

func (s *site) showProblem(w http.ResponseWriter, d problemDocument) {
	body, err := json.Marshal(d)
	if err != nil {
		body, d.Status = []byte(`{"status":500,"code":"internal"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(d.Status)
	_, _ = w.Write(body)
}
