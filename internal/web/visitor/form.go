package visitor

import (
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// signUpForm is the form of e, filled with what was typed. It serves the first sign-up and later changes.
func (p *page) signUpForm(e deltag.Event, typed deltag.SignUpRequest, invalid deltag.ValidationErrors) *web.Form {
	fields := []web.Field{
		{Name: "name", Label: p.Text("form.name"), Kind: "text", Autocomplete: "name", Required: true, Value: typed.Name},
		p.emailField(typed.Email.Original, p.Text("form.email.hint")),
		{Name: "organisation", Label: p.Text("form.organisation"), Kind: "text", Autocomplete: "organization",
			Value: typed.Organisation},
		{Name: "role", Label: p.Text("form.role"), Kind: "text", Autocomplete: "organization-title", Value: typed.JobTitle},
	}
	fields = append(fields, p.QuestionFields(e, typed.Answers)...)
	fields = append(fields, web.Field{
		Name: "updates", Label: p.Text("form.updates", "organiser", e.Organiser.Name), Kind: "checkbox",
		Hint:    p.Text("form.updates.hint", "organiser", e.Organiser.Name),
		Options: []web.Option{{ID: "updates", Value: deltag.CheckedValue, Selected: typed.AllowsNews}},
	})
	return p.NewForm(fields, invalid)
}

func (p *page) emailField(typed, hint string) web.Field {
	return web.Field{
		Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "email", Required: true, Value: typed,
		Hint: hint,
	}
}
