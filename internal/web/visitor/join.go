package visitor

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"deltag/internal/deltag"
)

// A joinView is the page before the meeting. State is early, open, no-link, over, off, waiting or cancelled.
type joinView struct {
	State string
	Left  time.Duration // until it opens
	Host  string        // of the meeting; only once it is open
}

// Milliseconds is Left for the script, which counts down by the reader's own clock from there.
func (v joinView) Milliseconds() int64 { return v.Left.Milliseconds() }

// joinPage shows the countdown, and the button once it is time. Opening the page counts for nothing:
// mail scanners do it too.
func (s *site) joinPage(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.loadByToken(r, deltag.PurposeJoin)
	if err != nil {
		return err
	}
	return s.renderJoin(w, s.personalPage(r, e, reg), reg)
}

// join counts as attending, and leads on to the meeting.
func (s *site) join(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.updateByToken(r, deltag.PurposeJoin, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if joinState(e, reg, p.now) != "open" {
			return s.renderJoin(w, p, reg)
		}
		err := s.Store.MarkAttended(r.Context(), e, reg, p.now)
		switch {
		case errors.Is(err, deltag.ErrConflict):
			return err
		case err != nil:
			// Being let in matters more to the person than being counted.
			s.Log.ErrorContext(r.Context(), "attendance was not noted", "event", e.ID, "error", err)
		}
		seeOther(w, e.JoinURL)
		return nil
	})
}

func joinState(e deltag.Event, reg deltag.Registration, now time.Time) string {
	switch {
	case e.Status == deltag.EventCancelled:
		return "event-cancelled"
	case !now.Before(e.EndsAt):
		return "over"
	case reg.Status != deltag.RegistrationConfirmed:
		return string(reg.Status)
	case now.Before(e.JoinOpensAt()):
		return "early"
	case e.JoinURL == "":
		return "no-link"
	}
	return "open"
}

func (s *site) renderJoin(w http.ResponseWriter, p *page, reg deltag.Registration) error {
	e := p.Event
	v := joinView{State: joinState(*e, reg, p.now)}
	p.Title = p.Text("page.join."+v.State+".title", "time", p.TimeOfDay(e.JoinOpensAt(), e.Zone()))
	switch v.State {
	case "early":
		v.Left = e.JoinOpensAt().Sub(p.now)
		p.Script = file("countdown.js")
	case "open":
		meeting, err := url.Parse(e.JoinURL)
		if err != nil {
			return fmt.Errorf("join URL of event %s is none", e.ID)
		}
		v.Host = meeting.Hostname()
		p.RedirectsOffsite = true
	}
	return s.render(w, http.StatusOK, "join", p.with(v))
}
