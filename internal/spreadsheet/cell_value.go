package spreadsheet

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A cellText is a text that comes in pieces, and no more of it than a cell can have.
type cellText struct{ b strings.Builder }

var errTooLong = errors.New("longer than a cell")

// add counts bytes, so that a text may be four times as long as it should be, which tableBuilder finds, or seven times
// where it has escapes.
func (t *cellText) add(piece []byte) error {
	if t.b.Len()+len(piece) > len("_x0000_")*MaxCell {
		return errTooLong
	}
	t.b.Write(piece)
	return nil
}

func (t *cellText) take() string {
	text := t.b.String()
	t.b.Reset()
	return text
}

// unescapeText decodes _x000D_ and the like, which stand for UTF-16 units that XML doesn't allow: ECMA-376-1 22.9.2.19.
func unescapeText(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	var units []uint16 // decoded, and perhaps one half of a pair
	for len(s) > 0 {
		unit, ok := escapedUnit(s)
		if ok {
			units, s = append(units, unit), s[len("_x0000_"):]
			continue
		}
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
		next := strings.IndexByte(s[1:], '_') + 1
		if next == 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	b.WriteString(string(utf16.Decode(units)))
	return b.String()
}

func escapedUnit(s string) (uint16, bool) {
	if len(s) < len("_x0000_") || s[:2] != "_x" || s[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return uint16(n), err == nil
}

// formatNumber writes a number as people see it in a cell that is wide enough, and a date in the form of ISO 8601.
func formatNumber(f float64, format numberFormat, is1904 bool) string {
	if format.isDate {
		if s, ok := formatDate(f, is1904); ok {
			return s
		}
	}
	// Excel has 15 digits, and what a binary fraction has beyond them nobody has typed: 0.1 + 0.2.
	short := strconv.FormatFloat(f, 'g', maxDigits, 64)
	f, _ = strconv.ParseFloat(short, 64)
	if size := math.Abs(f); size >= 1e21 || size > 0 && size < 1e-9 {
		return short
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if f >= 0 && f == math.Trunc(f) && len(s) < format.digits {
		s = strings.Repeat("0", format.digits-len(s)) + s
	}
	return s
}

const (
	daySeconds = 24 * 60 * 60
	// lastDay is 9999-12-31, where Excel's dates end.
	lastDay = 2958465
	// leapDay is 1900-02-29, a day that Excel has and the calendar has not. Days before it are one further from day 0.
	leapDay = 60
	days4   = 1462 // from day 0 of 1900 to that of 1904
)

// dayZero is day 0 of those after the leapDay.
var dayZero = time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)

// formatDate writes a date, a date with a time or, on day 0, a time. A number that is none of these is not ok.
func formatDate(f float64, is1904 bool) (s string, ok bool) {
	if is1904 {
		f += days4
	}
	if !(f >= 0 && f < lastDay+1) { // also where it is not a number
		return "", false
	}
	seconds := int64(math.Round(f * daySeconds))
	day, second := seconds/daySeconds, seconds%daySeconds
	switch {
	case day == 0:
		return dayZero.Add(time.Duration(second) * time.Second).Format("15:04:05"), true
	case day == leapDay:
		return "", false
	case day < leapDay:
		day++
	}
	t := dayZero.AddDate(0, 0, int(day)).Add(time.Duration(second) * time.Second)
	if second == 0 {
		return t.Format(time.DateOnly), true
	}
	return t.Format("2006-01-02T15:04:05"), true
}
