package console

import (
	"net/http"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

const peoplePath = "/organiser/people"

// What the form of a person does, in the field "step". Without one it shows what is stored. The address stands in no URL.
const (
	stepExport  = "export"
	stepReceipt = "receipt"
	stepErase   = "erase"
)

// A personView is the page that finds a person and, when an address was asked for, what is stored of it.
type personView struct {
	Form         *web.Form
	Found        *organiser.Person // nil: nobody was asked for
	IsIncomplete bool              // something can't be read
	Events       []personAtEvent
	Contacts     int    // events that the address is the contact of
	Role         string // what a member may do, in a word. "": the address can't sign in
	HasErasures  bool
	MayErase     bool
}

// A personAtEvent is what an event holds of a person.
type personAtEvent struct {
	deltag.PersonTrace
	Path    string // of the registration's page, if there is one
	Answers []answerView
	Mails   []attendeeMail
}

func (s *site) personPage(w http.ResponseWriter, _ *http.Request, p *page) error {
	return p.renderPerson(w, http.StatusOK, personView{Form: p.personForm("", nil)})
}

// person finds a person, and does what the step says with what is stored.
func (s *site) person(w http.ResponseWriter, r *http.Request, p *page) error {
	typed, step := r.PostForm.Get("email"), r.PostForm.Get("step")
	if (step == stepErase || confirmed(r)) && !p.Principal.MayEdit() {
		return deltag.ErrForbidden
	}
	a, err := address.Parse(typed)
	if invalid, err := fieldErrors(err); invalid != nil || err != nil {
		return p.renderPerson(w, http.StatusUnprocessableEntity, personView{Form: p.personForm(typed, invalid)})
	}
	if step == stepErase && confirmed(r) {
		return s.erasePerson(w, r, p, a)
	}
	found, err := s.Organiser.Person(r.Context(), p.caller(), a)
	isIncomplete := deltag.IsUnreadable(err)
	if err := web.LogUnreadable(r.Context(), s.Log, err); err != nil {
		return err
	}
	switch {
	case step == stepExport && isIncomplete:
		return err // half of it would pass for the whole
	case step == stepExport:
		return p.exportPerson(w, s.roleOf(found), found)
	case step == stepReceipt:
		return p.writeReceipt(w, found)
	case step == stepErase && len(found.Erasable()) > 0:
		return p.confirmErasure(w, found)
	}
	v := p.personView(found, s.roleOf(found))
	v.Form, v.IsIncomplete = p.personForm(typed, nil), isIncomplete
	return p.renderPerson(w, http.StatusOK, v)
}

func (p *page) personView(found organiser.Person, role deltag.Role) personView {
	v := personView{Found: &found, MayErase: p.Principal.MayEdit() && len(found.Erasable()) > 0}
	if role != "" {
		v.Role = p.RoleName(role)
	}
	for _, t := range found.Traces {
		v.HasErasures = v.HasErasures || len(t.ErasedAt) > 0
		if t.IsContact {
			v.Contacts++
		}
		if t.Registration != nil || len(t.Deliveries) > 0 {
			v.Events = append(v.Events, p.personAtEvent(t))
		}
	}
	return v
}

func (p *page) renderPerson(w http.ResponseWriter, status int, v personView) error {
	p.Title, p.Path = p.Text("console.people.title"), peoplePath
	return p.render(w, status, "person", v)
}

func (p *page) personForm(typed string, invalid deltag.ValidationErrors) *web.Form {
	f := p.NewForm([]web.Field{{
		Name: "email", Label: p.Text("form.email"), Hint: p.Text("console.people.hint"), Kind: "email", Required: true,
		Value: typed, Autocomplete: "off",
	}}, invalid)
	f.Action, f.Submit = peoplePath, p.Text("console.people.submit")
	return f
}

func (p *page) personAtEvent(t deltag.PersonTrace) personAtEvent {
	details := organiser.AttendeeDetails{Event: t.Event, Deliveries: t.Deliveries}
	v := personAtEvent{PersonTrace: t}
	if r := t.Registration; r != nil {
		details.Registration = *r
		v.Path, v.Answers = attendeePath(t.Event.ID, r.ID), answersOf(t.Event, *r, true)
	}
	v.Mails = p.attendeeMails(details)
	return v
}

// roleOf is what the address may do here. "": it can't sign in.
func (s *site) roleOf(found organiser.Person) deltag.Role {
	m := deltag.Member{Email: found.Address}
	if found.Record.Member != nil {
		m = *found.Record.Member
	}
	return deltag.Organisation{Owners: s.Accounts.Owners}.RoleOf(m)
}

// When is a time on a day of a year, in e's zone.
func (p *page) When(e deltag.Event, t time.Time) string {
	return p.Text("console.overview.when", "date", p.Date(t, e.Zone()), "clock", p.TimeOfDay(t, e.Zone()))
}

// confirmErasure asks before a person is erased.
func (p *page) confirmErasure(w http.ResponseWriter, found organiser.Person) error {
	p.Title, p.Path = p.Text("console.people.confirm.title", "email", found.Address.Original), peoplePath
	return p.render(w, http.StatusOK, "confirm", confirmView{
		Lead: []string{
			p.Count("console.people.confirm", len(found.Erasable())), p.Text("console.people.confirm.receipt"),
		},
		Action: peoplePath, Submit: p.Text("console.people.erase"), Back: peoplePath, Danger: true,
		Fields: []hiddenField{{"email", found.Address.Original}, {"step", stepErase}},
	})
}

// An erasedView says of each event what was erased.
type erasedView struct {
	Email   string
	Done    []organiser.PersonErasure
	NotDone int // events
	// IsIncomplete says that there may be more, which can't be read.
	IsIncomplete bool
	HasReceipt   bool
}

func (s *site) erasePerson(w http.ResponseWriter, r *http.Request, p *page, a deltag.Address) error {
	done, err := s.Organiser.ErasePerson(r.Context(), p.caller(), a)
	v := erasedView{Email: a.Original, Done: done, IsIncomplete: deltag.IsUnreadable(err)}
	if err := web.LogUnreadable(r.Context(), s.Log, err); err != nil {
		return err
	}
	status := http.StatusOK
	for _, e := range done {
		if e.Err != nil {
			status = web.BeginError(w, r, s.Log, e.Err).Status
			v.NotDone++
		}
		v.HasReceipt = v.HasReceipt || e.HadRegistration && e.Err == nil
	}
	title := "console.people.erased.title"
	if v.NotDone > 0 || v.IsIncomplete {
		title, p.HasErrors = "console.people.partly.title", true
	}
	p.Title, p.Path = p.Text(title), peoplePath
	return p.render(w, status, "person-erased", v)
}

// Long is a time of what belongs to no event.
func (p *page) Long(t time.Time) string { return p.When(deltag.AccountEvent(), t) }
