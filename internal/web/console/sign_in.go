package console

import (
	"errors"
	"net/http"
	"strings"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// SessionCookie is the cookie that holds a session's token, "" to delete it, of the pages at baseURL. Over https its name
// has browsers refuse one that this host did not set itself.
func SessionCookie(baseURL, token string) *http.Cookie {
	cookie := &http.Cookie{
		Name: "session", Value: token, Path: "/", MaxAge: int(deltag.SessionPeriod.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	if isSecure(baseURL) {
		cookie.Name, cookie.Secure = "__Host-session", true
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	return cookie
}

// isSecure says whether pages are reached by https: everywhere but on a developer's machine.
func isSecure(baseURL string) bool { return strings.HasPrefix(baseURL, "https:") }

// sessionToken is the token of the request's session, "" for none.
func (s *site) sessionToken(r *http.Request) string {
	cookie, err := r.Cookie(SessionCookie(s.BaseURL, "").Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// A signInView is the page that asks for an address, and says that a link was sent.
type signInView struct {
	Sent bool
	Form *web.Form
}

func (s *site) signInPage(w http.ResponseWriter, _ *http.Request, p *page) error {
	if p.Principal.Role != "" {
		return web.SeeOther(w, "/organiser")
	}
	return p.renderSignIn(w, http.StatusOK, "", nil, "")
}

func (p *page) renderSignIn(
	w http.ResponseWriter, status int, typed string, invalid deltag.ValidationErrors, failure string,
) error {
	f := p.NewForm([]web.Field{{
		Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "username", Required: true, Value: typed,
		Hint: p.Text("console.sign-in.hint"),
	}}, invalid)
	f.Action, f.Submit, f.Error = "/organiser/sign-in", p.Text("console.sign-in.submit"), failure
	p.Title, p.HasErrors = p.Text("console.sign-in.title"), p.HasErrors || failure != ""
	return p.render(w, status, "sign-in", signInView{Form: f})
}

// requestLink sends the link. The answer is the same for every address.
func (s *site) requestLink(w http.ResponseWriter, r *http.Request, p *page) error {
	defer web.HoldFor(r.Context(), s.MinResponseTime)()
	typed := r.PostForm.Get("email")
	parsed, err := address.Parse(typed)
	if invalid, err := fieldErrors(err); err != nil {
		return err
	} else if invalid != nil {
		return p.renderSignIn(w, http.StatusUnprocessableEntity, typed, invalid, "")
	}
	err = s.Accounts.RequestLink(r.Context(), parsed, p.Language, web.NetworkPrefix(r), p.now)
	if err != nil {
		answer := web.ErrorFor(err)
		if !p.Has("console.error." + answer.Code + ".text") {
			return err
		}
		web.BeginError(w, r, s.Log, err)
		return p.renderSignIn(w, answer.Status, typed, nil, p.Text("console.error."+answer.Code+".text"))
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

// signIn begins a session with a new token, and ends the one that the browser had.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, p *page) error {
	token, err := s.Accounts.SignIn(r.Context(), r.PathValue("token"), p.Language, p.now)
	if errors.Is(err, deltag.ErrLinkExpired) && p.Principal.Role != "" {
		return web.SeeOther(w, "/organiser") // the button was pressed twice
	}
	if err != nil {
		return p.linkError(w, err)
	}
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
