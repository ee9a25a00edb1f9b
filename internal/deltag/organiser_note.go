package deltag

import "time"

const (
	// noteHour is when the organiser gets the note of the day before, in the event's time zone.
	noteHour = 7
	// urgentNoteDelay is how long a note gathers people when the event starts before the next morning.
	urgentNoteDelay = time.Hour
)

// NewOrganiserNote tells the organiser whose seats were given back and whose mail was held on the day of at, on the
// next morning. If the event starts before that, it tells of the hour of at: an hour later, or when the event starts.
// The version is the day, or the hour, so that each has one note; what happens after that has gone out is told by another.
func NewOrganiserNote(e Event, at time.Time) Delivery {
	year, month, day := at.In(e.Zone()).Date()
	due := time.Date(year, month, day+1, noteHour, 0, 0, 0, e.Zone()).UTC()
	version := dayNumber(at.In(e.Zone()))
	if !due.Before(e.StartsAt) {
		due = at.Add(urgentNoteDelay)
		if at.Before(e.StartsAt) && e.StartsAt.Before(due) {
			due = e.StartsAt
		}
		version = dayNumber(at.UTC())*100 + at.UTC().Hour() // in UTC, as the clocks may repeat an hour
	}
	return NewOrganiserDelivery(e, KindOrganiserNote, version, due)
}

// dayNumber is 20261201 on 1 December 2026.
func dayNumber(t time.Time) int { return (t.Year()*100+int(t.Month()))*100 + t.Day() }
