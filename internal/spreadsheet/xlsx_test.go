package spreadsheet_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"deltag/internal/spreadsheet"
)

// workbook is a file that excelize, an independent library, has written.
func workbook(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	must(t, f.Write(&b))
	return b.Bytes()
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// style is the number of a style with a number format: built in, or with a code.
func style(t testing.TB, f *excelize.File, builtIn int, code string) int {
	s := &excelize.Style{NumFmt: builtIn}
	if code != "" {
		s.CustomNumFmt = &code
	}
	n, err := f.NewStyle(s)
	must(t, err)
	return n
}

func TestReadXLSX(t *testing.T) {
	at := time.Date(2026, time.December, 1, 14, 30, 15, 0, time.UTC)
	tests := map[string]struct {
		value   any
		builtIn int
		format  string
		want    string
	}{
		"text":                        {value: "Åse & <Ærø>", want: "Åse & <Ærø>"},
		"text with a line break":      {value: "1\n2", want: "1\n2"},
		"telephone number":            {value: 12345678, want: "12345678"},
		"long number":                 {value: 4512345678, want: "4512345678"},
		"number with a fraction":      {value: 0.1 + 0.2, want: "0.3"},
		"negative number":             {value: -2.5, want: "-2.5"},
		"huge number":                 {value: 1e30, want: "1e+30"},
		"tiny number":                 {value: 1e-12, want: "1e-12"},
		"zero":                        {value: 0, want: "0"},
		"zeros in front":              {value: 800, format: "0000", want: "0800"},
		"true":                        {value: true, want: "true"},
		"false":                       {value: false, want: "false"},
		"date":                        {value: 46357, builtIn: 14, want: "2026-12-01"},
		"date with time":              {value: at, builtIn: 22, want: "2026-12-01T14:30:15"},
		"time":                        {value: 0.75, builtIn: 20, want: "18:00:00"},
		"Danish date":                 {value: 46357, format: `dd\-mm\-yyyy;@`, want: "2026-12-01"},
		"date in words":               {value: 46357, format: `[$-406]d. mmmm yyyy`, want: "2026-12-01"},
		"first day":                   {value: 1, builtIn: 14, want: "1900-01-01"},
		"last day of February 1900":   {value: 59, builtIn: 14, want: "1900-02-28"},
		"a day that never was":        {value: 60, builtIn: 14, want: "60"},
		"first day of March 1900":     {value: 61, builtIn: 14, want: "1900-03-01"},
		"midnight after rounding":     {value: 46357.9999999, builtIn: 22, want: "2026-12-02"},
		"last day":                    {value: 2958465, builtIn: 14, want: "9999-12-31"},
		"beyond the last day":         {value: 2958466, builtIn: 14, want: "2958466"},
		"before the first day":        {value: -1, builtIn: 14, want: "-1"},
		"length of time":              {value: 1.5, builtIn: 46, want: "1.5"},
		"length of time, own format":  {value: 1.5, format: "[h]:mm", want: "1.5"},
		"words with y, m and d":       {value: 5, format: `0" dymd"`, want: "5"},
		"escaped letters":             {value: 5, format: `0\d\a_y_m`, want: "5"},
		"colours":                     {value: 5, format: `[Red]0.00;[Blue]-0.00`, want: "5"},
		"negative section is no date": {value: 5, format: `0;yyyy`, want: "5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := workbook(t, func(f *excelize.File) {
				must(t, f.SetCellValue("Sheet1", "A1", "Head"), f.SetCellValue("Sheet1", "B3", tt.value))
				must(t, f.SetCellStyle("Sheet1", "B3", "B3", style(t, f, tt.builtIn, tt.format)))
			})
			got, err := spreadsheet.Read(data)
			must(t, err)
			want := spreadsheet.Table{Sheet: "Sheet1", Header: row(1, "Head", ""), Rows: rows{row(3, "", tt.want)}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadXLSXFormattedText(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		must(t, f.SetCellValue("Sheet1", "A1", "Head"))
		must(t, f.SetCellRichText("Sheet1", "A2", []excelize.RichTextRun{
			{Text: "Mette ", Font: &excelize.Font{Bold: true}}, {Text: "Ærø"},
		}))
	})
	got, err := spreadsheet.Read(data)
	must(t, err)
	if got.Rows[0].Cell(0) != "Mette Ærø" || got.Rows[0].Cell(7) != "" {
		t.Errorf("got %+v", got.Rows)
	}
}

func TestReadXLSXFirstVisibleSheetWithContent(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		must(t, f.SetSheetName("Sheet1", "Hidden"))
		for _, name := range []string{"Very hidden", "Blank", "People & more", "Other"} {
			_, err := f.NewSheet(name)
			must(t, err, f.SetCellValue(name, "A1", name), f.SetCellValue(name, "A2", 1))
		}
		must(t, f.SetCellFormula("Hidden", "A1", "1+1"))
		must(t, f.SetCellValue("Blank", "A1", " "), f.SetCellValue("Blank", "A2", nil))
		f.SetActiveSheet(4)
		must(t, f.SetSheetVisible("Hidden", false), f.SetSheetVisible("Very hidden", false, true))
	})
	got, err := spreadsheet.Read(data)
	must(t, err)
	want := spreadsheet.Table{Sheet: "People & more", Header: row(1, "People & more"), Rows: rows{row(2, "1")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadXLSXDatesFrom1904(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		yes := true
		must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		must(t, f.SetCellValue("Sheet1", "A1", "Head"), f.SetCellValue("Sheet1", "A2", 44895))
		must(t, f.SetCellStyle("Sheet1", "A2", "A2", style(t, f, 14, "")))
	})
	got, err := spreadsheet.Read(data)
	must(t, err)
	if got.Rows[0].Cell(0) != "2026-12-01" {
		t.Errorf("got %+v", got.Rows)
	}
}

func TestReadRefusesWorkbook(t *testing.T) {
	tests := map[string]struct {
		fill func(t *testing.T, f *excelize.File)
		want spreadsheet.FileError
	}{
		"nothing in it": {
			func(*testing.T, *excelize.File) {}, spreadsheet.FileError{Code: "empty"},
		},
		"only a header": {
			func(t *testing.T, f *excelize.File) { must(t, f.SetCellValue("Sheet1", "A3", "Head")) },
			spreadsheet.FileError{Code: "no-rows"},
		},
		"a formula, with its result": {
			func(t *testing.T, f *excelize.File) {
				must(t, f.SetCellValue("Sheet1", "C7", 2), f.SetCellFormula("Sheet1", "C7", "1+1"))
			},
			spreadsheet.FileError{Code: "formula", Line: 7, Column: 3, Cell: "C7"},
		},
		"200 columns": {
			func(t *testing.T, f *excelize.File) {
				for column := 1; column <= 200; column++ {
					name, err := excelize.CoordinatesToCellName(column, 1)
					must(t, err, f.SetCellValue("Sheet1", name, "x"))
				}
			},
			spreadsheet.FileError{Code: "too-many-columns", Line: 1, Column: 101, Cell: "CW1", Limit: 100},
		},
		"20,001 rows": {
			func(t *testing.T, f *excelize.File) {
				w, err := f.NewStreamWriter("Sheet1")
				must(t, err)
				for i := 1; i <= 20_002; i++ {
					name, err := excelize.CoordinatesToCellName(1, i)
					must(t, err, w.SetRow(name, []any{i}))
				}
				must(t, w.Flush())
			},
			spreadsheet.FileError{Code: "too-many-rows", Line: 20_002, Limit: 20_000},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, workbook(t, func(f *excelize.File) { tt.fill(t, f) }), tt.want)
		})
	}
}

func TestReadRefusesPassword(t *testing.T) {
	f := excelize.NewFile()
	must(t, f.SetCellValue("Sheet1", "A1", "Head"))
	var b bytes.Buffer
	must(t, f.Write(&b, excelize.Options{Password: "secret"}))
	wantRefused(t, b.Bytes(), spreadsheet.FileError{Code: "encrypted-xlsx"})
}
