package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// SessionCookie is the cookie that holds a session's token, "" to delete it, of the pages at baseURL. Over https its name
// has browsers refuse one that this host did not set itself.
func SessionCookie(baseURL, token string) *http.Cookie {
	return hostCookie(baseURL, "session", token, deltag.SessionPeriod)
}

func hostCookie(baseURL, name, value string, period time.Duration) *http.Cookie {
	cookie := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(period.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	if isSecure(baseURL) {
		cookie.Name, cookie.Secure = "__Host-"+name, true
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	return cookie
}

// isSecure says whether pages are reached by https: everywhere but on a developer's machine.
func isSecure(baseURL string) bool { return strings.HasPrefix(baseURL, "https:") }

// sessionToken is the token of the request's session, "" for none.
func (s *site) sessionToken(r *http.Request) string {
	return cookieValue(r, SessionCookie(s.BaseURL, ""))
}

// cookieValue is the value of the request's cookie with the name of c, "" for none.
func cookieValue(r *http.Request, c *http.Cookie) string {
	cookie, err := r.Cookie(c.Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// A signInView is the page that asks for an address, and says that a link was sent.
type signInView struct {
	Sent    bool
	Form    *web.Form
	Account string // that somebody can sign in with instead; "" for none
}

func (s *site) signInPage(w http.ResponseWriter, _ *http.Request, p *page) error {
	if p.Principal.Role != "" {
		return web.SeeOther(w, "/organiser")
	}
	return s.renderSignIn(w, http.StatusOK, p, "", nil, "")
}

func (s *site) renderSignIn(
	w http.ResponseWriter, status int, p *page, typed string, invalid deltag.ValidationErrors, failure string,
) error {
	f := p.NewForm([]web.Field{{
		Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "username", Required: true, Value: typed,
		Hint: p.Text("console.sign-in.hint"),
	}}, invalid)
	f.Action, f.Submit, f.Error = "/organiser/sign-in", p.Text("console.sign-in.submit"), failure
	p.Title, p.HasErrors = p.Text("console.sign-in.title"), p.HasErrors || failure != ""
	return p.render(w, status, "sign-in", signInView{Form: f, Account: s.oidcName(p)})
}

// requestLink sends the link. The answer is the same for every address.
func (s *site) requestLink(w http.ResponseWriter, r *http.Request, p *page) error {
	defer web.HoldFor(r.Context(), s.MinResponseTime)()
	typed := r.PostForm.Get("email")
	parsed, err := address.Parse(typed)
	if invalid, err := fieldErrors(err); err != nil {
		return err
	} else if invalid != nil {
		return s.renderSignIn(w, http.StatusUnprocessableEntity, p, typed, invalid, "")
	}
	err = s.Accounts.RequestLink(r.Context(), parsed, p.Language, web.NetworkPrefix(r), p.now)
	if err != nil {
		answer := web.ErrorFor(err)
		if !p.Has("console.error." + answer.Code + ".text") {
			return err
		}
		web.BeginError(w, r, s.Log, err)
		return s.renderSignIn(w, answer.Status, p, typed, nil, p.Text("console.error."+answer.Code+".text"))
	}
	p.Title = p.Text("console.sign-in.sent.title")
	return p.render(w, http.StatusOK, "sign-in", signInView{Sent: true})
}

// A linkView is the page behind a link, with the button that signs in.
type linkView struct{ Action, Email string }

// linkPage only looks: mail scanners open links.
func (s *site) linkPage(w http.ResponseWriter, r *http.Request, p *page) error {
	m, err := s.Accounts.CheckLink(r.Context(), r.PathValue("token"), p.now)
	if err != nil {
		return p.linkError(w, err)
	}
	p.Title = p.Text("console.link.title")
	return p.render(w, http.StatusOK, "link", linkView{Action: r.URL.EscapedPath(), Email: m.Email.Original})
}

func (p *page) linkError(w http.ResponseWriter, err error) error {
	if errors.Is(err, deltag.ErrLinkExpired) {
		return p.renderMessage(w, http.StatusGone, "link-expired", "/organiser/sign-in")
	}
	return err
}

// signIn is the press on the button behind a link.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, p *page) error {
	token, err := s.Accounts.SignIn(r.Context(), r.PathValue("token"), p.Language, p.now)
	if errors.Is(err, deltag.ErrLinkExpired) && p.Principal.Role != "" {
		return web.SeeOther(w, "/organiser") // the button was pressed twice
	}
	if err != nil {
		return p.linkError(w, err)
	}
	return s.beginSession(w, r, p, token)
}

// beginSession hands a new session to the browser, and ends the one that it had.
func (s *site) beginSession(w http.ResponseWriter, r *http.Request, p *page, token string) error {
	if err := s.Accounts.SignOut(r.Context(), s.sessionToken(r), false, p.now); err != nil {
		s.Log.WarnContext(r.Context(), "earlier session not ended", "error", err) // it ends by itself
	}
	http.SetCookie(w, SessionCookie(s.BaseURL, token))
	return web.SeeOther(w, "/organiser")
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request, p *page) error {
	everywhere := r.PostForm.Get("everywhere") == deltag.CheckedValue
	http.SetCookie(w, SessionCookie(s.BaseURL, "")) // also if the table can't be reached
	if err := s.Accounts.SignOut(r.Context(), s.sessionToken(r), everywhere, p.now); err != nil {
		return err
	}
	return web.SeeOther(w, "/organiser/sign-in?done=signed-out")
}
