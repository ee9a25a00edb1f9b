package console

import (
	"net/http"

	"deltag/internal/account"
	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// A membersView is the list of members with the form to invite one.
type membersView struct {
	Members []account.MemberView
	Roles   []deltag.Role
	Fault   string // why a change in the list was refused
	Form    *web.Form
}

func (s *site) members(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.renderMembers(w, r, p, http.StatusOK, "", p.invitation("", "", nil))
}

func (s *site) renderMembers(
	w http.ResponseWriter, r *http.Request, p *page, status int, fault string, invitation *web.Form,
) error {
	all, err := s.Accounts.Members(r.Context(), p.Principal)
	if err != nil {
		return err
	}
	p.Title, p.Path = p.Text("console.members.title"), "/organiser/members"
	p.HasErrors = p.HasErrors || fault != ""
	return p.render(w, status, "members", membersView{
		Members: all, Roles: deltag.Roles, Fault: fault, Form: invitation,
	})
}

// invitation is the form with what was typed.
func (p *page) invitation(email, role string, invalid deltag.ValidationErrors) *web.Form {
	f := p.NewForm([]web.Field{
		{Name: "email", Label: p.Text("form.email"), Kind: "email", Required: true, Value: email, Autocomplete: "off"},
		p.roleField(role),
	}, invalid)
	f.Action, f.Submit = "/organiser/members", p.Text("console.members.invite")
	return f
}

// roleField is the choice of a role, that of an organiser if none was chosen.
func (p *page) roleField(chosen string) web.Field {
	if chosen == "" {
		chosen = string(deltag.RoleOrganiser)
	}
	f := web.Field{Name: "role", Label: p.Text("console.role"), Kind: "choice", Required: true}
	for i, role := range deltag.Roles {
		id := "role"
		if i > 0 {
			id += "." + string(role)
		}
		f.Options = append(f.Options, web.Option{
			ID: id, Value: string(role), Label: p.RoleText(role), Selected: string(role) == chosen,
		})
	}
	return f
}

// RoleText says what a role may do.
func (p *page) RoleText(role deltag.Role) string { return p.Text("console.role." + string(role)) }

// RoleName is the role in a word.
func (p *page) RoleName(role deltag.Role) string { return p.Text("console.role-name." + string(role)) }

func (s *site) invite(w http.ResponseWriter, r *http.Request, p *page) error {
	typed, role := r.PostForm.Get("email"), r.PostForm.Get("role")
	parsed, err := address.Parse(typed)
	if err == nil {
		err = s.Accounts.Invite(r.Context(), p.Principal, parsed, deltag.Role(role), p.Language, p.now)
	}
	invalid, err := fieldErrors(err)
	if text, status, ok := s.failure(w, r, p, err); ok {
		return s.renderMembers(w, r, p, status, text, p.invitation(typed, role, nil))
	}
	if err != nil {
		return err
	}
	if invalid != nil {
		return s.renderMembers(
			w, r, p, http.StatusUnprocessableEntity, "", p.invitation(typed, role, invalid))
	}
	return web.SeeOther(w, "/organiser/members?done=invited")
}

func (s *site) setRole(w http.ResponseWriter, r *http.Request, p *page) error {
	role := deltag.Role(r.PostForm.Get("role"))
	err := s.Accounts.SetRole(r.Context(), p.Principal, r.PathValue("id"), role, p.now)
	return s.answerMemberChange(w, r, p, err, "role-changed")
}

func (s *site) removeMember(w http.ResponseWriter, r *http.Request, p *page) error {
	err := s.Accounts.Remove(r.Context(), p.Principal, r.PathValue("id"), p.now)
	return s.answerMemberChange(w, r, p, err, "removed")
}

// answerMemberChange shows the list again with what is wrong, or says what was done.
func (s *site) answerMemberChange(w http.ResponseWriter, r *http.Request, p *page, err error, done string) error {
	invalid, err := fieldErrors(err)
	if err != nil {
		return err
	}
	if invalid == nil && r.PathValue("id") == p.Principal.MemberID {
		return web.SeeOther(w, "/organiser") // who may not see this page any more
	}
	if invalid == nil {
		return web.SeeOther(w, "/organiser/members?done="+done)
	}
	p.Notice = ""
	return s.renderMembers(
		w, r, p, http.StatusUnprocessableEntity, p.FieldError(invalid[0]), p.invitation("", "", nil))
}
