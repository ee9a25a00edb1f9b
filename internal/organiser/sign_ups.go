package organiser

import (
	"cmp"
	"context"
	"slices"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
)

// SignUps are how many people signed up on which day, and where they come from.
type SignUps struct {
	// ByDay is by date in the event's zone, as 2006-01-02. Who has cancelled since is counted too.
	ByDay map[string]int
	// Organisations are those of the people who take part, most people first: a municipality under its own name,
	// however it was spelt. Name is "" for those who named none. Nil when the people are erased.
	Organisations []municipality.Group
}

// SignUps reads every registration, and keeps none. Once the people are erased it has what is kept of the days.
func (s *Service) SignUps(ctx context.Context, by Caller, eventID string) (deltag.Event, SignUps, error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, SignUps{}, err
	}
	if !by.Now.Before(e.RetentionEndsAt()) {
		stats, err := s.Store.EventStats(ctx, e)
		return e, SignUps{ByDay: stats.SignUpsByDay}, err
	}
	municipalities, err := municipality.ParseList("")
	if err != nil {
		return e, SignUps{}, err
	}
	stats, counter := deltag.NewEventStats(), municipalities.NewCounter()
	err = s.Store.EachRegistration(ctx, eventID, func(r deltag.Registration) error {
		stats.AddRegistration(e, r)
		if r.IsActive() {
			counter.Count(r.Organisation, r.Email.Normalized)
		}
		return nil
	})
	return e, SignUps{ByDay: stats.SignUpsByDay, Organisations: present(counter.Coverage())}, err
}

// present are all organisations with people, those with most first.
func present(c municipality.Coverage) []municipality.Group {
	isMissing := func(g municipality.Group) bool { return g.People == 0 }
	all := slices.DeleteFunc(slices.Concat(c.Expected, c.Others), isMissing)
	slices.SortStableFunc(all, func(a, b municipality.Group) int { return cmp.Compare(b.People, a.People) })
	return all
}
