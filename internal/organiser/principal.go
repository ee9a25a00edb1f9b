package organiser

import (
	"context"

	"deltag/internal/deltag"
)

// Every use case begins with one of these, or with updateEvent or newMessage, which do: ErrForbidden, before anything
// is read.

func mayRead(p deltag.Principal) error {
	if !p.MayRead() {
		return deltag.ErrForbidden
	}
	return nil
}

func mayEdit(p deltag.Principal) error {
	if !p.MayEdit() {
		return deltag.ErrForbidden
	}
	return nil
}

func (s *Service) eventToRead(ctx context.Context, p deltag.Principal, id string) (deltag.Event, error) {
	if err := mayRead(p); err != nil {
		return deltag.Event{}, err
	}
	return s.Store.Event(ctx, id)
}

func (s *Service) eventToEdit(ctx context.Context, p deltag.Principal, id string) (deltag.Event, error) {
	if err := mayEdit(p); err != nil {
		return deltag.Event{}, err
	}
	return s.Store.Event(ctx, id)
}
