package organiser

import (
	"context"
	"slices"

	"deltag/internal/deltag"
)

// record has the change that follows write an entry to the audit log.
func (c Caller) record(ctx context.Context, e deltag.AuditEntry) context.Context {
	return c.Record(ctx, c.Now, e)
}

// AuditLog is a page of what was done about an event, the latest first. ValidationErrors for a bad cursor.
func (s *Service) AuditLog(
	ctx context.Context, by Caller, eventID, cursor string, limit int,
) (deltag.Event, Page[deltag.AuditEntry], error) {
	e, err := s.eventToRead(ctx, by, eventID)
	if err != nil {
		return e, Page[deltag.AuditEntry]{}, err
	}
	entries, next, err := s.Store.AuditLog(ctx, eventID, cursor, limit)
	return e, Page[deltag.AuditEntry]{entries, next}, err
}

// WholeAuditLog is a page of what was done about all events and, for those who manage them, members and access tokens, the
// latest first. For others it may hold fewer than limit, or none, and still have a next one. ValidationErrors for a bad
// cursor.
func (s *Service) WholeAuditLog(
	ctx context.Context, by Caller, cursor string, limit int,
) (Page[deltag.AuditEntry], error) {
	if err := by.requireRead(); err != nil {
		return Page[deltag.AuditEntry]{}, err
	}
	entries, next, err := s.Store.WholeAuditLog(ctx, cursor, limit)
	if !by.MayManage() {
		entries = slices.DeleteFunc(entries, func(e deltag.AuditEntry) bool { return e.EventID == "" })
	}
	return Page[deltag.AuditEntry]{entries, next}, err
}
