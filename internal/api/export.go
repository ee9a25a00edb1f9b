package api

import (
	"net/http"

	"deltag/internal/attendeelist"
	"deltag/internal/organiser"
)

// ExportRegistrations implements GET /events/{id}/registrations.csv.
func (s *server) ExportRegistrations(w http.ResponseWriter, r *http.Request, id Id, _ ExportRegistrationsParams) {
	s.export(w, r, id, attendeelist.CSV)
}

// ExportWorkbook implements GET /events/{id}/registrations.xlsx.
func (s *server) ExportWorkbook(w http.ResponseWriter, r *http.Request, id Id, _ ExportWorkbookParams) {
	s.export(w, r, id, attendeelist.XLSX)
}

// export reads and writes a list a part at a time.
func (s *server) export(w http.ResponseWriter, r *http.Request, id string, format attendeelist.Format) {
	q, err := attendeeQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	part, err := organiser.ParseExportPart(r.URL.Query().Get("part"))
	if err == nil && r.URL.Query().Has("part") && part.Of == 0 {
		err = badField("part", "bad-parameter")
	}
	if err != nil {
		s.fail(w, r, badParameters(err))
		return
	}
	e, attendees, err := s.Organiser.ExportAttendees(r.Context(), callerOf(r), id, q, part)
	if err != nil {
		s.fail(w, r, badParameters(err))
		return
	}
	if err := format.Answer(w, e, attendees, part.FileName(e)); err != nil {
		// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
		s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
		panic(http.ErrAbortHandler)
	}
}
