// Package spreadsheet reads and writes tables of people as the files that office programs make and open: CSV and XLSX.
// It knows nothing of events: which column means what, and what a cell may hold, is for those who use it.
package spreadsheet

import (
	"bytes"
	"slices"
)

// Limits of what Read takes. They are ours, for a list of people that somebody has typed or exported, except MaxCell.
const (
	MaxFile    = 4 << 20 // bytes: a request to Lambda ends at 6 MB, base64 included
	MaxRows    = 20_000  // below the header
	MaxColumns = 100
	MaxCell    = 32_767 // characters: Excel's own limit
)

// maxText is how many bytes the cells of a table may have together. A CSV file has no more, but an XLSX file can name
// one long text from all its cells.
const maxText = 16 << 20

// A Table is what Read found in a file.
type Table struct {
	Sheet  string // the name of the sheet that was read; "" for CSV
	Header Row    // as wide as the widest of Rows; a column without a name has ""
	Rows   []Row  // at least one
}

// A Row is a line of a table in which something stands.
type Row struct {
	// Line is where the row begins: the line that a text editor shows of a CSV file, or the row that Excel shows of an
	// XLSX file. The first is 1.
	Line  int
	Cells []string // without the blank ones at the end
}

// Cell is what stands in a column, the first being 0, or "".
func (r Row) Cell(column int) string {
	if column < len(r.Cells) {
		return r.Cells[column]
	}
	return ""
}

var (
	zipSignature      = []byte("PK\x03\x04")
	emptyZipSignature = []byte("PK\x05\x06")
	// oleSignature begins the compound files of [MS-CFB] 2.2: old Excel files, and encrypted new ones.
	oleSignature = []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	// encryptedPackage is the name of an encrypted workbook's stream, in UTF-16 as directories have it: [MS-OFFCRYPTO]
	// 2.3.4.
	encryptedPackage = []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	// otherFiles begin files that people take for tables. They are no text, or text that is no CSV: some programs call
	// a web page ".xls".
	otherFiles = [][]byte{
		[]byte("%PDF-"), []byte("\x89PNG"), []byte("\xff\xd8\xff"), []byte("GIF8"), []byte(`{\rtf`), []byte("<"),
	}
)

// Read reads a table from the content of a file, whose format, encoding and separator it finds out by itself: XLSX, or
// CSV in UTF-8, UTF-16 (with its mark) or Windows-1252. The first row in which something stands is the header. Blank
// rows and blank columns at the end are left out. The error is a *FileError.
func Read(data []byte) (Table, error) {
	begins := func(signature []byte) bool { return bytes.HasPrefix(data, signature) }
	switch {
	case len(data) > MaxFile:
		return Table{}, &FileError{Code: CodeTooLarge, Limit: MaxFile >> 20}
	case begins(zipSignature), begins(emptyZipSignature):
		return readXLSX(data, wholeBudget)
	case begins(oleSignature) && bytes.Contains(data, encryptedPackage):
		return Table{}, &FileError{Code: CodeEncrypted}
	case begins(oleSignature):
		return Table{}, &FileError{Code: CodeOldXLS}
	case slices.ContainsFunc(otherFiles, begins):
		return Table{}, &FileError{Code: CodeNotATable}
	}
	return readCSV(data)
}
