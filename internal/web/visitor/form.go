package visitor

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// maxBody is far above the largest honest form: twenty long answers of a few lines each.
const maxBody = 64 << 10

// honeypotField is a field that people never see. What fills it in is a program.
const honeypotField = "homepage"

// readBody reads a body of the given media type.
func readBody(w http.ResponseWriter, r *http.Request, want string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, errMalformed
	case len(body) == 0 && r.Header.Get("Content-Type") == "":
		return nil, nil // a bare button
	}
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return nil, errMediaType
	}
	if !utf8.Valid(body) {
		return nil, errMalformed
	}
	return body, nil
}

// readForm leaves the posted form in r.PostForm.
func readForm(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, "application/x-www-form-urlencoded")
	if err != nil {
		return err
	}
	r.PostForm, err = parseForm(string(body))
	return err
}

func parseForm(body string) (url.Values, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errMalformed
	}
	for name, vs := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(vs, func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, errMalformed
		}
	}
	return values, nil
}

// A signUpInput is what a visitor sent in, before it is judged.
type signUpInput struct {
	deltag.SignUpRequest
	email string // as typed
}

// truthy is what a ticked box may send. Anything else is no consent.
var truthy = []string{deltag.CheckedValue, "on", "true", "1"}

// readSignUpForm reads a form. Fields that the event does not ask for are passed over: a question may
// have been removed while somebody was writing.
func readSignUpForm(v url.Values, e deltag.Event, l deltag.Language) signUpInput {
	n := signUpInput{email: v.Get("email"), SignUpRequest: deltag.SignUpRequest{
		Name: v.Get("name"), Organisation: v.Get("organisation"), Role: v.Get("role"),
		Updates: slices.Contains(truthy, v.Get("updates")), Language: l, Answers: map[string][]string{},
	}}
	for _, q := range e.Questions {
		if given := v["answers."+q.ID]; len(given) > 0 {
			n.Answers[q.ID] = readAnswer(q, given)
		}
	}
	return n
}

func readAnswer(q deltag.Question, given []string) []string {
	given = slices.Clone(given)
	for i, v := range given {
		switch {
		case q.Kind == deltag.QuestionLongText:
			given[i] = strings.ReplaceAll(v, "\r\n", "\n") // what browsers make of line ends
		case q.Kind == deltag.QuestionCheckbox && v == "on":
			given[i] = deltag.CheckedValue // a box without a value, on somebody else's page
		}
	}
	return given
}

// validate returns the sign-up and everything that is to be mended, in the order of the form.
func (n signUpInput) validate(e deltag.Event) (deltag.SignUpRequest, deltag.ValidationErrors) {
	s := n.SignUpRequest.Normalize()
	var faults, email deltag.ValidationErrors
	a, err := address.Parse(n.email)
	errors.As(err, &email)
	s.Email = a
	errors.As(s.Validate(e), &faults)
	after := 0
	if faults.ForField("name") != nil {
		after = 1
	}
	return s, slices.Insert(faults, after, email...)
}

// A form is what the templates need of one.
type form struct {
	*i18n.Catalog
	Action   string
	Submit   string
	Error    string // what went wrong on our side
	Errors   []fieldMessage
	Fields   []field
	Honeypot bool
	Frame    bool // in another site's page
}

// A fieldMessage is said twice: above the form, with a link to the field, and at the field.
type fieldMessage struct{ ID, Text string }

// A field of a form. Its name is its id too.
type field struct {
	Name, Label, Requirement, Hint, Error string
	Kind                                  string // text, email, long, choice, multiple or tick
	Autocomplete                          string
	Required                              bool
	Value                                 string
	Options                               []option
}

type option struct {
	ID, Value string
	Selected  bool
}

// Describes are the ids of what is said about the field.
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

// signUpForm is the form of e filled with n. It serves the first sign-up and later changes.
func (p *page) signUpForm(e deltag.Event, n signUpInput, faults deltag.ValidationErrors) *form {
	f := &form{Catalog: p.Catalog}
	f.Fields = []field{
		{Name: "name", Label: p.Text("form.name"), Kind: "text", Autocomplete: "name", Required: true, Value: n.Name},
		{Name: "email", Label: p.Text("form.email"), Hint: p.Text("form.email.hint"), Kind: "email", Autocomplete: "email", Required: true, Value: n.email},
		{Name: "organisation", Label: p.Text("form.organisation"), Kind: "text", Autocomplete: "organization", Value: n.Organisation},
		{Name: "role", Label: p.Text("form.role"), Kind: "text", Autocomplete: "organization-title", Value: n.Role},
	}
	for _, q := range e.Questions {
		f.Fields = append(f.Fields, questionField(q, n.Answers[q.ID]))
	}
	f.Fields = append(f.Fields, field{Name: "updates", Kind: "checkbox", Label: p.Text("form.updates", "organiser", e.Organiser.Name),
		Hint: p.Text("form.updates.hint"), Options: []option{{ID: "updates", Value: deltag.CheckedValue, Selected: n.Updates}}})
	p.annotate(f, faults)
	return f
}

func questionField(q deltag.Question, given []string) field {
	f := field{Name: "answers." + q.ID, Label: q.Label, Required: q.Required, Kind: "text", Value: strings.Join(given, ", ")}
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
		id := f.Name // the first answers to the field's own name: that's where links to the field lead
		if i > 0 {
			id += "." + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, option{ID: id, Value: o, Selected: slices.Contains(given, o)})
	}
	return f
}

// annotate completes f's fields: whether they are required, in words, and what is wrong with them.
func (p *page) annotate(f *form, faults deltag.ValidationErrors) {
	for i := range f.Fields {
		fd := &f.Fields[i]
		switch {
		case fd.Required:
			fd.Requirement = p.Text("form.required")
		case fd.Kind != "checkbox":
			fd.Requirement = p.Text("form.optional")
		}
		if wrong := faults.ForField(fd.Name); wrong != nil {
			fd.Error = p.errorText(*wrong, fd.Kind)
			f.Errors = append(f.Errors, fieldMessage{ID: fd.Name, Text: p.summaryText(*fd)})
		}
	}
	p.HasErrors = len(f.Errors) > 0
}

// summaryText names the organiser's own questions, whose faults alone would not say which is meant.
func (p *page) summaryText(fd field) string {
	if !strings.HasPrefix(fd.Name, "answers.") {
		return fd.Error
	}
	return p.Text("form.error-of", "label", fd.Label, "fault", fd.Error)
}

// errorText prefers words made for the field, or for its kind, to those for the fault alone.
func (p *page) errorText(f deltag.FieldError, kind string) string {
	for _, about := range []string{f.Field, kind} {
		if key := "error." + about + "." + f.Code; p.Has(key) {
			return p.Text(key, "limit", f.Limit)
		}
	}
	return p.FieldError(f)
}
