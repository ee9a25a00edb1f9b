package visitor

import (
	"fmt"
	"net/http"
	"net/url"

	"deltag/internal/deltag"
)

// maxUpcoming is more than a small house ever has open at once.
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
	p.Body = events
	allowSharedCache(w)
	return s.render(w, http.StatusOK, "index", p)
}

// publicEvent reads the event that the path names. A draft is nobody's business yet.
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
	Form  *form
}

// event shows the event with its form; within a frame on another site, little but the form.
func (s *site) event(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	allowSharedCache(w)
	return s.renderEvent(w, http.StatusOK, p, p.signUpForm(e, signUpInput{}, nil))
}

// renderEvent shows f while the event takes sign-ups.
func (s *site) renderEvent(w http.ResponseWriter, status int, p *page, f *form) error {
	v := eventView{State: p.Event.SignUpStateAt(p.now)}
	p.Path = eventPath(p.Event.Slug)
	name := "event"
	if p.Embedded {
		p.Path += "/embed"
		name = "embed"
	}
	if v.State == deltag.SignUpOpen {
		f.Action, f.Submit = eventPath(p.Event.Slug)+"/registrations", p.Text("form.sign-up")
		f.Honeypot, f.Frame = true, p.Embedded
		v.Form = f
	}
	p.Body = v
	return s.render(w, status, name, p)
}

// thanks is true for a first sign-up, a place in line and a repeated one alike: what is so, the mail
// tells, to its reader alone.
func (s *site) thanks(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	if p.Embedded {
		p.Path += "?embed=yes"
	}
	p.Title = p.Text("page.thanks.title")
	if e.Capacity != nil {
		p.Title = p.Text("page.thanks.title-limited")
	}
	return s.render(w, http.StatusOK, "thanks", p)
}

func (s *site) calendar(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	serveCalendar(w, e, s.Calendar(e, s.BaseURL+eventPath(e.Slug), s.Now()))
	return nil
}

func serveCalendar(w http.ResponseWriter, e deltag.Event, file []byte) {
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", e.Slug+".ics"))
	_, _ = w.Write(file)
}
