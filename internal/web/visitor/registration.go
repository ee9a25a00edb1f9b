package visitor

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"deltag/internal/deltag"
)

// A registrationView is the page of one's own registration.
type registrationView struct {
	Registration deltag.Registration
	Status       string // confirmed, waiting, cancelled; off or over with the event
	Place        int    // in line; 0 when not known
	Flash        string // what the last press on a button did
	Error        string // what it could not do
	Form         *form
	CanRejoin    bool   // may take a seat again
	Base         string // of this page's actions
	Join         string
	Confirm      *fieldMessage // the tick that erasing needs is missing
}

// Active says whether there is a place, or one in line, to give up.
func (v registrationView) Active() bool { return v.Status == "confirmed" || v.Status == "waiting" }

func (s *site) registration(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.loadByToken(r, deltag.PurposeManage)
	if err != nil {
		return err
	}
	p := s.personalPage(r, e, reg)
	v := s.newRegistrationView(r, p, e, reg)
	v.Flash = p.flashText(r.URL.Query().Get("done"), reg)
	return s.render(w, http.StatusOK, "registration", p.with(v))
}

func (p *page) with(body any) *page {
	p.Body = body
	return p
}

// newRegistrationView gathers the page as the registration stands.
func (s *site) newRegistrationView(r *http.Request, p *page, e deltag.Event, reg deltag.Registration) registrationView {
	v := registrationView{Registration: reg, Status: displayStatus(p, e, reg), Base: "/r/" + r.PathValue("token")}
	p.Path = v.Base
	switch v.Status {
	case "confirmed":
		v.Join = "/join/" + reg.Link(deltag.PurposeJoin)
	case "waiting":
		place, err := s.Store.WaitlistPosition(r.Context(), reg)
		if err != nil {
			s.Log.WarnContext(r.Context(), "place in line", "event", e.ID, "error", err) // the page does without
		}
		v.Place = place
	case "cancelled":
		v.CanRejoin = e.SignUpStateAt(p.now) == deltag.SignUpOpen
	}
	if v.Active() {
		v.Form = p.changeForm(v.Base, e, inputFrom(reg), reg, nil)
	}
	return v
}

func displayStatus(p *page, e deltag.Event, reg deltag.Registration) string {
	switch {
	case e.Status == deltag.EventCancelled:
		return "event-cancelled"
	case !p.now.Before(e.EndsAt):
		return "over"
	}
	return string(reg.Status)
}

// flashText is what to say of what was just done. The address bar can be made to say anything, so it is
// said only where it agrees with how things stand.
func (p *page) flashText(what string, reg deltag.Registration) string {
	switch {
	case what == "saved",
		what == "cancelled" && reg.Status == deltag.RegistrationCancelled,
		what == "rejoined" && reg.Status == deltag.RegistrationConfirmed:
		return p.Text("page.registration.flash." + what)
	case what == "rejoined" && reg.Status == deltag.RegistrationWaitlisted:
		return p.Text("page.registration.flash.rejoined-waiting")
	}
	return ""
}

func (p *page) redirectToRegistration(w http.ResponseWriter, r *http.Request, done string) {
	seeOther(w, p.Href("/r/"+r.PathValue("token")+"?done="+done))
}

// change stores what was changed. A new address moves the registration, whose old links then end:
// the new ones go to the new address, so the page says no more than that.
func (s *site) change(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.updateByToken(r, deltag.PurposeManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		v := s.newRegistrationView(r, p, e, reg)
		if v.Form == nil {
			return s.renderRegistration(w, http.StatusConflict, p, v, "page.registration.error."+v.Status)
		}
		asked := withAnsweredOptions(e, reg)
		n := readSignUpForm(r.PostForm, asked, p.Language)
		su, faults := n.validate(asked)
		if len(faults) > 0 {
			v.Form = p.changeForm(v.Base, e, n, reg, faults)
			return s.render(w, http.StatusUnprocessableEntity, "registration", p.with(v))
		}
		su.Answers = keepRetiredAnswers(su.Answers, e, reg)
		err := s.Store.UpdateByAttendee(r.Context(), e, reg, su, p.now)
		switch {
		case err == nil && su.Email.Normalized != reg.Email.Normalized:
			return s.renderMessage(w, http.StatusOK, p, "address-changed", "email", su.Email.Original)
		case err == nil:
			p.redirectToRegistration(w, r, "saved")
			return nil
		case toHTTPError(err).status == http.StatusServiceUnavailable && !errors.Is(err, deltag.ErrConflict):
			s.logAndSetHeaders(w, r, fmt.Errorf("change: %w", err))
			v.Form = p.changeForm(v.Base, e, n, reg, nil)
			return s.renderRegistration(w, http.StatusServiceUnavailable, p, v, "page.retry.form")
		}
		return fmt.Errorf("change: %w", err)
	})
}

func (s *site) renderRegistration(w http.ResponseWriter, status int, p *page, v registrationView, sorry string) error {
	v.Error, p.HasErrors = p.Text(sorry), true
	return s.render(w, status, "registration", p.with(v))
}

func (s *site) cancelRegistration(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.updateByToken(r, deltag.PurposeManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if status := displayStatus(p, e, reg); status == "event-cancelled" || status == "over" {
			return s.renderRegistration(w, http.StatusConflict, p, s.newRegistrationView(r, p, e, reg), "page.registration.error."+status)
		}
		if reg.Status != deltag.RegistrationCancelled {
			if err := s.Store.CancelRegistration(r.Context(), e, reg, p.now); err != nil {
				return fmt.Errorf("withdraw: %w", err)
			}
		}
		p.redirectToRegistration(w, r, "cancelled")
		return nil
	})
}

func (s *site) rejoin(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.updateByToken(r, deltag.PurposeManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if reg.Status != deltag.RegistrationCancelled {
			p.redirectToRegistration(w, r, "rejoined")
			return nil
		}
		v := s.newRegistrationView(r, p, e, reg)
		if !v.CanRejoin {
			return s.renderRegistration(w, http.StatusConflict, p, v, "page.registration.error.closed")
		}
		_, err := s.Store.Rejoin(r.Context(), e, reg, p.now)
		switch {
		case errors.Is(err, deltag.ErrFull), errors.Is(err, deltag.ErrClosed):
			return s.renderRegistration(w, http.StatusConflict, p, v, "page.registration.error."+toHTTPError(err).code)
		case err != nil:
			return fmt.Errorf("rejoin: %w", err)
		}
		p.redirectToRegistration(w, r, "rejoined")
		return nil
	})
}

// erase needs a tick besides the button, for it can't be undone.
func (s *site) erase(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.updateByToken(r, deltag.PurposeManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if r.PostForm.Get("confirm") != deltag.CheckedValue {
			v := s.newRegistrationView(r, p, e, reg)
			v.Confirm = &fieldMessage{ID: "confirm", Text: p.Text("error.confirm.missing")}
			p.HasErrors = true
			return s.render(w, http.StatusUnprocessableEntity, "registration", p.with(v))
		}
		if err := s.Store.Erase(r.Context(), e, reg, p.now); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		return s.renderMessage(w, http.StatusOK, p, "erased", "event", e.Title, "date", p.Date(p.now, e.Zone()), "clock", p.TimeOfDay(p.now, e.Zone()))
	})
}

func (s *site) registrationCalendar(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.loadByToken(r, deltag.PurposeManage)
	if err != nil {
		return err
	}
	if reg.Status != deltag.RegistrationConfirmed {
		seeOther(w, "/r/"+r.PathValue("token")) // which says why there is none
		return nil
	}
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	serveCalendar(w, e, s.OwnCalendar(e, reg, s.Now()))
	return nil
}

func inputFrom(reg deltag.Registration) signUpInput {
	return signUpInput{email: reg.Email.Original, SignUpRequest: deltag.SignUpRequest{
		Name: reg.Name, Organisation: reg.Organisation, Role: reg.Role, Updates: reg.Updates, Answers: reg.Answers,
	}}
}

func (p *page) changeForm(base string, e deltag.Event, n signUpInput, reg deltag.Registration, faults deltag.ValidationErrors) *form {
	f := p.signUpForm(withAnsweredOptions(e, reg), n, faults)
	f.Action, f.Submit = base, p.Text("form.save")
	return f
}

// withAnsweredOptions is e with its questions shown so that each can hold the answer that was given, also when the
// organiser has changed the question since: saving one's name must not lose it.
func withAnsweredOptions(e deltag.Event, reg deltag.Registration) deltag.Event {
	e.Questions = slices.Clone(e.Questions)
	for i := range e.Questions {
		q := &e.Questions[i]
		given := reg.Answers[q.ID]
		switch q.Kind {
		case deltag.QuestionChoice, deltag.QuestionMultipleChoice:
			if len(given) > 1 {
				q.Kind = deltag.QuestionMultipleChoice
			}
			q.Options = slices.Clone(q.Options)
			for _, g := range given {
				if !slices.Contains(q.Options, g) {
					q.Options = append(q.Options, g)
				}
			}
		case deltag.QuestionCheckbox, deltag.QuestionShortText:
			text := strings.Join(given, ", ")
			ticked := text == "" || text == deltag.CheckedValue
			long := strings.Contains(text, "\n") || len([]rune(text)) > deltag.MaxShortText
			switch {
			case q.Kind == deltag.QuestionCheckbox && ticked:
			case long:
				q.Kind = deltag.QuestionLongText
			default:
				q.Kind = deltag.QuestionShortText
			}
		}
	}
	return e
}

// keepRetiredAnswers adds the answers to questions that are no longer asked.
func keepRetiredAnswers(answers map[string][]string, e deltag.Event, reg deltag.Registration) map[string][]string {
	all := maps.Clone(answers)
	for id, given := range reg.Answers {
		if _, asked := e.Question(id); !asked {
			all[id] = given
		}
	}
	return all
}
