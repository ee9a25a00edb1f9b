// Package attendeelist writes lists of attendees as files that office programs open: CSV and XLSX, with the same
// columns.
package attendeelist

import (
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/spreadsheet"
	"deltag/internal/web"
)

// A Format is a kind of file that a list is written as.
type Format struct {
	Extension, MediaType string
	// Write writes a list a row at a time. Errors: the sequence's, or the writer's.
	Write func(w io.Writer, e deltag.Event, attendees iter.Seq2[deltag.Attendee, error]) error
}

var (
	CSV  = Format{"csv", web.CSVType, WriteCSV}
	XLSX = Format{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", WriteXLSX}
)

// Answer writes a list as a file to be saved under a name, without its extension. After an error the answer is half a
// list, which would pass for a whole one: the caller breaks it off.
func (f Format) Answer(
	w http.ResponseWriter, e deltag.Event, attendees iter.Seq2[deltag.Attendee, error], name string,
) error {
	web.BeginFile(w, f.MediaType, name+"."+f.Extension)
	return f.Write(w, e, attendees)
}

// A column is one of the list. Its cells are texts, or times and yesses and noes, which XLSX has types for.
type column struct {
	title string
	isOwn bool    // the title is the organiser's, as the cells are others': it may look like a formula
	width float64 // in XLSX, in digits
	text  func(deltag.Attendee) string
	time  func(deltag.Attendee) time.Time
	isYes func(deltag.Attendee) (yes, known bool) // beside text, which stands for what is neither yes nor no
}

// columnsOf are the columns of a list, in the event's language.
func columnsOf(e deltag.Event) []column {
	words := i18n.For(e.Language)
	text := func(name string, width float64, of func(deltag.Attendee) string) column {
		return column{title: words.Text("csv." + name), width: width, text: of}
	}
	at := func(name string, of func(deltag.Attendee) time.Time) column {
		return column{title: words.Text("csv." + name), width: 19, time: of}
	}
	all := []column{
		text("name", 26, func(a deltag.Attendee) string { return a.Name }),
		text("email", 30, func(a deltag.Attendee) string { return a.Email }),
		text("organisation", 26, func(a deltag.Attendee) string { return a.Organisation }),
		text("role", 22, func(a deltag.Attendee) string { return a.JobTitle }),
		text("status", 18, func(a deltag.Attendee) string { return words.Text("csv.status." + string(a.Status)) }),
		at("registered", func(a deltag.Attendee) time.Time { return a.RegisteredAt }),
		at("attended", func(a deltag.Attendee) time.Time { return a.AttendedAt }),
		text("mail", 18, func(a deltag.Attendee) string { return words.Text("csv.mail." + string(a.AddressStatus)) }),
		{
			title: words.Text("csv.updates"),
			text:  func(a deltag.Attendee) string { return words.Text("csv." + string(a.NewsConsent())) },
			isYes: func(a deltag.Attendee) (yes, known bool) {
				c := a.NewsConsent()
				return c == deltag.NewsAllowed, c != deltag.NewsAsked
			},
		},
	}
	for _, q := range e.Questions {
		all = append(all, column{title: q.Label, isOwn: true, text: func(a deltag.Attendee) string {
			return strings.Join(a.Answers[q.ID], ", ")
		}})
	}
	other := func(a deltag.Attendee) string { return otherAnswers(e, a) }
	return append(all, text("other", 0, other))
}

// otherAnswers are the answers to questions that were removed since.
func otherAnswers(e deltag.Event, a deltag.Attendee) string {
	var others []string
	for id, given := range a.Answers {
		if _, asked := e.Question(id); !asked {
			others = append(others, id+": "+strings.Join(given, ", "))
		}
	}
	slices.Sort(others)
	return strings.Join(others, " | ")
}

// WriteCSV writes a list a row at a time. Excel reads a local time without a zone. The error is the sequence's; w's are
// passed over, for its reader is gone then.
func WriteCSV(w io.Writer, e deltag.Event, attendees iter.Seq2[deltag.Attendee, error]) error {
	out := web.NewCSVWriter(w)
	columns := columnsOf(e)
	row := make([]string, len(columns))
	for i, c := range columns {
		if row[i] = c.title; c.isOwn {
			row[i] = web.EscapeFormula(c.title)
		}
	}
	_ = out.Write(row)
	for a, err := range attendees {
		if err != nil {
			return err
		}
		for i, c := range columns {
			row[i] = web.EscapeFormula(c.plain(a, e.Zone()))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return nil
}

// plain is a cell as text.
func (c column) plain(a deltag.Attendee, zone *time.Location) string {
	switch {
	case c.text != nil:
		return c.text(a)
	case c.time != nil && c.time(a).IsZero():
		return ""
	}
	return c.time(a).In(zone).Format("2006-01-02 15:04:05")
}

// WriteXLSX writes a list a row at a time. Errors: the sequence's, or w's.
func WriteXLSX(w io.Writer, e deltag.Event, attendees iter.Seq2[deltag.Attendee, error]) error {
	columns, words := columnsOf(e), i18n.For(e.Language)
	sheet := spreadsheet.Sheet{Name: e.Title, Zone: e.Zone(), Yes: words.Text("csv.yes"), No: words.Text("csv.no")}
	for _, c := range columns {
		sheet.Columns = append(sheet.Columns, spreadsheet.Column{Title: c.title, Width: c.width})
	}
	out, err := spreadsheet.NewWriter(w, sheet)
	if err != nil {
		return err
	}
	row := make([]spreadsheet.Cell, len(columns))
	for a, err := range attendees {
		if err != nil {
			return err
		}
		for i, c := range columns {
			row[i] = c.cell(a)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	return out.Close()
}

func (c column) cell(a deltag.Attendee) spreadsheet.Cell {
	if c.isYes != nil {
		if yes, known := c.isYes(a); known {
			return spreadsheet.YesNo(yes)
		}
	}
	if c.text != nil {
		return spreadsheet.Text(c.text(a))
	}
	return spreadsheet.Time(c.time(a))
}
