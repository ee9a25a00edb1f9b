package spreadsheet

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// Excel's own limits.
const (
	excelRows    = 1_048_576
	excelColumns = 16_384 // XFD
)

// A sheetReader reads the cells of one sheet, row by row.
type sheetReader struct {
	book   *workbook
	xml    *xmlReader
	table  tableBuilder
	row    int // the first is 1; 0 before it
	column int
	cells  []string // of the row
	kind   string   // the cell's type: ECMA-376-1 18.18.11
	format numberFormat
	value  cellText
}

func (b *workbook) readSheet(sheet sheetPart) (Table, error) {
	p, err := b.archive.open(sheet.part, maxUnpacked)
	if err != nil {
		return Table{}, err
	}
	defer p.close()
	s := &sheetReader{book: b, xml: newXMLReader(p)}
	s.table.table.Sheet, s.table.fault = sheet.name, cellFault
	for {
		token, err := s.xml.next()
		if errors.Is(err, io.EOF) {
			return s.table.result()
		} else if err == nil {
			err = s.take(token)
		}
		if err != nil {
			return Table{}, err
		}
	}
}

// cellFault is a FileError about a cell that names it as Excel does.
func cellFault(code string, row, column int) *FileError {
	return &FileError{Code: code, Line: row, Column: column, Cell: columnName(column) + strconv.Itoa(row)}
}

func (s *sheetReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		switch {
		case s.xml.in("worksheet", "sheetData", "row"):
			return s.beginRow(token)
		case s.xml.in("worksheet", "sheetData", "row", "c"):
			return s.beginCell(token)
		case s.xml.in("worksheet", "sheetData", "row", "c", "f"):
			return cellFault(CodeFormula, s.row, s.column)
		}
	case xml.CharData:
		if s.xml.inText() || s.xml.in("worksheet", "sheetData", "row", "c", "v") {
			if s.value.add(token) != nil {
				return s.table.limit(CodeCellTooLong, s.row, s.column, MaxCell)
			}
		}
	case xml.EndElement:
		switch {
		case token.Name.Local == "c" && s.xml.in("worksheet", "sheetData", "row"):
			return s.endCell()
		case token.Name.Local == "row" && s.xml.in("worksheet", "sheetData"):
			return s.table.add(s.row, s.cells)
		}
	}
	return nil
}

// beginRow takes the row's number, which is the next one where there is none.
func (s *sheetReader) beginRow(e xml.StartElement) error {
	row := s.row + 1
	if r := attribute(e, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < row {
			return broken(errors.New("rows out of order"))
		}
		row = n
	}
	if row > excelRows {
		return broken(errors.New("too many rows for Excel"))
	}
	s.row, s.column, s.cells = row, 0, nil
	return nil
}

// beginCell takes the cell's column, which is the next one where there is none, its type and its style.
func (s *sheetReader) beginCell(e xml.StartElement) error {
	column := s.column + 1
	if r := attribute(e, "r"); r != "" {
		n := columnNumber(strings.TrimRight(r, "0123456789"))
		if n < column {
			return broken(errors.New("cells out of order"))
		}
		column = n
	}
	if column > excelColumns {
		return broken(errors.New("too many columns for Excel"))
	}
	s.column, s.kind, s.format = column, attribute(e, "t"), numberFormat{}
	if style, err := strconv.Atoi(attribute(e, "s")); err == nil && style >= 0 && style < len(s.book.formats) {
		s.format = s.book.formats[style]
	}
	s.value.take()
	return nil
}

func (s *sheetReader) endCell() error {
	value, err := s.text(s.value.take())
	if err != nil || isBlank(value) {
		return err
	}
	if s.column > MaxColumns {
		return s.table.limit(CodeTooManyColumns, s.row, s.column, MaxColumns)
	}
	for len(s.cells) < s.column-1 {
		s.cells = append(s.cells, "")
	}
	s.cells = append(s.cells, value)
	return nil
}

// text is what a cell shows, by its type.
func (s *sheetReader) text(value string) (string, error) {
	switch s.kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if value == "" {
			return "", nil
		}
		if err != nil || n < 0 || n >= len(s.book.texts) {
			return "", broken(errors.New("no such shared text"))
		}
		return s.book.texts[n], nil
	case "inlineStr", "str":
		return unescapeText(value), nil
	case "b":
		return strconv.FormatBool(isTrue(strings.TrimSpace(value))), nil
	case "e":
		return "", cellFault(CodeErrorValue, s.row, s.column)
	case "d": // of the Strict edition
		return value, nil
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", nil
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", broken(errors.New("not a number"))
	}
	return formatNumber(f, s.format, s.book.is1904), nil
}

// columnNumber is the number of a column by its name: A is 1, and XFD, the last, 16,384. 0: not a column.
func columnNumber(name string) int {
	n := 0
	for _, letter := range name {
		if letter < 'A' || letter > 'Z' || n > excelColumns {
			return 0
		}
		n = n*26 + int(letter-'A'+1)
	}
	return n
}

// columnName is the name of a column by its number.
func columnName(n int) string {
	var name []byte
	for ; n > 0; n = (n - 1) / 26 {
		name = append([]byte{byte('A' + (n-1)%26)}, name...)
	}
	return string(name)
}
