package deltag

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Offset is a distance from an event's start or end, written as an ISO 8601 duration of days, hours
// and minutes ("-P1D", "PT10M"). A day is exactly 24 hours, also across a change of the clocks:
// people plan the evening before by hours left, and "24 hours before" is what the form says.
type Offset time.Duration

// ParseOffset reads "-P1D", "-PT1H30M", "PT1H". Weeks, months, years, seconds and fractions are
// refused: no reminder needs them.
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

// parseComponent reads a number followed by unit from the front of s; an s without that unit yields zero.
func parseComponent(s string, unit byte, worth time.Duration) (time.Duration, string, bool) {
	i := strings.IndexByte(s, unit)
	if i < 0 {
		return 0, s, true
	}
	// Four digits bound the sum far below an overflow, and no reminder is further away.
	n, err := strconv.ParseUint(s[:i], 10, 16)
	if err != nil || i > 4 {
		return 0, "", false
	}
	return time.Duration(n) * worth, s[i+1:], true
}

func (o Offset) String() string {
	d := time.Duration(o)
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	b.WriteByte('P')
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	d %= 24 * time.Hour
	if d > 0 || b.Len() <= 2 && b.String()[b.Len()-1] == 'P' {
		b.WriteByte('T')
		if h := d / time.Hour; h > 0 {
			fmt.Fprintf(&b, "%dH", h)
		}
		if m := d % time.Hour / time.Minute; m > 0 || d == 0 {
			fmt.Fprintf(&b, "%dM", m)
		}
	}
	return b.String()
}
