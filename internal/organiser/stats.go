package organiser

import (
	"context"

	"deltag/internal/deltag"
)

// Stats are what is known of an event without its people.
func (s *Service) Stats(ctx context.Context, by Caller, eventID string) (deltag.Event, deltag.EventStats, error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, deltag.EventStats{}, err
	}
	stats, err := s.Store.EventStats(ctx, e)
	return e, stats, err
}

// Reconcile checks the counts and the waitlist against the registrations, repairs them, and returns what was wrong.
// Harmless to repeat. ErrConflict: people kept signing up while it was counting.
func (s *Service) Reconcile(
	ctx context.Context, by Caller, eventID string,
) (deltag.Event, deltag.Reconciliation, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return e, deltag.Reconciliation{}, err
	}
	ctx = by.record(ctx, deltag.AuditEntry{Action: deltag.AuditRecounted, EventID: eventID, Subject: e.Title})
	r, err := s.Store.Reconcile(ctx, eventID, by.Now)
	return e, r, err
}

// LastReconciliation is what the last one found, the daily one or an organiser's. ErrNotFound also when there was none.
func (s *Service) LastReconciliation(
	ctx context.Context, by Caller, eventID string,
) (deltag.Event, deltag.Reconciliation, error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, deltag.Reconciliation{}, err
	}
	r, err := s.Store.LastReconciliation(ctx, eventID)
	return e, r, err
}
