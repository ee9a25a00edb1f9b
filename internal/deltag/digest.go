package deltag

import "time"

// digestLead is how long before the organiser's note of the morning its digest is made, so that one mail has both.
const digestLead = 10 * time.Minute

// A Digest tells an organiser how an event is coming along: a part of the organiser's note, see NewOrganiserNote.
type Digest struct {
	Confirmed, Waitlisted int
	NewConfirmed          int // since the last digest; negative if there are fewer
	IsFull                bool
	MissesLink            bool // it starts today or tomorrow, and nobody has said where the meeting is
}

// DigestDueAfter is when the digest after t is made: once a day before the start, for who wants it. Zero: never.
func (e Event) DigestDueAfter(t time.Time) time.Time {
	if !e.Organiser.ReceivesDigest || e.Status == EventDraft || e.Status == EventCancelled {
		return time.Time{}
	}
	year, month, day := t.In(e.Zone()).Date()
	due := time.Date(year, month, day, noteHour, 0, 0, 0, e.Zone()).Add(-digestLead)
	if !due.After(t) {
		due = time.Date(year, month, day+1, noteHour, 0, 0, 0, e.Zone()).Add(-digestLead)
	}
	if !due.Add(digestLead).Before(e.StartsAt) {
		return time.Time{}
	}
	return due.UTC()
}

// NewDigest is the digest of e at now, with the counts of the last one. ok is false when there is nothing new to tell.
func NewDigest(e Event, last, c Counts, now time.Time) (d Digest, ok bool) {
	tomorrowEnds := time.Date(now.In(e.Zone()).Year(), now.In(e.Zone()).Month(), now.In(e.Zone()).Day()+2, 0, 0, 0, 0, e.Zone())
	d = Digest{
		Confirmed: c.Confirmed, Waitlisted: c.Waitlisted, NewConfirmed: c.Confirmed - last.Confirmed,
		IsFull:     e.Capacity != nil && c.Confirmed >= *e.Capacity,
		MissesLink: e.JoinURL == "" && e.StartsAt.Before(tomorrowEnds),
	}
	changed := c.Confirmed != last.Confirmed || c.Waitlisted != last.Waitlisted
	return d, now.Before(e.StartsAt) && (changed || d.MissesLink)
}
