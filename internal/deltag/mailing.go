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
	Kind    Kind
	// Version is the event's Schedule it was planned for; of news (moved, changed, cancelled) the event's
	// Sequence; of a message its own number.
	Version int
	DueAt   time.Time
	// NextAt is when the due index shows it next: its due time, the end of a walker's lease, or zero once done.
	NextAt time.Time
	Status MailingStatus
	Reason Reason // of a void one
	// Audience is whom it is for; "" is everybody whom the rule for its kind allows.
	Audience Audience
	Text     string // the organiser's own paragraph
	// Cursor is the last registration that was dealt with; it is saved after that one's row was written.
	Cursor string
	// WalkFrom is when the walk began. Sweep, when set, is for those only who were confirmed since that time: the second
	// walk of a reminder. Of news it is for those who were written to since then.
	WalkFrom time.Time
	Sweep    time.Time
	Sent     int // handed to the ledger so far
	Skipped  int
	Revision int
}

// An Audience is the part of an event's registrations that a message is for.
type Audience string

const (
	ToAll       Audience = "all" // with a seat or in line
	ToConfirmed Audience = "confirmed"
	ToWaiting   Audience = "waiting"
	ToAttended  Audience = "attended"
	ToMissed    Audience = "missed" // confirmed, and not seen
)

// Validate returns Faults for what an organiser has to mend about a message.
func (m Mailing) Validate() error {
	var fs faults
	fs.text("text", m.Text, MaxDescription)
	fs.check(strings.TrimSpace(m.Text) != "", "text", "missing", 0)
	fs.check(slices.Contains([]Audience{ToAll, ToConfirmed, ToWaiting, ToAttended, ToMissed}, m.Audience), "audience", "unknown-audience", 0)
	return Faults(fs).Err()
}

// Has says whether r belongs to the audience.
func (a Audience) Has(r Registration) bool {
	switch a {
	case ToAll:
		return r.Status != Withdrawn
	case ToConfirmed:
		return r.Status == Confirmed
	case ToWaiting:
		return r.Status == Waiting
	case ToAttended:
		return !r.AttendedAt.IsZero()
	case ToMissed:
		return r.Status == Confirmed && r.AttendedAt.IsZero()
	}
	return true
}

// A MailingStatus is how far a mailing has come.
type MailingStatus string

const (
	Planned MailingStatus = "planned"
	Walking MailingStatus = "walking"
	Done    MailingStatus = "done"
	Void    MailingStatus = "void" // overtaken by events; Reason says by what
)

// ID names the mailing within its event.
func (m Mailing) ID() string { return string(m.Kind) + "." + strconv.Itoa(m.Version) }

// WalkLease is how long a walker may be silent before another takes over. A walk is safe to repeat,
// so a lease that ends too early costs reads and nothing else.
const WalkLease = 20 * time.Second

// Claim takes m for walking.
func (m Mailing) Claim(now time.Time) Mailing {
	if m.WalkFrom.IsZero() {
		m.WalkFrom = now
	}
	m.Status, m.NextAt = Walking, now.Add(WalkLease)
	m.Revision++
	return m
}

// Advance saves how far the walk has come and renews the lease.
func (m Mailing) Advance(cursor string, now time.Time) Mailing {
	m.Cursor, m.NextAt = cursor, now.Add(WalkLease)
	m.Revision++
	return m
}

// Pause lets the walk go on from its cursor at a later time.
func (m Mailing) Pause(until time.Time) Mailing {
	m.NextAt = until
	m.Revision++
	return m
}

// Hasten makes m due at once.
func (m Mailing) Hasten(now time.Time) Mailing {
	m.DueAt, m.NextAt = now, now
	m.Revision++
	return m
}

// Finish ends the walk. A reminder whose walk began before everybody whom it is for could be in the table, because it
// began early or because a sign-up was under way, sweeps once more for those.
func (m Mailing) Finish() Mailing {
	m.Revision++
	complete := m.DueAt.Add(underWay)
	if m.Kind.Reminder() && m.Sweep.IsZero() && m.WalkFrom.Before(complete) {
		m.Sweep, m.Cursor, m.NextAt = m.WalkFrom.Add(-underWay), "", complete
		return m
	}
	m.Status, m.NextAt = Done, time.Time{}
	return m
}

// underWay is how long a request may be between its time and its write: API Gateway ends it after 30 s.
const underWay = 30 * time.Second

// For says whether the walk is to deal with r.
func (m Mailing) For(r Registration) bool {
	since := r.ConfirmedAt
	if m.Kind.News() {
		since = r.MailedAt
	}
	return m.Audience.Has(r) && (m.Sweep.IsZero() || !since.Before(m.Sweep))
}

// BeginsAt is when the walk must begin so that the last of count mails is out in time at rate per second: when due, unless that
// would take longer than the reminder's whole lead.
func (m Mailing) BeginsAt(e Event, count int, rate float64) time.Time {
	takes := time.Duration(float64(count) / rate * float64(time.Second))
	if !m.Kind.Reminder() || takes <= e.StartsAt.Sub(m.DueAt) {
		return m.DueAt
	}
	return m.DueAt.Add(-min(takes, sizeUp))
}

// sizeUp is how long before a reminder is due its size is looked at: enough for 100,000 mails at SES's usual 14 a second.
const sizeUp = 2 * time.Hour

// Drop ends a mailing that has become pointless.
func (m Mailing) Drop(r Reason) Mailing {
	m.Status, m.Reason, m.NextAt = Void, r, time.Time{}
	m.Revision++
	return m
}

// Mailings are the reminders and follow-ups of e's present schedule that lie ahead. Nothing is ever
// planned for the past: a cloned or backdated event fires nothing stale.
func (e Event) Mailings(now time.Time) []Mailing {
	var ms []Mailing
	for _, r := range e.Reminders {
		if r.Kind.FollowUp() && r.Text == "" {
			continue
		}
		if due := e.dueAt(r); due.After(now) {
			ms = append(ms, e.NewMailing(r.Kind, e.Schedule, due, r.Text))
		}
	}
	return ms
}

// dueAt is when a reminder or follow-up goes out.
func (e Event) dueAt(r Reminder) time.Time {
	if r.Kind.FollowUp() {
		return e.EndsAt.Add(time.Duration(r.Offset))
	}
	return e.StartsAt.Add(time.Duration(r.Offset))
}

// NewMailing plans a mail to all of e.
func (e Event) NewMailing(k Kind, version int, due time.Time, text string) Mailing {
	m := Mailing{EventID: e.ID, Kind: k, Version: version, DueAt: due, NextAt: due, Status: Planned, Text: text}
	if k.Reminder() {
		m.NextAt = due.Add(-sizeUp)
	}
	return m
}

// Text is the organiser's own paragraph for a reminder or follow-up.
func (e Event) Text(k Kind) string {
	for _, r := range e.Reminders {
		if r.Kind == k {
			return r.Text
		}
	}
	return ""
}

// Pointless says why m as a whole need not be walked any more, or "".
func (m Mailing) Pointless(e Event, now time.Time) Reason {
	switch {
	case m.Kind == CancelledNote, m.Kind == Message:
		return ""
	case e.Status == Cancelled:
		return EventCancelled
	case m.Version != e.version(m.Kind):
		return OldSchedule
	case m.Kind.News() && !now.Before(e.EndsAt):
		return EventOver
	case m.Kind.Reminder() && !now.Before(e.StartsAt):
		return EventStarted
	}
	return ""
}

// version is what mail to all of kind k must carry to be up to date.
func (e Event) version(k Kind) int {
	if k.News() {
		return e.Sequence
	}
	return e.Schedule
}

// Missed are the mails that r, whose ledger is rows, never got and that still have a point for next, which is r at another
// address: the organiser's messages and follow-ups. How things stand is told by the confirmation. What is just going out may
// have passed the new id already, so it is put down here too; the walk finds it there.
func (r Registration) Missed(next Registration, rows []Delivery, ms []Mailing) []Delivery {
	var missed []Delivery
	known := map[MailingKey]bool{}
	for _, d := range rows {
		known[MailingKey{d.EventID, d.Kind, d.Version}] = true
		if d.Kind != Message && !d.Kind.FollowUp() {
			continue
		}
		arrived := d.Status == Delivered || d.Status == Complained || d.Status == Sent && r.Mail != MailBounced
		if unwanted := d.Reason != AddressBounced && d.Status == Skipped; !arrived && !unwanted {
			missed = append(missed, NewDelivery(next, d.Kind, d.Version, d.DueAt))
		}
	}
	for _, m := range ms {
		if m.Status == Walking && !m.Kind.News() && !known[m.Key()] && m.For(r) {
			missed = append(missed, NewDelivery(next, m.Kind, m.Version, m.DueAt))
		}
	}
	return missed
}

// A Letter is everything that decides about one mail, read when it is to be sent.
type Letter struct {
	Event        Event
	Registration Registration
	Kind         Kind
	Version      int
	DueAt        time.Time
	// Address is what is known of the address beyond this event.
	Address MailState
	Text    string // the organiser's own paragraph
	Place   int    // in line, from 1; of a waiting note
}

// Letter is m's mail to r.
func (m Mailing) Letter(e Event, r Registration) Letter {
	return Letter{Event: e, Registration: r, Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Text: m.Text}
}

// Verdict is the rule of what is sent: "" to send, otherwise why not. It is the only such rule: the
// sender, the walk and the timeline all ask it.
func (l Letter) Verdict(now time.Time) Reason {
	e, r := l.Event, l.Registration
	if reason := l.undeliverable(); reason != "" {
		return reason
	}
	if l.Kind.Personal() {
		return l.personalVerdict(now)
	}
	switch {
	case l.Kind == Message, l.Kind == Preview, l.Kind.Parting():
		return ""
	case r.Status == Withdrawn:
		return GaveUpSeat
	case l.Kind == CancelledNote:
		return ""
	case e.Status == Cancelled:
		return EventCancelled
	case l.Version != e.version(l.Kind):
		return OldSchedule
	case r.Status == Waiting:
		return StillWaiting
	case l.Kind.Reminder() && !now.Before(e.StartsAt):
		return EventStarted
	case l.Kind.News() && !now.Before(e.EndsAt):
		return EventOver
	case l.Kind.News() && r.ConfirmedAt.After(e.ChangedAt.Add(underWay)):
		return JoinedLater // the confirmation told the news already; sooner, it may have missed it
	case l.Kind == FollowUpAttended && r.AttendedAt.IsZero():
		return DidNotAttend
	case l.Kind == FollowUpMissed && !r.AttendedAt.IsZero():
		return DidAttend
	case l.Kind.Reminder() && !r.ConfirmedAt.Before(l.DueAt):
		return JoinedLater
	}
	return ""
}

// personalVerdict: only the last of a registration's personal mails still says how things stand.
func (l Letter) personalVerdict(now time.Time) Reason {
	e, r := l.Event, l.Registration
	switch {
	case l.Version < r.MailVersion:
		return Superseded
	case e.Status == Cancelled:
		return EventCancelled
	case !now.Before(e.EndsAt):
		return EventOver
	case l.Kind == WithdrawnNote && r.Status != Withdrawn:
		return HasSeat
	case l.Kind != WithdrawnNote && r.Status == Withdrawn:
		return GaveUpSeat
	case l.Kind == WaitingNote && r.Status != Waiting:
		return NotWaiting
	case (l.Kind == Confirmation || l.Kind == Promoted) && r.Status == Waiting:
		return StillWaiting
	}
	return ""
}

func (l Letter) undeliverable() Reason {
	for _, state := range []MailState{l.Registration.Mail, l.Address} {
		switch {
		case state == MailBounced:
			return AddressBounced
		case state == MailComplained && l.Kind.Optional():
			return AddressComplained
		case state == MailUnsubscribed && l.Kind.Optional():
			return HasUnsubscribed
		}
	}
	return ""
}

// Sequence is the invitation's SEQUENCE for this registration. Both parts only ever rise.
func (l Letter) Sequence() int { return l.Event.Sequence + l.Registration.Sequence }

// ShowsJoinLink: the reminder shortly before the start and the confirmation of somebody who comes late
// carry the personal join link; earlier mail points to the page of one's own.
func (l Letter) ShowsJoinLink(now time.Time) bool {
	left := l.Event.StartsAt.Sub(now)
	return l.Registration.Status == Confirmed && left <= LateJoin && now.Before(l.Event.EndsAt)
}

// LateJoin is when a confirmation says "starts in N minutes" instead of the date alone.
const LateJoin = time.Hour
