package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An attendeeView is the page of one person at one event.
type attendeeView struct {
	organiser.AttendeeDetails
	Path          string    // its actions are below it
	Form          *web.Form // nil: the reader changes nothing
	Answers       []answerView
	Mails         []attendeeMail
	Fault         string                   // why a change was refused
	AddressHolder deltag.AddressTakenError // who has the address that was entered
	EraseFault    string                   // the confirmation that erasing needs is missing
}

// An answerView is a question with the answer to it. Question is the id of one that is not asked any more.
type answerView struct{ Question, Answer string }

func attendeePath(eventID, id string) string {
	return eventPath(eventID) + "/attendees/" + url.PathEscape(id)
}

// PathOf is the page of another person at the event.
func (v attendeeView) PathOf(id string) string { return attendeePath(v.Event.ID, id) }

// MayCancel says whether there is a seat or a place to take back, or a sign-up to remove that nobody has verified.
func (v attendeeView) MayCancel() bool { return v.Registration.Status != deltag.RegistrationCancelled }

// MayGetSeat says whether to offer a seat. Who waits gets the next that is free by itself.
func (v attendeeView) MayGetSeat() bool {
	s := v.Registration.Status
	return s == deltag.RegistrationCancelled || s == deltag.RegistrationUnverified
}

func (s *site) attendee(w http.ResponseWriter, r *http.Request, p *page) error {
	v, err := s.newAttendeeView(r, p)
	if err != nil {
		return err
	}
	return p.render(w, http.StatusOK, "attendee", v)
}

func (s *site) newAttendeeView(r *http.Request, p *page) (attendeeView, error) {
	details, err := s.Organiser.AttendeeDetails(r.Context(), p.caller(), r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return attendeeView{}, err
	}
	e, reg := details.Event, details.Registration
	v := attendeeView{
		AttendeeDetails: details, Path: attendeePath(e.ID, reg.ID),
		Answers: answersOf(e, reg, !p.Principal.MayEdit()), Mails: p.attendeeMails(details),
	}
	p.Title, p.Path, p.Event = reg.Name, v.Path, &e
	if p.Principal.MayEdit() {
		v.Form = p.correctionForm(v, detailsOf(reg), nil)
	}
	return v, nil
}

func (p *page) correctionForm(
	v attendeeView, typed deltag.SignUpRequest, invalid deltag.ValidationErrors,
) *web.Form {
	e := web.WithAnsweredOptions(v.Event, v.Registration)
	for i := range e.Questions {
		if len(v.Registration.Answers[e.Questions[i].ID]) == 0 {
			e.Questions[i].Required = false // it may be newer than the registration
		}
	}
	form := p.attendeeForm(e, typed, invalid, v.Path, p.Text("form.save"))
	if v.Registration.AsksForNews {
		for i := range form.Fields {
			if form.Fields[i].Name == "updates" {
				form.Fields[i].Hint = p.Text("console.attendee.updates.asked")
			}
		}
	}
	return form
}

// answersOf are the answers to questions that are not asked any more, and to the others too if all is set.
func answersOf(e deltag.Event, r deltag.Registration, all bool) (answers []answerView) {
	var retired []answerView
	for id, given := range r.Answers {
		if _, asked := e.Question(id); !asked {
			retired = append(retired, answerView{id, strings.Join(given, ", ")})
		}
	}
	slices.SortFunc(retired, func(a, b answerView) int { return strings.Compare(a.Question, b.Question) })
	if !all {
		return retired
	}
	for _, q := range e.Questions {
		if given := r.Answers[q.ID]; len(given) > 0 {
			answers = append(answers, answerView{q.Label, strings.Join(given, ", ")})
		}
	}
	return append(answers, retired...)
}

// correctAttendee stores what was corrected. With another address the registration gets another page.
func (s *site) correctAttendee(w http.ResponseWriter, r *http.Request, p *page) error {
	e, reg, err := s.Organiser.Registration(r.Context(), p.caller(), r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return err
	}
	_, saved, err := s.Organiser.EditRegistration(r.Context(), p.caller(), e.ID, reg.ID, correction(r.PostForm, e, reg))
	if err == nil {
		return web.SeeOther(w, attendeePath(e.ID, saved.ID)+"?done=attendee-saved")
	}
	v, viewErr := s.newAttendeeView(r, p)
	if viewErr != nil {
		return errors.Join(err, viewErr)
	}
	typed := web.ReadSignUpForm(r.PostForm, web.WithAnsweredOptions(e, reg), reg.Language)
	if errors.As(err, &v.AddressHolder) {
		err = deltag.ValidationErrors{v.AddressHolder.FieldError()}
	}
	invalid, err := fieldErrors(err)
	v.Form = p.correctionForm(v, typed, invalid)
	if err != nil {
		return s.renderAttendeeFault(w, r, p, v, err)
	}
	return p.render(w, http.StatusUnprocessableEntity, "attendee", v)
}

// renderAttendeeFault says above the page why a change was refused, if there are words for that.
func (s *site) renderAttendeeFault(w http.ResponseWriter, r *http.Request, p *page, v attendeeView, err error) error {
	if v.Fault = p.attendeeFault(err); v.Fault == "" {
		return err
	}
	answer := web.BeginError(w, r, s.Log, err)
	p.HasErrors = true
	return p.render(w, answer.Status, "attendee", v)
}

// answerAttendeeChange goes on to the person's page, or shows it with what is wrong.
func (s *site) answerAttendeeChange(w http.ResponseWriter, r *http.Request, p *page, done string, err error) error {
	if err == nil {
		return web.SeeOther(w, attendeePath(r.PathValue("id"), r.PathValue("rid"))+"?done="+done)
	}
	if p.attendeeFault(err) == "" {
		return err
	}
	v, viewErr := s.newAttendeeView(r, p)
	if viewErr != nil {
		return errors.Join(err, viewErr)
	}
	return s.renderAttendeeFault(w, r, p, v, err)
}

// cancelAttendee takes a seat or a waitlist place back. An unverified registration is gone then, and so is its page.
func (s *site) cancelAttendee(w http.ResponseWriter, r *http.Request, p *page) error {
	id, rid := r.PathValue("id"), r.PathValue("rid")
	_, before, err := s.Organiser.Registration(r.Context(), p.caller(), id, rid)
	if err == nil {
		cancelled := deltag.RegistrationCancelled
		_, _, err = s.Organiser.EditRegistration(
			r.Context(), p.caller(), id, rid, organiser.RegistrationEdit{Status: &cancelled})
	}
	if err == nil && before.Status == deltag.RegistrationUnverified {
		return web.SeeOther(w, eventPath(id)+"/attendees?done=attendee-erased")
	}
	return s.answerAttendeeChange(w, r, p, "attendee-cancelled", err)
}

func (s *site) giveSeat(w http.ResponseWriter, r *http.Request, p *page) error {
	reg, err := s.Organiser.GiveSeat(r.Context(), p.caller(), r.PathValue("id"), r.PathValue("rid"))
	done := "attendee-added"
	if reg.Status == deltag.RegistrationWaitlisted {
		done = "attendee-waiting"
	}
	return s.answerAttendeeChange(w, r, p, done, err)
}

func (s *site) noteAttended(w http.ResponseWriter, r *http.Request, p *page) error {
	attended, done := false, "attendee-missed"
	switch r.PostForm.Get("attended") {
	case "yes":
		attended, done = true, "attendee-attended"
	case "no":
	default:
		return web.ErrBadRequest
	}
	err := s.Organiser.NoteAttended(r.Context(), p.caller(), r.PathValue("id"), r.PathValue("rid"), attended)
	return s.answerAttendeeChange(w, r, p, done, err)
}

// eraseAttendee needs a tick besides the button, for it can't be undone.
func (s *site) eraseAttendee(w http.ResponseWriter, r *http.Request, p *page) error {
	if r.PostForm.Get("confirm") != deltag.CheckedValue {
		v, err := s.newAttendeeView(r, p)
		if err != nil {
			return err
		}
		v.EraseFault, p.HasErrors = p.Text("console.attendee.erase.missing"), true
		return p.render(w, http.StatusUnprocessableEntity, "attendee", v)
	}
	err := s.Organiser.EraseRegistration(r.Context(), p.caller(), r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return s.answerAttendeeChange(w, r, p, "", err)
	}
	return web.SeeOther(w, eventPath(r.PathValue("id"))+"/attendees?done=attendee-erased")
}

// resendMail sends a mail once more. One that is on its way is not sent twice.
func (s *site) resendMail(w http.ResponseWriter, r *http.Request, p *page) error {
	k, err := deltag.ParseDeliveryID(r.PathValue("id"), r.PathValue("did"))
	if err == nil && k.RegistrationID != r.PathValue("rid") {
		err = deltag.ErrNotFound
	}
	if err == nil {
		err = s.Organiser.ResendDelivery(r.Context(), p.caller(), k.EventID, k.ID())
	}
	if errors.Is(err, deltag.ErrConflict) {
		return s.answerAttendeeChange(w, r, p, "mail-on-its-way", nil)
	}
	return s.answerAttendeeChange(w, r, p, "mail-resent", err)
}
