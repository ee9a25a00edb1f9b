package visitor

import (
	"slices"
	"strconv"
	"strings"

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
	for _, q := range e.Questions {
		f := questionField(q, typed.Answers[q.ID])
		if e.Language != p.Language {
			f.LabelLanguage = e.Language
		}
		fields = append(fields, f)
	}
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

func questionField(q deltag.Question, given []string) web.Field {
	f := web.Field{Name: "answers." + q.ID, Label: q.Label, Kind: "text", Required: q.Required,
		Value: strings.Join(given, ", ")}
	options := q.Options
	switch q.Kind {
	case deltag.QuestionLongText:
		f.Kind = "long"
	case deltag.QuestionChoice, deltag.QuestionMultipleChoice:
		f.Kind = string(q.Kind)
	case deltag.QuestionCheckbox:
		f.Kind, options = "checkbox", []string{deltag.CheckedValue}
	}
	for i, o := range options {
		id := f.Name // of the first option, so that links to the field find it
		if i > 0 {
			id += "." + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, web.Option{ID: id, Value: o, Selected: slices.Contains(given, o)})
	}
	return f
}
