package spreadsheet

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// The parts of an XLSX file beside its sheet: ECMA-376, Transitional.

const (
	xmlHead       = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relNamespace  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageRels   = "http://schemas.openxmlformats.org/package/2006/relationships"
	contentTypes  = "http://schemas.openxmlformats.org/package/2006/content-types"
	sheetMIME     = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	sheetPath     = "xl/worksheets/sheet1.xml"
)

type fixedPart struct{ name, content string }

var fixedParts = []fixedPart{
	{"[Content_Types].xml", `<Types xmlns="` + contentTypes + `">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + sheetMIME + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + sheetMIME + `styles+xml"/>` +
		`<Override PartName="/` + sheetPath + `" ContentType="` + sheetMIME + `worksheet+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="` + packageRels + `">` +
		`<Relationship Id="rId1" Type="` + relNamespace + `/officeDocument" Target="xl/workbook.xml"/>` +
		`</Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageRels + `">` +
		`<Relationship Id="rId1" Type="` + relNamespace + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + relNamespace + `/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", stylesPart},
}

// stylesPart has the styles of writer_cell.go. The two fills are required: Excel takes their places as its own. Format
// 49 is text. Dates look the same in all languages, and as in the CSV export.
const stylesPart = `<styleSheet xmlns="` + mainNamespace + `">` +
	`<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
	`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill>` +
	`<fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

// workbookPart names the sheet, and the cells that have filters, as Excel itself does beside what the sheet says.
func (x *Writer) workbookPart() []fixedPart {
	filters := ""
	if len(x.sheet.Columns) > 0 {
		cells := "$A$1:$" + columnName(len(x.sheet.Columns)) + "$" + strconv.Itoa(x.rows)
		quoted := "'" + strings.ReplaceAll(x.sheet.Name, "'", "''") + "'!"
		filters = `<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">` +
			escapeXML(quoted+cells) + `</definedName></definedNames>`
	}
	content := `<workbook xmlns="` + mainNamespace + `" xmlns:r="` + relNamespace + `">` +
		`<bookViews><workbookView/></bookViews>` +
		`<sheets><sheet name="` + escapeXML(x.sheet.Name) + `" sheetId="1" r:id="rId1"/></sheets>` +
		filters + `</workbook>`
	return []fixedPart{{"xl/workbook.xml", content}}
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
