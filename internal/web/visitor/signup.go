package visitor

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// submitSignUp is the sign-up behind the form and the JSON, and counts it. ErrClosed, with a code that says why, unless
// sign-up is open; ValidationErrors; the errors of Store.SignUp.
func (s *site) submitSignUp(
	r *http.Request, e deltag.Event, typed deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	outcome, err := s.storeSignUp(r, e, typed, now)
	s.Metrics.addSignUp(outcome, err)
	return outcome, err
}

func (s *site) storeSignUp(
	r *http.Request, e deltag.Event, typed deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	if state := e.SignUpStateAt(now); state != deltag.SignUpOpen {
		return "", fmt.Errorf("%w: %w", deltag.ErrClosed, web.Error{Status: http.StatusConflict, Code: string(state)})
	}
	request, err := address.ParseSignUp(r.Context(), typed, e, s.CheckDomain)
	if err != nil {
		return "", err
	}
	request.Network = web.NetworkPrefix(r)
	outcome, err := s.Store.SignUp(r.Context(), e, request, now)
	if err != nil {
		return "", fmt.Errorf("sign up: %w", err)
	}
	return outcome, nil
}

// signUp takes the form, from our own page or from any other: a sign-up needs no session, so there is none that
// another site could abuse.
func (s *site) signUp(w http.ResponseWriter, r *http.Request, p *page) error {
	if r.PostForm.Get(honeypotField) != "" {
		s.Log.InfoContext(r.Context(), "a program filled in the honeypot", "event", p.Event.ID)
		return p.redirectToThanks(w, "")
	}
	typed := web.ReadSignUpForm(r.PostForm, *p.Event, p.Language)
	outcome, err := s.submitSignUp(r, *p.Event, typed, p.now)
	if err != nil {
		return s.renderSignUpError(w, r, p, typed, err)
	}
	return p.redirectToThanks(w, outcome)
}

// renderSignUpError says why a sign-up was not taken. What was typed stays in the form if sending it again can help.
func (s *site) renderSignUpError(
	w http.ResponseWriter, r *http.Request, p *page, typed deltag.SignUpRequest, err error,
) error {
	if errors.Is(err, deltag.ErrClosed) {
		f := p.signUpForm(*p.Event, typed, nil)
		p.HasErrors = true
		return p.renderForm(w, http.StatusConflict, f, nil)
	}
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		free := s.freeSeats(r.Context(), p.now, *p.Event)[p.Event.ID]
		return p.renderForm(w, http.StatusUnprocessableEntity, p.signUpForm(*p.Event, typed, invalid), free)
	}
	var text string
	var free *int // not read from a store that has just failed
	switch answer := web.ErrorFor(err); {
	case errors.Is(err, deltag.ErrFull): // since the page was read
		text, free = p.Text("page.full.text"), new(0)
	case answer.Status == http.StatusServiceUnavailable:
		text = p.Text("page.retry.form")
	case answer.Status == http.StatusTooManyRequests:
		text = p.Text("page.error." + answer.Code + ".text")
	default:
		return err
	}
	answer := web.BeginError(w, r, s.Log, err)
	f := p.signUpForm(*p.Event, typed, nil)
	f.Error, p.HasErrors = text, true
	return p.renderForm(w, answer.Status, f, free)
}

// honeypotField is a field that people never see. What fills it in is a program.
const honeypotField = "homepage"

// redirectToThanks tells apart only whether the sign-up has to be verified, which no address decides.
func (p *page) redirectToThanks(w http.ResponseWriter, outcome deltag.SignUpOutcome) error {
	query := url.Values{}
	if outcome == deltag.OutcomeUnverified {
		query.Set("verify", "yes")
	}
	if p.Embedded {
		query.Set("embed", "yes")
	}
	path := eventPath(p.Event.Slug) + "/thanks"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return web.SeeOther(w, p.Href(path))
}
