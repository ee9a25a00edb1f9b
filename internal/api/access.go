package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"deltag/internal/account"
	"deltag/internal/address"
	"deltag/internal/deltag"
)

// ListMembers implements GET /members.
func (s *server) ListMembers(w http.ResponseWriter, r *http.Request) {
	all, err := s.Accounts.Members(r.Context(), callerOf(r).Principal)
	s.answer(w, r, http.StatusOK, MemberList{Items: convertAll(all, toMember)}, err)
}

// InviteMember implements POST /members.
func (s *server) InviteMember(w http.ResponseWriter, r *http.Request) {
	var in NewMember
	if !s.readJSON(w, r, &in) {
		return
	}
	by := callerOf(r)
	l := deltag.Language(cmp.Or(deref(in.Language), string(deltag.LanguageDanish)))
	if !l.IsSupported() {
		s.fail(w, r, deltag.ValidationErrors{{Field: "language", Code: "unknown-language"}})
		return
	}
	a, err := address.Parse(in.Email)
	if err == nil {
		err = s.Accounts.Invite(r.Context(), by.Principal, a, deltag.Role(in.Role), l, by.Now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerMember(w, r, http.StatusCreated, func(m account.MemberView) bool { return m.Email.Normalized == a.Normalized })
}

// SetRole implements PATCH /members/{mid}.
func (s *server) SetRole(w http.ResponseWriter, r *http.Request, id Mid) {
	var in MemberEdit
	if !s.readJSON(w, r, &in) {
		return
	}
	by := callerOf(r)
	if err := s.Accounts.SetRole(r.Context(), by.Principal, id, deltag.Role(in.Role), by.Now); err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerMember(w, r, http.StatusOK, func(m account.MemberView) bool { return m.ID == id })
}

// answerMember answers with the member that is. ErrNotFound if somebody else has removed them by now.
func (s *server) answerMember(
	w http.ResponseWriter, r *http.Request, status int, is func(account.MemberView) bool,
) {
	all, err := s.Accounts.Members(r.Context(), callerOf(r).Principal)
	i := slices.IndexFunc(all, is)
	if err == nil && i < 0 {
		err = deltag.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, status, toMember(all[i]), nil)
}

// RemoveMember implements DELETE /members/{mid}.
func (s *server) RemoveMember(w http.ResponseWriter, r *http.Request, id Mid) {
	if !deltag.IsID(id) {
		s.fail(w, r, deltag.ErrNotFound)
		return
	}
	by := callerOf(r)
	s.answer(w, r, http.StatusNoContent, nil, s.Accounts.Remove(r.Context(), by.Principal, id, by.Now))
}

func toMember(m account.MemberView) Member {
	return Member{Id: m.ID, Email: m.Email.Original, Role: string(m.Role), Fixed: m.AlwaysOwner}
}

// ListTokens implements GET /tokens.
func (s *server) ListTokens(w http.ResponseWriter, r *http.Request) {
	by := callerOf(r)
	all, err := s.Accounts.Tokens(r.Context(), by.Principal, by.Now)
	s.answer(w, r, http.StatusOK, TokenList{Items: convertAll(all, toToken)}, err)
}

// CreateToken implements POST /tokens.
func (s *server) CreateToken(w http.ResponseWriter, r *http.Request) {
	var in NewToken
	if !s.readJSON(w, r, &in) {
		return
	}
	by := callerOf(r)
	token, created, err := s.Accounts.CreateToken(
		r.Context(), by.Principal, in.Name, deltag.Role(in.Role), account.EndOfDay(in.Expires.Time), by.Now)
	t := toToken(created)
	s.answer(w, r, http.StatusCreated, CreatedToken{
		Token: token, Id: t.Id, Name: t.Name, Role: t.Role, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
	}, err)
}

// RevokeToken implements DELETE /tokens/{tid}.
func (s *server) RevokeToken(w http.ResponseWriter, r *http.Request, id Tid) {
	if !deltag.IsID(id) {
		s.fail(w, r, deltag.ErrNotFound)
		return
	}
	by := callerOf(r)
	s.answer(w, r, http.StatusNoContent, nil, s.Accounts.RevokeToken(r.Context(), by.Principal, id, by.Now))
}

func toToken(t deltag.AccessToken) Token {
	return Token{
		Id: t.ID, Name: t.Name, Role: string(t.Role), CreatedAt: t.CreatedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(),
		UsedAt: timePtr(t.UsedAt, time.UTC),
	}
}
