package deltag

import (
	"testing"
	"time"
)

func TestOrganiserNoteIsOneADayInTheEventsTimeZone(t *testing.T) {
	e := testEvent()
	e.TimeZone = "Europe/Copenhagen"
	at := func(day, hour int) time.Time { return time.Date(2026, 10, day, hour, 30, 0, 0, time.UTC) }
	for _, c := range []struct {
		givenBack time.Time
		version   int
		due       time.Time
	}{
		{at(23, 21), 20261023, time.Date(2026, 10, 24, 5, 0, 0, 0, time.UTC)}, // 23:30 in summer time
		{at(23, 22), 20261024, time.Date(2026, 10, 25, 6, 0, 0, 0, time.UTC)}, // the clocks change in the night
		{at(31, 12), 20261031, time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)},
	} {
		d := NewOrganiserNote(e, c.givenBack)
		assertEqual(t, []any{d.Kind, d.Version, d.DueAt, d.Email.Original},
			[]any{KindOrganiserNote, c.version, c.due, e.Organiser.Email})
	}
}

// TestUrgentOrganiserNote: on the last day each hour has a note of its own, or those who come after the first would be
// in none.
func TestUrgentOrganiserNote(t *testing.T) {
	e := testEvent()
	e.TimeZone, e.StartsAt = "Europe/Copenhagen", time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC)
	at := func(hour, minute int) time.Time { return time.Date(2026, 12, 1, hour, minute, 0, 0, time.UTC) }
	for _, c := range []struct {
		at      time.Time
		version int
		due     time.Time
	}{
		{at(-2, 59), 20261130, at(6, 0)}, // the day before, at 23:59: in the morning
		{at(5, 10), 2026120105, at(6, 10)},
		{at(5, 50), 2026120105, at(6, 50)}, // the first of the hour is stored
		{at(6, 0), 2026120106, at(7, 0)},
		{at(12, 20), 2026120112, e.StartsAt},
		{at(13, 20), 2026120113, at(14, 20)}, // not sent if the event is over by then
	} {
		d := NewOrganiserNote(e, c.at)
		assertEqual(t, []any{d.Version, d.DueAt}, []any{c.version, c.due})
	}
	e.StartsAt = time.Date(2026, 10, 25, 5, 0, 0, 0, time.UTC) // the clocks repeat an hour in this night
	summer, winter := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)
	assertEqual(t, NewOrganiserNote(e, summer).Version != NewOrganiserNote(e, winter).Version, true)
	evening := time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)
	e.StartsAt = evening.Add(12*time.Hour + time.Second) // a second after the note of the day
	assertEqual(t, NewOrganiserNote(e, evening).DueAt, evening.Add(12*time.Hour))
}
