package organiser

import (
	"context"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
)

// Coverage says who of the expected organisations takes part, has a seat or waits for one, and who is missing. expected
// is a list, one a line; "" stands for Denmark's municipalities. It reads every registration, and keeps none.
// ValidationErrors about the list.
func (s *Service) Coverage(
	ctx context.Context, by Caller, eventID, expected string,
) (deltag.Event, municipality.Coverage, error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, municipality.Coverage{}, err
	}
	list, err := municipality.ParseList(expected)
	if err != nil {
		return e, municipality.Coverage{}, err
	}
	counter := list.NewCounter()
	err = s.Store.EachRegistration(ctx, eventID, func(r deltag.Registration) error {
		if r.IsActive() {
			counter.Count(r.Organisation, r.Email.Normalized)
		}
		return nil
	})
	return e, counter.Coverage(), err
}
