package spreadsheet_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/spreadsheet"
)

// rows is a table as its lines and cells.
type rows = []spreadsheet.Row

func row(line int, cells ...string) spreadsheet.Row {
	return spreadsheet.Row{Line: line, Cells: cells}
}

func TestReadCSV(t *testing.T) {
	people := rows{row(1, "Navn", "E-mail"), row(2, "Åse Ærø", "aase@example.dk")}
	tests := map[string]struct {
		file string
		want rows // the header first
	}{
		"UTF-8 and semicolons": {"Navn;E-mail\r\nÅse Ærø;aase@example.dk\r\n", people},
		"UTF-8 with its mark":  {"\ufeffNavn;E-mail\nÅse Ærø;aase@example.dk", people},
		"commas":               {"Navn,E-mail\nÅse Ærø,aase@example.dk\n", people},
		"tabs":                 {"Navn\tE-mail\nÅse Ærø\taase@example.dk\n", people},
		"CR alone":             {"Navn;E-mail\rÅse Ærø;aase@example.dk\r", people},
		"Windows-1252":         {"Navn;E-mail\r\n\xc5se \xc6r\xf8;aase@example.dk\r\n", people},
		"Windows-1252 beyond Latin-1": {
			"Navn;By\n\x8aime;\x80 \x96 \xe6\xf8\xe5\n",
			rows{row(1, "Navn", "By"), row(2, "Šime", "€ – æøå")},
		},
		"UTF-16 LE, as Excel's Unicode text": {inUTF16("Navn\tE-mail\r\nÅse Ærø\taase@example.dk\r\n", false), people},
		"UTF-16 BE":                          {inUTF16("Navn;E-mail\nÅse Ærø;aase@example.dk\n", true), people},
		"UTF-16 beyond the first plane": {
			inUTF16("Navn;By\n😀;x\n", false),
			rows{row(1, "Navn", "By"), row(2, "😀", "x")},
		},
		"sep= names the separator": {
			"sep=,\r\nA;B,C\r\n1;2,3\r\n",
			rows{row(2, "A;B", "C"), row(3, "1;2", "3")},
		},
		"sep= in quotes and capitals": {"\ufeff\"SEP=|\"\nA|B\n1|2\n", rows{row(2, "A", "B"), row(3, "1", "2")}},
		"a column called sep=":        {"sep=x;B\n1;2\n", rows{row(1, "sep=x", "B"), row(2, "1", "2")}},
		"quoted line breaks count": {
			"A;B\n\"1\r\n2\r\n3\";x\ny;z\n",
			rows{row(1, "A", "B"), row(2, "1\n2\n3", "x"), row(5, "y", "z")},
		},
		"quoted separators and quotes": {
			"A;B\n\"1;\"\"2\"\"\";x\n",
			rows{row(1, "A", "B"), row(2, `1;"2"`, "x")},
		},
		"blank rows are left out": {
			"\n;;\nA;B\n\n;\n \t;\u00a0\n1;2\n\n\n;;;\n",
			rows{row(3, "A", "B"), row(7, "1", "2")},
		},
		"blank columns at the end": {
			"A;B;;\n1;;;\n2;3;; \n",
			rows{row(1, "A", "B"), row(2, "1"), row(3, "2", "3")},
		},
		"blank columns in the middle": {"A;;C\n;;3\n", rows{row(1, "A", "", "C"), row(2, "", "", "3")}},
		"more cells than names":       {"A;B\n1;2;3\n", rows{row(1, "A", "B", ""), row(2, "1", "2", "3")}},
		"one column": {
			"E-mail\na@example.dk\nb@example.dk\n",
			rows{row(1, "E-mail"), row(2, "a@example.dk"), row(3, "b@example.dk")},
		},
		"commas in texts": {
			"A;B\nx, y;1\nx, z;2\n",
			rows{row(1, "A", "B"), row(2, "x, y", "1"), row(3, "x, z", "2")},
		},
		"semicolons in texts": {
			"A,B,C\nx;y,1,2\nx;z,3,4\n",
			rows{row(1, "A", "B", "C"), row(2, "x;y", "1", "2"), row(3, "x;z", "3", "4")},
		},
		"semicolons in quoted texts": {"A,B\n\"x;y\",\"1;2\"\n", rows{row(1, "A", "B"), row(2, "x;y", "1;2")}},
		"a title above the header": {
			"Deltagere\nA;B\n1;2\n",
			rows{row(1, "Deltagere", ""), row(2, "A", "B"), row(3, "1", "2")},
		},
		"spaces are kept": {"A;B\n x ;2\n", rows{row(1, "A", "B"), row(2, " x ", "2")}},
		"telephone numbers and accounts": {
			"A;B\n+45 12 34;@mette\n-;- 5\n",
			rows{row(1, "A", "B"), row(2, "+45 12 34", "@mette"), row(3, "-", "- 5")},
		},
		"an apostrophe that keeps a formula from being one": {
			"A;B\n'+45 12 34;'=1+1\n' @x;'n Sync\n",
			rows{row(1, "A", "B"), row(2, "+45 12 34", "=1+1"), row(3, " @x", "'n Sync")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := spreadsheet.Read([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			want := spreadsheet.Table{Header: tt.want[0], Rows: tt.want[1:]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func inUTF16(s string, bigEndian bool) string {
	var b []byte
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
		low, high := byte(unit), byte(unit>>8)
		if bigEndian {
			low, high = high, low
		}
		b = append(b, low, high)
	}
	return string(b)
}

func TestReadRefusesCSV(t *testing.T) {
	tests := map[string]struct {
		file string
		want spreadsheet.FileError
	}{
		"nothing":              {"", refusal("empty", 0, 0, 0)},
		"only a mark":          {"\ufeff", refusal("empty", 0, 0, 0)},
		"only a mark, UTF-16":  {"\xff\xfe", refusal("empty", 0, 0, 0)},
		"only blank rows":      {"\n\r\n;;;\n \n", refusal("empty", 0, 0, 0)},
		"only sep=":            {"sep=;", refusal("empty", 0, 0, 0)},
		"only a header":        {"Navn;E-mail\r\n;\r\n", refusal("no-rows", 0, 0, 0)},
		"more than 4 MB":       {"A\n" + strings.Repeat("12345\n", 700_000), refusal("too-large", 0, 0, 4)},
		"200 columns":          {strings.Repeat("A;", 199) + "A\n", refusal("too-many-columns", 1, 101, 100)},
		"20,001 rows":          {"A\n" + strings.Repeat("1\n", 20_001), refusal("too-many-rows", 20_002, 0, 20_000)},
		"a long cell":          {"A;B\n1;" + strings.Repeat("æ", 32_768), refusal("cell-too-long", 2, 2, 32_767)},
		"a NUL":                {"A;B\n1;2\n3;4\x00\n", refusal("nul-character", 3, 2, 0)},
		"UTF-16 without mark":  {"A\x00;\x00B\x00\n\x001\x00", refusal("nul-character", 1, 1, 0)},
		"a formula":            {"A;B\n1; =1+1\n", refusal("formula", 2, 2, 0)},
		"a formula in quotes":  {"sep=;\nA;B\n\"=HYPERLINK(\"\"x\"\")\";2\n", refusal("formula", 3, 1, 0)},
		"an open quote":        {"A;B\n1;2\n\"3;4\n5;6\n", refusal("bad-quotes", 3, 0, 0)},
		"a quote in a cell":    {"sep=;\nA;B\n1;5\" screen\n", refusal("bad-quotes", 3, 0, 0)},
		"undefined in 1252":    {"A;B\n\xe6;\x81\n", refusal("bad-encoding", 0, 0, 0)},
		"marked, and no UTF-8": {"\ufeffA;B\n\xe6;1\n", refusal("bad-encoding", 0, 0, 0)},
		"half a UTF-16 pair":   {inUTF16("A;B\n1;", false) + "\x3d\xd8", refusal("bad-encoding", 0, 0, 0)},
		"half a UTF-16 unit":   {inUTF16("A;B\n1;2", false) + "x", refusal("bad-encoding", 0, 0, 0)},
		"a PDF file":           {"%PDF-1.7\n", refusal("not-a-table", 0, 0, 0)},
		"a picture":            {"\x89PNG\r\n\x1a\n\x00", refusal("not-a-table", 0, 0, 0)},
		"a web page":           {"<html><table>", refusal("not-a-table", 0, 0, 0)},
		"an old Excel file":    {ole + "\x00Workbook", refusal("old-xls", 0, 0, 0)},
		"an encrypted file":    {ole + inUTF16("EncryptedPackage", false)[2:], refusal("encrypted-xlsx", 0, 0, 0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { wantRefused(t, []byte(tt.file), tt.want) })
	}
}

const ole = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
