package organiser

import (
	"context"

	"deltag/internal/deltag"
)

// countNoticeRecipients replaces what the counts say of a change notice that waits, by whom the rules let through: they
// skip those who have signed up since the change, which no count tells. Up to maxCounted people are read for that, while a
// notice waits; above, the number is an upper limit.
func (s *Service) countNoticeRecipients(
	ctx context.Context, by Caller, e deltag.Event, ms []deltag.Mailing, counts deltag.Counts,
	entries []deltag.TimelineEntry,
) error {
	if counts.Confirmed > maxCounted {
		return nil
	}
	byKey := map[deltag.MailingKey]deltag.Mailing{}
	for _, m := range ms {
		byKey[m.Key()] = m
	}
	for i, entry := range entries {
		if !entry.Kind.IsChangeNotice() || entry.Expected == 0 {
			continue
		}
		m := byKey[deltag.MailingKey{EventID: e.ID, Kind: entry.Kind, Version: entry.Version}]
		sentAt := by.Now
		if sentAt.Before(m.DueAt) {
			sentAt = m.DueAt
		}
		reached := 0
		err := s.Store.EachRegistration(ctx, e.ID, func(r deltag.Registration) error {
			if m.Reaches(e, r, sentAt) {
				reached++
			}
			return nil
		})
		if err != nil {
			return err
		}
		entries[i].Expected = reached
	}
	return nil
}
