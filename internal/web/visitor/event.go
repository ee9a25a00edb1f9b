package visitor

import (
	"fmt"
	"net/http"
	"net/url"

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
func (s *site) event(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	web.AllowSharedCache(w)
	return p.renderEvent(w, http.StatusOK, p.signUpForm(e, deltag.SignUpRequest{}, nil))
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

// thanks says the same after a first sign-up, a place on the waitlist and a repeated sign-up. Only the mail says which
// it was, and only the address's owner reads it.
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
	return p.render(w, http.StatusOK, "thanks")
}

func (s *site) eventCalendar(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	writeCalendar(w, e, calendar.EventFile(e, s.BaseURL+eventPath(e.Slug), s.Now()))
	return nil
}

func writeCalendar(w http.ResponseWriter, e deltag.Event, file []byte) {
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", e.Slug+".ics"))
	_, _ = w.Write(file)
}
