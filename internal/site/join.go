package site

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"deltag/internal/deltag"
)

// A doorView is the page before the meeting. State is early, open, no-link, over, off, waiting or cancelled.
type doorView struct {
	State string
	Left  time.Duration // until it opens
	Host  string        // of the meeting; only once it is open
}

// Milliseconds is Left for the script, which counts down by the reader's own clock from there.
func (v doorView) Milliseconds() int64 { return v.Left.Milliseconds() }

// door shows the countdown, and the button once it is time. Opening the page counts for nothing:
// mail scanners do it too.
func (s *site) door(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.visit(r, deltag.ToJoin)
	if err != nil {
		return err
	}
	return s.showDoor(w, s.personalPage(r, e, reg), reg)
}

// join counts as attending, and leads on to the meeting.
func (s *site) join(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.act(r, deltag.ToJoin, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if doorState(e, reg, p.now) != "open" {
			return s.showDoor(w, p, reg)
		}
		err := s.Store.Attend(r.Context(), e, reg, p.now)
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

func doorState(e deltag.Event, reg deltag.Registration, now time.Time) string {
	switch {
	case e.Status == deltag.Cancelled:
		return "off"
	case !now.Before(e.EndsAt):
		return "over"
	case reg.Status != deltag.Confirmed:
		return string(reg.Status)
	case now.Before(e.JoinsFrom()):
		return "early"
	case e.JoinURL == "":
		return "no-link"
	}
	return "open"
}

func (s *site) showDoor(w http.ResponseWriter, p *page, reg deltag.Registration) error {
	e := p.Event
	v := doorView{State: doorState(*e, reg, p.now)}
	p.Title = p.Say("page.door."+v.State+".title", "time", p.Clock(e.JoinsFrom(), e.Zone()))
	switch v.State {
	case "early":
		v.Left = e.JoinsFrom().Sub(p.now)
		p.Script = file("countdown.js")
	case "open":
		meeting, err := url.Parse(e.JoinURL)
		if err != nil {
			return fmt.Errorf("join URL of event %s is none", e.ID)
		}
		v.Host = meeting.Hostname()
		p.Leads = true
	}
	return s.show(w, http.StatusOK, "join", p.with(v))
}
