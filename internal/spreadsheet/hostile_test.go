package spreadsheet_test

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"deltag/internal/spreadsheet"
)

// A file is the parts of an XLSX file, by name.
type file map[string]string

const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

// minimal is an XLSX file with this inside its sheetData.
func minimal(rows string) file {
	return file{
		"_rels/.rels": `<Relationships>` +
			`<Relationship Id="1" Type="` + relations + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships>` +
			`<Relationship Id="1" Type="` + relations + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="2" Type="` + relations + `sharedStrings" Target="/xl/sharedStrings.xml"/>` +
			`<Relationship Id="3" Type="` + relations + `styles" Target="styles.xml"/></Relationships>`,
		"xl/workbook.xml":          `<workbook><sheets><sheet name="S" r:id="1"/></sheets></workbook>`,
		"xl/styles.xml":            `<styleSheet/>`,
		"xl/sharedStrings.xml":     `<sst><si><t>shared</t></si></sst>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	}
}

// with is the file with one part replaced; without one, where the content is "".
func (f file) with(name, content string) file {
	f[name] = content
	if content == "" {
		delete(f, name)
	}
	return f
}

func (f file) zip(t testing.TB, change ...func(*zip.FileHeader)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		for _, c := range change {
			c(h)
		}
		w, err := z.CreateHeader(h)
		must(t, err)
		_, err = io.WriteString(w, f[name])
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

const text = `<row><c t="inlineStr"><is><t>Head</t></is></c></row><row><c><v>1</v></c></row>`

func TestReadXLSXLeniently(t *testing.T) {
	prefixed := strings.ReplaceAll(strings.ReplaceAll(text, "<", "<x:"), "<x:/", "</x:")
	for name, f := range map[string]file{
		"no numbers of rows and cells": minimal(text),
		"prefixes": minimal("").with("xl/worksheets/sheet1.xml",
			`<x:worksheet xmlns:x="urn:x"><x:sheetData>`+prefixed+`</x:sheetData></x:worksheet>`),
		"backslashes in names": func() file {
			f := minimal("")
			delete(f, "xl/worksheets/sheet1.xml")
			return f.with(`xl\worksheets\Sheet1.xml`, `<worksheet><sheetData>`+text+`</sheetData></worksheet>`)
		}(),
		"shared text": minimal(`<row><c t="s"><v>0</v></c></row><row><c><v>1</v></c></row>`),
		"blank cells beyond": minimal(`<row><c t="str"><v>Head</v></c><c r="ZZ1" s="9"/></row>` +
			`<row r="9"><c><v> 1 </v></c></row>`),
		"Strict's dates": minimal(`<row><c t="d"><v>2026-12-01</v></c></row><row><c><v>1</v></c></row>`),
		"pronunciation": minimal(`<row><c t="inlineStr"><is><t>Head</t><rPh><t>x</t></rPh></is></c></row>` +
			`<row><c><v>1</v></c></row>`),
	} {
		t.Run(name, func(t *testing.T) {
			table, err := spreadsheet.Read(f.zip(t))
			must(t, err)
			head := table.Header.Cells[0]
			if head != "Head" && head != "shared" && head != "2026-12-01" || table.Rows[0].Cell(0) != "1" {
				t.Errorf("got %+v", table)
			}
		})
	}
}

func TestReadRefusesBrokenXLSX(t *testing.T) {
	whole := minimal(text).zip(t)
	brokenXLSX := spreadsheet.FileError{Code: "broken-xlsx"}
	notATable := spreadsheet.FileError{Code: "not-a-table"}
	cell := func(code, cell string, line, column, limit int) spreadsheet.FileError {
		return spreadsheet.FileError{Code: code, Cell: cell, Line: line, Column: column, Limit: limit}
	}
	for name, tt := range map[string]struct {
		data []byte
		want spreadsheet.FileError
	}{
		"cut off":              {whole[:len(whole)/2], brokenXLSX},
		"no central directory": {bytes.Replace(whole, []byte("PK\x01\x02"), []byte("XX\x01\x02"), 1), brokenXLSX},
		"only the signature":   {[]byte("PK\x03\x04"), brokenXLSX},
		"a wrong checksum":     {damaged(whole), brokenXLSX},
		"an empty zip file":    {file{}.zip(t), notATable},
		"a zip file of texts":  {file{"a.txt": "x", "b.csv": "A;B\n1;2\n"}.zip(t), notATable},
		"a Word document":      {minimal("").with("xl/workbook.xml", `<w:document/>`).zip(t), notATable},
		"encrypted entries": {
			minimal(text).zip(t, func(h *zip.FileHeader) { h.Flags |= 1 }),
			spreadsheet.FileError{Code: "encrypted-xlsx"},
		},
		"no workbook":              {minimal(text).with("xl/workbook.xml", "").zip(t), brokenXLSX},
		"no sheet":                 {minimal(text).with("xl/worksheets/sheet1.xml", "").zip(t), brokenXLSX},
		"a sheet of no known part": {minimal(text).with("xl/_rels/workbook.xml.rels", "").zip(t), brokenXLSX},
		"no XML":                   {minimal("<row").zip(t), brokenXLSX},
		"elements that overlap":    {minimal("<row><c></row></c>").zip(t), brokenXLSX},
		"elements left open": {
			minimal("").with("xl/worksheets/sheet1.xml", "<worksheet><sheetData>").zip(t),
			brokenXLSX,
		},
		"nested too deep": {minimal(strings.Repeat("<a>", 1000)).zip(t), brokenXLSX},
		"entities": {minimal("").with("xl/worksheets/sheet1.xml",
			`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet/>`).zip(t), brokenXLSX},
		"an unknown entity": {minimal("<row><c><v>&a;</v></c></row>").zip(t), brokenXLSX},
		"UTF-16 inside": {
			minimal("").with("xl/workbook.xml", `<?xml version="1.0" encoding="UTF-16"?><workbook/>`).zip(t),
			brokenXLSX,
		},
		"a NUL in XML": {minimal("<row><c><v>\x00</v></c></row>").zip(t), brokenXLSX},
		"an escaped NUL": {
			minimal(`<row r="2"><c r="B2" t="str"><v>a_x0000_</v></c></row>`).zip(t),
			cell("nul-character", "B2", 2, 2, 0),
		},
		"a NUL's entity":          {minimal("<row><c t=\"str\"><v>&#0;</v></c></row>").zip(t), brokenXLSX},
		"a negative shared text":  {minimal(`<row><c t="s"><v>-1</v></c></row>`).zip(t), brokenXLSX},
		"a shared text too many":  {minimal(`<row><c t="s"><v>1</v></c></row>`).zip(t), brokenXLSX},
		"a number that is none":   {minimal(`<row><c><v>twelve</v></c></row>`).zip(t), brokenXLSX},
		"infinity":                {minimal(`<row><c><v>1e999</v></c></row>`).zip(t), brokenXLSX},
		"not a number":            {minimal(`<row><c><v>NaN</v></c></row>`).zip(t), brokenXLSX},
		"a negative row":          {minimal(`<row r="-1"/>`).zip(t), brokenXLSX},
		"a row far away":          {minimal(`<row r="2147483647"><c><v>1</v></c></row>`).zip(t), brokenXLSX},
		"a row twice":             {minimal(`<row r="2"/><row r="2"/>`).zip(t), brokenXLSX},
		"a cell far away":         {minimal(`<row><c r="ZZZZZZZZZZ1"><v>1</v></c></row>`).zip(t), brokenXLSX},
		"a cell twice":            {minimal(`<row><c r="B1"/><c r="B1"/></row>`).zip(t), brokenXLSX},
		"a cell without a column": {minimal(`<row><c r="1"/></row>`).zip(t), brokenXLSX},
		"column 101": {
			minimal(`<row><c r="CW1"><v>1</v></c></row>`).zip(t),
			cell("too-many-columns", "CW1", 1, 101, 100),
		},
		"a shared formula": {
			minimal(`<row r="4"><c r="D4"><f t="shared" si="0"/><v>1</v></c></row>`).zip(t),
			cell("formula", "D4", 4, 4, 0),
		},
		"an error": {
			minimal(`<row><c t="e"><v>#N/A</v></c></row>`).zip(t),
			cell("error-value", "A1", 1, 1, 0),
		},
		"a long text": {
			minimal(`<row><c t="str"><v>` + noise(32_768) + `</v></c></row>`).zip(t),
			cell("cell-too-long", "A1", 1, 1, 32_767),
		},
		"a long text in pieces": {
			minimal(`<row><c t="inlineStr"><is>` + strings.Repeat("<r><t>"+noise(20_000)+"</t></r>", 15) +
				`</is></c></row>`).zip(t),
			cell("cell-too-long", "A1", 1, 1, 32_767),
		},
		"a long shared text": {
			minimal("").with("xl/sharedStrings.xml",
				"<sst><si>"+strings.Repeat("<t>"+noise(20_000)+"</t>", 15)+"</si></sst>").zip(t),
			spreadsheet.FileError{Code: "cell-too-long", Limit: 32_767},
		},
		"one long text in many cells": {
			manyTimes(t, 32_000, 600),
			spreadsheet.FileError{Code: "xlsx-too-large", Limit: 16},
		},
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, tt.data, tt.want) })
	}
}

// damaged changes the checksum of the sheet in the central directory.
func damaged(whole []byte) []byte {
	data := bytes.Clone(whole)
	header := bytes.LastIndex(data, []byte("xl/worksheets/sheet1.xml")) - 46
	data[header+16] ^= 0xff
	return data
}

// noise is a text that does not pack well.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		b.WriteByte('a' + byte(x>>24)%26)
	}
	return b.String()
}

// manyTimes is a file that names one shared text from many rows.
func manyTimes(t *testing.T, length, rows int) []byte {
	f := minimal(strings.Repeat(`<row><c t="s"><v>0</v></c></row>`, rows))
	return f.with("xl/sharedStrings.xml", "<sst><si><t>"+noise(length)+"</t></si></sst>").zip(t)
}
