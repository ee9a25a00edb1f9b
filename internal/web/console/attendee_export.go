package console

import (
	"iter"
	"net/http"

	"deltag/internal/attendeelist"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

func (s *site) attendeesCSV(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.exportAttendees(w, r, p, attendeelist.CSV)
}

func (s *site) attendeesXLSX(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.exportAttendees(w, r, p, attendeelist.XLSX)
}

// exportAttendees writes all that the filters pick, or one of several parts of it.
func (s *site) exportAttendees(w http.ResponseWriter, r *http.Request, p *page, format attendeelist.Format) error {
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
	return s.writeList(w, r, e, attendees, part.FileName(e), format)
}

func (s *site) writeList(
	w http.ResponseWriter, r *http.Request, e deltag.Event, attendees iter.Seq2[deltag.Attendee, error],
	name string, format attendeelist.Format,
) error {
	web.ForbidIndexing(w)
	if err := format.Answer(w, e, attendees, name); err != nil {
		// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
		s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
