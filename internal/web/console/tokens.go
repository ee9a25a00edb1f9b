package console

import (
	"net/http"
	"strings"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// A tokensView is the list of access tokens with the form to make one, and one that was just made.
type tokensView struct {
	Tokens  []deltag.AccessToken
	Form    *web.Form
	Created string // shown once
}

func (s *site) tokens(w http.ResponseWriter, r *http.Request, p *page) error {
	inAYear := p.now.In(zone()).AddDate(1, 0, 0).Format(time.DateOnly)
	return s.renderTokens(w, r, p, http.StatusOK, p.tokenForm("", "", inAYear, nil), "")
}

func (s *site) renderTokens(
	w http.ResponseWriter, r *http.Request, p *page, status int, form *web.Form, created string,
) error {
	all, err := s.Accounts.Tokens(r.Context(), p.Principal, p.now)
	if err != nil && created == "" { // a token that was made must be shown, with the list or without
		return err
	}
	p.Title, p.Path = p.Text("console.tokens.title"), "/organiser/tokens"
	return p.render(w, status, "tokens", tokensView{Tokens: all, Form: form, Created: created})
}

// tokenForm is the form with what was typed.
func (p *page) tokenForm(name, role, expires string, invalid deltag.ValidationErrors) *web.Form {
	dateKind := "date"
	if _, err := time.Parse(time.DateOnly, expires); err != nil {
		dateKind = "text" // a date field would not keep it
	}
	f := p.NewForm([]web.Field{
		{Name: "name", Label: p.Text("console.tokens.name"), Kind: "text", Required: true, Value: name,
			Hint: p.Text("console.tokens.name.hint"), Autocomplete: "off"},
		p.roleField(role),
		{Name: "expires", Label: p.Text("console.tokens.expires"), Kind: dateKind, Required: true, Value: expires},
	}, invalid)
	f.Action, f.Submit = "/organiser/tokens", p.Text("console.tokens.create")
	return f
}

// createToken shows the new token in its answer: nothing can show it again, so there is no other page to go to.
func (s *site) createToken(w http.ResponseWriter, r *http.Request, p *page) error {
	name, role := strings.TrimSpace(r.PostForm.Get("name")), r.PostForm.Get("role")
	expires := r.PostForm.Get("expires")
	token, err := "", error(nil)
	day, parseErr := time.Parse(time.DateOnly, expires)
	if parseErr != nil {
		err = deltag.ValidationErrors{{Field: "expires", Code: "bad-date"}}
	} else {
		token, _, err = s.Accounts.CreateToken(
			r.Context(), p.Principal, name, deltag.Role(role), account.EndOfDay(day), p.now)
	}
	invalid, err := fieldErrors(err)
	form := p.tokenForm(name, role, expires, invalid)
	if text, status, ok := s.failure(w, r, p, err); ok {
		form.Error, p.HasErrors = text, true
		return s.renderTokens(w, r, p, status, form, "")
	}
	if err != nil {
		return err
	}
	if invalid != nil {
		return s.renderTokens(w, r, p, http.StatusUnprocessableEntity, form, "")
	}
	return s.renderTokens(w, r, p, http.StatusOK, p.tokenForm("", "", expires, nil), token)
}

func (s *site) revokeToken(w http.ResponseWriter, r *http.Request, p *page) error {
	if err := s.Accounts.RevokeToken(r.Context(), p.Principal, r.PathValue("id"), p.now); err != nil {
		return err
	}
	return web.SeeOther(w, "/organiser/tokens?done=revoked")
}

// zone is the time zone of what belongs to no event.
func zone() *time.Location { return deltag.AccountEvent().Zone() }

// Day is a date of what belongs to no event. Of the last moment of a day it is that day.
func (p *page) Day(t time.Time) string { return p.Date(t.Add(-1), zone()) }
