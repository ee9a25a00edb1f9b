package api

import (
	"errors"
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// ListRegistrations implements GET /events/{id}/registrations.
func (s *server) ListRegistrations(w http.ResponseWriter, r *http.Request, id Id, params ListRegistrationsParams) {
	limit, cursor, err := pagination(params.Limit, params.Cursor)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q, err := attendeeQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q.Cursor = cursor
	e, page, err := s.Organiser.Registrations(r.Context(), callerOf(r), id, q, limit)
	items := convertAll(page.Items, func(r deltag.Registration) Registration { return toRegistration(e, r) })
	s.answer(w, r, http.StatusOK, RegistrationList{Items: items, Next: page.Next}, badParameters(err))
}

// attendeeQuery reads the filters of a list, the same as those of the organisers' pages. Not its order, which is that of
// the ids, and none that picks all others.
func attendeeQuery(r *http.Request) (organiser.AttendeeQuery, error) {
	values := r.URL.Query()
	for _, name := range []string{"status", "mail", "attended", "updates"} {
		if values.Has(name) && values.Get(name) == "" {
			return organiser.AttendeeQuery{}, badField(name, "bad-parameter")
		}
	}
	q, err := organiser.ParseAttendeeQuery(values)
	q.Not, q.Sort, q.Cursor = nil, "", ""
	return q, badParameters(err)
}

// badParameters is badRequest for ValidationErrors, which are those of the request's parameters.
func badParameters(err error) error {
	var invalid deltag.ValidationErrors
	if errors.As(err, &invalid) {
		return badRequest(err)
	}
	return err
}

// GetRegistration implements GET /events/{id}/registrations/{rid}.
func (s *server) GetRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	e, registration, err := s.Organiser.Registration(r.Context(), callerOf(r), id, rid)
	s.answer(w, r, http.StatusOK, toRegistration(e, registration), err)
}

// AddRegistration implements POST /events/{id}/registrations.
func (s *server) AddRegistration(w http.ResponseWriter, r *http.Request, id Id) {
	var in SignUp
	if !s.readJSON(w, r, &in) {
		return
	}
	typed := deltag.SignUpRequest{
		Name: in.Name, Email: deltag.Address{Original: in.Email}, Organisation: deref(in.Organisation),
		JobTitle: deref(in.Role), AllowsNews: deref(in.Updates), Answers: deref(in.Answers),
		Language: deltag.Language(deref(in.Language)),
	}
	e, registration, err := s.Organiser.AddRegistration(r.Context(), callerOf(r), id, typed)
	s.answer(w, r, http.StatusCreated, toRegistration(e, registration), err)
}

// EditRegistration implements PATCH /events/{id}/registrations/{rid}.
func (s *server) EditRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	var in RegistrationEdit
	if !s.readJSON(w, r, &in) {
		return
	}
	edit := organiser.RegistrationEdit{
		Name: in.Name, Email: in.Email, Organisation: in.Organisation, JobTitle: in.Role, AllowsNews: in.Updates,
		Answers: deref(in.Answers), Status: (*deltag.RegistrationStatus)(in.Status),
	}
	e, registration, err := s.Organiser.EditRegistration(r.Context(), callerOf(r), id, rid, edit)
	s.answer(w, r, http.StatusOK, toRegistration(e, registration), err)
}

// EraseRegistration implements DELETE /events/{id}/registrations/{rid}.
func (s *server) EraseRegistration(w http.ResponseWriter, r *http.Request, id Id, rid Rid) {
	err := s.Organiser.EraseRegistration(r.Context(), callerOf(r), id, rid)
	s.answer(w, r, http.StatusNoContent, nil, err)
}

func toRegistration(e deltag.Event, r deltag.Registration) Registration {
	zone := e.Zone()
	answers := r.Answers
	if answers == nil {
		answers = map[string][]string{}
	}
	return Registration{
		Id: r.ID, Name: r.Name, Email: r.Email.Original, Organisation: r.Organisation, Role: r.JobTitle, Answers: answers,
		Updates: r.AllowsNews, Status: string(r.Status), RegisteredAt: r.RegisteredAt.In(zone),
		AttendedAt: timePtr(r.AttendedAt, zone), Mail: string(r.AddressStatus),
	}
}
