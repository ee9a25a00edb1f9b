package visitor

import (
	"slices"
	"strconv"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// A form is what the templates need of one.
type form struct {
	*i18n.Catalog
	Action   string
	Submit   string
	Error    string         // what went wrong on our side
	Errors   []fieldMessage // shown above the form, each with a link to its field, and once more at the field
	Fields   []field
	Honeypot bool
	Embedded bool // in another site's page
}

type fieldMessage struct {
	ID, Label     string // no Label if Text says which field is meant
	LabelLanguage deltag.Language
	Text          string
}

// A field of a form. Its name is its id too.
type field struct {
	Name, Label, Requirement, Hint, Error string
	LabelLanguage                         deltag.Language // of the label and the options; "" if it is the page's
	Kind                                  string          // text, email, long, choice, multiple or checkbox
	Autocomplete                          string
	Required                              bool
	Value                                 string
	Options                               []option
}

type option struct {
	ID, Value string
	Selected  bool
}

// Describes are the ids of the texts about the field, for aria-describedby.
func (f field) Describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+".hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+".fault")
	}
	return strings.Join(ids, " ")
}

// signUpForm is the form of e, filled with what was typed. It serves the first sign-up and later changes.
func (p *page) signUpForm(e deltag.Event, typed deltag.SignUpRequest, invalid deltag.ValidationErrors) *form {
	fields := []field{
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
	fields = append(fields, field{
		Name: "updates", Label: p.Text("form.updates", "organiser", e.Organiser.Name), Kind: "checkbox",
		Hint:    p.Text("form.updates.hint", "organiser", e.Organiser.Name),
		Options: []option{{ID: "updates", Value: deltag.CheckedValue, Selected: typed.AllowsNews}},
	})
	return p.newForm(fields, invalid)
}

func (p *page) emailField(typed, hint string) field {
	return field{
		Name: "email", Label: p.Text("form.email"), Kind: "email", Autocomplete: "email", Required: true, Value: typed,
		Hint: hint,
	}
}

func questionField(q deltag.Question, given []string) field {
	f := field{Name: "answers." + q.ID, Label: q.Label, Kind: "text", Required: q.Required,
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
		f.Options = append(f.Options, option{ID: id, Value: o, Selected: slices.Contains(given, o)})
	}
	return f
}

// newForm completes the fields with whether they are required, in words, and with what is invalid.
func (p *page) newForm(fields []field, invalid deltag.ValidationErrors) *form {
	f := &form{Catalog: p.Catalog, Fields: fields}
	for i := range fields {
		fd := &fields[i]
		switch {
		case fd.Required:
			fd.Requirement = p.Text("form.required")
		case fd.Kind != "checkbox":
			fd.Requirement = p.Text("form.optional")
		}
		if wrong := invalid.ForField(fd.Name); wrong != nil {
			fd.Error = fieldErrorText(p.Catalog, *wrong, fd.Kind)
			f.Errors = append(f.Errors, newFieldMessage(p.Catalog, *fd, *wrong))
		}
	}
	p.HasErrors = len(f.Errors) > 0
	return f
}

// newFieldMessage is what is said above the form. It names the field unless the words do: those made for the field, and
// all about an address.
func newFieldMessage(words *i18n.Catalog, fd field, wrong deltag.FieldError) fieldMessage {
	m := fieldMessage{ID: fd.Name, Text: fd.Error}
	if fd.Name != "email" && !words.Has("error."+fd.Name+"."+wrong.Code) {
		m.Label, m.LabelLanguage = fd.Label, fd.LabelLanguage
	}
	return m
}

// fieldErrorText prefers words made for the field, or for its kind, to those for the code alone.
func fieldErrorText(words *i18n.Catalog, f deltag.FieldError, kind string) string {
	for _, about := range []string{f.Field, kind} {
		if key := "error." + about + "." + f.Code; words.Has(key) {
			return words.Text(key, "limit", f.Limit)
		}
	}
	return words.FieldError(f)
}
