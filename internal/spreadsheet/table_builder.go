package spreadsheet

import (
	"strings"
	"unicode/utf8"
)

// A tableBuilder makes a table of the rows of a file, in their order, and keeps the limits.
type tableBuilder struct {
	table Table
	begun bool // there is a header
	text  int  // bytes in all cells
	width int  // cells in the widest row
	// fault is a FileError about a cell, as the format names it.
	fault func(code string, line, column int) *FileError
}

// add takes the cells of a row and keeps them.
func (b *tableBuilder) add(line int, cells []string) error {
	cells = withoutBlankEnd(cells)
	if len(cells) == 0 {
		return nil
	}
	if len(cells) > MaxColumns {
		return b.limit(CodeTooManyColumns, line, MaxColumns+1, MaxColumns)
	}
	for i, cell := range cells {
		if err := b.check(line, i+1, cell); err != nil {
			return err
		}
	}
	b.width = max(b.width, len(cells))
	row := Row{Line: line, Cells: cells}
	switch {
	case !b.begun:
		b.begun, b.table.Header = true, row
	case len(b.table.Rows) == MaxRows:
		return &FileError{Code: CodeTooManyRows, Line: line, Limit: MaxRows}
	default:
		b.table.Rows = append(b.table.Rows, row)
	}
	return nil
}

func (b *tableBuilder) check(line, column int, cell string) error {
	if strings.IndexByte(cell, 0) >= 0 {
		return b.fault(CodeNUL, line, column)
	}
	if isTooLong(cell) {
		return b.limit(CodeCellTooLong, line, column, MaxCell)
	}
	if b.text += len(cell); b.text > maxText {
		return &FileError{Code: CodeUnpacksTooMuch, Limit: maxText >> 20}
	}
	return nil
}

func (b *tableBuilder) limit(code string, line, column, limit int) error {
	e := b.fault(code, line, column)
	e.Limit = limit
	return e
}

// result is the table, once all rows were added.
func (b *tableBuilder) result() (Table, error) {
	if !b.begun {
		return Table{}, &FileError{Code: CodeEmpty}
	}
	if len(b.table.Rows) == 0 {
		return Table{}, &FileError{Code: CodeNoRows}
	}
	for len(b.table.Header.Cells) < b.width {
		b.table.Header.Cells = append(b.table.Header.Cells, "")
	}
	return b.table, nil
}

func withoutBlankEnd(cells []string) []string {
	for len(cells) > 0 && isBlank(cells[len(cells)-1]) {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func isBlank(cell string) bool { return strings.TrimSpace(cell) == "" }

func isTooLong(cell string) bool {
	return len(cell) > MaxCell && utf8.RuneCountInString(cell) > MaxCell
}
