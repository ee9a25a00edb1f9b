package spreadsheet

import (
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// A workbook is what an XLSX file says about its cells as a whole.
type workbook struct {
	archive *archive
	sheets  []sheetPart // the visible ones, in the order of their tabs
	texts   []string    // shared: cells name them by number
	formats []numberFormat
	is1904  bool // days are counted from 1904, as old Excel for Mac did
}

// A sheetPart is where a sheet is.
type sheetPart struct{ name, part string }

// readXLSX reads the first sheet that people see and in which something stands.
func readXLSX(data []byte, left budget) (Table, error) {
	book, err := openWorkbook(data, left)
	if err != nil {
		return Table{}, err
	}
	for _, sheet := range book.sheets {
		table, err := book.readSheet(sheet)
		var fault *FileError
		if errors.As(err, &fault) && fault.Code == CodeEmpty {
			continue
		}
		return table, err
	}
	return Table{}, &FileError{Code: CodeEmpty}
}

func openWorkbook(data []byte, left budget) (*workbook, error) {
	a, err := openArchive(data, left)
	if err != nil {
		return nil, err
	}
	root, err := a.relationships("")
	if err != nil {
		return nil, err
	}
	main := root.ofType("officeDocument")
	if main == nil || strings.HasSuffix(main.target, ".bin") { // .xlsb
		return nil, &FileError{Code: CodeNotATable}
	}
	parts, err := a.relationships(main.target)
	if err != nil {
		return nil, err
	}
	book := &workbook{archive: a}
	if err := book.readMain(main.target, parts); err != nil {
		return nil, err
	}
	if styles := parts.ofType("styles"); styles != nil {
		if err := book.readStyles(styles.target); err != nil {
			return nil, err
		}
	}
	if texts := parts.ofType("sharedStrings"); texts != nil && a.has(texts.target) {
		return book, book.readTexts(texts.target)
	}
	return book, nil
}

// readMain reads which sheets there are. Sheets that hold a chart, and others that hold no cells, are left out.
func (b *workbook) readMain(name string, parts relationships) error {
	p, err := b.archive.open(name, maxPart)
	if err != nil {
		return err
	}
	defer p.close()
	r := newXMLReader(p)
	return r.elements(func(e xml.StartElement) error {
		switch {
		case len(r.path) == 1 && !r.in("workbook"):
			return &FileError{Code: CodeNotATable} // a Word document, say
		case r.in("workbook", "workbookPr"):
			b.is1904 = isTrue(attribute(e, "date1904"))
		case r.in("workbook", "sheets", "sheet"):
			part := parts.byID(attribute(e, "id"))
			if part == nil {
				return broken(errors.New("a sheet without a part"))
			}
			state := attribute(e, "state")
			if (state == "" || state == "visible") && part.isOf("worksheet") {
				b.sheets = append(b.sheets, sheetPart{name: attribute(e, "name"), part: part.target})
			}
		}
		return nil
	})
}

// readTexts reads the shared texts.
func (b *workbook) readTexts(name string) error {
	p, err := b.archive.open(name, maxUnpacked)
	if err != nil {
		return err
	}
	defer p.close()
	r := newXMLReader(p)
	var text cellText
	for {
		token, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.CharData:
			if r.inText() && text.add(token) != nil {
				return &FileError{Code: CodeCellTooLong, Limit: MaxCell}
			}
		case xml.EndElement:
			if !r.in("sst") || token.Name.Local != "si" {
				continue
			}
			if b.archive.left.texts--; b.archive.left.texts < 0 {
				return unpacksTooMuch()
			}
			b.texts = append(b.texts, unescapeText(text.take()))
		}
	}
}

func isTrue(s string) bool { return s == "1" || s == "true" }

// A relationship says what another part is to a part (ECMA-376-2 6.5).
type relationship struct{ id, kind, target string }

func (r relationship) isOf(kind string) bool { return strings.HasSuffix(r.kind, "/"+kind) }

type relationships []relationship

func (rs relationships) ofType(kind string) *relationship {
	for i := range rs {
		if rs[i].isOf(kind) {
			return &rs[i]
		}
	}
	return nil
}

func (rs relationships) byID(id string) *relationship {
	for i := range rs {
		if rs[i].id == id {
			return &rs[i]
		}
	}
	return nil
}

// relationships reads those of a part, or of the file where the name is "". There may be none.
func (a *archive) relationships(of string) (relationships, error) {
	folder, file := path.Split(of)
	name := folder + "_rels/" + file + ".rels"
	if !a.has(name) {
		return nil, nil
	}
	p, err := a.open(name, maxPart)
	if err != nil {
		return nil, err
	}
	defer p.close()
	var rs relationships
	r := newXMLReader(p)
	err = r.elements(func(e xml.StartElement) error {
		if !r.in("Relationships", "Relationship") || attribute(e, "TargetMode") == "External" {
			return nil
		}
		target := attribute(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(folder, target)
		}
		rs = append(rs, relationship{id: attribute(e, "Id"), kind: attribute(e, "Type"), target: target})
		return nil
	})
	return rs, err
}
