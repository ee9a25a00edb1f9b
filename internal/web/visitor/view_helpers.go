package visitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// Paragraphs splits a text at blank lines.
func (p *page) Paragraphs(text string) []string { return web.Paragraphs(text) }

// Links are the spans of a text, with links of the addresses in it.
func (p *page) Links(text string) []deltag.TextSpan { return deltag.SplitLinks(text) }

// A Block is a paragraph of a description, and the list that ends it.
type Block struct {
	Text  string
	Items []string
}

// Blocks finds the lists that people make in plain text, with a dash or a dot before each line.
func (p *page) Blocks(text string) []Block {
	var blocks []Block
	for _, paragraph := range p.Paragraphs(text) {
		var b Block
		lines := strings.Split(paragraph, "\n")
		for len(lines) > 0 {
			item, listed := listItem(lines[len(lines)-1])
			if !listed {
				break
			}
			b.Items = append(b.Items, item)
			lines = lines[:len(lines)-1]
		}
		slices.Reverse(b.Items)
		b.Text = strings.Join(lines, "\n")
		blocks = append(blocks, b)
	}
	return blocks
}

func listItem(line string) (string, bool) {
	for _, bullet := range []string{"- ", "– ", "• ", "* "} {
		if item, ok := strings.CutPrefix(strings.TrimSpace(line), bullet); ok {
			return strings.TrimSpace(item), true
		}
	}
	return "", false
}

// Day is the event's day of the month where it is held.
func (p *page) Day(e deltag.Event) int { return e.StartsAt.In(e.Zone()).Day() }

// Month is the name of the event's month.
func (p *page) Month(e deltag.Event) string {
	return p.Text(fmt.Sprintf("date.month.%d", e.StartsAt.In(e.Zone()).Month()))
}

// OneDay says whether the event ends on the day it begins.
func (p *page) OneDay(e deltag.Event) bool {
	return e.StartsAt.In(e.Zone()).Format(time.DateOnly) == e.EndsAt.In(e.Zone()).Format(time.DateOnly)
}

// EventDate is the event's day.
func (p *page) EventDate(e deltag.Event) string { return p.Date(e.StartsAt, e.Zone()) }

// TimeRange is the event's start and end within its day: "kl. 14.00–15.00 (dansk tid)".
func (p *page) TimeRange(e deltag.Event) string {
	return p.Text("page.facts.time-range",
		"from", p.TimeOfDay(e.StartsAt, e.Zone()), "to", p.TimeOfDay(e.EndsAt, e.Zone()), "zone", p.Zone(e))
}

// Duration is how long the event takes, exact to the minute: "1 time og 30 minutter".
func (p *page) Duration(e deltag.Event) string {
	d := e.EndsAt.Sub(e.StartsAt).Round(time.Minute)
	hours, minutes := d.Truncate(time.Hour), d%time.Hour
	switch {
	case d >= 48*time.Hour || minutes == 0 || hours == 0:
		return p.Remaining(d)
	default:
		return p.Text("page.and", "a", p.Remaining(hours), "b", p.Remaining(minutes))
	}
}

// maxShownSeats is the highest number of free seats that is shown. Up to it somebody may hurry; above it the exact number
// would only tell who watches it whether a sign-up was somebody's first.
const maxShownSeats = 20

// SeatsLeft is how many seats are free: "12 pladser tilbage".
func (p *page) SeatsLeft(n int) string {
	switch {
	case n == 0:
		return p.Text("page.state.full.title")
	case n == 1:
		return p.Text("page.seats.one-left")
	case n > maxShownSeats:
		return p.Text("page.seats.many-left", "n", maxShownSeats)
	}
	return p.Text("page.seats.left", "n", n)
}

// RFC3339 is t for a time element's datetime.
func (p *page) RFC3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ErasedOn is the day on which everything personal is erased.
func (p *page) ErasedOn(e deltag.Event) string { return p.Date(e.RetentionEndsAt(), e.Zone()) }
