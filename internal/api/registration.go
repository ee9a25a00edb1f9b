package api

import (
	"errors"
	"maps"
	"net/http"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// ListRegistrations implements GET /events/{id}/registrations.
func (s *server) ListRegistrations(w http.ResponseWriter, r *http.Request, id Id, p ListRegistrationsParams) {
	limit, cursor, err := page(p.Limit, p.Cursor)
	var e deltag.Event
	if err == nil {
		e, err = s.Store.Event(r.Context(), id)
	}
	var rs []deltag.Registration
	var next string
	if err == nil {
		rs, next, err = s.Store.Registrations(r.Context(), id, cursor, limit)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := RegistrationList{Items: []Registration{}, Next: next}
	for _, reg := range rs {
		list.Items = append(list.Items, showRegistration(e, reg))
	}
	write(w, http.StatusOK, list)
}

// AddRegistration implements POST /events/{id}/registrations. An organiser may add people when sign-up is closed, but not to an event
// that is cancelled or over.
func (s *server) AddRegistration(w http.ResponseWriter, r *http.Request, id Id) {
	var in SignUp
	err := read(r, &in)
	var e deltag.Event
	if err == nil {
		e, err = s.Store.Event(r.Context(), id)
	}
	var typed deltag.SignUp
	if err == nil {
		typed, err = signUp(e, in)
	}
	if state := e.SignUpAt(s.Now()); err == nil && (state == deltag.SignUpCancelled || state == deltag.SignUpOver) {
		err = deltag.ErrClosed
	}
	if err == nil {
		_, err = s.Store.SignUp(r.Context(), e, typed, s.Now())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerRegistration(w, r, http.StatusCreated, id, deltag.RegistrationID(e, typed.Email))
}

func signUp(e deltag.Event, in SignUp) (deltag.SignUp, error) {
	a, err := address.Parse(in.Email)
	fs := under("", err)
	out := deltag.SignUp{
		Name: in.Name, Email: a, Organisation: value(in.Organisation), Role: value(in.Role), Updates: value(in.Updates),
		Answers: value(in.Answers), Language: deltag.Language(value(in.Language)),
	}.Tidy()
	if out.Language == "" {
		out.Language = e.Language
	}
	if !out.Language.Known() {
		fs = append(fs, deltag.Fault{Field: "language", Code: "unknown-language"})
	}
	return out, append(fs, under("", out.Validate(e))...).Err()
}

// GetRegistration implements GET /events/{id}/registrations/{rid}.
func (s *server) GetRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	s.answerRegistration(w, r, http.StatusOK, id, rid)
}

func (s *server) answerRegistration(w http.ResponseWriter, r *http.Request, status int, id, rid string) {
	e, reg, err := s.Store.Visit(r.Context(), id, rid)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, status, showRegistration(e, reg))
}

// EditRegistration implements PATCH /events/{id}/registrations/{rid}.
func (s *server) EditRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	var p RegistrationEdit
	if err := read(r, &p); err != nil {
		s.fail(w, r, err)
		return
	}
	err := error(deltag.ErrConflict)
	for n := 0; n < edits && errors.Is(err, deltag.ErrConflict); n++ {
		var e deltag.Event
		var reg deltag.Registration
		if e, reg, err = s.Store.Visit(r.Context(), id, rid); err == nil {
			rid, err = s.correct(r, e, reg, p)
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerRegistration(w, r, http.StatusOK, id, rid)
}

// correct stores what p changes about reg, and returns its id, which is another when the address is.
func (s *server) correct(r *http.Request, e deltag.Event, reg deltag.Registration, p RegistrationEdit) (string, error) {
	if p.Status != nil {
		switch {
		case deltag.RegistrationStatus(*p.Status) == reg.Status:
		case *p.Status == string(deltag.Withdrawn):
			return reg.ID, s.Store.Withdraw(r.Context(), e, reg, s.Now())
		default:
			return reg.ID, deltag.Faults{{Field: "status", Code: "unknown-status"}}
		}
	}
	in := SignUp{
		Name: reg.Name, Email: reg.Email.Typed, Organisation: &reg.Organisation, Role: &reg.Role, Updates: &reg.Updates,
		Language: (*string)(&reg.Language),
	}
	for _, set := range []struct{ to, from *string }{{&in.Name, p.Name}, {&in.Email, p.Email}, {in.Organisation, p.Organisation}, {in.Role, p.Role}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	if p.Updates != nil {
		in.Updates = p.Updates
	}
	if p.Answers != nil {
		in.Answers = p.Answers
	}
	typed, err := signUp(e, in)
	if p.Answers == nil {
		// What was answered stays, also to a question that is another by now.
		typed.Answers = maps.Clone(reg.Answers)
		err = withoutAnswers(err)
	}
	if err != nil {
		return reg.ID, err
	}
	return deltag.RegistrationID(e, typed.Email), s.Store.Change(r.Context(), e, reg, typed, s.Now())
}

// withoutAnswers drops the faults about answers, which were not sent.
func withoutAnswers(err error) error {
	var kept deltag.Faults
	for _, f := range under("", err) {
		if len(f.Field) < 8 || f.Field[:8] != "answers." {
			kept = append(kept, f)
		}
	}
	return kept.Err()
}

func showRegistration(e deltag.Event, r deltag.Registration) Registration {
	zone := e.Zone()
	answers := r.Answers
	if answers == nil {
		answers = map[string][]string{}
	}
	return Registration{
		Id: r.ID, Name: r.Name, Email: r.Email.Typed, Organisation: r.Organisation, Role: r.Role, Answers: answers,
		Updates: r.Updates, Status: string(r.Status), RegisteredAt: r.RegisteredAt.In(zone), AttendedAt: instant(r.AttendedAt, zone),
		Mail: string(r.Mail),
	}
}
