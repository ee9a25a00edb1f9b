package api

import (
	"net/http"

	"deltag/internal/deltag"
)

// GetNumbers implements GET /events/{id}/numbers.
func (s *server) GetNumbers(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	var n deltag.EventStats
	if err == nil {
		n, err = s.Store.EventStats(r.Context(), e)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := Numbers{
		Counts: toCounts(n.Counts), SignUpsByDay: n.SignUpsByDay, Mails: map[string]map[string]int{},
		Erasures: n.Erasures, ErasedAt: timePtr(n.ErasedAt, e.Zone()),
	}
	for kind, outcomes := range n.Mails {
		out.Mails[string(kind)] = map[string]int{}
		for status, count := range outcomes {
			out.Mails[string(kind)][string(status)] = count
		}
	}
	write(w, http.StatusOK, out)
}

// GetRecount implements GET /events/{id}/recount.
func (s *server) GetRecount(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	var c deltag.Reconciliation
	if err == nil {
		c, err = s.Store.LastReconciliation(r.Context(), id)
	}
	s.answerRecount(w, r, e, c, err)
}

// Recount implements POST /events/{id}/recount.
func (s *server) Recount(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	var c deltag.Reconciliation
	if err == nil {
		c, err = s.Store.Reconcile(r.Context(), id, s.Now())
	}
	s.answerRecount(w, r, e, c, err)
}

func (s *server) answerRecount(w http.ResponseWriter, r *http.Request, e deltag.Event, c deltag.Reconciliation, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, http.StatusOK, Recount{
		At: c.At.In(e.Zone()), Confirmed: c.Drift.Confirmed, Waiting: c.Drift.Waitlisted, Cancelled: c.Drift.Cancelled, Places: c.WaitlistRepairs,
	})
}

func toCounts(c deltag.Counts) Counts {
	return Counts{Confirmed: c.Confirmed, Waiting: c.Waitlisted, Cancelled: c.Cancelled, Attended: c.Attended}
}
