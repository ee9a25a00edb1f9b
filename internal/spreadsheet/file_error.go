package spreadsheet

import (
	"fmt"
	"strings"
)

// The codes of a FileError. They are stable: the language files have a text for each.
const (
	CodeTooLarge       = "too-large"        // more than Limit MB
	CodeNotATable      = "not-a-table"      // neither CSV nor XLSX
	CodeEmpty          = "empty"            // nothing stands in it
	CodeNoRows         = "no-rows"          // only a header
	CodeTooManyColumns = "too-many-columns" // more than Limit
	CodeTooManyRows    = "too-many-rows"    // more than Limit below the header
	CodeCellTooLong    = "cell-too-long"    // more than Limit characters
	CodeNUL            = "nul-character"    // a character that no text has: the file is damaged
	CodeFormula        = "formula"          // a cell that is calculated
	CodeErrorValue     = "error-value"      // a cell that says #N/A or the like
	CodeBadEncoding    = "bad-encoding"     // not the encoding that its mark promises, and no other that is known
	CodeBadQuotes      = "bad-quotes"       // a quotation mark that isn't closed, or stands in the middle of a cell
	CodeBrokenXLSX     = "broken-xlsx"      // not what a program for spreadsheets writes
	CodeUnpacksTooMuch = "xlsx-too-large"   // more than Limit MB when unpacked, or packed as no program does
	CodeEncrypted      = "encrypted-xlsx"   // with a password
	CodeOldXLS         = "old-xls"          // the format of Excel before 2007
)

// A FileError is why a file was refused. Nothing of it was read.
type FileError struct {
	Code   string
	Line   int    // as in Row, 0 where it is about the file as a whole
	Column int    // the first is 1, 0 where it is about a line or the file
	Cell   string // as Excel names it, e.g. "B7"; "" for CSV
	Limit  int    // the number in the code's text; 0 where it has none
	cause  error  // for the log
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString("table refused: " + e.Code)
	switch {
	case e.Cell != "":
		b.WriteString(" in " + e.Cell)
	case e.Column > 0:
		fmt.Fprintf(&b, " in line %d, column %d", e.Line, e.Column)
	case e.Line > 0:
		fmt.Fprintf(&b, " in line %d", e.Line)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

func (e *FileError) Unwrap() error { return e.cause }
