// Package i18n has the texts of pages and mails in each language. They are in da.json and en.json, which have the same
// keys, and nowhere else.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"deltag/internal/deltag"
)

//go:embed da.json en.json
var files embed.FS

// A Catalog is the texts of one language.
type Catalog struct {
	Language deltag.Language
	text     map[string]string
}

// Parsed on first use, as most requests need one language only.
var (
	danish  = sync.OnceValue(func() *Catalog { return load(deltag.LanguageDanish) })
	english = sync.OnceValue(func() *Catalog { return load(deltag.LanguageEnglish) })
)

// For returns the catalog of l, or the Danish one if l is not supported.
func For(l deltag.Language) *Catalog {
	if l == deltag.LanguageEnglish {
		return english()
	}
	return danish()
}

func load(l deltag.Language) *Catalog {
	c := &Catalog{Language: l}
	raw, err := files.ReadFile(string(l) + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &c.text)
	}
	if err != nil {
		panic(err) // impossible: the files are embedded, and parsed in a test
	}
	return c
}

// Text returns the text of key with its {placeholders} replaced by the values of pairs, which alternate names and
// values. An unknown key is returned itself, which shows the mistake to a reader. A test finds unknown keys in the
// source.
func (c *Catalog) Text(key string, pairs ...any) string {
	s, ok := c.text[key]
	if !ok {
		return key
	}
	if len(pairs) == 0 {
		return s
	}
	// All in one pass, so that braces in a value are left alone.
	replacements := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		replacements[i], replacements[i+1] = fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1])
	}
	return strings.NewReplacer(replacements...).Replace(s)
}

// Has says whether there is a text for key.
func (c *Catalog) Has(key string) bool {
	_, ok := c.text[key]
	return ok
}

// FieldError says what is wrong with a field and how to correct it.
func (c *Catalog) FieldError(f deltag.FieldError) string {
	if f.Proposal != "" {
		return c.Text("error."+f.Code+"-proposal", "proposal", f.Proposal)
	}
	return c.Text("error."+f.Code, "limit", f.Limit, "value", f.Value)
}

// Date is the date of t in zone, e.g. "tirsdag den 1. december 2026".
func (c *Catalog) Date(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return c.Text("date.day",
		"weekday", c.Text(fmt.Sprintf("date.weekday.%d", t.Weekday())),
		"day", t.Day(), "month", c.Text(fmt.Sprintf("date.month.%d", t.Month())), "year", t.Year())
}

// TimeOfDay is the time of day of t in zone, e.g. "14.00".
func (c *Catalog) TimeOfDay(t time.Time, zone *time.Location) string {
	return t.In(zone).Format(c.Text("date.time"))
}

// EventTime is when e takes place, in its zone, e.g. "tirsdag den 1. december 2026 kl. 14.00–15.00 (dansk tid)".
func (c *Catalog) EventTime(e deltag.Event) string {
	zone := e.Zone()
	key := "date.event-time"
	if !isSameDay(e.StartsAt.In(zone), e.EndsAt.In(zone)) {
		key = "date.event-time-days"
	}
	return c.Text(key,
		"date", c.Date(e.StartsAt, zone), "from", c.TimeOfDay(e.StartsAt, zone),
		"enddate", c.Date(e.EndsAt, zone), "to", c.TimeOfDay(e.EndsAt, zone), "zone", c.Zone(e))
}

// Zone is what people call e's time zone: "dansk tid", or the time of its city: "tid i New York, EST".
func (c *Catalog) Zone(e deltag.Event) string {
	if key := "zone." + e.TimeZone; c.Has(key) {
		return c.Text(key)
	}
	city := e.TimeZone[strings.LastIndexByte(e.TimeZone, '/')+1:]
	abbreviation := e.StartsAt.In(e.Zone()).Format("MST")
	if strings.ContainsAny(abbreviation, "+-") { // it has none
		abbreviation = utcOffset(e.StartsAt.In(e.Zone()))
	}
	return c.Text("zone.other", "city", strings.ReplaceAll(city, "_", " "), "abbreviation", abbreviation)
}

// utcOffset is the offset of t's zone: "UTC−3", "UTC+5:30".
func utcOffset(t time.Time) string {
	offset := strings.TrimSuffix(t.Format("-07:00"), ":00")
	return "UTC" + strings.NewReplacer("-0", "−", "+0", "+", "-", "−").Replace(offset)
}

// Remaining is a duration in the largest unit that fits, rounded to the nearest: "24 timer", "1 time", "10 minutter".
// It is at least one minute.
func (c *Catalog) Remaining(d time.Duration) string {
	unit, size := "minute", time.Minute
	switch {
	case d >= 48*time.Hour:
		unit, size = "day", 24*time.Hour
	case d >= 59*time.Minute+30*time.Second:
		unit, size = "hour", time.Hour
	}
	n := int(max(1, d.Round(size)/size))
	if n != 1 {
		unit += "s"
	}
	return c.Text("date.remaining."+unit, "n", n)
}

func isSameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }
