package visitor

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
	"deltag/internal/i18n"
)

// A httpError is an answer other than the one asked for. Its code is stable: the API's readers and the
// language files know it.
type httpError struct {
	status int
	code   string
	field  string // of JSON, when one is to blame
}

func (f httpError) Error() string { return f.code }

var (
	errNotFound  = httpError{status: http.StatusNotFound, code: "not-found"}
	errMethod    = httpError{status: http.StatusMethodNotAllowed, code: "method-not-allowed"}
	errTooLarge  = httpError{status: http.StatusRequestEntityTooLarge, code: "too-large"}
	errMediaType = httpError{status: http.StatusUnsupportedMediaType, code: "unsupported-media-type"}
	errMalformed = httpError{status: http.StatusBadRequest, code: "malformed"}
	errInternal  = httpError{status: http.StatusInternalServerError, code: "internal"}
)

// errorTable is the one table from what went wrong to what is answered.
var errorTable = []struct {
	err error
	httpError
}{
	{deltag.ErrNotFound, errNotFound},
	{deltag.ErrBadLink, httpError{status: http.StatusNotFound, code: "bad-link"}},
	{deltag.ErrFull, httpError{status: http.StatusConflict, code: "full"}},
	{deltag.ErrClosed, httpError{status: http.StatusConflict, code: "closed"}},
	{deltag.ErrMailLimit, httpError{status: http.StatusTooManyRequests, code: "too-many-mails"}},
	{deltag.ErrSignUpLimit, httpError{status: http.StatusTooManyRequests, code: "too-many-sign-ups"}},
	{deltag.ErrConflict, httpError{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{deltag.ErrUnavailable, httpError{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{context.DeadlineExceeded, httpError{status: http.StatusServiceUnavailable, code: "unavailable"}},
	{context.Canceled, httpError{status: http.StatusServiceUnavailable, code: "unavailable"}},
}

func toHTTPError(err error) httpError {
	var f httpError
	if errors.As(err, &f) {
		return f
	}
	for _, known := range errorTable {
		if errors.Is(err, known.err) {
			return known.httpError
		}
	}
	return errInternal
}

// logAndSetHeaders begins every refusal: it logs what is our own fault, once, and says when to come back.
func (s *site) logAndSetHeaders(w http.ResponseWriter, r *http.Request, err error) httpError {
	f := toHTTPError(err)
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

// renderError answers with a page for people.
func (s *site) renderError(w http.ResponseWriter, r *http.Request, err error) {
	f := s.logAndSetHeaders(w, r, err)
	p := s.newPage(r, deltag.Languages[0])
	switch {
	case f.code == "bad-link":
		err = s.renderInvalidLink(w, r, p)
	case f.code == "unavailable":
		err = s.renderRetry(w, r, p)
	default:
		if f.status != http.StatusNotFound {
			p.Path = refererPath(r)
		}
		err = s.renderMessage(w, f.status, p, "error."+f.code)
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "no page for a failed request", "route", r.Pattern, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

func notFound(http.ResponseWriter, *http.Request) error { return deltag.ErrNotFound }

// A messageView is a page that only says something.
type messageView struct {
	Text  []string
	Links []link
}

type link struct{ Href, Text string }

// renderMessage shows the words of page.<key>.title and page.<key>.text, with links that lead on.
func (s *site) renderMessage(w http.ResponseWriter, status int, p *page, key string, pairs ...any) error {
	p.Title = p.Text("page."+key+".title", pairs...)
	n := messageView{Text: p.Paragraphs(p.Text("page."+key+".text", pairs...))}
	switch {
	case p.Event != nil:
		n.Links = append(n.Links, link{p.Href(eventPath(p.Event.Slug)), p.Text("page.to-event", "event", p.Event.Title)})
	case status != http.StatusNotFound && p.Path != "/":
		n.Links = append(n.Links, link{p.Href(p.Path), p.Text("page.back")})
	}
	n.Links = append(n.Links, link{p.Href("/"), p.Text("page.to-front")})
	p.Body = n
	return s.render(w, status, "message", p)
}

// retryView is a form that sends once more what was sent, word for word.
type retryView struct {
	Action string // "" when it was a GET
	Values []value
}

type value struct{ Name, Value string }

// renderRetry keeps what was typed when the store was out of reach.
func (s *site) renderRetry(w http.ResponseWriter, r *http.Request, p *page) error {
	p.Title = p.Text("page.retry.title")
	b := retryView{}
	if r.Method == http.MethodPost {
		b.Action = r.URL.RequestURI()
		b.Values = valuesOf(r.PostForm)
		p.Path = refererPath(r)
	}
	p.Body = b
	return s.render(w, http.StatusServiceUnavailable, "retry", p)
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

// refererPath is the page a form came from.
func refererPath(r *http.Request) string {
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
	f := s.logAndSetHeaders(w, r, err)
	words := i18n.For(errorLanguage(r, err))
	d := problemDocument{Status: f.status, Code: f.code, Title: words.Text("page.error." + f.code + ".title"), Detail: words.Text("page.error." + f.code + ".text")}
	if f.field != "" {
		d.Errors = []problemFault{{Field: f.field, Code: f.code, Detail: words.Text("error." + f.code)}}
	}
	s.writeProblem(w, d)
}

// localizedError is an error after the reader's language has become known.
type localizedError struct {
	error
	language deltag.Language
}

func (e localizedError) Unwrap() error { return e.error }

func errorLanguage(r *http.Request, err error) deltag.Language {
	var known localizedError
	if errors.As(err, &known) {
		return known.language
	}
	if l, chosen := chosenLanguage(r); chosen {
		return l
	}
	return deltag.LanguageEnglish // only the program's author will read it
}

func (s *site) writeProblem(w http.ResponseWriter, d problemDocument) {
	body, err := json.Marshal(d)
	if err != nil {
		body, d.Status = []byte(`{"status":500,"code":"internal"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(d.Status)
	_, _ = w.Write(body)
}
