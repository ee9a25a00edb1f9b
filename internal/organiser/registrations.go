package organiser

import (
	"context"
	"maps"
	"slices"
	"strings"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// Registrations is a page of those of an event's registrations that q picks, in the order of their ids. It may hold fewer
// than limit, or none, and still have a next one. ValidationErrors for q and its cursor.
func (s *Service) Registrations(
	ctx context.Context, by Caller, eventID string, q AttendeeQuery, limit int,
) (deltag.Event, Page[deltag.Registration], error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err == nil {
		err = q.validate(e)
	}
	if err != nil {
		return e, Page[deltag.Registration]{}, err
	}
	registrations, next, err := s.Store.Registrations(ctx, eventID, q.Cursor, limit)
	matcher := q.matcher(e)
	isOther := func(r deltag.Registration) bool { return !matcher.matches(r.Attendee()) }
	return e, Page[deltag.Registration]{slices.DeleteFunc(registrations, isOther), next}, err
}

// Registration reads one.
func (s *Service) Registration(
	ctx context.Context, by Caller, eventID, id string,
) (deltag.Event, deltag.Registration, error) {
	if err := by.requireRead(); err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	return s.Store.EventAndRegistration(ctx, eventID, id)
}

// AddRegistration signs somebody up, also while sign-up is closed, but not to an event that is cancelled or over. An
// address that has a seat or waits stays as it is, so repeating it is harmless; one that has cancelled or is unverified
// is signed up with what was entered. ValidationErrors; ErrClosed; ErrFull.
func (s *Service) AddRegistration(
	ctx context.Context, by Caller, eventID string, typed deltag.SignUpRequest,
) (deltag.Event, deltag.Registration, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return e, deltag.Registration{}, err
	}
	in, err := address.ParseSignUp(ctx, typed, e, s.CheckDomain)
	if err != nil {
		return e, deltag.Registration{}, err
	}
	if !e.TakesSignUps(by.Now) {
		return e, deltag.Registration{}, deltag.ErrClosed
	}
	in.ByOrganiser = true
	id := deltag.RegistrationID(e, in.Email)
	ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditRegistrationAdded, EventID: eventID, RegistrationID: id})
	if _, err := s.Store.SignUp(ctx, e, in, by.Now); err != nil {
		return e, deltag.Registration{}, err
	}
	return s.Store.EventAndRegistration(ctx, eventID, id)
}

// A RegistrationEdit is what an organiser corrects about a registration. What is nil stays. Answers are merged by
// question: one that is not named is kept, also if its question is gone.
type RegistrationEdit struct {
	Name, Email, Organisation, JobTitle *string
	AllowsNews                          *bool
	Answers                             map[string][]string
	Status                              *deltag.RegistrationStatus // only to cancelled, and only alone
}

func (edit RegistrationEdit) changesDetails() bool {
	return edit.Name != nil || edit.Email != nil || edit.Organisation != nil || edit.JobTitle != nil ||
		edit.AllowsNews != nil || edit.Answers != nil
}

// EditRegistration corrects a registration or cancels it. What changes nothing stores nothing. With another address it gets another id, new links and the
// confirmation; the former id is ErrNotFound from then on. One that is unverified is erased when it is cancelled, and
// returned as it was otherwise. ValidationErrors; AddressTakenError; ErrConflict when others kept changing it.
func (s *Service) EditRegistration(
	ctx context.Context, by Caller, eventID, id string, edit RegistrationEdit,
) (deltag.Event, deltag.Registration, error) {
	if err := by.requireEdit(); err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	newID := id
	var e deltag.Event
	var r deltag.Registration
	err := deltag.RetryOnConflict(func() (err error) {
		if e, r, err = s.Store.EventAndRegistration(ctx, eventID, id); err != nil {
			return err
		}
		if edit.Status != nil && *edit.Status != r.Status {
			return s.cancelRegistration(ctx, by, e, r, edit)
		}
		if !edit.changesDetails() {
			return nil
		}
		in, err := edit.signUpRequest(ctx, e, r, s.CheckDomain.Except(r.Email.Domain()))
		if err != nil {
			return err
		}
		fields := in.ChangedFields(r)
		if len(fields) == 0 {
			return nil
		}
		newID = deltag.RegistrationID(e, in.Email)
		ctx := by.record(ctx, deltag.AuditEntry{
			Action: deltag.AuditRegistrationCorrected, EventID: eventID, RegistrationID: newID, Details: fields,
		})
		return s.Store.UpdateByOrganiser(ctx, e, r, in, by.Now)
	})
	if err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	if r.Status == deltag.RegistrationUnverified && edit.Status != nil && *edit.Status == deltag.RegistrationCancelled { // it is gone
		r.Status = deltag.RegistrationCancelled
		return e, r, nil
	}
	return s.Store.EventAndRegistration(ctx, eventID, newID)
}

func (s *Service) cancelRegistration(
	ctx context.Context, by Caller, e deltag.Event, r deltag.Registration, edit RegistrationEdit,
) error {
	if *edit.Status != deltag.RegistrationCancelled {
		return deltag.ValidationErrors{{Field: "status", Code: "only-cancelled"}}
	}
	if edit.changesDetails() {
		return deltag.ValidationErrors{{Field: "status", Code: "alone"}}
	}
	ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditRegistrationCancelled, EventID: e.ID, RegistrationID: r.ID})
	return s.Store.CancelRegistration(ctx, e, r, by.Now)
}

// signUpRequest is r with what the edit names. ValidationErrors.
func (edit RegistrationEdit) signUpRequest(
	ctx context.Context, e deltag.Event, r deltag.Registration, check address.DomainCheck,
) (deltag.SignUpRequest, error) {
	in, err := address.ParseSignUp(ctx, deltag.SignUpRequest{
		Name:         valueOr(edit.Name, r.Name),
		Email:        deltag.Address{Original: valueOr(edit.Email, r.Email.Original)},
		Organisation: valueOr(edit.Organisation, r.Organisation),
		JobTitle:     valueOr(edit.JobTitle, r.JobTitle),
		AllowsNews:   valueOr(edit.AllowsNews, r.AllowsNews),
		Answers:      edit.Answers,
		Language:     r.Language,
	}, e, check)
	var invalid deltag.ValidationErrors
	for _, f := range fieldErrors(err) {
		question, isAnswer := strings.CutPrefix(f.Field, "answers.")
		if _, sent := edit.Answers[question]; sent || !isAnswer { // a required question may be newer than r
			invalid = append(invalid, f)
		}
	}
	answers := map[string][]string{}
	maps.Copy(answers, r.Answers)
	for question := range edit.Answers {
		delete(answers, question) // an empty answer is not in in.Answers
	}
	maps.Copy(answers, in.Answers)
	in.Answers = answers
	return in, invalid.Err()
}

func valueOr[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

// EraseRegistration deletes everything personal about somebody, frees the seat, and sends a receipt. ErrNotFound when
// it is repeated.
func (s *Service) EraseRegistration(ctx context.Context, by Caller, eventID, id string) error {
	if err := by.requireEdit(); err != nil {
		return err
	}
	e, r, err := s.Store.EventAndRegistration(ctx, eventID, id)
	if err != nil {
		return err
	}
	ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditRegistrationErased, EventID: eventID, RegistrationID: id})
	return s.Store.Erase(ctx, e, r, by.Now)
}
