package deltag

import (
	"slices"
	"time"
)

// NoticeDebounce is how long the notice of an edit waits for further edits, so that several within a few minutes make
// one mail. The organiser sees when it goes out and can send it now.
const NoticeDebounce = 5 * time.Minute

// MailingChanges is what an edit changes about an event's mailings. They are written in one transaction with the event.
type MailingChanges struct {
	Upserts []Mailing
	Deletes []Mailing // only their keys are used; one that does not exist is no error
}

// ErrEventIsCancelled: a cancelled event cannot be edited, as attendees' calendar entries are gone. It can be cloned.
var ErrEventIsCancelled = ValidationErrors{{Field: "status", Code: "cancelled-is-final"}}

// ErrUseCancel: an event becomes cancelled by Cancel alone, which tells everybody.
var ErrUseCancel = ValidationErrors{{Field: "status", Code: "use-cancel"}}

// ErrRetentionEnded: once the people of an event are erased, it cannot be held again with the counts and statistics of
// the first time. It can be cloned.
var ErrRetentionEnded = ValidationErrors{{Field: "endsAt", Code: "retention-ended"}}

// ErrNoPendingNotice: no notice waits to be sent.
var ErrNoPendingNotice = ValidationErrors{{Field: "notice", Code: "no-notice"}}

// WithInitialState returns e, a new event, with its internal fields set, and its first mailings.
func (e Event) WithInitialState(now time.Time) (Event, MailingChanges) {
	e.Revision, e.ScheduleVersion, e.ICalSequence = 1, 1, 0
	e.HasSeatCounter = e.Capacity != nil
	if e.Verify == "" {
		e.Verify = VerifyAuto
	}
	e.CreatedAt, e.UpdatedAt, e.CalendarChangedAt = now, now, now
	return e, MailingChanges{Upserts: e.PlannedMailings(now)}
}

// Edit replaces what an organiser may set on e by that of next, whose internal fields are ignored. New times make a new
// schedule version, with its own reminders. New times or a new title are sent to everybody in one notice.
// ValidationErrors if e is cancelled, or next is, or the times change after e's retention period.
func (e Event) Edit(next Event, now time.Time) (Event, MailingChanges, error) {
	if e.Status == EventCancelled {
		return e, MailingChanges{}, ErrEventIsCancelled
	}
	if next.Status == EventCancelled {
		return e, MailingChanges{}, ErrUseCancel
	}
	sameTimes := next.StartsAt.Equal(e.StartsAt) && next.EndsAt.Equal(e.EndsAt) && next.RetentionDays == e.RetentionDays
	if !sameTimes && !now.Before(e.RetentionEndsAt()) {
		return e, MailingChanges{}, ErrRetentionEnded
	}
	next = next.withInternalFieldsOf(e, now)
	moved := !next.StartsAt.Equal(e.StartsAt) || !next.EndsAt.Equal(e.EndsAt) || next.TimeZone != e.TimeZone
	var changes MailingChanges
	if moved {
		next.ScheduleVersion++
		changes.Upserts = next.PlannedMailings(now)
	} else {
		changes = e.diffReminders(next, now)
	}
	if !moved && next.Title == e.Title {
		return next, changes, nil
	}
	next.ICalSequence++
	next.CalendarChangedAt = now
	if isOver := !now.Before(e.EndsAt) && !now.Before(next.EndsAt); isOver {
		return next, changes, nil // no notice of a change in the past
	}
	next.LatestNotice = e.pendingNotice(moved, now) // of a draft, too: the organiser may have signed people up
	changes.Upserts = append(changes.Upserts, next.noticeMailing(now))
	return next, changes, nil
}

// pendingNotice is the notice of an edit of e at now. It replaces that of earlier edits which nobody has been sent yet,
// and covers them too.
func (e Event) pendingNotice(moved bool, now time.Time) Notice {
	last := e.LatestNotice
	notice := Notice{
		Kind: KindChanged, DueAt: now.Add(NoticeDebounce), Since: now, Before: e.calendarDetails(),
		OfDraft: e.Status == EventDraft,
	}
	// The new mailing makes the last one obsolete, even if that is still running.
	lastMoveMayBeUnsent := last.Kind == KindMoved && now.Before(last.DueAt.Add(maxRunDuration))
	if moved || lastMoveMayBeUnsent {
		notice.Kind = KindMoved
	}
	// This edit may be written up to maxRequestDuration from now: a notice that is due by then may be going out already.
	lastNoticeMayBeSending := !now.Add(maxRequestDuration).Before(last.DueAt)
	if last.Kind != "" && !lastNoticeMayBeSending {
		notice.Since, notice.Before = last.Since, last.Before
	}
	return notice
}

// noticeMailing is the mailing of e's latest notice.
func (e Event) noticeMailing(now time.Time) Mailing {
	notice := e.LatestNotice
	m := e.NewMailing(notice.Kind, e.ICalSequence, notice.DueAt, "")
	isBackToBefore := e.calendarDetails() == notice.Before
	// A reminder that was running at some time since then may have been cut short by a new schedule, or have shown the
	// details of the time between. In both cases everybody gets the notice.
	reminderMayHaveRun := e.hasReminderDue(notice.Since.Add(-maxRunDuration), now)
	if isBackToBefore && !reminderMayHaveRun {
		// Only those who were mailed in between have seen anything else. A sign-up may be stored up to
		// maxRequestDuration after its own time, so the limit is that much earlier.
		m.CatchUpSince = notice.Since.Add(-maxRequestDuration)
	}
	return m
}

// hasReminderDue says whether a reminder before the start is due later than from and no later than to.
func (e Event) hasReminderDue(from, to time.Time) bool {
	return slices.ContainsFunc(e.ScheduledMails, func(r ScheduledMail) bool {
		due := e.dueAt(r)
		return !r.Kind.IsFollowUp() && due.After(from) && !due.After(to)
	})
}

// NoticeMailingKey is the key of the latest notice's mailing.
func (e Event) NoticeMailingKey() MailingKey {
	return MailingKey{EventID: e.ID, Kind: e.LatestNotice.Kind, Version: e.ICalSequence}
}

// SendNoticeNow makes the latest notice due at now. m is its mailing. ErrNoPendingNotice if it was due already.
func (e Event) SendNoticeNow(m Mailing, now time.Time) (Event, MailingChanges, error) {
	if e.LatestNotice.Kind == "" || !now.Before(e.LatestNotice.DueAt) {
		return e, MailingChanges{}, ErrNoPendingNotice
	}
	next := e.withInternalFieldsOf(e, now)
	next.LatestNotice.DueAt = now
	m = m.RunNow(now)
	m.EventRevision = next.Revision
	return next, MailingChanges{Upserts: []Mailing{m}}, nil
}

// Cancel cancels e, with a mail to everybody who has a seat or is on the waitlist. Reminders, notices and follow-ups
// are not sent any more. ErrEventIsCancelled if it was cancelled before.
func (e Event) Cancel(now time.Time) (Event, MailingChanges, error) {
	if e.Status == EventCancelled {
		return e, MailingChanges{}, ErrEventIsCancelled
	}
	next := e.withInternalFieldsOf(e, now)
	next.Status = EventCancelled
	next.ICalSequence++
	next.CalendarChangedAt, next.LatestNotice = now, Notice{}
	if !now.Before(e.EndsAt) {
		return next, MailingChanges{}, nil
	}
	return next, MailingChanges{Upserts: []Mailing{next.NewMailing(KindEventCancelled, next.ICalSequence, now, "")}}, nil
}

// withInternalFieldsOf is the next state of stored, with what organisers may set taken from e.
func (e Event) withInternalFieldsOf(stored Event, now time.Time) Event {
	e.ID, e.Secret, e.CreatedAt = stored.ID, stored.Secret, stored.CreatedAt
	e.ScheduleVersion, e.ICalSequence = stored.ScheduleVersion, stored.ICalSequence
	e.CalendarChangedAt, e.LatestNotice = stored.CalendarChangedAt, stored.LatestNotice
	e.HasSeatCounter = stored.HasSeatCounter || e.Capacity != nil
	e.Revision, e.UpdatedAt = stored.Revision+1, now
	return e
}

// diffReminders deletes the mailings of reminders that next does not have and adds those of new ones. The schedule
// version stays, so a mailing of an unchanged reminder that is running goes on.
func (e Event) diffReminders(next Event, now time.Time) MailingChanges {
	var changes MailingChanges
	for _, r := range e.ScheduledMails {
		if !slices.Contains(next.ScheduledMails, r) {
			changes.Deletes = append(changes.Deletes, Mailing{EventID: e.ID, Kind: r.Kind, Version: e.ScheduleVersion})
		}
	}
	for _, m := range next.PlannedMailings(now) {
		if e.reminder(m.Kind) == next.reminder(m.Kind) {
			continue
		}
		changes.Upserts = append(changes.Upserts, m)
		changes.Deletes = slices.DeleteFunc(changes.Deletes, func(d Mailing) bool { return d.Kind == m.Kind })
	}
	return changes
}

// A Notice is a mail to all about one or more edits.
type Notice struct {
	Kind   MailKind // KindMoved or KindChanged; "" if there is no notice
	DueAt  time.Time
	Since  time.Time       // of the first edit that it covers
	Before CalendarDetails // of the event before that edit
	// OfDraft: the last edit was of a draft, which nobody can have signed up for before it was stored, but by the organiser.
	OfDraft bool
}

// isShownTo says whether r was confirmed so late that its confirmation shows the latest change. A change may be stored up
// to maxRequestDuration after its own time, but before the draft that it was made in takes sign-ups.
func (n Notice) isShownTo(r Registration, changedAt time.Time) bool {
	if !n.OfDraft || r.ByOrganiser {
		changedAt = changedAt.Add(maxRequestDuration)
	}
	return r.ConfirmedAt.After(changedAt)
}

// CalendarDetails is what calendars show of an event.
type CalendarDetails struct {
	Title            string
	StartsAt, EndsAt time.Time
	TimeZone         string
}

func (e Event) calendarDetails() CalendarDetails {
	return CalendarDetails{e.Title, e.StartsAt.UTC(), e.EndsAt.UTC(), e.TimeZone}
}

// Clone is a draft of the same event at another time, with its texts, questions and reminders, and no registrations.
func (e Event) Clone(startsAt time.Time) Event {
	c := e
	c.ID, c.Secret, c.Status = "", nil, EventDraft
	c.EndsAt = startsAt.Add(e.EndsAt.Sub(e.StartsAt))
	c.StartsAt = startsAt
	c.SignUpOpensAt, c.SignUpClosesAt, c.LatestNotice = time.Time{}, time.Time{}, Notice{}
	c.Questions, c.ScheduledMails = slices.Clone(e.Questions), slices.Clone(e.ScheduledMails)
	return c
}
