package api

import (
	"net/http"

	"deltag/internal/deltag"
)

// GetNumbers implements GET /events/{id}/numbers.
func (s *server) GetNumbers(w http.ResponseWriter, r *http.Request, id Id) {
	e, stats, err := s.Organiser.Stats(r.Context(), callerOf(r), id)
	out := Numbers{
		Counts: toCounts(stats.Counts), SignUpsByDay: stats.SignUpsByDay, Mails: map[string]map[string]int{},
		Erasures: stats.Erasures, ErasedAt: timePtr(stats.ErasedAt, e.Zone()),
	}
	for kind, byStatus := range stats.Mails {
		out.Mails[string(kind)] = map[string]int{}
		for status, count := range byStatus {
			out.Mails[string(kind)][string(status)] = count
		}
	}
	s.answer(w, r, http.StatusOK, out, err)
}

// GetRecount implements GET /events/{id}/recount.
func (s *server) GetRecount(w http.ResponseWriter, r *http.Request, id Id) {
	e, last, err := s.Organiser.LastReconciliation(r.Context(), callerOf(r), id)
	s.answer(w, r, http.StatusOK, toRecount(e, last), err)
}

// Recount implements POST /events/{id}/recount.
func (s *server) Recount(w http.ResponseWriter, r *http.Request, id Id) {
	e, made, err := s.Organiser.Reconcile(r.Context(), callerOf(r), id)
	s.answer(w, r, http.StatusOK, toRecount(e, made), err)
}

func toRecount(e deltag.Event, r deltag.Reconciliation) Recount {
	return Recount{
		At: r.At.In(e.Zone()), Confirmed: r.Drift.Confirmed, Waiting: r.Drift.Waitlisted, Cancelled: r.Drift.Cancelled,
		Unverified: r.Drift.Unverified, Seats: r.SeatDrift, Places: r.WaitlistRepairs,
	}
}
