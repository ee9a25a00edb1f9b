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
// The version is the day, or the hour, so that each has one note.
func NewOrganiserNote(e Event, at time.Time) Delivery {
	year, month, day := at.In(e.Zone()).Date()
	version := (year*100+int(month))*100 + day
	due := time.Date(year, month, day+1, noteHour, 0, 0, 0, e.Zone()).UTC()
	if !due.Before(e.StartsAt) {
		due = at.Add(urgentNoteDelay)
		if at.Before(e.StartsAt) && e.StartsAt.Before(due) {
			due = e.StartsAt
		}
		year, month, day := at.UTC().Date() // an hour that the clocks repeat is two
		version = ((year*100+int(month))*100+day)*100 + at.UTC().Hour()
	}
	return NewOrganiserDelivery(e, KindOrganiserNote, version, due)
}
