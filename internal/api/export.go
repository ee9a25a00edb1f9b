package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/web"
)

// ExportRegistrations implements GET /events/{id}/registrations.csv. The list is read and written a page at a time.
// Excel reads a local time without a zone.
func (s *server) ExportRegistrations(
	w http.ResponseWriter, r *http.Request, id Id, params ExportRegistrationsParams,
) {
	filter, err := registrationFilter(params.Status)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e, registrations, err := s.Organiser.ExportRegistrations(r.Context(), callerOf(r), id, filter)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := web.BeginCSV(w, e.Slug+".csv")
	_ = out.Write(csvHead(e)) // the client is gone if a write fails
	for registration, err := range registrations {
		if err != nil {
			// Half a list would pass for a whole one: package lambdaevent answers 500 instead.
			s.Log.ErrorContext(r.Context(), "export failed half-way", "error", err)
			panic(http.ErrAbortHandler)
		}
		_ = out.Write(csvRow(e, registration))
	}
	out.Flush()
}

func csvHead(e deltag.Event) []string {
	words := i18n.For(e.Language)
	columns := []string{"name", "email", "organisation", "role", "status", "registered", "attended", "mail", "updates"}
	var head []string
	for _, column := range columns {
		head = append(head, words.Text("csv."+column))
	}
	for _, q := range e.Questions {
		head = append(head, web.EscapeFormula(q.Label))
	}
	return append(head, words.Text("csv.other")) // answers to questions that were removed since
}

func csvRow(e deltag.Event, r deltag.Registration) []string {
	words := i18n.For(e.Language)
	updates := "csv.no"
	if r.AllowsNews {
		updates = "csv.yes"
	}
	row := []string{
		r.Name, r.Email.Original, r.Organisation, r.JobTitle, words.Text("csv.status." + string(r.Status)),
		localTime(r.RegisteredAt, e), localTime(r.AttendedAt, e), words.Text("csv.mail." + string(r.AddressStatus)),
		words.Text(updates),
	}
	for _, q := range e.Questions {
		row = append(row, strings.Join(r.Answers[q.ID], ", "))
	}
	var others []string
	for id, given := range r.Answers {
		if _, asked := e.Question(id); !asked {
			others = append(others, id+": "+strings.Join(given, ", "))
		}
	}
	slices.Sort(others)
	row = append(row, strings.Join(others, " | "))
	for i := range row {
		row[i] = web.EscapeFormula(row[i])
	}
	return row
}

// localTime is a time in the event's zone as Excel reads it.
func localTime(t time.Time, e deltag.Event) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Zone()).Format("2006-01-02 15:04:05")
}
