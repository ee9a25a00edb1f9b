package console

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A page is what a template of ours is given.
type page struct {
	web.Page
	Principal deltag.Principal // who is signed in; the zero value for nobody
	Notice    string           // what has just been done
	Event     *deltag.Event    // that the page is about, if any

	now    time.Time
	member deltag.Member // who is signed in
}

// languageCookie remembers the language that somebody chose.
const languageCookie = "language"

// newPage begins a page for whom the request's session belongs to, in the language that they chose last.
func (s *site) newPage(w http.ResponseWriter, r *http.Request) (*page, error) {
	p := &page{now: s.Now()}
	if token := s.sessionToken(r); token != "" {
		var err error
		p.Principal, p.member, err = s.Accounts.Authenticate(r.Context(), token, p.now)
		if err != nil && !errors.Is(err, deltag.ErrUnauthenticated) {
			return nil, err
		}
	}
	p.Page = s.plainPage(w, r, p.member.Language)
	p.Notice = p.notice(r)
	return p, nil
}

// plainPage is a page in the language that the reader chose now, or before, or asked for a link in.
func (s *site) plainPage(w http.ResponseWriter, r *http.Request, l deltag.Language) web.Page {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		l = deltag.Language(cookie.Value)
	}
	// A form's field "language" is its event's.
	if chosen := deltag.Language(r.URL.Query().Get("lang")); chosen.IsSupported() && chosen != l {
		l = chosen
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: string(l), Path: "/organiser", MaxAge: int((365 * 24 * time.Hour).Seconds()),
			HttpOnly: true, Secure: isSecure(s.BaseURL), SameSite: http.SameSiteLaxMode,
		})
	}
	if !l.IsSupported() {
		l = deltag.Languages[0]
	}
	return web.Page{
		Catalog: i18n.For(l), Path: r.URL.Path, Private: true, Home: "/organiser", OwnStyle: ownStyle(),
	}
}

// ownStyle is what the visitors' pages have no use for, and should not wait for.
var ownStyle = sync.OnceValue(func() string { return web.Asset(files, "console.css") })

// notice is what ?done= says was done.
func (p *page) notice(r *http.Request) string {
	if key := "console.done." + r.URL.Query().Get("done"); p.Has(key) {
		return p.Text(key)
	}
	return ""
}

// caller is who asks for a use case.
func (p *page) caller() organiser.Caller { return organiser.Caller{Principal: p.Principal, Now: p.now} }

func (p *page) render(w http.ResponseWriter, status int, name string, body any) error {
	p.Body = body
	return templates.Render(w, status, name, &p.Page, p)
}

// A messageView is a page of nothing but a message and a link to go on with.
type messageView struct {
	Text     string
	Href     string
	LinkText string
}

// renderMessage shows the words of console.<key>.title and .text, and a link in the words of .link.
func (p *page) renderMessage(w http.ResponseWriter, status int, key, href string) error {
	p.Title = p.Text("console." + key + ".title")
	return p.render(w, status, "message", messageView{
		Text: p.Text("console." + key + ".text"), Href: href, LinkText: p.Text("console." + key + ".link"),
	})
}

// renderError answers with a page for people, who stay signed in.
func (s *site) renderError(w http.ResponseWriter, r *http.Request, err error) {
	answer := web.BeginError(w, r, s.Log, err)
	p, pageErr := s.newPage(w, r)
	if pageErr != nil {
		p = &page{Page: s.plainPage(w, r, ""), now: s.Now()}
	}
	if r.Method != http.MethodGet {
		p.Path = "/organiser" // what was posted can't be opened in another language
	}
	p.Title, p.Notice, p.HasErrors = p.errorText(answer, ".title"), "", true
	v := messageView{Text: p.errorText(answer, ".text"), Href: "/organiser", LinkText: p.Text("console.to-events")}
	if invalid, _ := fieldErrors(err); invalid != nil {
		v.Text = p.FieldError(invalid[0])
	}
	if err := p.render(w, answer.Status, "message", v); err != nil {
		s.Log.ErrorContext(r.Context(), "no page for a failed request", "route", r.Pattern, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

// errorText is what the pages say of an answer: in words of their own, in those of the visitor's pages, or in general.
func (p *page) errorText(answer web.Error, part string) string {
	for _, key := range []string{"console.error." + answer.Code, "page.error." + answer.Code} {
		if p.Has(key + part) {
			return p.Text(key + part)
		}
	}
	answer.Code = "other"
	return p.Text("console.error." + answer.Code + part)
}

// failure is what a form says that could not be saved, and with which status; false if no form can help. What was typed
// stays in it, and it is safe to send it again.
func (s *site) failure(w http.ResponseWriter, r *http.Request, p *page, err error) (text string, status int, ok bool) {
	switch answer := web.ErrorFor(err); answer.Status {
	case http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests:
		web.BeginError(w, r, s.Log, err)
		return p.errorText(answer, ".text"), answer.Status, true
	}
	return "", 0, false
}

// fieldErrors are the ValidationErrors of err, and err itself if it is any other.
func fieldErrors(err error) (deltag.ValidationErrors, error) {
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		return invalid, nil
	}
	return nil, err
}

// A menuItem leads to one of an event's pages.
type menuItem struct {
	Path, Text string
	IsCurrent  bool // it, or a page below it, is the page that is shown
}

// EventMenu is the pages of the event that the page is about, those that the reader may open.
func (p *page) EventMenu() (items []menuItem) {
	overview := eventPath(p.Event.ID)
	add := func(path, key string) {
		path = overview + path
		below, isCurrent := strings.CutPrefix(p.Path, path)
		isCurrent = isCurrent && (below == "" || path != overview && strings.ContainsAny(below[:1], "/?"))
		items = append(items, menuItem{path, p.Text(key), isCurrent})
	}
	add("", "console.event-menu.overview")
	add("/attendees", "console.attendees.heading")
	if p.Principal.MayEdit() {
		add("/messages", "console.event-menu.messages")
	}
	add("/mails", "console.mails.title")
	if p.Principal.MayEdit() {
		add("/wording", "console.wording.title")
	}
	add("/sign-ups", "console.signups.title")
	add("/coverage", "console.coverage.title")
	if p.Principal.MayEdit() {
		add("/edit", "console.event-menu.edit")
	}
	add("/history", "console.audit.title")
	return items
}
