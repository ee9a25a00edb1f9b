package api

import (
	"net/http"

	"deltag/internal/deltag"
)

// GetTimeline implements GET /events/{id}/timeline.
func (s *server) GetTimeline(w http.ResponseWriter, r *http.Request, id Id) {
	e, _, entries, err := s.Organiser.Timeline(r.Context(), callerOf(r), id)
	items := convertAll(entries, func(n deltag.TimelineEntry) TimelineEntry { return toTimelineEntry(e, n) })
	s.answer(w, r, http.StatusOK, Timeline{Items: items}, err)
}

func toTimelineEntry(e deltag.Event, n deltag.TimelineEntry) TimelineEntry {
	return TimelineEntry{
		Kind: string(n.Kind), Version: n.Version, DueAt: n.DueAt, DueAtLocal: n.DueAt.In(e.Zone()),
		Status: string(n.Status), Reason: string(n.Reason), Expected: n.Expected, Sent: n.Sent, Skipped: n.Skipped,
	}
}
