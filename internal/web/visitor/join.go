package visitor

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// A joinView is the page before the meeting.
type joinView struct {
	State       string        // see joinState
	UntilOpen   time.Duration // of state "early"
	MeetingHost string        // of state "open": the meeting's address is not shown before
}

// Milliseconds is UntilOpen for the script, which counts down from there by the reader's own clock.
func (v joinView) Milliseconds() int64 { return v.UntilOpen.Milliseconds() }

// joinPage shows the countdown, and the button once it is time. Opening the page does not count as attending: mail
// scanners do it too.
func (s *site) joinPage(w http.ResponseWriter, _ *http.Request, p *page, reg deltag.Registration) error {
	return p.renderJoin(w, reg)
}

// join counts as attending, and redirects to the meeting.
func (s *site) join(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	e := *p.Event
	if joinState(e, reg, p.now) != "open" {
		return p.renderJoin(w, reg)
	}
	err := s.Store.MarkAttended(r.Context(), e, reg, p.now)
	switch {
	case errors.Is(err, deltag.ErrConflict):
		return err
	case err != nil:
		// Being let in matters more to the person than being counted.
		s.Log.ErrorContext(r.Context(), "attendance was not noted", "event", e.ID, "error", err)
	}
	return web.SeeOther(w, e.JoinURL)
}

// joinState is early, open, no-link, over, event-cancelled, waiting or cancelled.
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

func (p *page) renderJoin(w http.ResponseWriter, reg deltag.Registration) error {
	e := p.Event
	v := joinView{State: joinState(*e, reg, p.now)}
	p.Title = p.Text("page.join."+v.State+".title", "time", p.TimeOfDay(e.JoinOpensAt(), e.Zone()))
	switch v.State {
	case "early":
		v.UntilOpen = e.JoinOpensAt().Sub(p.now)
		p.Script = web.Asset(files, "countdown.js")
	case "open":
		meeting, err := url.Parse(e.JoinURL)
		if err != nil {
			return fmt.Errorf("join URL of event %s can't be parsed", e.ID)
		}
		v.MeetingHost = meeting.Hostname()
		p.RedirectsOffsite = true
	}
	return p.withBody(v).render(w, http.StatusOK, "join")
}
