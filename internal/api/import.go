package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
	"deltag/internal/web"
)

// importPath is the path of an import, of any event.
const importPath = "/api/v1/events/*/registrations/import"

// importBudget is how long one request goes on signing people up. API Gateway gives up after 30 seconds.
const importBudget = 8 * time.Second

// maxAfter is more than a file of spreadsheet.MaxFile has lines.
const maxAfter = 10_000_000

// ImportRegistrations implements POST /events/{id}/registrations/import.
func (s *server) ImportRegistrations(w http.ResponseWriter, r *http.Request, id Id, params ImportRegistrationsParams) {
	after := deref(params.After)
	if after < 0 || after > maxAfter {
		s.fail(w, r, badParameters(badField("after", "bad-parameter")))
		return
	}
	table, err := readTable(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	in := organiser.Import{
		Table: table, Source: deref(params.Source), WithoutMail: params.Confirmations != nil && !*params.Confirmations,
		AddCancelled: deref(params.AddCancelled), AddErased: deref(params.AddErased),
	}
	if deref(params.DryRun) {
		plan, err := s.Organiser.PlanImport(r.Context(), callerOf(r), id, in)
		last := table.Rows[len(table.Rows)-1].Line
		s.answer(w, r, http.StatusOK, ImportResult{Lines: convertAll(plan.Lines, toImportLine), Last: last, Done: true}, err)
		return
	}
	end := s.Now().Add(importBudget)
	enough := func() bool { return s.Now().After(end) }
	part, err := s.Organiser.Import(r.Context(), callerOf(r), id, in, after, enough)
	if err != nil && len(part.Lines) > 0 { // the client hears of those, and goes on behind them
		s.Log.ErrorContext(r.Context(), "import stopped half-way", "error", err)
		err = nil
	}
	result := ImportResult{Lines: convertAll(part.Lines, toImportLine), Last: part.Last, Done: part.Done}
	s.answer(w, r, http.StatusOK, result, err)
}

// readTable reads a list. The media type says only that it is one. Errors: ErrTooLarge, ErrMediaType, ErrMalformed,
// ValidationErrors.
func readTable(w http.ResponseWriter, r *http.Request) (spreadsheet.Table, error) {
	switch mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType {
	case "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
	default:
		return spreadsheet.Table{}, web.ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, spreadsheet.MaxFile))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refused := &spreadsheet.FileError{Code: spreadsheet.CodeTooLarge, Limit: spreadsheet.MaxFile >> 20}
		return spreadsheet.Table{}, fmt.Errorf("%w: %w", web.ErrTooLarge, tableFault(refused))
	case err != nil:
		return spreadsheet.Table{}, web.ErrMalformed
	}
	table, err := spreadsheet.Read(body)
	var refused *spreadsheet.FileError
	if errors.As(err, &refused) {
		return table, tableFault(refused)
	}
	return table, err
}

// tableFault names the place of a fault as its field: "line 7", "B7", or "file".
func tableFault(refused *spreadsheet.FileError) deltag.ValidationErrors {
	field, code := "file", "file-"+refused.Code
	switch {
	case refused.Cell != "":
		field = refused.Cell
	case refused.Line > 0:
		field = fmt.Sprint("line ", refused.Line)
	}
	return deltag.ValidationErrors{{Field: field, Code: code, Limit: refused.Limit}}
}

func toImportLine(line organiser.ImportLine) ImportLine {
	return ImportLine{
		Line: line.Line, Name: line.Name, Email: line.Email, Status: ImportStatus(line.Status),
		Errors: convertAll(line.Faults, func(f deltag.FieldError) FieldError {
			return FieldError{Field: f.Field, Code: f.Code, Detail: i18n.For(deltag.LanguageEnglish).FieldError(f)}
		}),
	}
}
