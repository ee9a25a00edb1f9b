package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An attendeeFormView is the page to add somebody by hand.
type attendeeFormView struct {
	Event deltag.Event
	Path  string // of the list
	Form  *web.Form
}

// attendeeForm has the fields of the visitor's form, in the words of one who fills it in for somebody else.
func (p *page) attendeeForm(
	e deltag.Event, typed deltag.SignUpRequest, invalid deltag.ValidationErrors, action, submit string,
) *web.Form {
	fields := []web.Field{
		{Name: "name", Label: p.Text("form.name"), Kind: "text", Required: true, Value: typed.Name},
		{Name: "email", Label: p.Text("form.email"), Kind: "email", Required: true, Value: typed.Email.Original},
		{Name: "organisation", Label: p.Text("form.organisation"), Kind: "text", Value: typed.Organisation},
		{Name: "role", Label: p.Text("form.role"), Kind: "text", Value: typed.JobTitle},
	}
	fields = append(fields, p.QuestionFields(e, typed.Answers)...)
	fields = append(fields, web.Field{
		Name: "updates", Label: p.Text("console.attendee.updates"), Kind: "checkbox",
		Hint:    p.Text("console.attendee.updates.hint"),
		Options: []web.Option{{ID: "updates", Value: deltag.CheckedValue, Selected: typed.AllowsNews}},
	})
	for i := range fields {
		fields[i].Autocomplete = "off" // the browser knows the organiser
	}
	f := p.NewForm(fields, invalid)
	f.Action, f.Submit = action, submit
	return f
}

// newAttendee is the page to add somebody by hand.
func (s *site) newAttendee(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.renderNewAttendee(w, r, p, http.StatusOK, nil, nil, "")
}

// renderNewAttendee shows the form, with what was typed unless form is nil.
func (s *site) renderNewAttendee(
	w http.ResponseWriter, r *http.Request, p *page, status int,
	form url.Values, invalid deltag.ValidationErrors, failure string,
) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	path := eventPath(e.ID) + "/attendees"
	typed := web.ReadSignUpForm(form, e, e.Language)
	v := attendeeFormView{
		Event: e, Path: path, Form: p.attendeeForm(e, typed, invalid, path, p.Text("console.attendee.add")),
	}
	v.Form.Error = failure
	p.Title, p.Path, p.Event = p.Text("console.attendee.new.title"), path+"/new", &e
	p.HasErrors = p.HasErrors || failure != ""
	return p.render(w, status, "attendee-new", v)
}

// addAttendee signs somebody up. Somebody who is signed up already stays as they are.
func (s *site) addAttendee(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	typed := web.ReadSignUpForm(r.PostForm, e, e.Language)
	_, added, err := s.Organiser.AddRegistration(r.Context(), p.caller(), e.ID, typed)
	if err != nil {
		return s.answerFaultyAttendee(w, r, p, err)
	}
	done := "attendee-known"
	switch {
	case added.ConfirmedAt.Equal(p.now):
		done = "attendee-added"
	case added.WaitlistedAt.Equal(p.now):
		done = "attendee-waiting"
	}
	return web.SeeOther(w, attendeePath(e.ID, added.ID)+"?done="+done)
}

// answerFaultyAttendee shows the form again, with what was typed and what is wrong, if sending it again can help.
func (s *site) answerFaultyAttendee(w http.ResponseWriter, r *http.Request, p *page, err error) error {
	invalid, err := fieldErrors(err)
	if err == nil {
		return s.renderNewAttendee(w, r, p, http.StatusUnprocessableEntity, r.PostForm, invalid, "")
	}
	text := p.attendeeFault(err)
	if text == "" {
		return err
	}
	answer := web.BeginError(w, r, s.Log, err)
	return s.renderNewAttendee(w, r, p, answer.Status, r.PostForm, nil, text)
}

// attendeeFault says why a change was refused, "" if there are no words for that.
func (p *page) attendeeFault(err error) string {
	for known, key := range map[error]string{
		deltag.ErrFull: "full", deltag.ErrClosed: "closed", deltag.ErrConflict: "conflict",
	} {
		if errors.Is(err, known) {
			return p.Text("console.attendee.error." + key)
		}
	}
	if errors.Is(err, deltag.ErrUnavailable) {
		return p.Text("console.error.unavailable.text")
	}
	return ""
}

// correction is what a form changes about a registration. Answers that stay are left out: a question may have lost the
// answer since.
func correction(form url.Values, e deltag.Event, r deltag.Registration) organiser.RegistrationEdit {
	typed := web.ReadSignUpForm(form, web.WithAnsweredOptions(e, r), r.Language).Normalize()
	answers := map[string][]string{}
	for _, q := range e.Questions {
		if given := typed.Answers[q.ID]; !slices.Equal(given, r.Answers[q.ID]) {
			answers[q.ID] = given
		}
	}
	edit := organiser.RegistrationEdit{
		Name: &typed.Name, Email: &typed.Email.Original, Organisation: &typed.Organisation, JobTitle: &typed.JobTitle,
		AllowsNews: &typed.AllowsNews,
	}
	if len(answers) > 0 {
		edit.Answers = answers
	}
	return edit
}

func detailsOf(r deltag.Registration) deltag.SignUpRequest {
	return deltag.SignUpRequest{
		Name: r.Name, Email: r.Email, Organisation: r.Organisation, JobTitle: r.JobTitle, Answers: r.Answers,
		AllowsNews: r.AllowsNews,
	}
}
