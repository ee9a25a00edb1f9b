package deltag

import "time"

// digestLead is how long before the organiser's note of the morning its digest is made, so that one mail has both.
const digestLead = 10 * time.Minute

// A Digest tells an organiser how an event is coming along: a part of the organiser's note, see NewOrganiserNote.
type Digest struct {
	Confirmed, Waitlisted int
	NewConfirmed          int // since the last digest; negative if there are fewer
	IsFull                bool
	HasNews               bool // these are others than the last time
	MissesLink            bool // it starts today or tomorrow, and nobody has said where the meeting is
}

// Current is what of d is still to be told at now: the event may have changed since d was made. Nil: nothing.
func (d *Digest) Current(e Event, now time.Time) *Digest {
	if d == nil || !e.Organiser.ReceivesDigest || !now.Before(e.StartsAt) {
		return nil
	}
	current := *d
	current.MissesLink = e.missesLink(now)
	if !current.HasNews && !current.MissesLink {
		return nil
	}
	return &current
}

// missesLink says whether the meeting is today or tomorrow, and nobody has said where.
func (e Event) missesLink(now time.Time) bool {
	year, month, day := now.In(e.Zone()).Date()
	return e.JoinURL == "" && e.StartsAt.Before(time.Date(year, month, day+2, 0, 0, 0, 0, e.Zone()))
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

// NewDigest is the digest of e at now, with the counts of the last one. Nil: there is nothing new to tell.
func NewDigest(e Event, last, c Counts, now time.Time) *Digest {
	d := Digest{
		Confirmed: c.Confirmed, Waitlisted: c.Waitlisted, NewConfirmed: c.Confirmed - last.Confirmed,
		HasNews: c.Confirmed != last.Confirmed || c.Waitlisted != last.Waitlisted,
		IsFull:  e.Capacity != nil && c.Confirmed >= *e.Capacity,
	}
	return d.Current(e, now)
}
