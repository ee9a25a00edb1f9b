package web

import (
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// A Form is what the templates need of one.
type Form struct {
	*i18n.Catalog
	Action   string
	Submit   string
	Error    string         // what went wrong on our side
	Errors   []FieldMessage // shown above the form, each with a link to its field, and once more at the field
	Fields   []Field
	Honeypot bool
	Embedded bool // in another site's page
}

// A FieldMessage says what is wrong with a field.
type FieldMessage struct {
	ID, Label     string // no Label if Text says which field is meant
	LabelLanguage deltag.Language
	Text          string
}

// A Field of a form. Its name is its id too.
type Field struct {
	Name, Label, Requirement, Hint, Error string
	LabelLanguage                         deltag.Language // of the label and the options; "" if it is the page's
	Kind                                  string          // text, email, long, choice, multiple or checkbox
	Autocomplete                          string
	Required                              bool
	Value                                 string
	Options                               []Option
}

// An Option of a field: one of a choice, or the one box to tick.
type Option struct {
	ID, Value string
	Label     string // "": the value
	Selected  bool
}

// Describes are the ids of the texts about the field, for aria-describedby.
func (f Field) Describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+".hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+".fault")
	}
	return strings.Join(ids, " ")
}

// NewForm completes the fields with whether they are required, in words, and with what is invalid.
func (p *Page) NewForm(fields []Field, invalid deltag.ValidationErrors) *Form {
	f := &Form{Catalog: p.Catalog, Fields: fields}
	for i := range fields {
		fd := &fields[i]
		switch {
		case fd.Required:
			fd.Requirement = p.Text("form.required")
		case fd.Kind != "checkbox":
			fd.Requirement = p.Text("form.optional")
		}
		if wrong := invalid.ForField(fd.Name); wrong != nil {
			fd.Error = FieldErrorText(p.Catalog, *wrong, fd.Kind)
			f.Errors = append(f.Errors, newFieldMessage(p.Catalog, *fd, *wrong))
		}
	}
	p.HasErrors = len(f.Errors) > 0
	return f
}

// newFieldMessage is what is said above the form. It names the field unless the words do: those made for the field, and
// all about an address.
func newFieldMessage(words *i18n.Catalog, fd Field, wrong deltag.FieldError) FieldMessage {
	m := FieldMessage{ID: fd.Name, Text: fd.Error}
	if fd.Name != "email" && !words.Has("error."+fd.Name+"."+wrong.Code) {
		m.Label, m.LabelLanguage = fd.Label, fd.LabelLanguage
	}
	return m
}

// FieldErrorText prefers words made for the field, or for its kind, to those for the code alone.
func FieldErrorText(words *i18n.Catalog, f deltag.FieldError, kind string) string {
	for _, about := range []string{f.Field, kind} {
		if key := "error." + about + "." + f.Code; words.Has(key) {
			return words.Text(key, "limit", f.Limit, "value", f.Value)
		}
	}
	return words.FieldError(f)
}
