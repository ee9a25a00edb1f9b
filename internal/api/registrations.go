package api

import (
	"errors"
	"maps"
	"net/http"
	"strings"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// ListRegistrations implements GET /events/{id}/registrations.
func (s *server) ListRegistrations(w http.ResponseWriter, r *http.Request, id Id, p ListRegistrationsParams) {
	limit, cursor, err := pagination(p.Limit, p.Cursor)
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
		list.Items = append(list.Items, toRegistration(e, reg))
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
	var typed deltag.SignUpRequest
	if err == nil {
		typed, err = signUp(e, in)
	}
	if state := e.SignUpStateAt(s.Now()); err == nil && (state == deltag.SignUpCancelled || state == deltag.SignUpOver) {
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

func signUp(e deltag.Event, in SignUp) (deltag.SignUpRequest, error) {
	a, err := address.Parse(in.Email)
	fs := prefixFields("", err)
	out := deltag.SignUpRequest{
		Name: in.Name, Email: a, Organisation: deref(in.Organisation), Role: deref(in.Role), Updates: deref(in.Updates),
		Answers: deref(in.Answers), Language: deltag.Language(deref(in.Language)),
	}.Normalize()
	if out.Language == "" {
		out.Language = e.Language
	}
	if !out.Language.IsSupported() {
		fs = append(fs, deltag.FieldError{Field: "language", Code: "unknown-language"})
	}
	return out, append(fs, prefixFields("", out.Validate(e))...).Err()
}

// GetRegistration implements GET /events/{id}/registrations/{rid}.
func (s *server) GetRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	s.answerRegistration(w, r, http.StatusOK, id, rid)
}

func (s *server) answerRegistration(w http.ResponseWriter, r *http.Request, status int, id, rid string) {
	e, reg, err := s.Store.EventAndRegistration(r.Context(), id, rid)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, status, toRegistration(e, reg))
}

// EditRegistration implements PATCH /events/{id}/registrations/{rid}.
func (s *server) EditRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	var p RegistrationEdit
	if err := read(r, &p); err != nil {
		s.fail(w, r, err)
		return
	}
	err := error(deltag.ErrConflict)
	for n := 0; n < maxConflictRetries && errors.Is(err, deltag.ErrConflict); n++ {
		var e deltag.Event
		var reg deltag.Registration
		if e, reg, err = s.Store.EventAndRegistration(r.Context(), id, rid); err == nil {
			rid, err = s.applyEdit(r, e, reg, p)
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerRegistration(w, r, http.StatusOK, id, rid)
}

// EraseRegistration implements DELETE /events/{id}/registrations/{rid}.
func (s *server) EraseRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	e, reg, err := s.Store.EventAndRegistration(r.Context(), id, rid)
	if err == nil {
		err = s.Store.Erase(r.Context(), e, reg, s.Now())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// applyEdit stores what p changes about reg, and returns its id, which is another when the address is. What p does not name
// stays; answers are merged by question, and one to a question that is gone is kept unless it is named.
func (s *server) applyEdit(r *http.Request, e deltag.Event, reg deltag.Registration, p RegistrationEdit) (string, error) {
	cancels, err := p.cancels(reg)
	if err != nil {
		return reg.ID, err
	}
	in := SignUp{
		Name: orDefault(p.Name, reg.Name), Email: orDefault(p.Email, reg.Email.Original), Organisation: firstNonNil(p.Organisation, &reg.Organisation),
		Role: firstNonNil(p.Role, &reg.Role), Updates: firstNonNil(p.Updates, &reg.Updates), Answers: p.Answers, Language: (*string)(&reg.Language),
	}
	typed, err := signUp(e, in)
	if err = errorsForSentAnswers(err, deref(p.Answers)); err != nil {
		return reg.ID, err
	}
	answers := maps.Clone(reg.Answers)
	if answers == nil {
		answers = map[string][]string{}
	}
	for id := range deref(p.Answers) {
		delete(answers, id)
	}
	maps.Copy(answers, typed.Answers)
	typed.Answers = answers
	if !cancels {
		return deltag.RegistrationID(e, typed.Email), s.Store.UpdateByOrganiser(r.Context(), e, reg, typed, s.Now())
	}
	if p.Name != nil || p.Email != nil || p.Organisation != nil || p.Role != nil || p.Updates != nil || p.Answers != nil {
		return reg.ID, deltag.ValidationErrors{{Field: "status", Code: "alone"}}
	}
	return reg.ID, s.Store.CancelRegistration(r.Context(), e, reg, s.Now())
}

// cancels says whether p gives the seat up, which is all that an organiser may do to the status.
func (p RegistrationEdit) cancels(reg deltag.Registration) (bool, error) {
	switch {
	case p.Status == nil, *p.Status == string(reg.Status):
		return false, nil
	case *p.Status == string(deltag.RegistrationCancelled):
		return true, nil
	}
	return false, deltag.ValidationErrors{{Field: "status", Code: "only-cancelled"}}
}

func orDefault(p *string, otherwise string) string { return *firstNonNil(p, &otherwise) }

func firstNonNil[T any](p, otherwise *T) *T {
	if p != nil {
		return p
	}
	return otherwise
}

// errorsForSentAnswers drops the faults about answers that were not sent: their questions may be newer than the registration.
func errorsForSentAnswers(err error, named map[string][]string) error {
	var kept deltag.ValidationErrors
	for _, f := range prefixFields("", err) {
		id, isAnswer := strings.CutPrefix(f.Field, "answers.")
		if _, sent := named[id]; !isAnswer || sent {
			kept = append(kept, f)
		}
	}
	return kept.Err()
}

func toRegistration(e deltag.Event, r deltag.Registration) Registration {
	zone := e.Zone()
	answers := r.Answers
	if answers == nil {
		answers = map[string][]string{}
	}
	return Registration{
		Id: r.ID, Name: r.Name, Email: r.Email.Original, Organisation: r.Organisation, Role: r.Role, Answers: answers,
		Updates: r.Updates, Status: string(r.Status), RegisteredAt: r.RegisteredAt.In(zone), AttendedAt: timePtr(r.AttendedAt, zone),
		Mail: string(r.AddressStatus),
	}
}
