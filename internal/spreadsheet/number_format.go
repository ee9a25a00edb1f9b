package spreadsheet

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// A numberFormat is what a cell's number looks like, as far as it matters to what it means.
type numberFormat struct {
	isDate bool // days since 1900, with the time as a fraction
	digits int  // at least so many, with zeros in front: 0012
}

// readStyles reads the number formats of all styles that cells name by number.
func (b *workbook) readStyles(name string) error {
	p, err := b.archive.open(name, maxPart)
	if err != nil {
		return err
	}
	defer p.close()
	custom := map[string]numberFormat{} // by id
	r := newXMLReader(p)
	return r.elements(func(e xml.StartElement) error {
		switch {
		case r.in("styleSheet", "numFmts", "numFmt"):
			custom[attribute(e, "numFmtId")] = parseFormat(attribute(e, "formatCode"))
		case r.in("styleSheet", "cellXfs", "xf"):
			id := attribute(e, "numFmtId")
			format, ok := custom[id]
			if !ok {
				format.isDate = isBuiltInDate(id)
			}
			b.formats = append(b.formats, format)
		}
		return nil
	})
}

// isBuiltInDate tells of the formats that have a number and no code: ECMA-376-1 18.8.30. From 27 on they are those of
// Chinese, Japanese and Korean Excel. 46 is a length of time.
func isBuiltInDate(id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n == 45 || n == 47 || n >= 50 && n <= 58)
}

// parseFormat reads the code of a format, such as yyyy-mm-dd or 0000. Only its first section counts, for numbers above
// zero. Lengths of time, as [h]:mm, are numbers.
func parseFormat(code string) numberFormat {
	signs, isLength := formatSigns(code)
	if strings.Trim(signs, "0") == "" {
		return numberFormat{digits: min(len(signs), maxDigits)}
	}
	return numberFormat{isDate: !isLength && strings.ContainsAny(signs, "yYmMdDhHsS")}
}

// maxDigits is as many as Excel keeps of a number.
const maxDigits = 15

// formatSigns is a format's first section without what is shown as it stands: "text", \x, _x and *x, and what stands
// in brackets. isLength tells of [h], [mm] and the like.
func formatSigns(code string) (signs string, isLength bool) {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			return b.String(), isLength
		case '\\', '_', '*':
			i++
		case '"', '[':
			closing := c
			if c == '[' {
				closing = ']'
			}
			end := strings.IndexByte(code[i+1:], closing)
			if end < 0 {
				return b.String(), isLength
			}
			inside := code[i+1 : i+1+end]
			if c == '[' && strings.Trim(strings.ToLower(inside), "hms") == "" {
				isLength = true
			}
			i += end + 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), isLength
}
