package site

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
	"deltag/internal/language"
)

// maxBody is far above the largest honest form: twenty long answers of a few lines each.
const maxBody = 64 << 10

// trap is a field that people never see. What fills it in is a program.
const trap = "homepage"

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

// An entry is what a visitor sent in, before it is judged.
type entry struct {
	deltag.SignUp
	email string // as typed
}

// agreed is what a ticked box may send. Anything else is no consent.
var agreed = []string{deltag.TickedValue, "on", "true", "1"}

// readEntry reads a form. Fields that the event does not ask for are passed over: a question may
// have been removed while somebody was writing.
func readEntry(v url.Values, e deltag.Event, l deltag.Language) entry {
	n := entry{email: v.Get("email"), SignUp: deltag.SignUp{
		Name: v.Get("name"), Organisation: v.Get("organisation"), Role: v.Get("role"),
		Updates: slices.Contains(agreed, v.Get("updates")), Language: l, Answers: map[string][]string{},
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
		case q.Kind == deltag.LongText:
			given[i] = strings.ReplaceAll(v, "\r\n", "\n") // what browsers make of line ends
		case q.Kind == deltag.TickBox && v == "on":
			given[i] = deltag.TickedValue // a box without a value, on somebody else's page
		}
	}
	return given
}

// judge returns the sign-up and everything that is to be mended, in the order of the form.
func (n entry) judge(e deltag.Event) (deltag.SignUp, deltag.Faults) {
	s := n.SignUp.Tidy()
	var faults, email deltag.Faults
	a, err := address.Parse(n.email)
	errors.As(err, &email)
	s.Email = a
	errors.As(s.Validate(e), &faults)
	after := 0
	if faults.On("name") != nil {
		after = 1
	}
	return s, slices.Insert(faults, after, email...)
}

// A form is what the templates need of one.
type form struct {
	*language.Words
	Action string
	Submit string
	Sorry  string // what went wrong on our side
	Faults []fault
	Fields []field
	Trap   bool
	Frame  bool // in another site's page
}

// A fault is said twice: above the form, with a link to the field, and at the field.
type fault struct{ ID, Text string }

// A field of a form. Its name is its id too.
type field struct {
	Name, Label, Note, Hint, Fault string
	Kind                           string // text, email, long, choice, multiple or tick
	Autocomplete                   string
	Required                       bool
	Value                          string
	Options                        []option
}

type option struct {
	ID, Value string
	Chosen    bool
}

// Describes are the ids of what is said about the field.
func (f field) Describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+".hint")
	}
	if f.Fault != "" {
		ids = append(ids, f.Name+".fault")
	}
	return strings.Join(ids, " ")
}

// signUpForm is the form of e filled with n. It serves the first sign-up and later changes.
func (p *page) signUpForm(e deltag.Event, n entry, faults deltag.Faults) *form {
	f := &form{Words: p.Words}
	f.Fields = []field{
		{Name: "name", Label: p.Say("form.name"), Kind: "text", Autocomplete: "name", Required: true, Value: n.Name},
		{Name: "email", Label: p.Say("form.email"), Hint: p.Say("form.email.hint"), Kind: "email", Autocomplete: "email", Required: true, Value: n.email},
		{Name: "organisation", Label: p.Say("form.organisation"), Kind: "text", Autocomplete: "organization", Value: n.Organisation},
		{Name: "role", Label: p.Say("form.role"), Kind: "text", Autocomplete: "organization-title", Value: n.Role},
	}
	for _, q := range e.Questions {
		f.Fields = append(f.Fields, questionField(q, n.Answers[q.ID]))
	}
	f.Fields = append(f.Fields, field{Name: "updates", Kind: "tick", Label: p.Say("form.updates", "organiser", e.Organiser.Name),
		Hint: p.Say("form.updates.hint"), Options: []option{{ID: "updates", Value: deltag.TickedValue, Chosen: n.Updates}}})
	p.judged(f, faults)
	return f
}

func questionField(q deltag.Question, given []string) field {
	f := field{Name: "answers." + q.ID, Label: q.Label, Required: q.Required, Kind: "text", Value: strings.Join(given, ", ")}
	options := q.Options
	switch q.Kind {
	case deltag.LongText:
		f.Kind = "long"
	case deltag.Choice, deltag.MultipleChoice:
		f.Kind = string(q.Kind)
	case deltag.TickBox:
		f.Kind, options = "tick", []string{deltag.TickedValue}
	}
	for i, o := range options {
		id := f.Name // the first answers to the field's own name: that's where links to the field lead
		if i > 0 {
			id += "." + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, option{ID: id, Value: o, Chosen: slices.Contains(given, o)})
	}
	return f
}

// judged completes f's fields: whether they are required, in words, and what is wrong with them.
func (p *page) judged(f *form, faults deltag.Faults) {
	for i := range f.Fields {
		fd := &f.Fields[i]
		switch {
		case fd.Required:
			fd.Note = p.Say("form.required")
		case fd.Kind != "tick":
			fd.Note = p.Say("form.optional")
		}
		if wrong := faults.On(fd.Name); wrong != nil {
			fd.Fault = p.faultText(*wrong, fd.Kind)
			f.Faults = append(f.Faults, fault{ID: fd.Name, Text: p.inSummary(*fd)})
		}
	}
	p.Faulty = len(f.Faults) > 0
}

// inSummary names the organiser's own questions, whose faults alone would not say which is meant.
func (p *page) inSummary(fd field) string {
	if !strings.HasPrefix(fd.Name, "answers.") {
		return fd.Fault
	}
	return p.Say("form.fault-of", "label", fd.Label, "fault", fd.Fault)
}

// faultText prefers words made for the field, or for its kind, to those for the fault alone.
func (p *page) faultText(f deltag.Fault, kind string) string {
	for _, about := range []string{f.Field, kind} {
		if key := "fault." + about + "." + f.Code; p.Has(key) {
			return p.Say(key, "limit", f.Limit)
		}
	}
	return p.Fault(f)
}
