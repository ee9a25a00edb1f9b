package visitor

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"deltag/internal/deltag"
)

// signUp takes the form, from our own page or from any other: a sign-up needs no session, so there
// is none that another site could abuse.
func (s *site) signUp(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	e, err := s.publicEvent(r)
	if err != nil {
		return err
	}
	p := s.eventPage(r, e)
	if r.PostForm.Get(honeypotField) != "" {
		s.Log.InfoContext(r.Context(), "a program filled in the trap", "event", e.ID)
		return p.redirectToThanks(w)
	}
	n := readSignUpForm(r.PostForm, e, p.Language)
	if e.SignUpStateAt(p.now) != deltag.SignUpOpen {
		return s.renderEvent(w, http.StatusConflict, p, nil)
	}
	su, faults := n.validate(e)
	if len(faults) > 0 {
		return s.renderEvent(w, http.StatusUnprocessableEntity, p, p.signUpForm(e, n, faults))
	}
	su.Network = networkPrefix(r)
	_, err = s.Store.SignUp(r.Context(), e, su, p.now)
	if err == nil {
		return p.redirectToThanks(w)
	}
	err = fmt.Errorf("sign up: %w", err)
	switch {
	case errors.Is(err, deltag.ErrFull):
		return s.renderMessage(w, http.StatusConflict, p, "full")
	case toHTTPError(err).status == http.StatusServiceUnavailable:
		return s.rerenderForm(w, p, p.signUpForm(e, n, nil), s.logAndSetHeaders(w, r, err), "page.retry.form")
	case toHTTPError(err).status == http.StatusTooManyRequests:
		return s.rerenderForm(w, p, p.signUpForm(e, n, nil), s.logAndSetHeaders(w, r, err), "page.error."+toHTTPError(err).code+".text")
	}
	return err
}

// rerenderForm shows once more what was typed, and above it why it was not taken.
func (s *site) rerenderForm(w http.ResponseWriter, p *page, f *form, because httpError, sorry string) error {
	f.Error, p.HasErrors = p.Text(sorry), true
	return s.renderEvent(w, because.status, p, f)
}

// networkPrefix is where a request comes from: an address of IPv4, or what IPv6 gives to one household or office, a /56. It is
// "" when it is not known.
func networkPrefix(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	bits := 32
	if ip = ip.Unmap(); ip.Is6() {
		bits = 56
	}
	prefix, _ := ip.WithZone("").Prefix(bits)
	return prefix.String()
}

func (p *page) redirectToThanks(w http.ResponseWriter) error {
	path := eventPath(p.Event.Slug) + "/thanks"
	if p.Embedded {
		path += "?embed=yes"
	}
	seeOther(w, p.Href(path))
	return nil
}

// seeOther leads on after a POST, so that a reload repeats nothing.
func seeOther(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
