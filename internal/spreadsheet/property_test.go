package spreadsheet_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"deltag/internal/spreadsheet"
)

// A drawn is a cell as it is written, and what is read of it.
type drawn struct {
	cell spreadsheet.Cell
	want string
}

func asText(s string) drawn {
	kept := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"))
	if strings.TrimSpace(kept) == "" {
		kept = ""
	}
	return drawn{cell: spreadsheet.Text(s), want: kept}
}

var cells = rapid.OneOf(
	rapid.Map(rapid.String(), asText),
	rapid.Map(rapid.StringMatching(`[=+@'" ;,\t\n\r\x00\x01_xX0DæøåÆØÅ😀<&>-]{0,12}`), asText),
	rapid.Map(rapid.StringMatching(`_x[0-9A-Fa-f]{4}_`), asText),
	rapid.Just(drawn{}),
	rapid.Map(rapid.Bool(), func(yes bool) drawn {
		return drawn{spreadsheet.YesNo(yes), map[bool]string{true: "ja", false: "nej"}[yes]}
	}),
	// From 1901 to 9999, in a zone of which no day begins or ends at another time than midnight.
	rapid.Map(rapid.Int64Range(-2177400000, 253402200000), func(unix int64) drawn {
		at := time.Unix(unix, 0)
		want := strings.TrimSuffix(at.In(copenhagen).Format("2006-01-02T15:04:05"), "T00:00:00")
		return drawn{spreadsheet.Time(at), want}
	}),
)

// TestWhatIsWrittenIsRead writes any cells, and reads the same.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(1, 6).Draw(rt, "width")
		var names []string
		for i := range width {
			names = append(names, "Kolonne "+strconv.Itoa(i))
		}
		want := spreadsheet.Table{Sheet: "S", Header: spreadsheet.Row{Line: 1, Cells: names}}
		var written [][]spreadsheet.Cell
		for i, line := range rapid.SliceOfN(rapid.SliceOfN(cells, width, width), 1, 8).Draw(rt, "rows") {
			row := spreadsheet.Row{Line: i + 2}
			list := make([]spreadsheet.Cell, width)
			for j, c := range line {
				list[j], row.Cells = c.cell, append(row.Cells, c.want)
			}
			written = append(written, list)
			if row.Cells = withoutEnd(row.Cells); len(row.Cells) > 0 {
				want.Rows = append(want.Rows, row)
			}
		}
		var b bytes.Buffer
		sheet := spreadsheet.Sheet{Name: "S", Columns: columns(names...), Zone: copenhagen, Yes: "ja", No: "nej"}
		w, err := spreadsheet.NewWriter(&b, sheet)
		must(t, err)
		for _, list := range written {
			must(t, w.Write(list))
		}
		must(t, w.Close())
		wantTable(rt, b.Bytes(), want)
	})
}

func withoutEnd(list []string) []string {
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return slices.Clip(list)
}

func wantTable(t *rapid.T, data []byte, want spreadsheet.Table) {
	got, err := spreadsheet.Read(data)
	if len(want.Rows) == 0 {
		if err == nil {
			t.Fatalf("got %+v of no rows", got)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// TestAnyCSVIsRead reads what encoding/csv has written with each separator, and where each row begins.
func TestAnyCSVIsRead(t *testing.T) {
	cell := rapid.StringMatching(`[a-zæøå;,\t"\n]{0,8}[a-z]`)
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(2, 5).Draw(rt, "width")
		table := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 2, 8).Draw(rt, "rows")
		var b bytes.Buffer
		b.WriteString("sep=")
		w := csv.NewWriter(&b)
		w.Comma = rapid.SampledFrom([]rune{';', ',', '\t'}).Draw(rt, "separator")
		w.UseCRLF = rapid.Bool().Draw(rt, "CRLF")
		b.WriteString(string(w.Comma) + "\n")
		var list rows
		line := 2
		for _, cells := range table {
			must(t, w.Write(cells))
			list = append(list, row(line, cells...))
			line += 1 + strings.Count(strings.Join(cells, ""), "\n")
		}
		w.Flush()
		wantTable(rt, b.Bytes(), spreadsheet.Table{Header: list[0], Rows: list[1:]})
	})
}
