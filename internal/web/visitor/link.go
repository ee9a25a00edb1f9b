package visitor

import (
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// loadByToken begins a page about the event that the path's token names, in the language of the token's registration.
// ErrBadLink for every token that is not, or no longer, good for the purpose.
func (s *site) loadByToken(r *http.Request, purpose deltag.Purpose) (*page, deltag.Registration, error) {
	l, mac, err := deltag.ParseLink(r.PathValue("token"), purpose)
	if err != nil {
		return nil, deltag.Registration{}, err
	}
	e, reg, err := s.Store.EventAndRegistration(r.Context(), l.EventID, l.RegistrationID)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return nil, deltag.Registration{}, fmt.Errorf("read registration: %w", err)
	}
	// A registration that is not there has no secret, so no token matches it.
	if err := l.Check(mac, reg.Secret); err != nil {
		return nil, deltag.Registration{}, err
	}
	p := s.newPage(r, reg.Language)
	p.Event, p.Title, p.Private = &e, e.Title, true
	return p, reg, nil
}

// A personalHandler answers a request with a token. p and reg are what loadByToken has read.
type personalHandler func(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error

// withToken calls serve with what the path's token names, and again with what is stored then if serve returns
// ErrConflict. The last ErrConflict is returned.
func (s *site) withToken(purpose deltag.Purpose, serve personalHandler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return deltag.RetryOnConflict(func() error {
			p, reg, err := s.loadByToken(r, purpose)
			if err != nil {
				return err
			}
			return serve(w, r, p, reg)
		})
	}
}

// A linkView helps somebody whose link is lost or broken.
type linkView struct {
	Sent   bool
	Text   string         // of an invalid link
	Ended  bool           // the link was to sign up: one may do that again
	Form   *web.Form      // when it is clear which event is meant
	Events []deltag.Event // to choose from otherwise
}

// renderInvalidLink is the answer to every bad token, in the words of page.<key>.title and page.<key>.text. It says the
// same to all of a purpose.
func (s *site) renderInvalidLink(w http.ResponseWriter, r *http.Request, p *page, status int, key string) error {
	p.Title, p.Private, p.Path = p.Text("page."+key+".title"), true, "/"
	ended := status == http.StatusGone
	events, err := s.upcoming(r.Context(), p.now)
	if err != nil {
		// The page helps without the events too.
		s.Log.WarnContext(r.Context(), "no events on the page for invalid links", "error", err)
	}
	v := linkView{Events: events}
	if len(events) == 1 && !ended {
		p.Event = &events[0]
		v = linkView{Form: p.linkForm("", nil)}
	}
	v.Text, v.Ended = p.Text("page."+key+".text"), ended
	return p.withBody(v).render(w, status, "invalid-link")
}

func (s *site) linkPage(w http.ResponseWriter, r *http.Request, p *page) error {
	v := linkView{Sent: r.URL.Query().Has("sent"), Form: p.linkForm("", nil)}
	return p.renderLink(w, http.StatusOK, v)
}

// sendLink sends the personal link again. The answer is the same whether or not the address is signed up.
func (s *site) sendLink(w http.ResponseWriter, r *http.Request, p *page) error {
	typed := r.PostForm.Get("email")
	parsed, err := address.Parse(typed)
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		return p.renderLink(w, http.StatusUnprocessableEntity, linkView{Form: p.linkForm(typed, invalid)})
	}
	err = s.Store.ResendConfirmation(r.Context(), *p.Event, parsed, web.NetworkPrefix(r), p.now)
	if errors.Is(err, deltag.ErrSignUpLimit) {
		answer := web.BeginError(w, r, s.Log, err)
		f := p.linkForm(typed, nil)
		f.Error, p.HasErrors = p.Text("page.error."+answer.Code+".text"), true
		return p.renderLink(w, answer.Status, linkView{Form: f})
	}
	if err != nil {
		return fmt.Errorf("send link: %w", err)
	}
	return web.SeeOther(w, p.Href(eventPath(p.Event.Slug)+"/link?sent=yes"))
}

func (p *page) renderLink(w http.ResponseWriter, status int, v linkView) error {
	p.Title, p.Path = p.Text("page.link.title"), eventPath(p.Event.Slug)+"/link"
	if v.Sent {
		p.Title = p.Text("page.link.sent-title")
	}
	return p.withBody(v).render(w, status, "link")
}

func (p *page) linkForm(typed string, invalid deltag.ValidationErrors) *web.Form {
	f := p.NewForm([]web.Field{p.emailField(typed, "")}, invalid)
	f.Action, f.Submit = eventPath(p.Event.Slug)+"/link", p.Text("form.send-link")
	return f
}
