package console

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"deltag/internal/spreadsheet"
	"deltag/internal/web"
)

// An imported list is stored nowhere between the dry run and the import: it travels in a field of the form.

// maxPackedTable is how long that field may be. The page holds it twice, and Lambda answers with 6 MB at most. A list of
// 20,000 people with name, address, organisation and role takes about half of it.
const maxPackedTable = 2 << 20

// maxUnpackedTable is several times the JSON of the largest CSV file that people make. It bounds the memory that a
// made-up form can take.
const maxUnpackedTable = 24 << 20

// A packedTable is a spreadsheet.Table as the form holds it.
type packedTable struct {
	Header []string   `json:"h"`
	Lines  []int      `json:"l"`
	Rows   [][]string `json:"r"`
}

// packTable is a table as text for a form: JSON, compressed. The error is a *spreadsheet.FileError when it is too long.
func packTable(t spreadsheet.Table) (string, error) {
	packed := packedTable{Header: t.Header.Cells}
	for _, row := range t.Rows {
		packed.Lines, packed.Rows = append(packed.Lines, row.Line), append(packed.Rows, row.Cells)
	}
	raw, err := json.Marshal(packed)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(b.Bytes())
	if len(text) > maxPackedTable || len(raw) > maxUnpackedTable {
		return "", &spreadsheet.FileError{Code: codeTooMuch}
	}
	return text, nil
}

// codeTooMuch is that of a FileError of ours: the list is within all limits of a table, but does not fit into a form.
const codeTooMuch = "too-much"

// unpackTable reads what packTable has made. Anybody may have sent it, so that nothing of it is certain:
// web.ErrMalformed.
func unpackTable(text string) (spreadsheet.Table, error) {
	z, err := gzip.NewReader(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(text)))
	if err != nil {
		return spreadsheet.Table{}, web.ErrMalformed
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpackedTable))
	var packed packedTable
	if err != nil || json.Unmarshal(raw, &packed) != nil || !packed.isTable() {
		return spreadsheet.Table{}, web.ErrMalformed
	}
	t := spreadsheet.Table{Header: spreadsheet.Row{Line: 1, Cells: packed.Header}}
	for i, cells := range packed.Rows {
		t.Rows = append(t.Rows, spreadsheet.Row{Line: packed.Lines[i], Cells: cells})
	}
	return t, nil
}

// isTable says whether package spreadsheet can have read it.
func (t packedTable) isTable() bool {
	if len(t.Rows) == 0 || len(t.Rows) > spreadsheet.MaxRows || len(t.Lines) != len(t.Rows) || !isRow(t.Header) {
		return false
	}
	last := 0
	for i, line := range t.Lines {
		if line <= last || !isRow(t.Rows[i]) {
			return false
		}
		last = line
	}
	return true
}

func isRow(cells []string) bool {
	for _, cell := range cells {
		if utf8.RuneCountInString(cell) > spreadsheet.MaxCell || strings.ContainsRune(cell, 0) {
			return false
		}
	}
	return len(cells) <= spreadsheet.MaxColumns
}
