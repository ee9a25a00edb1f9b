package api

import (
	"io"
	"iter"
	"net/http"

	"deltag/internal/attendeelist"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// ExportRegistrations implements GET /events/{id}/registrations.csv.
func (s *server) ExportRegistrations(w http.ResponseWriter, r *http.Request, id Id, _ ExportRegistrationsParams) {
	s.export(w, r, id, "csv", web.CSVType, attendeelist.WriteCSV)
}

// ExportWorkbook implements GET /events/{id}/registrations.xlsx.
func (s *server) ExportWorkbook(w http.ResponseWriter, r *http.Request, id Id, _ ExportWorkbookParams) {
	s.export(w, r, id, "xlsx", attendeelist.XLSXType, attendeelist.WriteXLSX)
}

// export reads and writes a list a part at a time.
func (s *server) export(
	w http.ResponseWriter, r *http.Request, id, extension, contentType string,
	write func(io.Writer, deltag.Event, iter.Seq2[deltag.Attendee, error]) error,
) {
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
	name := e.Slug
	if part.Of > 1 {
		name += "-" + part.String()
	}
	web.BeginFile(w, contentType, name+"."+extension)
	if err := write(w, e, attendees); err != nil {
		// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
		s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
		panic(http.ErrAbortHandler)
	}
}
