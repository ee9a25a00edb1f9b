package api

import (
	"encoding/csv"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// ExportRegistrations implements GET /events/{id}/registrations.csv. The list passes through a page at a time. Danish Excel splits at
// semicolons, knows UTF-8 by its byte order mark, and reads a local time without a zone.
func (s *server) ExportRegistrations(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	var rs []deltag.Registration
	var next string
	if err == nil {
		rs, next, err = s.Store.Registrations(r.Context(), id, "", maxLimit)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.Slug + ".csv"}))
	_, _ = io.WriteString(w, "\ufeff")
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	_ = out.Write(csvHead(e))
	for {
		for _, reg := range rs {
			_ = out.Write(csvRow(e, reg))
		}
		out.Flush()
		if next == "" {
			return
		}
		if rs, next, err = s.Store.Registrations(r.Context(), id, next, maxLimit); err != nil {
			// Half a list would pass for a whole one: the adapter answers 500 instead.
			s.Log.ErrorContext(r.Context(), "export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// otherAnswers is the column for answers to questions that were removed since.
const otherAnswers = "other"

func csvHead(e deltag.Event) []string {
	words := i18n.For(e.Language)
	var head []string
	for _, column := range []string{"name", "email", "organisation", "role", "status", "registered", "attended", "mail", "updates"} {
		head = append(head, words.Text("csv."+column))
	}
	for _, q := range e.Questions {
		head = append(head, escapeFormula(q.Label))
	}
	return append(head, words.Text("csv."+otherAnswers))
}

func csvRow(e deltag.Event, r deltag.Registration) []string {
	words := i18n.For(e.Language)
	updates := "csv.no"
	if r.Updates {
		updates = "csv.yes"
	}
	row := []string{
		r.Name, r.Email.Original, r.Organisation, r.Role, words.Text("csv.status." + string(r.Status)),
		localTime(r.RegisteredAt, e), localTime(r.AttendedAt, e), words.Text("csv.mail." + string(r.AddressStatus)), words.Text(updates),
	}
	var others []string
	for id, given := range r.Answers {
		if _, asked := e.Question(id); !asked {
			others = append(others, id+": "+strings.Join(given, ", "))
		}
	}
	slices.Sort(others)
	for _, q := range e.Questions {
		row = append(row, strings.Join(r.Answers[q.ID], ", "))
	}
	row = append(row, strings.Join(others, " | "))
	for i := range row {
		row[i] = escapeFormula(row[i])
	}
	return row
}

// escapeFormula keeps Excel from taking a cell for a formula. Quoting does not help; an apostrophe does. Excel looks past leading spaces.
func escapeFormula(cell string) string {
	if strings.ContainsRune("\t\r\n", rune(firstByte(cell))) || strings.ContainsRune("=+-@", rune(firstByte(strings.TrimLeft(cell, " \u00a0")))) {
		return "'" + cell
	}
	return cell
}

func firstByte(s string) byte {
	if s == "" {
		return 'a'
	}
	return s[0]
}

// localTime is a time in the event's zone as Excel reads it.
func localTime(t time.Time, e deltag.Event) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Zone()).Format("2006-01-02 15:04:05")
}
