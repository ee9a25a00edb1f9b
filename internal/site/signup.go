package site

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
	if r.PostForm.Get(trap) != "" {
		s.Log.InfoContext(r.Context(), "a program filled in the trap", "event", e.ID)
		return p.toThanks(w)
	}
	n := readEntry(r.PostForm, e, p.Language)
	if e.SignUpAt(p.now) != deltag.SignUpOpen {
		return s.showEvent(w, http.StatusConflict, p, nil)
	}
	su, faults := n.judge(e)
	if len(faults) > 0 {
		return s.showEvent(w, http.StatusUnprocessableEntity, p, p.signUpForm(e, n, faults))
	}
	su.Network = network(r)
	_, err = s.Store.SignUp(r.Context(), e, su, p.now)
	if err == nil {
		return p.toThanks(w)
	}
	err = fmt.Errorf("sign up: %w", err)
	switch {
	case errors.Is(err, deltag.ErrFull):
		return s.showNote(w, http.StatusConflict, p, "full")
	case refusalOf(err).status == http.StatusServiceUnavailable:
		return s.keepForm(w, p, p.signUpForm(e, n, nil), s.refuse(w, r, err), "page.again.form")
	case refusalOf(err).status == http.StatusTooManyRequests:
		return s.keepForm(w, p, p.signUpForm(e, n, nil), s.refuse(w, r, err), "page.problem."+refusalOf(err).code+".text")
	}
	return err
}

// keepForm shows once more what was typed, and above it why it was not taken.
func (s *site) keepForm(w http.ResponseWriter, p *page, f *form, because refusal, sorry string) error {
	f.Sorry, p.Faulty = p.Say(sorry), true
	return s.showEvent(w, because.status, p, f)
}

// network is where a request comes from: an address of IPv4, or what IPv6 gives to one household or office, a /56. It is
// "" when it is not known.
func network(r *http.Request) string {
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

func (p *page) toThanks(w http.ResponseWriter) error {
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
