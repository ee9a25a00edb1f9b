package api

import (
	"net/http"

	"deltag/internal/attendeelist"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// ExportRegistrations implements GET /events/{id}/registrations.csv. The list is read and written a part at a time.
func (s *server) ExportRegistrations(
	w http.ResponseWriter, r *http.Request, id Id, params ExportRegistrationsParams,
) {
	filter, err := registrationFilter(params.Status)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := organiser.AttendeeQuery{Status: filter.Status}
	e, attendees, err := s.Organiser.ExportAttendees(r.Context(), callerOf(r), id, q, organiser.ExportPart{})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	web.BeginFile(w, web.CSVType, e.Slug+".csv")
	if err := attendeelist.WriteCSV(w, e, attendees); err != nil {
		// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
		s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
		panic(http.ErrAbortHandler)
	}
}
