package deltag

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Mailing is a mail to all of an event: a reminder, news of a move, a message. It is one item. When due it
// walks the registrations and makes a delivery for each that qualifies.
type Mailing struct {
	EventID string
	Kind    MailKind
	// Version is the event's Schedule it was planned for; of news (moved, changed, cancelled) the event's
	// Sequence; of a message its own number.
	Version int
	DueAt   time.Time
	// NextRunAt is when the due index shows it next: its due time, the end of a walker's lease, or zero once done.
	NextRunAt time.Time
	Status    MailingStatus
	Reason    Reason // of a void one
	// Audience is whom it is for; "" is everybody whom the rule for its kind allows.
	Audience Audience
	Text     string // the organiser's own paragraph
	// Cursor is the last registration that was dealt with; it is saved after that one's row was written.
	Cursor string
	// RunStartedAt is when the walk began. Sweep, when set, is for those only who were confirmed since that time: the second
	// walk of a reminder. Of news it is for those who were written to since then.
	RunStartedAt time.Time
	CatchUpSince time.Time
	Sent         int // handed to the ledger so far
	Skipped      int
	Revision     int
}

// An Audience is the part of an event's registrations that a message is for.
type Audience string

const (
	AudienceAll         Audience = "all" // with a seat or in line
	AudienceConfirmed   Audience = "confirmed"
	AudienceWaitlisted  Audience = "waiting"
	AudienceAttended    Audience = "attended"
	AudienceNotAttended Audience = "missed" // confirmed, and not seen
)

// Validate returns Faults for what an organiser has to mend about a message.
func (m Mailing) Validate() error {
	var fs validator
	fs.checkText("text", m.Text, MaxDescription)
	fs.require(strings.TrimSpace(m.Text) != "", "text", "missing", 0)
	fs.require(slices.Contains([]Audience{AudienceAll, AudienceConfirmed, AudienceWaitlisted, AudienceAttended, AudienceNotAttended}, m.Audience), "audience", "unknown-audience", 0)
	return ValidationErrors(fs).Err()
}

// Includes says whether r belongs to the audience.
func (a Audience) Includes(r Registration) bool {
	switch a {
	case AudienceAll:
		return r.Status != RegistrationCancelled
	case AudienceConfirmed:
		return r.Status == RegistrationConfirmed
	case AudienceWaitlisted:
		return r.Status == RegistrationWaitlisted
	case AudienceAttended:
		return !r.AttendedAt.IsZero()
	case AudienceNotAttended:
		return r.Status == RegistrationConfirmed && r.AttendedAt.IsZero()
	}
	return true
}

// A MailingStatus is how far a mailing has come.
type MailingStatus string

const (
	MailingPlanned  MailingStatus = "planned"
	MailingRunning  MailingStatus = "running"
	MailingDone     MailingStatus = "done"
	MailingObsolete MailingStatus = "obsolete" // overtaken by events; Reason says by what
)

// A MailingKey names a mailing.
type MailingKey struct {
	EventID string
	Kind    MailKind
	Version int
}

// Key names m.
func (m Mailing) Key() MailingKey {
	return MailingKey{EventID: m.EventID, Kind: m.Kind, Version: m.Version}
}

// ID names the mailing within its event.
func (m Mailing) ID() string { return string(m.Kind) + "." + strconv.Itoa(m.Version) }

// RunLease is how long a walker may be silent before another takes over. A walk is safe to repeat,
// so a lease that ends too early costs reads and nothing else.
const RunLease = 20 * time.Second

// Claim takes m for walking.
func (m Mailing) Claim(now time.Time) Mailing {
	if m.RunStartedAt.IsZero() {
		m.RunStartedAt = now
	}
	m.Status, m.NextRunAt = MailingRunning, now.Add(RunLease)
	m.Revision++
	return m
}

// Checkpoint saves how far the walk has come and renews the lease.
func (m Mailing) Checkpoint(cursor string, now time.Time) Mailing {
	m.Cursor, m.NextRunAt = cursor, now.Add(RunLease)
	m.Revision++
	return m
}

// SuspendUntil lets the walk go on from its cursor at a later time.
func (m Mailing) SuspendUntil(until time.Time) Mailing {
	m.NextRunAt = until
	m.Revision++
	return m
}

// RunNow makes m due at once.
func (m Mailing) RunNow(now time.Time) Mailing {
	m.DueAt, m.NextRunAt = now, now
	m.Revision++
	return m
}

// Finish ends the walk. A reminder whose walk began before everybody whom it is for could be in the table, because it
// began early or because a sign-up was under way, sweeps once more for those.
func (m Mailing) Finish() Mailing {
	m.Revision++
	complete := m.DueAt.Add(maxRequestDuration)
	if m.Kind.IsReminder() && m.CatchUpSince.IsZero() && m.RunStartedAt.Before(complete) {
		m.CatchUpSince, m.Cursor, m.NextRunAt = m.RunStartedAt.Add(-maxRequestDuration), "", complete
		return m
	}
	m.Status, m.NextRunAt = MailingDone, time.Time{}
	return m
}

// maxRequestDuration is how long a request may be between its time and its write: API Gateway ends it after 30 s.
const maxRequestDuration = 30 * time.Second

// Targets says whether the walk is to deal with r.
func (m Mailing) Targets(r Registration) bool {
	since := r.ConfirmedAt
	if m.Kind.IsChangeNotice() {
		since = r.LastMailedAt
	}
	return m.Audience.Includes(r) && (m.CatchUpSince.IsZero() || !since.Before(m.CatchUpSince))
}

// StartAt is when the walk must begin so that the last of count mails is out in time at rate per second: when due, unless that
// would take longer than the reminder's whole lead.
func (m Mailing) StartAt(e Event, count int, rate float64) time.Time {
	takes := time.Duration(float64(count) / rate * float64(time.Second))
	if !m.Kind.IsReminder() || takes <= e.StartsAt.Sub(m.DueAt) {
		return m.DueAt
	}
	return m.DueAt.Add(-min(takes, maxHeadStart))
}

// maxHeadStart is how long before a reminder is due its size is looked at: enough for 100,000 mails at SES's usual 14 a second.
const maxHeadStart = 2 * time.Hour

// Discard ends a mailing that has become pointless.
func (m Mailing) Discard(r Reason) Mailing {
	m.Status, m.Reason, m.NextRunAt = MailingObsolete, r, time.Time{}
	m.Revision++
	return m
}

// PlannedMailings are the reminders and follow-ups of e's present schedule that lie ahead. Nothing is ever
// planned for the past: a cloned or backdated event fires nothing stale.
func (e Event) PlannedMailings(now time.Time) []Mailing {
	var ms []Mailing
	for _, r := range e.Reminders {
		if r.Kind.IsFollowUp() && r.Text == "" {
			continue
		}
		if due := e.dueAt(r); due.After(now) {
			ms = append(ms, e.NewMailing(r.Kind, e.ScheduleVersion, due, r.Text))
		}
	}
	return ms
}

// dueAt is when a reminder or follow-up goes out.
func (e Event) dueAt(r Reminder) time.Time {
	if r.Kind.IsFollowUp() {
		return e.EndsAt.Add(time.Duration(r.Offset))
	}
	return e.StartsAt.Add(time.Duration(r.Offset))
}

// NewMailing plans a mail to all of e.
func (e Event) NewMailing(k MailKind, version int, due time.Time, text string) Mailing {
	m := Mailing{EventID: e.ID, Kind: k, Version: version, DueAt: due, NextRunAt: due, Status: MailingPlanned, Text: text}
	if k.IsReminder() {
		m.NextRunAt = due.Add(-maxHeadStart)
	}
	return m
}

// ReminderText is the organiser's own paragraph for a reminder or follow-up.
func (e Event) ReminderText(k MailKind) string {
	for _, r := range e.Reminders {
		if r.Kind == k {
			return r.Text
		}
	}
	return ""
}

// ObsoleteReason says why m as a whole need not be walked any more, or "".
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

// currentVersion is what mail to all of kind k must carry to be up to date.
func (e Event) currentVersion(k MailKind) int {
	if k.IsChangeNotice() {
		return e.ICalSequence
	}
	return e.ScheduleVersion
}

// MissedDeliveries are the mails that r, whose ledger is rows, never got and that still have a point for next, which is r at another
// address: the organiser's messages and follow-ups. How things stand is told by the confirmation. What is just going out may
// have passed the new id already, so it is put down here too; the walk finds it there.
func (r Registration) MissedDeliveries(next Registration, rows []Delivery, ms []Mailing) []Delivery {
	var missed []Delivery
	known := map[MailingKey]bool{}
	for _, d := range rows {
		known[MailingKey{d.EventID, d.Kind, d.Version}] = true
		if d.Kind != KindMessage && !d.Kind.IsFollowUp() {
			continue
		}
		arrived := d.Status == DeliveryDelivered || d.Status == DeliveryComplained || d.Status == DeliverySent && r.AddressStatus != AddressBounced
		if unwanted := d.Reason != ReasonAddressBounced && d.Status == DeliverySkipped; !arrived && !unwanted {
			missed = append(missed, NewDelivery(next, d.Kind, d.Version, d.DueAt))
		}
	}
	for _, m := range ms {
		if m.Status == MailingRunning && !m.Kind.IsChangeNotice() && !known[m.Key()] && m.Targets(r) {
			missed = append(missed, NewDelivery(next, m.Kind, m.Version, m.DueAt))
		}
	}
	return missed
}

// A MailContext is everything that decides about one mail, read when it is to be sent.
type MailContext struct {
	Event        Event
	Registration Registration
	Kind         MailKind
	Version      int
	DueAt        time.Time
	// Suppression is what is known of the address beyond this event.
	Suppression      AddressStatus
	Text             string // the organiser's own paragraph
	WaitlistPosition int    // in line, from 1; of a waiting note
}

// MailContext is m's mail to r.
func (m Mailing) MailContext(e Event, r Registration) MailContext {
	return MailContext{Event: e, Registration: r, Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Text: m.Text}
}

// SkipReason is the rule of what is sent: "" to send, otherwise why not. It is the only such rule: the
// sender, the walk and the timeline all ask it.
func (l MailContext) SkipReason(now time.Time) Reason {
	e, r := l.Event, l.Registration
	if reason := l.suppressionReason(); reason != "" {
		return reason
	}
	if l.Kind.IsTransactional() {
		return l.transactionalSkipReason(now)
	}
	switch {
	case l.Kind == KindMessage, l.Kind == KindPreview, l.Kind.IsFinal():
		return ""
	case r.Status == RegistrationCancelled:
		return ReasonRegistrationCancelled
	case l.Kind == KindEventCancelled:
		return ""
	case e.Status == EventCancelled:
		return ReasonEventCancelled
	case l.Version != e.currentVersion(l.Kind):
		return ReasonOldSchedule
	case r.Status == RegistrationWaitlisted:
		return ReasonWaitlisted
	case l.Kind.IsReminder() && !now.Before(e.StartsAt):
		return ReasonEventStarted
	case l.Kind.IsChangeNotice() && !now.Before(e.EndsAt):
		return ReasonEventOver
	case l.Kind.IsChangeNotice() && r.ConfirmedAt.After(e.CalendarChangedAt.Add(maxRequestDuration)):
		return ReasonSignedUpLater // the confirmation told the news already; sooner, it may have missed it
	case l.Kind == KindFollowUpAttended && r.AttendedAt.IsZero():
		return ReasonNotAttended
	case l.Kind == KindFollowUpMissed && !r.AttendedAt.IsZero():
		return ReasonAttended
	case l.Kind.IsReminder() && !r.ConfirmedAt.Before(l.DueAt):
		return ReasonSignedUpLater
	}
	return ""
}

// transactionalSkipReason: only the last of a registration's personal mails still says how things stand.
func (l MailContext) transactionalSkipReason(now time.Time) Reason {
	e, r := l.Event, l.Registration
	switch {
	case l.Version < r.MailVersion:
		return ReasonSuperseded
	case e.Status == EventCancelled:
		return ReasonEventCancelled
	case !now.Before(e.EndsAt):
		return ReasonEventOver
	case l.Kind == KindRegistrationCancelled && r.Status != RegistrationCancelled:
		return ReasonConfirmed
	case l.Kind != KindRegistrationCancelled && r.Status == RegistrationCancelled:
		return ReasonRegistrationCancelled
	case l.Kind == KindWaitlisted && r.Status != RegistrationWaitlisted:
		return ReasonNotWaitlisted
	case (l.Kind == KindConfirmation || l.Kind == KindPromoted) && r.Status == RegistrationWaitlisted:
		return ReasonWaitlisted
	}
	return ""
}

func (l MailContext) suppressionReason() Reason {
	for _, state := range []AddressStatus{l.Registration.AddressStatus, l.Suppression} {
		switch {
		case state == AddressBounced:
			return ReasonAddressBounced
		case state == AddressComplained && l.Kind.IsUnsubscribable():
			return ReasonAddressComplained
		case state == AddressUnsubscribed && l.Kind.IsUnsubscribable():
			return ReasonUnsubscribed
		}
	}
	return ""
}

// ICalSequence is the invitation's SEQUENCE for this registration. Both parts only ever rise.
func (l MailContext) ICalSequence() int { return l.Event.ICalSequence + l.Registration.ICalSequence }

// IncludesJoinLink: the reminder shortly before the start and the confirmation of somebody who comes late
// carry the personal join link; earlier mail points to the page of one's own.
func (l MailContext) IncludesJoinLink(now time.Time) bool {
	left := l.Event.StartsAt.Sub(now)
	return l.Registration.Status == RegistrationConfirmed && left <= LateSignUpWindow && now.Before(l.Event.EndsAt)
}

// LateSignUpWindow is when a confirmation says "starts in N minutes" instead of the date alone.
const LateSignUpWindow = time.Hour
