package deltag

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Mailing is a mail to all of an event: a reminder, a notice, a message. When it is due, it is run: the sender goes
// through the registrations in the order of their ids, a page at a time, and creates and sends a delivery for each. The
// methods that return a Mailing are its only state changes; each raises Revision by one.
type Mailing struct {
	EventID string
	Kind    MailKind
	// Version is the event's ScheduleVersion when it was planned; of a notice or a cancellation, the event's
	// ICalSequence; of a message, its number.
	Version   int
	DueAt     time.Time
	NextRunAt time.Time // when it becomes due, again: DueAt or earlier, or the end of a run's lease. Zero: never
	Status    MailingStatus
	Reason    Reason   // of MailingObsolete
	Audience  Audience // of a message; "" is everybody that SkipReason lets through
	Text      string   // the organiser's own paragraph
	// Recipients are the ids of an AudienceSelected, in order, and RecipientCount how many they are. The ids are stored
	// beside the mailing, and are not read with it.
	Recipients     []string
	RecipientCount int
	Cursor         string // id of the last registration whose delivery is stored; "" before the first page
	// RunStartedAt is when the first run began. Zero: not yet.
	RunStartedAt time.Time
	// CatchUpSince limits a mailing to registrations that were confirmed at that time or later or, for a notice, sent a
	// transactional mail. It is set for the second run of a reminder, see Finish, and for the notice of an event that is
	// back where it was, see Event.Edit. Zero: no limit.
	CatchUpSince time.Time
	Sent         int // deliveries so far that no rule skipped when their page was sent
	Skipped      int
	Revision     int
	// EventRevision is the event's when it was planned, or planned anew by an edit, with which Revision begins again. Both
	// together tell whether a mailing is the one that was read.
	EventRevision int
}

// A MailingStatus is how far a mailing has come.
type MailingStatus string

const (
	MailingPlanned  MailingStatus = "planned"
	MailingRunning  MailingStatus = "running"
	MailingDone     MailingStatus = "done"
	MailingObsolete MailingStatus = "obsolete" // not to be sent any more; see ObsoleteReason
)

// A MailingKey identifies a mailing.
type MailingKey struct {
	EventID string
	Kind    MailKind
	Version int
}

// Key identifies m.
func (m Mailing) Key() MailingKey {
	return MailingKey{EventID: m.EventID, Kind: m.Kind, Version: m.Version}
}

// ID identifies m within its event.
func (m Mailing) ID() string { return string(m.Kind) + "." + strconv.Itoa(m.Version) }

// RunLease is how long a sender may go without a checkpoint before another one continues the run. A run may be repeated
// from any cursor, so a lease that is too short only costs reads.
const RunLease = 20 * time.Second

// maxRequestDuration is how much later than its own time a request may write: API Gateway ends it after 30 seconds.
const maxRequestDuration = 30 * time.Second

// maxRunDuration is how long a mailing may take: 100,000 mails (MaxCapacity) at SES's usual rate of 14 a second.
const maxRunDuration = 2 * time.Hour

// NewMailing is a planned mail to all of e. A reminder comes up maxRunDuration before it is due, so that it can be
// started early if it is a large one; see StartAt.
func (e Event) NewMailing(k MailKind, version int, due time.Time, text string) Mailing {
	m := Mailing{
		EventID: e.ID, Kind: k, Version: version, DueAt: due, NextRunAt: due, Status: MailingPlanned, Text: text,
		EventRevision: e.Revision,
	}
	if k.IsReminder() {
		m.NextRunAt = due.Add(-maxRunDuration)
	}
	return m
}

// PlannedMailings are those of e's reminders and follow-ups that are due after now. Nothing is planned for the past,
// so a cloned or backdated event sends nothing that is out of date.
func (e Event) PlannedMailings(now time.Time) []Mailing {
	var ms []Mailing
	for _, r := range e.ScheduledMails {
		if r.Kind.IsFollowUp() && r.Text == "" {
			continue
		}
		if due := e.dueAt(r); due.After(now) {
			m := e.NewMailing(r.Kind, e.ScheduleVersion, due, r.Text)
			if m.NextRunAt.Before(now) { // it would look overdue
				m.NextRunAt = now
			}
			ms = append(ms, m)
		}
	}
	return ms
}

// dueAt is when a reminder or follow-up is due.
func (e Event) dueAt(r ScheduledMail) time.Time {
	if r.Kind.IsFollowUp() {
		return e.EndsAt.Add(time.Duration(r.Offset))
	}
	return e.StartsAt.Add(time.Duration(r.Offset))
}

// reminder is e's reminder or follow-up of kind k, or the zero value.
func (e Event) reminder(k MailKind) ScheduledMail {
	for _, r := range e.ScheduledMails {
		if r.Kind == k {
			return r
		}
	}
	return ScheduledMail{}
}

// StartAt is when a run has to start to send count mails, at rate a second, by the time the event starts: at DueAt
// or, if a reminder would take longer than from then to the start of the event, earlier.
func (m Mailing) StartAt(e Event, count int, rate float64) time.Time {
	duration := time.Duration(float64(count) / rate * float64(time.Second))
	if !m.Kind.IsReminder() || duration <= e.StartsAt.Sub(m.DueAt) {
		return m.DueAt
	}
	return m.DueAt.Add(-min(duration, maxRunDuration))
}

// Claim gives m to a sender for RunLease.
func (m Mailing) Claim(now time.Time) Mailing {
	if m.RunStartedAt.IsZero() {
		m.RunStartedAt = now
	}
	m.Status, m.NextRunAt = MailingRunning, now.Add(RunLease)
	m.Revision++
	return m
}

// Checkpoint saves how far the run has come and renews the lease.
func (m Mailing) Checkpoint(cursor string, now time.Time) Mailing {
	m.Cursor, m.NextRunAt = cursor, now.Add(RunLease)
	m.Revision++
	return m
}

// SuspendUntil ends the lease, and makes m due at a later time; a run continues from its cursor then.
func (m Mailing) SuspendUntil(t time.Time) Mailing {
	m.NextRunAt = t
	m.Revision++
	return m
}

// RunNow makes m due at now.
func (m Mailing) RunNow(now time.Time) Mailing {
	m.DueAt, m.NextRunAt = now, now
	m.Revision++
	return m
}

// Finish ends a run after the last registration. A reminder is for everybody confirmed before DueAt, but a sign-up may be
// stored up to maxRequestDuration after its own time. So a reminder whose run began before DueAt + maxRequestDuration
// runs a second time from then on, for those whom the first run may have missed. Example: due at 10:00:00, first run
// from 9:50:00 to 9:58:00, second run at 10:00:30 for everybody confirmed since 9:49:30.
func (m Mailing) Finish() Mailing {
	m.Revision++
	allWritten := m.DueAt.Add(maxRequestDuration)
	if m.Kind.IsReminder() && m.CatchUpSince.IsZero() && m.RunStartedAt.Before(allWritten) {
		m.CatchUpSince, m.Cursor, m.NextRunAt = m.RunStartedAt.Add(-maxRequestDuration), "", allWritten
		return m
	}
	m.Status, m.NextRunAt = MailingDone, time.Time{}
	return m
}

// Discard ends a mailing that is not to be sent any more.
func (m Mailing) Discard(r Reason) Mailing {
	m.Status, m.Reason, m.NextRunAt = MailingObsolete, r, time.Time{}
	m.Revision++
	return m
}

// ObsoleteReason says why nobody is to be sent m any more, or "".
func (m Mailing) ObsoleteReason(e Event, now time.Time) Reason {
	switch {
	case m.Kind == KindEventCancelled, m.Kind == KindMessage:
		return ""
	case e.Status == EventCancelled:
		return ReasonEventCancelled
	case m.Version != e.currentVersion(m.Kind):
		return ReasonOldSchedule
	case m.Kind.IsChangeNotice() && !now.Before(e.EndsAt):
		return ReasonEventOver
	case m.Kind.IsReminder() && !now.Before(e.StartsAt):
		return ReasonEventStarted
	}
	return ""
}

// currentVersion is the version that a notice, reminder or follow-up must have to be sent.
func (e Event) currentVersion(k MailKind) int {
	if k.IsChangeNotice() {
		return e.ICalSequence
	}
	return e.ScheduleVersion
}

// Validate returns ValidationErrors for what the organiser has to correct in m, a message.
func (m Mailing) Validate() error {
	audiences := []Audience{AudienceAll, AudienceConfirmed, AudienceWaitlisted, AudienceAttended, AudienceNotAttended}
	var v validator
	v.checkText("text", m.Text, MaxDescription)
	v.require(strings.TrimSpace(m.Text) != "", "text", "missing")
	v.checkPlaceholders("text", m.Text)
	isSelection := m.Audience == AudienceSelected && m.RecipientCount > 0
	v.require(isSelection || slices.Contains(audiences, m.Audience), "audience", "unknown-audience")
	return ValidationErrors(v).Err()
}

// Targets says whether m is for r. It gets a delivery then, which is still skipped if SkipReason says so.
func (m Mailing) Targets(r Registration) bool {
	since := r.ConfirmedAt
	if m.Kind.IsChangeNotice() {
		since = r.LastMailedAt
	}
	isMeant := m.Audience.Includes(r) || m.Audience == AudienceSelected && m.selects(r)
	return r.Status != RegistrationUnverified && isMeant && !since.Before(m.CatchUpSince)
}

// selects says whether r is among the recipients, also if it has got another address since.
func (m Mailing) selects(r Registration) bool {
	return slices.ContainsFunc(append([]string{r.ID}, r.PreviousIDs...), func(id string) bool {
		_, found := slices.BinarySearch(m.Recipients, id)
		return found
	})
}

// SelectRecipients makes m a message for those with these ids.
func (m Mailing) SelectRecipients(ids []string) Mailing {
	m.Audience, m.Recipients = AudienceSelected, slices.Compact(slices.Sorted(slices.Values(ids)))
	m.RecipientCount = len(m.Recipients)
	return m
}

// MaxRecipients is how many people may be picked for a message: their ids are one item of the table, of 200 KB then.
const MaxRecipients = 10_000

// MailContext is that of m's mail to r.
func (m Mailing) MailContext(e Event, r Registration) MailContext {
	return MailContext{Event: e, Registration: r, Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Text: m.Text}
}
