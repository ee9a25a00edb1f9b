package deltag

import (
	"testing"
	"time"
)

func TestDigestIsMadeEachMorningUntilTheStart(t *testing.T) {
	e := testEvent() // starts on 1 December at 13:00 UTC
	e.Organiser.ReceivesDigest = true
	morning := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 50, 0, 0, time.UTC)
	}
	for name, c := range map[string]struct {
		change func(*Event)
		after  time.Time
		want   time.Time
	}{
		"TheSameMorning":        {nil, morning(11, 20, 3), morning(11, 20, 5)},
		"TheNextMorning":        {nil, morning(11, 20, 5), morning(11, 21, 5)},
		"InSummerTime":          {nil, morning(7, 1, 3), morning(7, 1, 4)},
		"OnTheDay":              {nil, morning(11, 30, 9), morning(12, 1, 5)},
		"NotAfterTheStart":      {nil, morning(12, 1, 9), time.Time{}},
		"NotWhenItBeginsBefore": {func(e *Event) { e.StartsAt = morning(12, 1, 5) }, morning(11, 30, 9), time.Time{}},
		"NotOfADraft":           {func(e *Event) { e.Status = EventDraft }, morning(11, 20, 3), time.Time{}},
		"NotOfACancelled":       {func(e *Event) { e.Status = EventCancelled }, morning(11, 20, 3), time.Time{}},
		"OfAClosed":             {func(e *Event) { e.Status = EventClosed }, morning(11, 20, 3), morning(11, 20, 5)},
		"NotWhenDeclined":       {func(e *Event) { e.Organiser.ReceivesDigest = false }, morning(11, 20, 3), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			e := e
			if c.change != nil {
				c.change(&e)
			}
			assertEqual(t, e.DigestDueAfter(c.after), c.want)
		})
	}
}

func TestDigestTellsWhatIsNew(t *testing.T) {
	e := testEvent()
	e.Capacity = new(int)
	*e.Capacity = 5
	early, dayBefore := e.StartsAt.AddDate(0, 0, -5), e.StartsAt.AddDate(0, 0, -1)
	counts := func(confirmed, waitlisted int) Counts { return Counts{Confirmed: confirmed, Waitlisted: waitlisted} }
	for name, c := range map[string]struct {
		last, now Counts
		link      string
		at        time.Time
		want      Digest
		ok        bool
	}{
		"MorePeople":     {counts(1, 0), counts(3, 0), "x", early, Digest{Confirmed: 3, NewConfirmed: 2, HasNews: true}, true},
		"FewerPeople":    {counts(3, 0), counts(2, 0), "x", early, Digest{Confirmed: 2, NewConfirmed: -1, HasNews: true}, true},
		"Full":           {counts(4, 0), counts(5, 0), "x", early, Digest{Confirmed: 5, NewConfirmed: 1, HasNews: true, IsFull: true}, true},
		"PeopleWait":     {counts(5, 0), counts(5, 2), "x", early, Digest{Confirmed: 5, Waitlisted: 2, HasNews: true, IsFull: true}, true},
		"NothingNew":     {counts(3, 1), counts(3, 1), "x", early, Digest{}, false},
		"NoLinkYet":      {counts(3, 0), counts(3, 0), "", early, Digest{}, false},
		"NoLinkTomorrow": {counts(3, 0), counts(3, 0), "", dayBefore, Digest{Confirmed: 3, MissesLink: true}, true},
		"NoLinkToday":    {counts(3, 0), counts(3, 0), "", e.StartsAt.Add(-time.Hour), Digest{Confirmed: 3, MissesLink: true}, true},
		"LinkIsThere":    {counts(3, 0), counts(3, 0), "x", dayBefore, Digest{}, false},
		"Started":        {counts(3, 0), counts(4, 0), "", e.StartsAt, Digest{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := e
			e.JoinURL, e.Organiser.ReceivesDigest = c.link, true
			got := NewDigest(e, c.last, c.now, c.at)
			assertEqual(t, got != nil, c.ok)
			if got != nil {
				assertEqual(t, *got, c.want)
			}
		})
	}
}

func TestDigestIsTrueWhenItGoesOut(t *testing.T) {
	e := testEvent()
	e.JoinURL, e.Organiser.ReceivesDigest = "", true
	dayBefore := e.StartsAt.AddDate(0, 0, -1)
	news := Digest{Confirmed: 3, HasNews: true, MissesLink: true}
	linkAlone := Digest{Confirmed: 3, MissesLink: true}
	withoutLink := news
	withoutLink.MissesLink = false
	for name, c := range map[string]struct {
		made   Digest
		change func(*Event)
		at     time.Time
		want   *Digest
	}{
		"Unchanged":            {news, func(*Event) {}, dayBefore, &news},
		"TheLinkIsThereByThen": {news, func(e *Event) { e.JoinURL = "x" }, dayBefore, &withoutLink},
		"ThatWasAll":           {linkAlone, func(e *Event) { e.JoinURL = "x" }, dayBefore, nil},
		"Moved":                {linkAlone, func(e *Event) { e.StartsAt = e.StartsAt.AddDate(0, 0, 9) }, dayBefore, nil},
		"Declined":             {news, func(e *Event) { e.Organiser.ReceivesDigest = false }, dayBefore, nil},
		"Started":              {news, func(*Event) {}, e.StartsAt, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := e
			c.change(&e)
			assertEqual(t, c.made.Current(e, c.at), c.want)
		})
	}
	assertEqual(t, (*Digest)(nil).Current(e, dayBefore), (*Digest)(nil))
}
