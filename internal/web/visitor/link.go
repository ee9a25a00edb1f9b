package visitor

import (
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// loadByToken reads what the path's token names and proves the token. ErrBadLink for every token that is
// not, or no longer, good for the purpose.
func (s *site) loadByToken(r *http.Request, purpose deltag.Purpose) (deltag.Event, deltag.Registration, error) {
	l, mac, err := deltag.ParseLink(r.PathValue("token"), purpose)
	if err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	e, reg, err := s.Store.EventAndRegistration(r.Context(), l.EventID, l.RegistrationID)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return deltag.Event{}, deltag.Registration{}, fmt.Errorf("visit: %w", err)
	}
	// One that is not there has no secret, and no token fits it.
	if err := l.Check(mac, reg.Secret); err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	return e, reg, nil
}

// maxConflictRetries bounds how often a change that was overtaken by another is decided anew.
const maxConflictRetries = 3

// updateByToken does to a registration what do decides on reading it, and again when it was overtaken.
func (s *site) updateByToken(r *http.Request, purpose deltag.Purpose, do func(deltag.Event, deltag.Registration) error) error {
	err := deltag.ErrConflict
	for n := 0; n < maxConflictRetries && errors.Is(err, deltag.ErrConflict); n++ {
		e, reg, visitErr := s.loadByToken(r, purpose)
		if visitErr != nil {
			return visitErr
		}
		err = do(e, reg)
	}
	return err
}

// personalPage begins a page behind a token, in the language of the registration.
func (s *site) personalPage(r *http.Request, e deltag.Event, reg deltag.Registration) *page {
	p := s.newPage(r, reg.Language)
	p.Event, p.Title, p.Private = &e, e.Title, true
	return p
}

// A linkView helps somebody whose link is lost or broken.
type linkView struct {
	Sent   bool
	Form   *form          // when it is clear which event is meant
	Events []deltag.Event // to choose from otherwise
}

// renderInvalidLink is the answer to every bad token. It says the same to all of them.
func (s *site) renderInvalidLink(w http.ResponseWriter, r *http.Request, p *page) error {
	p.Title, p.Private, p.Path = p.Text("page.invalid-link.title"), true, "/"
	events, err := s.Store.Upcoming(r.Context(), p.now, maxUpcoming)
	if err != nil {
		s.Log.WarnContext(r.Context(), "no events on the page for broken links", "error", err) // it helps without them too
	}
	v := linkView{Events: events}
	if len(events) == 1 {
		v = linkView{Form: p.linkForm(events[0], "", nil)}
		p.Event = &events[0]
	}
	p.Body = v
	return s.render(w, http.StatusNotFound, "invalid-link", p)
}

func (s *site) askForLink(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	return s.renderLinkForm(w, http.StatusOK, p, linkView{Sent: r.URL.Query().Has("sent"), Form: p.linkForm(e, "", nil)})
}

// sendLink sends a new link. The answer is the same whether or not the address is signed up.
func (s *site) sendLink(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	typed := r.PostForm.Get("email")
	a, err := address.Parse(typed)
	var faults deltag.ValidationErrors
	if errors.As(err, &faults) {
		return s.renderLinkForm(w, http.StatusUnprocessableEntity, p, linkView{Form: p.linkForm(e, typed, faults)})
	}
	if err := s.Store.ResendConfirmation(r.Context(), e, a, p.now); err != nil {
		return fmt.Errorf("send link: %w", err)
	}
	seeOther(w, p.Href(eventPath(e.Slug)+"/link?sent=yes"))
	return nil
}

func (s *site) renderLinkForm(w http.ResponseWriter, status int, p *page, v linkView) error {
	p.Title, p.Path, p.Body = p.Text("page.link.title"), eventPath(p.Event.Slug)+"/link", v
	if v.Sent {
		p.Title = p.Text("page.link.sent-title")
	}
	return s.render(w, status, "link", p)
}

func (p *page) linkForm(e deltag.Event, typed string, faults deltag.ValidationErrors) *form {
	f := &form{Catalog: p.Catalog, Action: eventPath(e.Slug) + "/link", Submit: p.Text("form.send-link")}
	f.Fields = []field{{Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "email", Required: true, Value: typed}}
	p.annotate(f, faults)
	return f
}
