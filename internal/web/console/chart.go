package console

import (
	"maps"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// A chart is sign-ups by day, or by week where there are many days, as bars from left to right. A bar is chartStep wide
// and chartHeight high at most, in the units of the picture.
type chart struct {
	Bars        []chartBar
	Width       int
	From, To    string // of the first and the last bar
	Most        int
	Heading     string
	Description string // for those who do not see it
}

// A chartBar is a day, or the week that begins with it.
type chartBar struct {
	Label        string // of the day: "3. november", "Uge fra 3. november"
	People       int
	Total        int // until then
	X, Y, Height int
}

const (
	chartStep   = 10
	chartHeight = 1000
	minDays     = 14 // so that a bar is never a wall
	maxDays     = 70 // more would be too thin to see on a phone
)

// newChart is a chart of one sign-up at least. It goes on to the present, or to the event's day if that is over.
func (p *page) newChart(e deltag.Event, byDay map[string]int) *chart {
	first, last := chartDays(byDay, p.now.In(e.Zone()), e.EndsAt.In(e.Zone()))
	step := 1
	if days := daysBetween(first, last) + 1; days > maxDays {
		step = 7
	}
	c := &chart{}
	best, total := time.Time{}, 0
	var starts []time.Time
	for day := first; !day.After(last); day = day.AddDate(0, 0, step) {
		people := 0
		for i := range step {
			people += byDay[day.AddDate(0, 0, i).Format(time.DateOnly)]
		}
		if people > c.Most {
			best, c.Most = day, people
		}
		total += people
		starts = append(starts, day)
		c.Bars = append(c.Bars, chartBar{People: people, Total: total})
	}
	c.draw()
	c.describe(p, starts, best, step)
	return c
}

// chartDays are the first and the last day, at midnight UTC, so that all days are 24 hours long.
func chartDays(byDay map[string]int, now, eventEnd time.Time) (first, last time.Time) {
	days := slices.Sorted(maps.Keys(byDay))
	first, _ = time.Parse(time.DateOnly, days[0]) // they are written by this layout
	last, _ = time.Parse(time.DateOnly, days[len(days)-1])
	if eventEnd.Before(now) {
		now = eventEnd
	}
	if until := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC); until.After(last) {
		last = until
	}
	if daysBetween(first, last) < minDays-1 {
		first = last.AddDate(0, 0, 1-minDays)
	}
	return first, last
}

func daysBetween(a, b time.Time) int { return int(b.Sub(a) / (24 * time.Hour)) }

func (c *chart) draw() {
	c.Width = len(c.Bars) * chartStep
	for i := range c.Bars {
		bar := &c.Bars[i]
		bar.Height = bar.People * chartHeight / c.Most
		if bar.People > 0 {
			bar.Height = max(bar.Height, chartHeight/100) // a few beside thousands are seen too
		}
		bar.X, bar.Y = i*chartStep+1, chartHeight-bar.Height
	}
}

func (c *chart) describe(p *page, starts []time.Time, best time.Time, step int) {
	kind := "day"
	if step > 1 {
		kind = "week"
	}
	for i, day := range starts {
		c.Bars[i].Label = p.Capitalize(p.Text("console.signups.label."+kind, "day", p.dayText(day)))
	}
	c.From, c.To = p.dayText(starts[0]), p.dayText(starts[len(starts)-1])
	c.Heading = p.Text("console.signups.by-" + kind)
	c.Description = p.Text("console.signups.describe."+kind,
		"from", c.From, "to", c.To, "best", p.dayText(best), "n", p.Number(c.Most))
}

// latest are the bars with people, the latest first.
func (c *chart) latest() []chartBar {
	bars := slices.DeleteFunc(slices.Clone(c.Bars), func(b chartBar) bool { return b.People == 0 })
	slices.Reverse(bars)
	return bars
}
