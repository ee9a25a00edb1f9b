package deltag

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An Offset is a time before (negative) or after an event's start or end, written as an ISO 8601 duration of days,
// hours and minutes ("-P1D", "PT10M"). A day is always 24 hours, also when clocks go forward or back: the form says
// "24 hours before".
type Offset time.Duration

// Compiled when first used, like the patterns of an event. At most four digits, so that the sum cannot overflow.
var offsetPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(-?)P(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?)?$`)
})

// ParseOffset reads "-P1D", "-PT1H30M", "PT1H". Weeks, months, years, seconds and fractions, which no reminder needs,
// are errors.
func ParseOffset(s string) (Offset, error) {
	parts := offsetPattern().FindStringSubmatch(s)
	if parts == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return 0, fmt.Errorf("%q is not a duration like -P1D, -PT1H or -PT10M", s)
	}
	total := time.Duration(0)
	for i, size := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n, _ := strconv.Atoi(parts[2+i]) // zero if s lacks the unit
		total += time.Duration(n) * size
	}
	if parts[1] == "-" {
		total = -total
	}
	return Offset(total), nil
}

// String is o as an ISO 8601 duration.
func (o Offset) String() string {
	s, d := "P", time.Duration(o)
	if d < 0 {
		s, d = "-P", -d
	}
	days, hours, minutes := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60
	if days > 0 {
		s += fmt.Sprintf("%dD", days)
	}
	if days > 0 && hours == 0 && minutes == 0 {
		return s
	}
	s += "T"
	if hours > 0 {
		s += fmt.Sprintf("%dH", hours)
	}
	if minutes > 0 || hours == 0 {
		s += fmt.Sprintf("%dM", minutes)
	}
	return s
}
