package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/oidc"
	"deltag/internal/web"
)

// OIDCCallback is the path that the provider of the organisation's accounts sends the browser back to.
const OIDCCallback = "/organiser/sign-in/oidc/callback"

// oidcName is what the page calls the organisation's accounts, "" if there are none.
func (s *site) oidcName(p *page) string {
	if s.OIDC == nil {
		return ""
	}
	return cmp.Or(s.OIDCName, p.Text("console.oidc.account"))
}

// attemptCookie keeps an attempt to sign in while the browser is at the provider.
func (s *site) attemptCookie(attempt string) *http.Cookie {
	return hostCookie(s.BaseURL, "sign-in", attempt, oidc.AttemptPeriod)
}

// beginOIDC sends the browser to the provider.
func (s *site) beginOIDC(w http.ResponseWriter, r *http.Request, p *page) error {
	if s.OIDC == nil {
		return deltag.ErrNotFound
	}
	location, attempt, err := s.OIDC.Begin(r.Context())
	if err != nil {
		return s.oidcError(w, r, p, err)
	}
	http.SetCookie(w, s.attemptCookie(attempt))
	return web.SeeOther(w, location)
}

// finishOIDC signs in who comes back from the provider, if this browser was sent there. An attempt is good for one
// answer.
func (s *site) finishOIDC(w http.ResponseWriter, r *http.Request, p *page) error {
	if s.OIDC == nil {
		return deltag.ErrNotFound
	}
	attempt := cookieValue(r, s.attemptCookie(""))
	if attempt == "" && p.Principal.Role != "" {
		return web.SeeOther(w, "/organiser") // the page was loaded twice
	}
	http.SetCookie(w, s.attemptCookie(""))
	email, err := s.OIDC.Finish(r.Context(), attempt, r.URL.Query())
	if err != nil {
		return s.oidcError(w, r, p, err)
	}
	parsed, err := address.Parse(email)
	if err != nil {
		return s.oidcError(w, r, p, oidc.ErrUnverified)
	}
	token, err := s.Accounts.SignInVerified(r.Context(), parsed, p.Language, p.now)
	if errors.Is(err, deltag.ErrForbidden) {
		return p.renderOIDC(w, http.StatusForbidden, "no-access", "email", parsed.Original)
	}
	if err != nil {
		return err
	}
	return s.beginSession(w, r, p, token)
}

// oidcError is the page for somebody who has not proved an address.
func (s *site) oidcError(w http.ResponseWriter, r *http.Request, p *page, err error) error {
	switch {
	case errors.Is(err, oidc.ErrRestart):
		return p.renderOIDC(w, http.StatusUnprocessableEntity, "restart")
	case errors.Is(err, oidc.ErrDenied):
		return p.renderOIDC(w, http.StatusForbidden, "denied")
	case errors.Is(err, oidc.ErrUnverified):
		s.Log.WarnContext(r.Context(), "sign-in refused", "error", err)
		return p.renderOIDC(w, http.StatusForbidden, "unverified")
	case errors.Is(err, oidc.ErrUnavailable):
		unavailable := web.ErrorFor(deltag.ErrUnavailable)
		answer := web.BeginError(w, r, s.Log, fmt.Errorf("%w: %w", unavailable, err))
		return p.renderOIDC(w, answer.Status, "unavailable")
	}
	return err
}

// renderOIDC shows the words of console.oidc.<key>, and the way back. The address of the page itself is good once.
func (p *page) renderOIDC(w http.ResponseWriter, status int, key string, values ...any) error {
	p.Path, p.Notice = "/organiser/sign-in", ""
	p.Title = p.Text("console.oidc." + key + ".title")
	return p.render(w, status, "message", messageView{
		Text: p.Text("console.oidc."+key+".text", values...), Href: p.Path, LinkText: p.Text("console.oidc.back"),
	})
}
