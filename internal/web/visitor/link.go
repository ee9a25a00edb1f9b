package visitor

import (
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// loadByToken reads the event and registration that the path's token names, and checks the token. ErrBadLink for every
// token that is not, or no longer, good for the purpose.
func (s *site) loadByToken(r *http.Request, purpose deltag.Purpose) (deltag.Event, deltag.Registration, error) {
	l, mac, err := deltag.ParseLink(r.PathValue("token"), purpose)
	if err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	e, reg, err := s.Store.EventAndRegistration(r.Context(), l.EventID, l.RegistrationID)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return deltag.Event{}, deltag.Registration{}, fmt.Errorf("read registration: %w", err)
	}
	// A registration that is not there has no secret, so no token matches it.
	if err := l.Check(mac, reg.Secret); err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	return e, reg, nil
}

// maxConflictAttempts is how often a change is tried while others change the same registration.
const maxConflictAttempts = 3

// updateByToken calls update with what the token names, and again with what is stored then if update answers
// ErrConflict. The last ErrConflict is returned.
func (s *site) updateByToken(r *http.Request, purpose deltag.Purpose,
	update func(deltag.Event, deltag.Registration) error) error {
	err := deltag.ErrConflict
	for n := 0; n < maxConflictAttempts && errors.Is(err, deltag.ErrConflict); n++ {
		e, reg, readErr := s.loadByToken(r, purpose)
		if readErr != nil {
			return readErr
		}
		err = update(e, reg)
	}
	return err
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
		// The page helps without the events too.
		s.Log.WarnContext(r.Context(), "no events on the page for invalid links", "error", err)
	}
	v := linkView{Events: events}
	if len(events) == 1 {
		v = linkView{Form: p.linkForm(events[0], "", nil)}
		p.Event = &events[0]
	}
	return p.withBody(v).render(w, http.StatusNotFound, "invalid-link")
}

func (s *site) linkPage(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	return p.renderLink(w, http.StatusOK, linkView{Sent: r.URL.Query().Has("sent"), Form: p.linkForm(e, "", nil)})
}

// sendLink sends the personal link again. The answer is the same whether or not the address is signed up.
func (s *site) sendLink(w http.ResponseWriter, r *http.Request) error {
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	typed := r.PostForm.Get("email")
	parsed, err := address.Parse(typed)
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		return p.renderLink(w, http.StatusUnprocessableEntity, linkView{Form: p.linkForm(e, typed, invalid)})
	}
	if err := s.Store.ResendConfirmation(r.Context(), e, parsed, p.now); err != nil {
		return fmt.Errorf("send link: %w", err)
	}
	web.SeeOther(w, p.Href(eventPath(e.Slug)+"/link?sent=yes"))
	return nil
}

func (p *page) renderLink(w http.ResponseWriter, status int, v linkView) error {
	p.Title, p.Path = p.Text("page.link.title"), eventPath(p.Event.Slug)+"/link"
	if v.Sent {
		p.Title = p.Text("page.link.sent-title")
	}
	return p.withBody(v).render(w, status, "link")
}

func (p *page) linkForm(e deltag.Event, typed string, invalid deltag.ValidationErrors) *form {
	email := field{Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "email", Required: true,
		Value: typed}
	f := &form{Catalog: p.Catalog, Action: eventPath(e.Slug) + "/link", Submit: p.Text("form.send-link"),
		Fields: []field{email}}
	p.annotate(f, invalid)
	return f
}
