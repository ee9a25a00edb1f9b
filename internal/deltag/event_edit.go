package deltag

import (
	"slices"
	"time"
)

// NoticeDebounce is how long news of an edit waits for further edits, so that several within a few
// minutes make one mail. The organiser sees the time and can cut it short.
const NoticeDebounce = 5 * time.Minute

// A MailingChanges is what an edit changes about an event's mailings, written in one transaction with the event.
type MailingChanges struct {
	Upserts []Mailing
	Deletes []Mailing // named by Kind and Version; those not there any more don't matter
}

// ErrEventIsCancelled: a cancelled event is final, for its calendar entries are gone. Clone it instead.
var ErrEventIsCancelled = ValidationErrors{{Field: "status", Code: "cancelled-is-final"}}

// ErrNoPendingNotice: no news waits to be sent.
var ErrNoPendingNotice = ValidationErrors{{Field: "notice", Code: "no-notice"}}

// WithInitialState completes a new event and plans its mail.
func (e Event) WithInitialState(now time.Time) (Event, MailingChanges) {
	e.Revision, e.ScheduleVersion, e.ICalSequence = 1, 1, 0
	e.HasSeatCounter = e.Capacity != nil
	e.CreatedAt, e.UpdatedAt, e.CalendarChangedAt = now, now, now
	return e, MailingChanges{Upserts: e.PlannedMailings(now)}
}

// Edit turns e into next, as the organiser sent it, and plans what people are told: a new time is a new
// schedule, with new reminders and one mail to everybody; a new title only updates the calendars. The
// bookkeeping fields of next are ignored.
func (e Event) Edit(next Event, now time.Time) (Event, MailingChanges, error) {
	if e.Status == EventCancelled {
		return e, MailingChanges{}, ErrEventIsCancelled
	}
	if next.Status == EventCancelled {
		return e, MailingChanges{}, ValidationErrors{{Field: "status", Code: "use-cancel"}}
	}
	next = e.withInternalFieldsOf(next, now)
	moved := !next.StartsAt.Equal(e.StartsAt) || !next.EndsAt.Equal(e.EndsAt) || next.TimeZone != e.TimeZone
	var plan MailingChanges
	if moved {
		next.ScheduleVersion++
		plan.Upserts = next.PlannedMailings(now)
	} else {
		plan = e.diffReminders(next, now)
	}
	if !moved && next.Title == e.Title {
		return next, plan, nil
	}
	next.ICalSequence++
	next.CalendarChangedAt = now
	if !now.Before(e.EndsAt) && !now.Before(next.EndsAt) {
		return next, plan, nil // nobody needs to hear about the past
	}
	next.PendingNotice = e.pendingNotice(moved, now)
	news := next.NewMailing(next.PendingNotice.Kind, next.ICalSequence, next.PendingNotice.DueAt, "")
	if next.calendarDetails() == next.PendingNotice.Before && !next.hasReminderDue(next.PendingNotice.Since.Add(-maxHeadStart), now) {
		// Everything is as people know it, but for those whom a mail of their own has told something else.
		news.CatchUpSince = next.PendingNotice.Since.Add(-maxRequestDuration)
	}
	plan.Upserts = append(plan.Upserts, news)
	return next, plan, nil
}

// pendingNotice is the news of an edit of e, together with that of earlier edits of which nobody has been told.
func (e Event) pendingNotice(moved bool, now time.Time) Notice {
	n := Notice{Kind: KindChanged, DueAt: now.Add(NoticeDebounce), Since: now, Before: e.calendarDetails()}
	if moved || e.PendingNotice.Kind == KindMoved && now.Before(e.PendingNotice.DueAt.Add(maxHeadStart)) { // not everybody may know of the last move
		n.Kind = KindMoved
	}
	if e.PendingNotice.Kind == "" || !now.Add(maxRequestDuration).Before(e.PendingNotice.DueAt) { // the last news may be on its way
		return n
	}
	n.Since, n.Before = e.PendingNotice.Since, e.PendingNotice.Before
	return n
}

// hasReminderDue says whether a reminder of e is due within a stretch of time: its walk may have been broken off.
func (e Event) hasReminderDue(from, to time.Time) bool {
	return slices.ContainsFunc(e.Reminders, func(r Reminder) bool {
		due := e.dueAt(r)
		return !r.Kind.IsFollowUp() && due.After(from) && !due.After(to)
	})
}

// NoticeMailingKey names the mailing of the notice.
func (e Event) NoticeMailingKey() MailingKey {
	return MailingKey{EventID: e.ID, Kind: e.PendingNotice.Kind, Version: e.ICalSequence}
}

// SendNoticeNow has news, the mailing of e's notice, go out at once.
func (e Event) SendNoticeNow(news Mailing, now time.Time) (Event, MailingChanges, error) {
	if e.PendingNotice.Kind == "" || !now.Before(e.PendingNotice.DueAt) {
		return e, MailingChanges{}, ErrNoPendingNotice
	}
	next := e.withInternalFieldsOf(e, now)
	next.PendingNotice.DueAt = now
	return next, MailingChanges{Upserts: []Mailing{news.RunNow(now)}}, nil
}

// Cancel cancels e. Everybody with a place or in line is told, and nothing is sent after it.
func (e Event) Cancel(now time.Time) (Event, MailingChanges, error) {
	if e.Status == EventCancelled {
		return e, MailingChanges{}, ErrEventIsCancelled
	}
	next := e.withInternalFieldsOf(e, now)
	next.Status = EventCancelled
	next.ICalSequence++
	next.CalendarChangedAt, next.PendingNotice = now, Notice{}
	if !now.Before(e.EndsAt) {
		return next, MailingChanges{}, nil
	}
	return next, MailingChanges{Upserts: []Mailing{next.NewMailing(KindEventCancelled, next.ICalSequence, now, "")}}, nil
}

// withInternalFieldsOf gives next the fields that no organiser sets.
func (e Event) withInternalFieldsOf(next Event, now time.Time) Event {
	next.ID, next.Secret, next.CreatedAt = e.ID, e.Secret, e.CreatedAt
	next.ScheduleVersion, next.ICalSequence, next.CalendarChangedAt, next.PendingNotice = e.ScheduleVersion, e.ICalSequence, e.CalendarChangedAt, e.PendingNotice
	next.HasSeatCounter = e.HasSeatCounter || next.Capacity != nil
	next.Revision, next.UpdatedAt = e.Revision+1, now
	return next
}

// diffReminders drops what is no longer wanted and plans what is new. The schedule keeps its version,
// so a reminder that is just going out reaches the rest of the list too.
func (e Event) diffReminders(next Event, now time.Time) MailingChanges {
	var plan MailingChanges
	for _, r := range e.Reminders {
		if !slices.Contains(next.Reminders, r) {
			plan.Deletes = append(plan.Deletes, Mailing{EventID: e.ID, Kind: r.Kind, Version: e.ScheduleVersion})
		}
	}
	for _, m := range next.PlannedMailings(now) {
		same := func(r Reminder) bool { return r.Kind == m.Kind }
		i, j := slices.IndexFunc(e.Reminders, same), slices.IndexFunc(next.Reminders, same)
		if i >= 0 && e.Reminders[i] == next.Reminders[j] {
			continue
		}
		plan.Upserts = append(plan.Upserts, m)
		plan.Deletes = slices.DeleteFunc(plan.Deletes, func(d Mailing) bool { return d.Kind == m.Kind })
	}
	return plan
}

// A Notice is the news of an edit that waits to be sent.
type Notice struct {
	Kind   MailKind // Moved or Changed; "" when there is none
	DueAt  time.Time
	Since  time.Time       // of the first edit that it tells of
	Before CalendarDetails // before that
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

// Clone is a draft of the same event at another time: words, questions and reminders come along, people don't.
func (e Event) Clone(startsAt time.Time) Event {
	c := e
	c.ID, c.Secret, c.Status = "", nil, EventDraft
	c.EndsAt = startsAt.Add(e.EndsAt.Sub(e.StartsAt))
	c.StartsAt = startsAt
	c.SignUpOpensAt, c.SignUpClosesAt, c.PendingNotice = time.Time{}, time.Time{}, Notice{}
	c.Questions, c.Reminders = slices.Clone(e.Questions), slices.Clone(e.Reminders)
	return c
}
