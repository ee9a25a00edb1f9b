package spreadsheet

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Sheet describes an XLSX file with one sheet.
type Sheet struct {
	Name    string // shortened and cleaned of what Excel doesn't allow in it
	Columns []Column
	Zone    *time.Location // of the dates
	Yes, No string         // the words for YesNo
}

// A Column is a column of a Sheet.
type Column struct {
	Title string
	Width float64 // in digits of the standard font; 0: that of the title, and some room
}

// A Writer writes an XLSX file: one sheet with a header that stays in place and has filters. It keeps nothing but a few
// buffers, whatever the number of rows. Close must be called, or the file is a broken one.
type Writer struct {
	sheet Sheet
	zip   *zip.Writer
	out   *bufio.Writer // the part of the sheet; its error stays, and Flush tells it
	rows  int           // written
}

// NewWriter writes the header. The error is w's.
func NewWriter(w io.Writer, sheet Sheet) (*Writer, error) {
	sheet.Name = sheetName(sheet.Name)
	x := &Writer{sheet: sheet, zip: zip.NewWriter(w)}
	if err := x.writeParts(fixedParts); err != nil {
		return nil, err
	}
	part, err := x.zip.Create(sheetPath)
	if err != nil {
		return nil, err
	}
	x.out = bufio.NewWriter(part)
	x.writeBegin()
	titles := make([]Cell, len(sheet.Columns))
	for i, column := range sheet.Columns {
		titles[i] = Cell{kind: kindTitle, text: column.Title}
	}
	return x, x.Write(titles)
}

// Write writes a row. Its cells stand in the order of the columns; there may be fewer, and none more.
func (x *Writer) Write(cells []Cell) error {
	if len(cells) > len(x.sheet.Columns) {
		return fmt.Errorf("%d cells in %d columns", len(cells), len(x.sheet.Columns))
	}
	if x.rows == excelRows {
		return errors.New("a sheet has no room for more rows")
	}
	x.rows++
	row := strconv.Itoa(x.rows)
	x.write(`<row r="`, row, `">`)
	for i, cell := range cells {
		x.writeCell(columnName(i+1)+row, cell)
	}
	_, err := x.out.WriteString("</row>")
	return err
}

// Close writes the rest of the file. It does not close the io.Writer.
func (x *Writer) Close() error {
	x.writeEnd()
	if err := x.out.Flush(); err != nil {
		return err
	}
	if err := x.writeParts(x.workbookPart()); err != nil {
		return err
	}
	return x.zip.Close()
}

func (x *Writer) writeParts(parts []fixedPart) error {
	for _, part := range parts {
		w, err := x.zip.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, xmlHead+part.content); err != nil {
			return err
		}
	}
	return nil
}

func (x *Writer) write(parts ...string) {
	for _, part := range parts {
		_, _ = x.out.WriteString(part)
	}
}

// Widths of columns that name none.
const (
	minWidth = 12
	maxWidth = 40
	filter   = 4 // the button of the filter
)

// writeBegin writes what comes before the rows: the header's place and the widths.
func (x *Writer) writeBegin() {
	x.write(xmlHead, `<worksheet xmlns="`, mainNamespace, `">`,
		`<sheetViews><sheetView tabSelected="1" workbookViewId="0">`,
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>`,
		`</sheetView></sheetViews>`)
	if len(x.sheet.Columns) > 0 { // an empty list of columns is not allowed
		x.write(`<cols>`)
		for i, column := range x.sheet.Columns {
			width := column.Width
			if width == 0 {
				width = float64(min(max(utf8.RuneCountInString(column.Title)+filter, minWidth), maxWidth))
			}
			n, digits := strconv.Itoa(i+1), strconv.FormatFloat(width, 'f', -1, 64)
			x.write(`<col min="`, n, `" max="`, n, `" width="`, digits, `" customWidth="1"/>`)
		}
		x.write(`</cols>`)
	}
	x.write(`<sheetData>`)
}

// writeEnd writes what comes after the rows: the filters, and that numbers which are text, like those of telephones,
// are not to be marked as a mistake.
func (x *Writer) writeEnd() {
	x.write(`</sheetData>`)
	if len(x.sheet.Columns) > 0 {
		cells := "A1:" + x.lastCell()
		x.write(`<autoFilter ref="`, cells, `"/>`,
			`<ignoredErrors><ignoredError sqref="`, cells, `" numberStoredAsText="1"/></ignoredErrors>`)
	}
	x.write(`</worksheet>`)
}

func (x *Writer) lastCell() string { return columnName(len(x.sheet.Columns)) + strconv.Itoa(x.rows) }

// maxSheetName is Excel's limit, in UTF-16 units.
const maxSheetName = 31

// sheetName makes a name of what may be any text: Excel refuses some signs, apostrophes at the ends, and "History",
// which it uses itself.
func sheetName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || !isXML(r) || r < ' ' {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	s = strings.Trim(cutText(s, maxSheetName), "' ")
	if s == "" || strings.EqualFold(s, "History") {
		return "Sheet1"
	}
	return s
}
