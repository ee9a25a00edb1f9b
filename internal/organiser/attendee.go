package organiser

import (
	"cmp"
	"context"
	"slices"

	"deltag/internal/deltag"
)

// AttendeeDetails are a registration and all mail to it, also to addresses that it had before, the latest first.
type AttendeeDetails struct {
	Event        deltag.Event
	Registration deltag.Registration
	Deliveries   []deltag.Delivery
}

// AttendeeDetails reads one.
func (s *Service) AttendeeDetails(ctx context.Context, by Caller, eventID, id string) (AttendeeDetails, error) {
	e, r, err := s.Registration(ctx, by, eventID, id)
	details := AttendeeDetails{Event: e, Registration: r}
	if err != nil {
		return details, err
	}
	for _, id := range append([]string{r.ID}, r.PreviousIDs...) {
		deliveries, err := s.Store.DeliveriesOf(ctx, eventID, id)
		if err != nil {
			return details, err
		}
		details.Deliveries = append(details.Deliveries, deliveries...)
	}
	slices.SortStableFunc(details.Deliveries, func(a, b deltag.Delivery) int {
		return cmp.Or(b.DueAt.Compare(a.DueAt), b.Version-a.Version)
	})
	return details, nil
}

// GiveSeat signs somebody up again who has cancelled, or does so instead of them who have not verified their address:
// they get a seat or, if all are taken, the next waitlist place. Who has a seat keeps it, so repeating it is harmless.
// Who waits gets the next seat that is free, by itself: ErrFull, for then there is none. ErrClosed: the event is
// cancelled or over.
func (s *Service) GiveSeat(ctx context.Context, by Caller, eventID, id string) (deltag.Registration, error) {
	if err := by.requireEdit(); err != nil {
		return deltag.Registration{}, err
	}
	e, r, err := s.Store.EventAndRegistration(ctx, eventID, id)
	switch {
	case err != nil || r.Status == deltag.RegistrationConfirmed:
		return r, err
	case !e.TakesSignUps(by.Now):
		return r, deltag.ErrClosed
	case r.Status == deltag.RegistrationWaitlisted:
		return r, deltag.ErrFull
	}
	ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditSeatGiven, EventID: eventID, RegistrationID: id})
	_, err = s.Store.SignUp(ctx, e, deltag.SignUpRequest{
		Name: r.Name, Email: r.Email, Organisation: r.Organisation, JobTitle: r.JobTitle, AllowsNews: r.AllowsNews,
		Answers: r.Answers, Language: r.Language, ByOrganiser: true, Source: r.Source,
	}, by.Now)
	if err != nil {
		return r, err
	}
	_, r, err = s.Store.EventAndRegistration(ctx, eventID, id)
	return r, err
}

// NoteAttended stores whether somebody attended. Repeating it keeps the first time.
func (s *Service) NoteAttended(ctx context.Context, by Caller, eventID, id string, attended bool) error {
	if err := by.requireEdit(); err != nil {
		return err
	}
	e, r, err := s.Store.EventAndRegistration(ctx, eventID, id)
	if err != nil {
		return err
	}
	ctx = by.record(ctx, deltag.AuditEntry{
		Action: deltag.AuditAttendanceNoted, EventID: eventID, RegistrationID: id, Details: []string{yesNo(attended)},
	})
	return s.Store.NoteAttended(ctx, e, r, attended, by.Now)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
