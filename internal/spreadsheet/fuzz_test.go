package spreadsheet_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"deltag/internal/spreadsheet"
)

// FuzzRead reads any file: a table that keeps the limits, or a FileError, and no panic.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"Navn;E-mail\r\nÅse;a@example.dk\r\n", "\ufeffA,B\n1,\"2\n3\"\n", "sep=|\nA|B\n1|2\n", "A\tB\r1\t2\r",
		"\xc5;\xd8\n1;2", inUTF16("A;B\n1;2\n", false), inUTF16("A;B\n1;2\n", true),
		"A;B\n'=1;=1", "A;B\n\x00", ole, "%PDF-", "PK\x03\x04", "",
	} {
		f.Add([]byte(seed))
	}
	f.Add(minimal(text).zip(f))
	f.Add(written(f, spreadsheet.Sheet{Columns: columns("A", "B"), Zone: time.UTC},
		[]spreadsheet.Cell{spreadsheet.Text("Åse"), spreadsheet.Time(time.Unix(1e9, 0))}))
	f.Fuzz(func(t *testing.T, data []byte) { wantWithinLimits(t, data) })
}

// FuzzReadXLSX reads any parts of an XLSX file, which FuzzRead hardly gets past the checksums.
func FuzzReadXLSX(f *testing.F) {
	f.Add(text, `<si><t>a</t></si>`,
		`<numFmts><numFmt numFmtId="164" formatCode="yyyy"/></numFmts><cellXfs><xf numFmtId="164"/></cellXfs>`)
	f.Add(`<row r="2"><c r="B2" t="s" s="0"><v>0</v></c><c t="b"><v>1</v></c></row>`+
		`<row><c s="0"><v>46357.5</v></c></row>`,
		`<si><r><t>a</t></r><r><t>_x000D_b</t></r><rPh><t>c</t></rPh></si>`, `<cellXfs><xf numFmtId="22"/></cellXfs>`)
	f.Add(`<row><c><f>1+1</f><v>2</v></c><c t="e"><v>#N/A</v></c></row>`, `<si/>`, `<numFmts/>`)
	f.Fuzz(func(t *testing.T, rows, texts, styles string) {
		wantWithinLimits(t, minimal(rows).
			with("xl/sharedStrings.xml", "<sst>"+texts+"</sst>").
			with("xl/styles.xml", "<styleSheet>"+styles+"</styleSheet>").zip(t))
	})
}

func wantWithinLimits(t *testing.T, data []byte) {
	before := allocated()
	table, err := spreadsheet.Read(data)
	if used := allocated() - before; used > 1<<30 {
		t.Errorf("%d MB allocated", used>>20)
	}
	var refused *spreadsheet.FileError
	if err != nil {
		if !errors.As(err, &refused) || refused.Code == "" {
			t.Errorf("the error is %v", err)
		}
		return
	}
	width := len(table.Header.Cells)
	if len(table.Rows) == 0 || len(table.Rows) > spreadsheet.MaxRows || width > spreadsheet.MaxColumns {
		t.Errorf("%d rows, %d columns", len(table.Rows), width)
	}
	line := table.Header.Line
	for _, row := range table.Rows {
		if row.Line <= line || len(row.Cells) > width || len(row.Cells) == 0 {
			t.Errorf("line %d after %d, %d cells", row.Line, line, len(row.Cells))
		}
		line = row.Line
		for _, cell := range row.Cells {
			long := utf8.RuneCountInString(cell) > spreadsheet.MaxCell
			if long || !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
				t.Errorf("line %d has %q", line, cell)
			}
		}
	}
}
