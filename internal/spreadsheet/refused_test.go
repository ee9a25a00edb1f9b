package spreadsheet_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"deltag/internal/spreadsheet"
)

// refusal is a FileError about a CSV file, or a file as a whole.
func refusal(code string, line, column, limit int) spreadsheet.FileError {
	return spreadsheet.FileError{Code: code, Line: line, Column: column, Limit: limit}
}

// wantRefused reads a file that is to be refused, and for this reason.
func wantRefused(t *testing.T, data []byte, want spreadsheet.FileError) {
	t.Helper()
	table, err := spreadsheet.Read(data)
	var got *spreadsheet.FileError
	if !errors.As(err, &got) {
		t.Fatalf("got %v and %d rows, want %v", err, len(table.Rows), &want)
	}
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreUnexported(spreadsheet.FileError{})); diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(spreadsheet.Table{}, table); diff != "" {
		t.Errorf("a table beside the error:\n%s", diff)
	}
}

func TestFileErrorNamesThePlace(t *testing.T) {
	for want, e := range map[string]spreadsheet.FileError{
		"table refused: empty":                       {Code: "empty"},
		"table refused: bad-quotes in line 3":        {Code: "bad-quotes", Line: 3},
		"table refused: formula in line 3, column 2": {Code: "formula", Line: 3, Column: 2},
		"table refused: formula in B3":               {Code: "formula", Line: 3, Column: 2, Cell: "B3"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
