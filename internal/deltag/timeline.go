package deltag

import (
	"slices"
	"time"
)

// A TimelineEntry is one mail to all: planned, being sent, or done.
type TimelineEntry struct {
	Kind    MailKind
	Version int
	DueAt   time.Time
	Status  MailingStatus
	Reason  Reason // why it will not be sent, or was not
	// Expected is how many will get it if nothing changes. For a follow-up it is an upper limit until the event starts.
	Expected int
	Sent     int
	Skipped  int
}

// Reasons why a reminder has no mailing.
const (
	ReasonInThePast Reason = "in-the-past"
	ReasonNoText    Reason = "no-text"
)

// Timeline is every mail to all of e, ordered by time: its mailings, and the reminders without one. It uses the rules
// that also decide when a mail is sent, so it is a dry run of them.
func (e Event) Timeline(ms []Mailing, c Counts, now time.Time) []TimelineEntry {
	var entries []TimelineEntry
	planned := map[MailKind]bool{}
	for _, m := range ms {
		entries = append(entries, m.TimelineEntry(e, c, now))
		planned[m.Kind] = planned[m.Kind] || m.Version == e.currentVersion(m.Kind)
	}
	for _, r := range e.ScheduledMails {
		if planned[r.Kind] {
			continue
		}
		reason := ReasonInThePast
		if r.Kind.IsFollowUp() && r.Text == "" {
			reason = ReasonNoText
		}
		entries = append(entries, TimelineEntry{
			Kind: r.Kind, Version: e.ScheduleVersion, DueAt: e.dueAt(r), Status: MailingObsolete, Reason: reason,
		})
	}
	slices.SortStableFunc(entries, func(a, b TimelineEntry) int { return a.DueAt.Compare(b.DueAt) })
	return entries
}

// TimelineEntry is m as the timeline shows it.
func (m Mailing) TimelineEntry(e Event, c Counts, now time.Time) TimelineEntry {
	entry := TimelineEntry{
		Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Status: m.Status, Reason: m.Reason,
		Sent: m.Sent, Skipped: m.Skipped,
	}
	if m.Status != MailingPlanned && m.Status != MailingRunning {
		return entry
	}
	sentAt := m.DueAt
	if sentAt.Before(now) {
		sentAt = now
	}
	if entry.Reason = m.ObsoleteReason(e, sentAt); entry.Reason == "" {
		entry.Expected = m.expectedRecipients(e, c, now)
	}
	return entry
}

// Reaches says whether m, if it were sent at a time, would be sent to r.
func (m Mailing) Reaches(e Event, r Registration, at time.Time) bool {
	return m.Targets(r) && m.MailContext(e, r).SkipReason(at) == ""
}

// expectedRecipients is how many MailContext.SkipReason and the audience let through, as far as counts can tell.
func (m Mailing) expectedRecipients(e Event, c Counts, now time.Time) int {
	hasStarted := !now.Before(e.StartsAt)
	switch {
	case m.Audience == AudienceSelected:
		return m.RecipientCount
	case m.Kind == KindEventCancelled, m.Audience == AudienceAll:
		return c.Confirmed + c.Waitlisted
	case m.Audience == AudienceWaitlisted:
		return c.Waitlisted
	case m.Kind == KindFollowUpAttended && hasStarted, m.Audience == AudienceAttended:
		return c.Attended
	case m.Kind == KindFollowUpMissed && hasStarted, m.Audience == AudienceNotAttended:
		return max(0, c.Confirmed-c.Attended)
	}
	return c.Confirmed
}
