package visitor

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"deltag/internal/address"
	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/web"
)

// A registrationView is the page of one's own registration.
type registrationView struct {
	Registration deltag.Registration
	Status       string // see displayStatus
	Meeting      string // for who has a seat: "open" to be joined, "running" from the start on; "" before
	Position     int    // on the waitlist; 0 when not known
	Flash        string // what the last press on a button did
	Error        string // why it did nothing
	Form         *web.Form
	CanRejoin    bool
	NewEmail     string // that is to be verified; the change waits for that
	NewEmailEnds time.Time
	Path         string // of the page; its actions are below it
	JoinPath     string
	EraseError   string // the confirmation that erasing needs is missing
}

// Active says whether there is a seat or a waitlist position to give up.
func (v registrationView) Active() bool { return v.Status == "confirmed" || v.Status == "waiting" }

func (s *site) registration(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	v := s.newRegistrationView(r, p, reg)
	v.Flash = p.flashText(r.URL.Query().Get("done"), reg)
	return p.withBody(v).render(w, http.StatusOK, "registration")
}

func (s *site) newRegistrationView(r *http.Request, p *page, reg deltag.Registration) registrationView {
	e := *p.Event
	v := registrationView{Registration: reg, Status: displayStatus(p, reg), Path: registrationPath(r)}
	p.Path = v.Path
	p.Title = p.Text("page.registration.document-title", "event", e.Title)
	switch v.Status {
	case "confirmed":
		v.JoinPath, v.Meeting = "/join/"+reg.LinkToken(deltag.PurposeJoin), meetingState(e, p.now)
	case "waiting":
		position, err := s.Store.WaitlistPosition(r.Context(), reg)
		if err != nil {
			// The page is of use without it.
			s.Log.WarnContext(r.Context(), "waitlist position unknown", "event", e.ID, "error", err)
		}
		v.Position = position
	case "cancelled", "left-waitlist":
		v.CanRejoin = e.SignUpStateAt(p.now) == deltag.SignUpOpen
	case "unverified":
		v.CanRejoin = true
	}
	canChange := v.Active() || v.Status == "given-back"
	if c := reg.AddressChange; c != nil && canChange && p.now.Before(c.VerifyUntil) {
		v.NewEmail, v.NewEmailEnds = c.Details.Email.Original, c.VerifyUntil
	}
	if canChange {
		v.Form = p.changeForm(v.Path, detailsOf(reg), reg, nil)
	}
	return v
}

func meetingState(e deltag.Event, now time.Time) string {
	switch {
	case !now.Before(e.StartsAt):
		return "running"
	case !now.Before(e.JoinOpensAt()):
		return "open"
	}
	return ""
}

func registrationPath(r *http.Request) string { return "/r/" + r.PathValue("token") }

// displayStatus is confirmed, waiting, cancelled or unverified; given-back if a bounce has cancelled it, left-waitlist if it
// had no seat; event-cancelled or over when the event is.
func displayStatus(p *page, reg deltag.Registration) string {
	switch {
	case p.Event.Status == deltag.EventCancelled:
		return "event-cancelled"
	case !p.now.Before(p.Event.EndsAt):
		return "over"
	case reg.WasGivenBack():
		return "given-back"
	case reg.Status == deltag.RegistrationCancelled && reg.ConfirmedAt.IsZero():
		return "left-waitlist"
	}
	return string(reg.Status)
}

// flashText is what to say of what was just done. Anybody can write a link with done= in it, so nothing is said that
// does not agree with the registration's status.
func (p *page) flashText(done string, reg deltag.Registration) string {
	switch {
	case done == "cancelled" && displayStatus(p, reg) == "left-waitlist":
		return p.Text("page.registration.flash.left-waitlist")
	case done == "verified" && reg.IsActive(),
		done == "saved",
		done == "cancelled" && reg.Status == deltag.RegistrationCancelled,
		done == "rejoined" && reg.Status == deltag.RegistrationConfirmed:
		return p.Text("page.registration.flash." + done)
	case done == "rejoined" && reg.Status == deltag.RegistrationWaitlisted:
		return p.Text("page.registration.flash.rejoined-waiting")
	}
	return ""
}

func (p *page) redirectToRegistration(w http.ResponseWriter, r *http.Request, done string) error {
	return web.SeeOther(w, p.Href(registrationPath(r)+"?done="+done))
}

// change stores what was changed. A new address has to be verified first: the registration stays as it is until then,
// and the answer is the same whether or not the address is signed up.
func (s *site) change(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	v := s.newRegistrationView(r, p, reg)
	if v.Form == nil {
		return p.renderRegistrationError(w, http.StatusConflict, v, "page.registration.error."+v.Status)
	}
	asked := web.WithAnsweredOptions(*p.Event, reg)
	typed := web.ReadSignUpForm(r.PostForm, asked, p.Language)
	request, err := address.ParseSignUp(r.Context(), typed, asked, s.CheckDomain.Except(reg.Email.Domain()))
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		v.Form = p.changeForm(v.Path, typed, reg, invalid)
		return p.withBody(v).render(w, http.StatusUnprocessableEntity, "registration")
	}
	request.Answers = keepRetiredAnswers(request.Answers, *p.Event, reg)
	request.Network = web.NetworkPrefix(r)
	if err := s.Store.UpdateByAttendee(r.Context(), *p.Event, reg, request, p.now); err != nil {
		if limit := (deltag.ChangeLimitError{}); errors.As(err, &limit) {
			v.Form = p.changeForm(v.Path, typed, reg, nil)
			return s.renderChangeLimit(w, r, p, v, limit)
		}
		err = fmt.Errorf("change: %w", err)
		key := "page.retry.form"
		switch answer := web.ErrorFor(err); answer.Status {
		case http.StatusTooManyRequests:
			key = "page.error." + answer.Code + ".text"
		case http.StatusServiceUnavailable:
		default:
			return err
		}
		v.Form = p.changeForm(v.Path, typed, reg, nil)
		return p.renderRegistrationError(w, web.BeginError(w, r, s.Log, err).Status, v, key)
	}
	if request.Email.Normalized != reg.Email.Normalized {
		return p.renderMessage(w, http.StatusOK, "address-changed", "email", request.Email.Original)
	}
	return p.redirectToRegistration(w, r, "saved")
}

// renderChangeLimit says when the registration may be changed again.
func (s *site) renderChangeLimit(
	w http.ResponseWriter, r *http.Request, p *page, v registrationView, limit deltag.ChangeLimitError,
) error {
	answer, zone := web.BeginError(w, r, s.Log, limit), p.Event.Zone()
	key := "page.registration.error." + answer.Code
	if limit.OfAddress {
		key = "page.registration.error.too-many-address-changes"
	}
	v.Error, p.HasErrors = p.Text(key, "limit", strconv.Itoa(limit.Limit), "date", p.Date(limit.Until, zone),
		"clock", p.TimeOfDay(limit.Until, zone)), true
	return p.withBody(v).render(w, answer.Status, "registration")
}

// renderRegistrationError shows the registration, and above it the words of key.
func (p *page) renderRegistrationError(w http.ResponseWriter, status int, v registrationView, key string) error {
	v.Error, p.HasErrors = p.Text(key), true
	return p.withBody(v).render(w, status, "registration")
}

func (s *site) cancelRegistration(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	if status := displayStatus(p, reg); status == "event-cancelled" || status == "over" {
		v := s.newRegistrationView(r, p, reg)
		return p.renderRegistrationError(w, http.StatusConflict, v, "page.registration.error."+status)
	}
	if err := s.Store.CancelRegistration(r.Context(), *p.Event, reg, p.now); err != nil {
		return fmt.Errorf("cancel registration: %w", err)
	}
	return p.redirectToRegistration(w, r, "cancelled")
}

// rejoin also verifies an unverified registration, whose page has no other button.
func (s *site) rejoin(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	v := s.newRegistrationView(r, p, reg)
	if v.Active() {
		return p.redirectToRegistration(w, r, "rejoined")
	}
	if !v.CanRejoin {
		return p.renderRegistrationError(w, http.StatusConflict, v, "page.registration.error.closed")
	}
	_, err := s.Store.Rejoin(r.Context(), *p.Event, reg, newsShown(r), p.now)
	limit := deltag.ChangeLimitError{}
	switch {
	case errors.As(err, &limit):
		return s.renderChangeLimit(w, r, p, v, limit)
	case errors.Is(err, deltag.ErrFull):
		return p.renderRegistrationError(w, http.StatusConflict, v, "page.registration.error.full")
	case err != nil:
		return fmt.Errorf("rejoin: %w", err)
	}
	return p.redirectToRegistration(w, r, "rejoined")
}

// erase needs a tick besides the button, for it can't be undone.
func (s *site) erase(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	e := *p.Event
	if r.PostForm.Get("confirm") != deltag.CheckedValue {
		v := s.newRegistrationView(r, p, reg)
		v.EraseError, p.HasErrors = p.Text("error.confirm.missing"), true
		return p.withBody(v).render(w, http.StatusUnprocessableEntity, "registration")
	}
	if err := s.Store.Erase(r.Context(), e, reg, p.now); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return p.renderMessage(w, http.StatusOK, "erased", "event", e.Title,
		"date", p.Date(p.now, e.Zone()), "clock", p.TimeOfDay(p.now, e.Zone()))
}

func (s *site) registrationCalendar(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	if reg.Status != deltag.RegistrationConfirmed {
		return web.SeeOther(w, registrationPath(r)) // which says why there is no file
	}
	links := calendar.NewPersonalLinks(s.BaseURL, reg)
	return p.writeCalendar(w, calendar.RegistrationFile(*p.Event, reg, links, p.now))
}

func detailsOf(r deltag.Registration) deltag.SignUpRequest {
	return deltag.SignUpRequest{
		Name: r.Name, Email: r.Email, Organisation: r.Organisation, JobTitle: r.JobTitle, Answers: r.Answers,
		AllowsNews: r.AllowsNews || r.AsksForNews,
	}
}

func (p *page) changeForm(
	path string, typed deltag.SignUpRequest, reg deltag.Registration, invalid deltag.ValidationErrors,
) *web.Form {
	f := p.signUpForm(web.WithAnsweredOptions(*p.Event, reg), typed, invalid)
	f.Action, f.Submit = path, p.Text("form.save")
	return f
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
