package spreadsheet

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode"
)

// separators are tried in this order, and the earlier wins when two fit: commas stand in texts more often than
// semicolons, and tabs hardly ever.
var separators = []rune{'\t', ';', ','}

// sampleRows is how many rows are looked at to find the separator.
const sampleRows = 50

func readCSV(data []byte) (Table, error) {
	text, err := decode(data)
	if err != nil {
		return Table{}, err
	}
	skipped := 0 // lines
	var separator rune
	if named, rest := namedSeparator(text); named != 0 {
		separator, skipped, text = named, 1, rest
	} else {
		separator = findSeparator(text)
	}
	b := tableBuilder{fault: func(code string, line, column int) *FileError {
		return &FileError{Code: code, Line: line, Column: column}
	}}
	in := newCSVReader(text, separator)
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return b.result()
		} else if err != nil {
			return Table{}, badQuotes(err, skipped)
		}
		line, _ := in.FieldPos(0)
		line += skipped
		for i, cell := range cells {
			if isFormula(cell) {
				return Table{}, b.fault(CodeFormula, line, i+1)
			}
			cells[i] = unescapeFormula(cell)
		}
		if err := b.add(line, cells); err != nil {
			return Table{}, err
		}
	}
}

// namedSeparator is what the first line tells Excel, as sep=; or "sep=;", and the text after that line. 0: nothing.
func namedSeparator(text string) (rune, string) {
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.ToLower(strings.Trim(line, `"`))
	if name, ok := strings.CutPrefix(line, "sep="); ok && len(name) == 1 && strings.Contains("\t;,|", name) {
		return rune(name[0]), rest
	}
	return 0, text
}

func newCSVReader(text string, separator rune) *csv.Reader {
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord = separator, -1
	return in
}

// badQuotes names the line on which the row begins: where a quotation mark isn't closed, all later lines belong to it.
func badQuotes(err error, skipped int) error {
	fault := &FileError{Code: CodeBadQuotes, cause: err}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		fault.Line = parse.StartLine + skipped
	}
	return fault
}

// findSeparator is the separator that splits most of the first rows into the same number of cells, more than one. Any
// will do for a single column.
func findSeparator(text string) rune {
	best, most := ';', 0
	for _, separator := range separators {
		if n := evenRows(text, separator); n > most {
			best, most = separator, n
		}
	}
	return best
}

// evenRows is how many of the first rows have the most frequent number of cells. A separator that tears quotation marks
// apart has only those before.
func evenRows(text string, separator rune) int {
	in := newCSVReader(text, separator)
	in.ReuseRecord = true
	rows := map[int]int{} // by number of cells
	for range sampleRows {
		cells, err := in.Read()
		if err != nil {
			break
		}
		if len(cells) > 1 {
			rows[len(cells)]++
		}
	}
	most := 0
	for _, n := range rows {
		most = max(most, n)
	}
	return most
}

// isFormula tells of a cell that Excel would calculate when it opens the file. Cells that begin with other signs are
// telephone numbers and names of accounts more often than formulas, and every export makes them harmless.
func isFormula(cell string) bool { return strings.HasPrefix(strings.TrimSpace(cell), "=") }

// unescapeFormula takes the apostrophe off that our own export, like many others, puts before a cell so that Excel
// doesn't take it for a formula: "'+45 12 34 56 78".
func unescapeFormula(cell string) string {
	text, escaped := strings.CutPrefix(cell, "'")
	seen := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if escaped && (strings.IndexAny(text, "\t\n") == 0 || strings.IndexAny(seen, "=+-@＝＋－＠") == 0) {
		return text
	}
	return cell
}
