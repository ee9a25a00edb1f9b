package visitor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

// maxUpcoming is more than a small organisation ever has open at once.
const maxUpcoming = 50

func eventPath(slug string) string { return "/e/" + url.PathEscape(slug) }

// index lists what is coming.
func (s *site) index(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, deltag.Languages[0])
	p.Title = p.Text("page.index.title")
	events, err := s.upcoming(r.Context(), p.now)
	if err != nil {
		return err
	}
	web.AllowSharedCache(w)
	free := s.freeSeats(r.Context(), p.now, events...)
	entries := make([]indexEntry, len(events))
	for i, e := range events {
		entries[i] = indexEntry{e, p.availability(e, free[e.ID])}
	}
	return p.withBody(entries).render(w, http.StatusOK, "index")
}

// upcoming leaves out, and logs, events that can't be read.
func (s *site) upcoming(ctx context.Context, now time.Time) ([]deltag.Event, error) {
	events, err := s.Store.Upcoming(ctx, now, maxUpcoming)
	if err := web.LogUnreadable(ctx, s.Log, err); err != nil {
		return nil, fmt.Errorf("upcoming events: %w", err)
	}
	return events, nil
}

// An indexEntry is an event on the front page, and what to know before opening it, if anything.
type indexEntry struct {
	deltag.Event
	Availability string
}

func (p *page) availability(e deltag.Event, free *int) string {
	switch state := e.SignUpStateAt(p.now); {
	case state == deltag.SignUpNotYet:
		return p.Text("page.index.not-yet",
			"date", p.Date(e.SignUpOpensAt, e.Zone()), "clock", p.TimeOfDay(e.SignUpOpensAt, e.Zone()))
	case state != deltag.SignUpOpen:
		return p.Text("page.state." + string(state) + ".title")
	case free != nil && *free == 0 && e.HasWaitlist:
		return p.Text("page.index.waitlist")
	case free != nil:
		return p.SeatsLeft(*free)
	}
	return ""
}

// freeSeats are how many seats events have left for newcomers, by event id: of those that take sign-ups and have a
// capacity. A page is of use without them, so that they can't be read is only logged.
func (s *site) freeSeats(ctx context.Context, now time.Time, events ...deltag.Event) map[string]*int {
	limited := slices.DeleteFunc(slices.Clone(events), func(e deltag.Event) bool {
		return e.Capacity == nil || e.SignUpStateAt(now) != deltag.SignUpOpen
	})
	if len(limited) == 0 {
		return nil
	}
	recent, err := s.Store.RecentFreeSeats(ctx, limited...)
	if err != nil {
		s.Log.WarnContext(ctx, "free seats unknown", "error", err)
	}
	free := map[string]*int{}
	for _, e := range limited {
		if seats, ok := recent[e.ID]; ok {
			free[e.ID] = new(seats)
		}
	}
	return free
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
	State       string    // a deltag.SignUpState, or "full"
	FreeSeats   *int      // nil: no limit, not known, or no sign-up
	ForWaitlist bool      // who signs up now waits for a seat
	Heading     string    // of the form
	Form        *web.Form // nil unless a sign-up can be sent
}

// event shows the event with its form; in another site's frame, little but the form.
func (s *site) event(w http.ResponseWriter, r *http.Request, p *page) error {
	web.AllowSharedCache(w)
	free := s.freeSeats(r.Context(), p.now, *p.Event)[p.Event.ID]
	if free != nil && *free == 0 && !p.Event.HasWaitlist {
		return p.renderEvent(w, http.StatusOK, eventView{State: "full", FreeSeats: free})
	}
	return p.renderForm(w, http.StatusOK, p.signUpForm(*p.Event, deltag.SignUpRequest{}, nil), free)
}

// renderForm shows f while the event takes sign-ups, and else why it does not.
func (p *page) renderForm(w http.ResponseWriter, status int, f *web.Form, free *int) error {
	return p.renderEvent(w, status, p.eventView(f, free))
}

func (p *page) eventView(f *web.Form, free *int) eventView {
	v := eventView{State: string(p.Event.SignUpStateAt(p.now)), FreeSeats: free}
	if v.State != string(deltag.SignUpOpen) {
		return v
	}
	v.ForWaitlist = free != nil && *free == 0 && p.Event.HasWaitlist
	v.Heading, f.Submit = p.Text("page.event.sign-up"), p.Text("form.sign-up")
	if v.ForWaitlist {
		v.Heading, f.Submit = p.Text("page.event.waitlist"), p.Text("form.join-waitlist")
	}
	f.Action, f.Honeypot, f.Embedded = eventPath(p.Event.Slug)+"/registrations", true, p.Embedded
	v.Form = f
	return v
}

// Preview is the page of an event that need not be stored, as visitors see it at now, with all its seats free. A draft's
// is as it will be when it is open.
func Preview(e deltag.Event, now time.Time) ([]byte, error) {
	if e.Status == deltag.EventDraft {
		e.Status = deltag.EventOpen
	}
	p := &page{Page: web.Page{Catalog: i18n.For(e.Language), Path: eventPath(e.Slug), Title: e.Title}, Event: &e, now: now}
	var free *int
	if e.SignUpStateAt(now) == deltag.SignUpOpen {
		free = e.Capacity
	}
	p.Body = p.eventView(p.signUpForm(e, deltag.SignUpRequest{}, nil), free)
	return templates.HTML("event", p)
}

func (p *page) renderEvent(w http.ResponseWriter, status int, v eventView) error {
	p.Path = eventPath(p.Event.Slug)
	if p.Embedded {
		p.Path += "/embed"
		return p.withBody(v).render(w, status, "embed")
	}
	return p.withBody(v).render(w, status, "event")
}

// A thanksView is the page after a sign-up.
type thanksView struct {
	StartsSoon bool // or has begun: the confirmation has the link to the meeting
	Text       string
	Verify     bool // the sign-up counts once a button in the mail is pressed
	Form       *web.Form
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
	v.StartsSoon = p.Event.StartsAt.Sub(p.now) <= deltag.JoinLinkLeadTime
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
