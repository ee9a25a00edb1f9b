package console

import (
	"io"
	"iter"
	"net/http"

	"deltag/internal/attendeelist"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

func (s *site) attendeesCSV(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.exportAttendees(w, r, p, "csv", web.CSVType, attendeelist.WriteCSV)
}

func (s *site) attendeesXLSX(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.exportAttendees(w, r, p, "xlsx", attendeelist.XLSXType, attendeelist.WriteXLSX)
}

// exportAttendees writes all that the filters pick, or one of several parts of it.
func (s *site) exportAttendees(
	w http.ResponseWriter, r *http.Request, p *page, extension, contentType string,
	write func(io.Writer, deltag.Event, iter.Seq2[deltag.Attendee, error]) error,
) error {
	q, err := organiser.ParseAttendeeQuery(attendeeValues(r.URL.Query()))
	if err != nil {
		return err
	}
	if q.Sort == "" {
		q.Sort = organiser.SortLatest
	}
	part, err := organiser.ParseExportPart(r.URL.Query().Get("part"))
	if err != nil {
		return err
	}
	e, attendees, err := s.Organiser.ExportAttendees(r.Context(), p.caller(), r.PathValue("id"), q, part)
	if err != nil {
		return err
	}
	name := e.Slug
	if part.Of > 1 {
		name += "-" + part.String()
	}
	web.ForbidIndexing(w)
	web.BeginFile(w, contentType, name+"."+extension)
	if err := write(w, e, attendees); err != nil {
		// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
		s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
