package site

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"deltag/internal/deltag"
)

// An ownView is the page of one's own registration.
type ownView struct {
	Registration deltag.Registration
	Status       string // confirmed, waiting, cancelled; off or over with the event
	Place        int    // in line; 0 when not known
	Done         string // what the last press on a button did
	Sorry        string // what it could not do
	Form         *form
	Rejoins      bool   // may take a seat again
	Base         string // of this page's actions
	Join         string
	Confirm      *fault // the tick that erasing needs is missing
}

// Active says whether there is a place, or one in line, to give up.
func (v ownView) Active() bool { return v.Status == "confirmed" || v.Status == "waiting" }

func (s *site) registration(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.visit(r, deltag.ToManage)
	if err != nil {
		return err
	}
	p := s.personalPage(r, e, reg)
	v := s.own(r, p, e, reg)
	v.Done = p.done(r.URL.Query().Get("done"), reg)
	return s.show(w, http.StatusOK, "registration", p.with(v))
}

func (p *page) with(body any) *page {
	p.Body = body
	return p
}

// own gathers the page as the registration stands.
func (s *site) own(r *http.Request, p *page, e deltag.Event, reg deltag.Registration) ownView {
	v := ownView{Registration: reg, Status: standing(p, e, reg), Base: "/r/" + r.PathValue("token")}
	p.Path = v.Base
	switch v.Status {
	case "confirmed":
		v.Join = "/join/" + reg.Link(deltag.ToJoin)
	case "waiting":
		place, err := s.Store.Place(r.Context(), reg)
		if err != nil {
			s.Log.WarnContext(r.Context(), "place in line", "event", e.ID, "error", err) // the page does without
		}
		v.Place = place
	case "cancelled":
		v.Rejoins = e.SignUpAt(p.now) == deltag.SignUpOpen
	}
	if v.Active() {
		v.Form = p.changeForm(v.Base, e, entryOf(reg), reg, nil)
	}
	return v
}

func standing(p *page, e deltag.Event, reg deltag.Registration) string {
	switch {
	case e.Status == deltag.Cancelled:
		return "off"
	case !p.now.Before(e.EndsAt):
		return "over"
	}
	return string(reg.Status)
}

// done is what to say of what was just done. The address bar can be made to say anything, so it is
// said only where it agrees with how things stand.
func (p *page) done(what string, reg deltag.Registration) string {
	switch {
	case what == "saved",
		what == "cancelled" && reg.Status == deltag.Withdrawn,
		what == "rejoined" && reg.Status == deltag.Confirmed:
		return p.Say("page.own.done." + what)
	case what == "rejoined" && reg.Status == deltag.Waiting:
		return p.Say("page.own.done.rejoined-waiting")
	}
	return ""
}

func (p *page) backToOwn(w http.ResponseWriter, r *http.Request, done string) {
	seeOther(w, p.Href("/r/"+r.PathValue("token")+"?done="+done))
}

// change stores what was changed. A new address moves the registration, whose old links then end:
// the new ones go to the new address, so the page says no more than that.
func (s *site) change(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.act(r, deltag.ToManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		v := s.own(r, p, e, reg)
		if v.Form == nil {
			return s.showOwn(w, http.StatusConflict, p, v, "page.own.sorry."+v.Status)
		}
		asked := asAnswered(e, reg)
		n := readEntry(r.PostForm, asked, p.Language)
		su, faults := n.judge(asked)
		if len(faults) > 0 {
			v.Form = p.changeForm(v.Base, e, n, reg, faults)
			return s.show(w, http.StatusUnprocessableEntity, "registration", p.with(v))
		}
		su.Answers = withFormer(su.Answers, e, reg)
		err := s.Store.Change(r.Context(), e, reg, su, p.now)
		switch {
		case err == nil && su.Email.Identity != reg.Email.Identity:
			return s.showNote(w, http.StatusOK, p, "address-changed", "email", su.Email.Typed)
		case err == nil:
			p.backToOwn(w, r, "saved")
			return nil
		case refusalOf(err).status == http.StatusServiceUnavailable && !errors.Is(err, deltag.ErrConflict):
			s.refuse(w, r, fmt.Errorf("change: %w", err))
			v.Form = p.changeForm(v.Base, e, n, reg, nil)
			return s.showOwn(w, http.StatusServiceUnavailable, p, v, "page.again.form")
		}
		return fmt.Errorf("change: %w", err)
	})
}

func (s *site) showOwn(w http.ResponseWriter, status int, p *page, v ownView, sorry string) error {
	v.Sorry, p.Faulty = p.Say(sorry), true
	return s.show(w, status, "registration", p.with(v))
}

func (s *site) withdraw(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.act(r, deltag.ToManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if status := standing(p, e, reg); status == "off" || status == "over" {
			return s.showOwn(w, http.StatusConflict, p, s.own(r, p, e, reg), "page.own.sorry."+status)
		}
		if reg.Status != deltag.Withdrawn {
			if err := s.Store.Withdraw(r.Context(), e, reg, p.now); err != nil {
				return fmt.Errorf("withdraw: %w", err)
			}
		}
		p.backToOwn(w, r, "cancelled")
		return nil
	})
}

func (s *site) rejoin(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.act(r, deltag.ToManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if reg.Status != deltag.Withdrawn {
			p.backToOwn(w, r, "rejoined")
			return nil
		}
		v := s.own(r, p, e, reg)
		if !v.Rejoins {
			return s.showOwn(w, http.StatusConflict, p, v, "page.own.sorry.closed")
		}
		_, err := s.Store.Rejoin(r.Context(), e, reg, p.now)
		switch {
		case errors.Is(err, deltag.ErrFull), errors.Is(err, deltag.ErrClosed):
			return s.showOwn(w, http.StatusConflict, p, v, "page.own.sorry."+refusalOf(err).code)
		case err != nil:
			return fmt.Errorf("rejoin: %w", err)
		}
		p.backToOwn(w, r, "rejoined")
		return nil
	})
}

// erase needs a tick besides the button, for it can't be undone.
func (s *site) erase(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	return s.act(r, deltag.ToManage, func(e deltag.Event, reg deltag.Registration) error {
		p := s.personalPage(r, e, reg)
		if r.PostForm.Get("confirm") != deltag.TickedValue {
			v := s.own(r, p, e, reg)
			v.Confirm = &fault{ID: "confirm", Text: p.Say("fault.confirm.missing")}
			p.Faulty = true
			return s.show(w, http.StatusUnprocessableEntity, "registration", p.with(v))
		}
		if err := s.Store.Erase(r.Context(), e, reg, p.now); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		return s.showNote(w, http.StatusOK, p, "erased", "event", e.Title, "date", p.Date(p.now, e.Zone()), "clock", p.Clock(p.now, e.Zone()))
	})
}

func (s *site) ownCalendar(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.visit(r, deltag.ToManage)
	if err != nil {
		return err
	}
	if reg.Status != deltag.Confirmed {
		seeOther(w, "/r/"+r.PathValue("token")) // which says why there is none
		return nil
	}
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	serveCalendar(w, e, s.OwnCalendar(e, reg, s.Now()))
	return nil
}

func entryOf(reg deltag.Registration) entry {
	return entry{email: reg.Email.Typed, SignUp: deltag.SignUp{
		Name: reg.Name, Organisation: reg.Organisation, Role: reg.Role, Updates: reg.Updates, Answers: reg.Answers,
	}}
}

func (p *page) changeForm(base string, e deltag.Event, n entry, reg deltag.Registration, faults deltag.Faults) *form {
	f := p.signUpForm(asAnswered(e, reg), n, faults)
	f.Action, f.Submit = base, p.Say("form.save")
	return f
}

// asAnswered is e with its questions shown so that each can hold the answer that was given, also when the
// organiser has changed the question since: saving one's name must not lose it.
func asAnswered(e deltag.Event, reg deltag.Registration) deltag.Event {
	e.Questions = slices.Clone(e.Questions)
	for i := range e.Questions {
		q := &e.Questions[i]
		given := reg.Answers[q.ID]
		switch q.Kind {
		case deltag.Choice, deltag.MultipleChoice:
			if len(given) > 1 {
				q.Kind = deltag.MultipleChoice
			}
			q.Options = slices.Clone(q.Options)
			for _, g := range given {
				if !slices.Contains(q.Options, g) {
					q.Options = append(q.Options, g)
				}
			}
		case deltag.TickBox, deltag.ShortText:
			text := strings.Join(given, ", ")
			ticked := text == "" || text == deltag.TickedValue
			long := strings.Contains(text, "\n") || len([]rune(text)) > deltag.MaxShortText
			switch {
			case q.Kind == deltag.TickBox && ticked:
			case long:
				q.Kind = deltag.LongText
			default:
				q.Kind = deltag.ShortText
			}
		}
	}
	return e
}

// withFormer adds the answers to questions that are no longer asked.
func withFormer(answers map[string][]string, e deltag.Event, reg deltag.Registration) map[string][]string {
	all := maps.Clone(answers)
	for id, given := range reg.Answers {
		if _, asked := e.Question(id); !asked {
			all[id] = given
		}
	}
	return all
}
