package deltag

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Offset is a time before (negative) or after an event's start or end, written as an ISO 8601 duration of days,
// hours and minutes ("-P1D", "PT10M"). A day is always 24 hours, also when clocks go forward or back: the form says
// "24 hours before".
type Offset time.Duration

// ParseOffset reads "-P1D", "-PT1H30M", "PT1H". Weeks, months, years, seconds and fractions, which no reminder needs,
// are errors.
func ParseOffset(s string) (Offset, error) {
	bad := fmt.Errorf("%q is not a duration like -P1D, -PT1H or -PT10M", s)
	rest, negative := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" {
		return 0, bad
	}
	days, clock, hasClock := strings.Cut(rest, "T")
	if hasClock && clock == "" {
		return 0, bad
	}
	total, rest, ok := parseComponent(days, 'D', 24*time.Hour)
	if !ok || rest != "" {
		return 0, bad
	}
	hours, rest, ok := parseComponent(clock, 'H', time.Hour)
	if !ok {
		return 0, bad
	}
	minutes, rest, ok := parseComponent(rest, 'M', time.Minute)
	if !ok || rest != "" {
		return 0, bad
	}
	total += hours + minutes
	if negative {
		total = -total
	}
	return Offset(total), nil
}

// parseComponent reads a number followed by unit from the front of s, and returns what follows. Zero if s lacks unit.
func parseComponent(s string, unit byte, size time.Duration) (value time.Duration, rest string, ok bool) {
	i := strings.IndexByte(s, unit)
	if i < 0 {
		return 0, s, true
	}
	// At most four digits, so that the sum cannot overflow.
	n, err := strconv.ParseUint(s[:i], 10, 16)
	if err != nil || i > 4 {
		return 0, "", false
	}
	return time.Duration(n) * size, s[i+1:], true
}

// String is o as an ISO 8601 duration.
func (o Offset) String() string {
	d := time.Duration(o)
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days, hours, minutes := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60
	var b strings.Builder
	b.WriteString(sign + "P")
	if days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	if hours > 0 || minutes > 0 || days == 0 {
		b.WriteByte('T')
	}
	if hours > 0 {
		fmt.Fprintf(&b, "%dH", hours)
	}
	if minutes > 0 || days == 0 && hours == 0 {
		fmt.Fprintf(&b, "%dM", minutes)
	}
	return b.String()
}
