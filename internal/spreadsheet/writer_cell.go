package spreadsheet

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A Cell is what stands in a cell. The zero Cell is empty.
type Cell struct {
	kind cellKind
	text string
	time time.Time
	yes  bool
}

type cellKind int

const (
	kindEmpty cellKind = iota
	kindText
	kindTime
	kindYesNo
	kindTitle
)

// Text is a text, whatever it looks like: no formula, no number, no date. What a cell can't hold is left out: control
// characters, and what is beyond MaxCell.
func Text(s string) Cell { return Cell{kind: kindText, text: s} }

// Time is a date with a time, to the second, which Excel shows in the sheet's zone. The zero time leaves the cell
// empty.
func Time(t time.Time) Cell { return Cell{kind: kindTime, time: t} }

// YesNo is the sheet's word for yes or no.
func YesNo(yes bool) Cell { return Cell{kind: kindYesNo, yes: yes} }

// Styles, by their place in the cellXfs of stylesPart.
const (
	styleTitle = "1"
	styleText  = "2"
	styleTime  = "3"
)

func (x *Writer) writeCell(name string, c Cell) {
	switch c.kind {
	case kindTitle:
		x.writeText(name, styleTitle, c.text)
	case kindText:
		x.writeText(name, styleText, c.text)
	case kindYesNo:
		word := x.sheet.No
		if c.yes {
			word = x.sheet.Yes
		}
		x.writeText(name, styleText, word)
	case kindTime:
		x.writeTime(name, c.time)
	}
}

// writeTime writes a time as days since 1900. Excel's dates have no zone.
func (x *Writer) writeTime(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	t = t.In(x.sheet.Zone)
	if t.Year() < 1901 || t.Year() > 9999 { // its first months have other numbers: see leapDay
		x.writeText(name, styleText, t.Format("2006-01-02 15:04:05"))
		return
	}
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	days := float64(wall.Unix()-dayZero.Unix()) / daySeconds
	x.write(`<c r="`, name, `" s="`, styleTime, `"><v>`, strconv.FormatFloat(days, 'f', -1, 64), `</v></c>`)
}

// writeText writes a text into the cell itself, not among shared texts, which would have to be kept. A cell of this
// type can't be a formula; the style, whose format is "text", keeps it from becoming one when somebody edits it, or a
// telephone number from losing its zeros. So the text needs no apostrophe in front, and no quotePrefix.
func (x *Writer) writeText(name, style, text string) {
	text = cleanText(text)
	if text == "" {
		return
	}
	x.write(`<c r="`, name, `" s="`, style, `" t="inlineStr"><is><t`)
	if strings.TrimSpace(text) != text {
		x.write(` xml:space="preserve"`)
	}
	x.write(`>`)
	_ = xml.EscapeText(x.out, []byte(text))
	x.write(`</t></is></c>`)
}

// cleanText is a text as a cell can hold it: with LF at the end of a line, without the characters that XML doesn't
// allow, of at most MaxCell UTF-16 units, and with _x000D_, where somebody has typed that, as _x005F_x000D_, lest it
// be decoded: see unescapeText.
func cleanText(s string) string {
	if strings.ContainsRune(s, '\r') {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !isXML(r) }) {
		s = strings.Map(func(r rune) rune {
			if isXML(r) {
				return r
			}
			return -1
		}, s)
	}
	s = cutText(s, MaxCell)
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if _, escaped := escapedUnit(s[i:]); escaped {
			b.WriteString("_x005F")
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isXML tells of the characters that XML 1.0 allows.
func isXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r != 0xfffe && r != 0xffff
}

// cutText is a text's first characters, as many as have so many UTF-16 units.
func cutText(s string, units int) string {
	if len(s) <= units {
		return s
	}
	for i, r := range s {
		if units -= max(utf16.RuneLen(r), 1); units < 0 {
			return s[:i]
		}
	}
	return s
}
