// Package language says things in the reader's language. The words live in da.json and en.json, and
// nowhere else; both have the same keys.
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

// Catalog are one language's.
type Catalog struct {
	Language deltag.Language
	text     map[string]string
}

// A request reads one language, so each is parsed when it is first asked for.
var (
	danish  = sync.OnceValue(func() *Catalog { return load(deltag.LanguageDanish) })
	english = sync.OnceValue(func() *Catalog { return load(deltag.LanguageEnglish) })
)

// For returns the words of l, and Danish for a language that Deltag does not speak.
func For(l deltag.Language) *Catalog {
	if l == deltag.LanguageEnglish {
		return english()
	}
	return danish()
}

func load(l deltag.Language) *Catalog {
	w := &Catalog{Language: l}
	raw, err := files.ReadFile(string(l) + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &w.text)
	}
	if err != nil {
		panic(err) // embedded and tested: cannot happen in a build that passed
	}
	return w
}

// Text returns the words of key with its {placeholders} filled from name-value pairs. An unknown key is
// returned as it is, so that a reader sees the fault rather than nothing; a test looks for such.
func (w *Catalog) Text(key string, pairs ...any) string {
	s, ok := w.text[key]
	if !ok {
		return key
	}
	if len(pairs) == 0 {
		return s
	}
	// All at once, so that a value with braces in it is left as it is.
	fill := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		fill[i], fill[i+1] = fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1])
	}
	return strings.NewReplacer(fill...).Replace(s)
}

// Has says whether there are words for key.
func (w *Catalog) Has(key string) bool {
	_, ok := w.text[key]
	return ok
}

// FieldError says what is wrong with a field and the way out.
func (w *Catalog) FieldError(f deltag.FieldError) string {
	return w.Text("error."+f.Code, "limit", f.Limit)
}

// Date is a day in zone, e.g. "tirsdag den 1. december 2026".
func (w *Catalog) Date(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return w.Text("date.day",
		"weekday", w.Text(fmt.Sprintf("date.weekday.%d", t.Weekday())),
		"day", t.Day(), "month", w.Text(fmt.Sprintf("date.month.%d", t.Month())), "year", t.Year())
}

// TimeOfDay is a time of day in zone, e.g. "14.00".
func (w *Catalog) TimeOfDay(t time.Time, zone *time.Location) string {
	return t.In(zone).Format(w.Text("date.time"))
}

// EventTime is an event's time with the zone's name, e.g. "tirsdag den 1. december 2026 kl. 14.00–15.00 (dansk tid)".
func (w *Catalog) EventTime(e deltag.Event) string {
	zone := e.Zone()
	key := "date.event-time"
	if !isSameDay(e.StartsAt.In(zone), e.EndsAt.In(zone)) {
		key = "date.event-time-days"
	}
	return w.Text(key,
		"date", w.Date(e.StartsAt, zone), "from", w.TimeOfDay(e.StartsAt, zone),
		"enddate", w.Date(e.EndsAt, zone), "to", w.TimeOfDay(e.EndsAt, zone), "zone", w.Zone(e))
}

// Zone is the name people give an event's time zone: "dansk tid", or "tid i Lissabon"-like by its city.
func (w *Catalog) Zone(e deltag.Event) string {
	if key := "zone." + e.TimeZone; w.Has(key) {
		return w.Text(key)
	}
	city := e.TimeZone[strings.LastIndexByte(e.TimeZone, '/')+1:]
	return w.Text("zone.other", "city", strings.ReplaceAll(city, "_", " "), "abbreviation", e.StartsAt.In(e.Zone()).Format("MST"))
}

// Remaining is a stretch of time in its largest fitting unit, rounded to the nearest: "24 timer", "1 time", "10 minutter".
func (w *Catalog) Remaining(d time.Duration) string {
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
	return w.Text("date.remaining."+unit, "n", n)
}

func isSameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}
