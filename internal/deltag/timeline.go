package deltag

import (
	"slices"
	"time"
)

// An Entry of the timeline is one mail to all: still to go out, under way, or done.
type Entry struct {
	Kind    Kind
	Version int
	DueAt   time.Time
	Status  MailingStatus
	// Reason says why it will not go out, or did not.
	Reason Reason
	// Expected is how many would get it if nothing changed until then; of a follow-up before the event, at most so many.
	Expected int
	Sent     int
	Skipped  int
}

// Reasons for which a reminder is not even planned.
const (
	InThePast Reason = "in-the-past"
	NoText    Reason = "no-text"
)

// Timeline is every mail to all of e, in the order of time. It asks the rules that send, so it is a dry run of them.
func (e Event) Timeline(ms []Mailing, c Counts, now time.Time) []Entry {
	var entries []Entry
	planned := map[Kind]bool{}
	for _, m := range ms {
		entries = append(entries, m.entry(e, c, now))
		planned[m.Kind] = planned[m.Kind] || m.Version == e.version(m.Kind)
	}
	for _, r := range e.Reminders {
		if planned[r.Kind] {
			continue
		}
		reason := InThePast
		if r.Kind.FollowUp() && r.Text == "" {
			reason = NoText
		}
		entries = append(entries, Entry{Kind: r.Kind, Version: e.Schedule, DueAt: e.dueAt(r), Status: Void, Reason: reason})
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.DueAt.Compare(b.DueAt) })
	return entries
}

func (m Mailing) entry(e Event, c Counts, now time.Time) Entry {
	n := Entry{Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Status: m.Status, Reason: m.Reason, Sent: m.Sent, Skipped: m.Skipped}
	if m.Status != Planned && m.Status != Walking {
		return n
	}
	at := m.DueAt
	if at.Before(now) {
		at = now
	}
	if n.Reason = m.Pointless(e, at); n.Reason == "" {
		n.Expected = m.expected(e, c, now)
	}
	return n
}

// expected counts whom the rule for m's kind lets through; see Letter.Verdict.
func (m Mailing) expected(e Event, c Counts, now time.Time) int {
	before := now.Before(e.StartsAt)
	switch {
	case m.Kind == CancelledNote, m.Audience == ToAll:
		return c.Confirmed + c.Waiting
	case m.Audience == ToWaiting:
		return c.Waiting
	case m.Kind == FollowUpAttended && !before, m.Audience == ToAttended:
		return c.Attended
	case m.Kind == FollowUpMissed && !before, m.Audience == ToMissed:
		return max(0, c.Confirmed-c.Attended)
	}
	return c.Confirmed
}
