package deltag

import (
	"slices"
	"time"
)

// A TimelineEntry of the timeline is one mail to all: still to go out, under way, or done.
type TimelineEntry struct {
	Kind    MailKind
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
	ReasonInThePast Reason = "in-the-past"
	ReasonNoText    Reason = "no-text"
)

// Timeline is every mail to all of e, in the order of time. It asks the rules that send, so it is a dry run of them.
func (e Event) Timeline(ms []Mailing, c Counts, now time.Time) []TimelineEntry {
	var entries []TimelineEntry
	planned := map[MailKind]bool{}
	for _, m := range ms {
		entries = append(entries, m.timelineEntry(e, c, now))
		planned[m.Kind] = planned[m.Kind] || m.Version == e.currentVersion(m.Kind)
	}
	for _, r := range e.Reminders {
		if planned[r.Kind] {
			continue
		}
		reason := ReasonInThePast
		if r.Kind.IsFollowUp() && r.Text == "" {
			reason = ReasonNoText
		}
		entries = append(entries, TimelineEntry{Kind: r.Kind, Version: e.ScheduleVersion, DueAt: e.dueAt(r), Status: MailingObsolete, Reason: reason})
	}
	slices.SortStableFunc(entries, func(a, b TimelineEntry) int { return a.DueAt.Compare(b.DueAt) })
	return entries
}

func (m Mailing) timelineEntry(e Event, c Counts, now time.Time) TimelineEntry {
	n := TimelineEntry{Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Status: m.Status, Reason: m.Reason, Sent: m.Sent, Skipped: m.Skipped}
	if m.Status != MailingPlanned && m.Status != MailingRunning {
		return n
	}
	at := m.DueAt
	if at.Before(now) {
		at = now
	}
	if n.Reason = m.ObsoleteReason(e, at); n.Reason == "" {
		n.Expected = m.expectedRecipients(e, c, now)
	}
	return n
}

// expectedRecipients counts whom the rule for m's kind lets through; see Letter.Verdict.
func (m Mailing) expectedRecipients(e Event, c Counts, now time.Time) int {
	before := now.Before(e.StartsAt)
	switch {
	case m.Kind == KindEventCancelled, m.Audience == AudienceAll:
		return c.Confirmed + c.Waitlisted
	case m.Audience == AudienceWaitlisted:
		return c.Waitlisted
	case m.Kind == KindFollowUpAttended && !before, m.Audience == AudienceAttended:
		return c.Attended
	case m.Kind == KindFollowUpMissed && !before, m.Audience == AudienceNotAttended:
		return max(0, c.Confirmed-c.Attended)
	}
	return c.Confirmed
}
