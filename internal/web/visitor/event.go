package visitor

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// maxUpcoming is more than a small organisation ever has open at once.
const maxUpcoming = 50

func eventPath(slug string) string { return "/e/" + url.PathEscape(slug) }

// index lists what is coming.
func (s *site) index(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, deltag.Languages[0])
	p.Title = p.Text("page.index.title")
	events, err := s.Store.Upcoming(r.Context(), p.now, maxUpcoming)
	if err != nil {
		return fmt.Errorf("upcoming events: %w", err)
	}
	web.AllowSharedCache(w)
	return p.withBody(events).render(w, http.StatusOK, "index")
}

// withEvent calls serve with a page about the event that the path names, in the event's language.
func (s *site) withEvent(serve func(w http.ResponseWriter, r *http.Request, p *page) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost && strings.ContainsAny(r.PathValue("slug"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			return s.redirectToEvent(w, r)
		}
		e, err := s.publicEvent(r)
		if err != nil {
			return err
		}
		p := s.newPage(r, e.Language)
		p.Event, p.Title = &e, e.Title
		return serve(w, r, p)
	}
}

// publicEvent reads the event that the path names. A draft is not public yet: ErrNotFound.
func (s *site) publicEvent(r *http.Request) (deltag.Event, error) {
	e, err := s.Store.EventBySlug(r.Context(), r.PathValue("slug"))
	if err != nil {
		return deltag.Event{}, fmt.Errorf("event by slug: %w", err)
	}
	if e.Status == deltag.EventDraft {
		return deltag.Event{}, deltag.ErrNotFound
	}
	return e, nil
}

// An eventView is the page of an event: a form, or the reason why there is none.
type eventView struct {
	State deltag.SignUpState
	Form  *form // nil unless sign-up is open
}

// event shows the event with its form; in another site's frame, little but the form.
func (s *site) event(w http.ResponseWriter, _ *http.Request, p *page) error {
	web.AllowSharedCache(w)
	return p.renderEvent(w, http.StatusOK, p.signUpForm(*p.Event, deltag.SignUpRequest{}, nil))
}

// renderEvent shows f while the event takes sign-ups, and else why it does not.
func (p *page) renderEvent(w http.ResponseWriter, status int, f *form) error {
	v := eventView{State: p.Event.SignUpStateAt(p.now)}
	if v.State == deltag.SignUpOpen {
		f.Action, f.Submit = eventPath(p.Event.Slug)+"/registrations", p.Text("form.sign-up")
		f.Honeypot, f.Embedded = true, p.Embedded
		v.Form = f
	}
	p.Path = eventPath(p.Event.Slug)
	if p.Embedded {
		p.Path += "/embed"
		return p.withBody(v).render(w, status, "embed")
	}
	return p.withBody(v).render(w, status, "event")
}

// A thanksView is the page after a sign-up.
type thanksView struct {
	Text   string
	Verify bool // the sign-up counts once a button in the mail is pressed
	Form   *form
}

// thanks says the same after a first sign-up, a place on the waitlist and a repeated sign-up. Only the mail says which
// it was, and only the address's owner reads it.
func (s *site) thanks(w http.ResponseWriter, r *http.Request, p *page) error {
	v := thanksView{Verify: r.URL.Query().Has("verify")}
	query := url.Values{}
	if v.Verify {
		query.Set("verify", "yes")
	}
	if p.Embedded {
		query.Set("embed", "yes")
	}
	if len(query) > 0 {
		p.Path += "?" + query.Encode()
	}
	variant := thanksVariant(*p.Event, v.Verify)
	p.Title, v.Text = p.Text("page.thanks.title"+variant), p.Text("page.thanks.text"+variant)
	return p.withBody(v).render(w, http.StatusOK, "thanks")
}

// thanksVariant ends the keys of the words after a sign-up.
func thanksVariant(e deltag.Event, verify bool) string {
	switch {
	case verify:
		return "-verify"
	case e.Capacity != nil:
		return "-limited"
	}
	return ""
}

func (s *site) eventCalendar(w http.ResponseWriter, _ *http.Request, p *page) error {
	return p.writeCalendar(w, calendar.EventFile(*p.Event, s.BaseURL+eventPath(p.Event.Slug), p.now))
}

func (p *page) writeCalendar(w http.ResponseWriter, file []byte) error {
	return p.writeFile(w, "text/calendar; charset=utf-8", p.Event.Slug+".ics", file)
}
