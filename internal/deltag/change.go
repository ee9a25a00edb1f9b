package deltag

import (
	"slices"
	"time"
)

// SettleEdits is how long news of an edit waits for further edits, so that several within a few
// minutes make one mail. The organiser sees the time and can cut it short.
const SettleEdits = 5 * time.Minute

// A Plan is what an edit changes about an event's mailings, written in one transaction with the event.
type Plan struct {
	Put  []Mailing
	Drop []Mailing // named by Kind and Version; those not there any more don't matter
}

// ErrCancelled: a cancelled event is final, for its calendar entries are gone. Clone it instead.
var ErrCancelled = Faults{{Field: "status", Code: "cancelled-is-final"}}

// ErrNoNotice: no news waits to be sent.
var ErrNoNotice = Faults{{Field: "notice", Code: "no-notice"}}

// Create completes a new event and plans its mail.
func (e Event) Create(now time.Time) (Event, Plan) {
	e.Revision, e.Schedule, e.Sequence = 1, 1, 0
	e.Seated = e.Capacity != nil
	e.CreatedAt, e.UpdatedAt, e.ChangedAt = now, now, now
	return e, Plan{Put: e.Mailings(now)}
}

// Edit turns e into next, as the organiser sent it, and plans what people are told: a new time is a new
// schedule, with new reminders and one mail to everybody; a new title only updates the calendars. The
// bookkeeping fields of next are ignored.
func (e Event) Edit(next Event, now time.Time) (Event, Plan, error) {
	if e.Status == Cancelled {
		return e, Plan{}, ErrCancelled
	}
	if next.Status == Cancelled {
		return e, Plan{}, Faults{{Field: "status", Code: "use-cancel"}}
	}
	next = e.keepBooks(next, now)
	moved := !next.StartsAt.Equal(e.StartsAt) || !next.EndsAt.Equal(e.EndsAt) || next.TimeZone != e.TimeZone
	var plan Plan
	if moved {
		next.Schedule++
		plan.Put = next.Mailings(now)
	} else {
		plan = e.editReminders(next, now)
	}
	if !moved && next.Title == e.Title {
		return next, plan, nil
	}
	next.Sequence++
	next.ChangedAt = now
	if !now.Before(e.EndsAt) && !now.Before(next.EndsAt) {
		return next, plan, nil // nobody needs to hear about the past
	}
	next.Notice = e.notice(moved, now)
	news := next.NewMailing(next.Notice.Kind, next.Sequence, next.Notice.DueAt, "")
	if next.told() == next.Notice.Was && !next.reminds(next.Notice.Since.Add(-sizeUp), now) {
		// Everything is as people know it, but for those whom a mail of their own has told something else.
		news.Sweep = next.Notice.Since.Add(-underWay)
	}
	plan.Put = append(plan.Put, news)
	return next, plan, nil
}

// notice is the news of an edit of e, together with that of earlier edits of which nobody has been told.
func (e Event) notice(moved bool, now time.Time) Notice {
	n := Notice{Kind: Changed, DueAt: now.Add(SettleEdits), Since: now, Was: e.told()}
	if moved || e.Notice.Kind == Moved && now.Before(e.Notice.DueAt.Add(sizeUp)) { // not everybody may know of the last move
		n.Kind = Moved
	}
	if e.Notice.Kind == "" || !now.Add(underWay).Before(e.Notice.DueAt) { // the last news may be on its way
		return n
	}
	n.Since, n.Was = e.Notice.Since, e.Notice.Was
	return n
}

// reminds says whether a reminder of e is due within a stretch of time: its walk may have been broken off.
func (e Event) reminds(from, to time.Time) bool {
	return slices.ContainsFunc(e.Reminders, func(r Reminder) bool {
		due := e.dueAt(r)
		return !r.Kind.FollowUp() && due.After(from) && !due.After(to)
	})
}

// News names the mailing of the notice.
func (e Event) News() MailingKey {
	return MailingKey{EventID: e.ID, Kind: e.Notice.Kind, Version: e.Sequence}
}

// Announce has news, the mailing of e's notice, go out at once.
func (e Event) Announce(news Mailing, now time.Time) (Event, Plan, error) {
	if e.Notice.Kind == "" || !now.Before(e.Notice.DueAt) {
		return e, Plan{}, ErrNoNotice
	}
	next := e.keepBooks(e, now)
	next.Notice.DueAt = now
	return next, Plan{Put: []Mailing{news.Hasten(now)}}, nil
}

// CallOff cancels e. Everybody with a place or in line is told, and nothing is sent after it.
func (e Event) CallOff(now time.Time) (Event, Plan, error) {
	if e.Status == Cancelled {
		return e, Plan{}, ErrCancelled
	}
	next := e.keepBooks(e, now)
	next.Status = Cancelled
	next.Sequence++
	next.ChangedAt, next.Notice = now, Notice{}
	if !now.Before(e.EndsAt) {
		return next, Plan{}, nil
	}
	return next, Plan{Put: []Mailing{next.NewMailing(CancelledNote, next.Sequence, now, "")}}, nil
}

// keepBooks gives next the fields that no organiser sets.
func (e Event) keepBooks(next Event, now time.Time) Event {
	next.ID, next.Secret, next.CreatedAt = e.ID, e.Secret, e.CreatedAt
	next.Schedule, next.Sequence, next.ChangedAt, next.Notice = e.Schedule, e.Sequence, e.ChangedAt, e.Notice
	next.Seated = e.Seated || next.Capacity != nil
	next.Revision, next.UpdatedAt = e.Revision+1, now
	return next
}

// editReminders drops what is no longer wanted and plans what is new. The schedule keeps its version,
// so a reminder that is just going out reaches the rest of the list too.
func (e Event) editReminders(next Event, now time.Time) Plan {
	var plan Plan
	for _, r := range e.Reminders {
		if !slices.Contains(next.Reminders, r) {
			plan.Drop = append(plan.Drop, Mailing{EventID: e.ID, Kind: r.Kind, Version: e.Schedule})
		}
	}
	for _, m := range next.Mailings(now) {
		same := func(r Reminder) bool { return r.Kind == m.Kind }
		i, j := slices.IndexFunc(e.Reminders, same), slices.IndexFunc(next.Reminders, same)
		if i >= 0 && e.Reminders[i] == next.Reminders[j] {
			continue
		}
		plan.Put = append(plan.Put, m)
		plan.Drop = slices.DeleteFunc(plan.Drop, func(d Mailing) bool { return d.Kind == m.Kind })
	}
	return plan
}

// A Notice is the news of an edit that waits to be sent.
type Notice struct {
	Kind  Kind // Moved or Changed; "" when there is none
	DueAt time.Time
	Since time.Time // of the first edit that it tells of
	Was   Told      // before that
}

// Told is what calendars show of an event.
type Told struct {
	Title            string
	StartsAt, EndsAt time.Time
	TimeZone         string
}

func (e Event) told() Told { return Told{e.Title, e.StartsAt.UTC(), e.EndsAt.UTC(), e.TimeZone} }

// Clone is a draft of the same event at another time: words, questions and reminders come along, people don't.
func (e Event) Clone(startsAt time.Time) Event {
	c := e
	c.ID, c.Secret, c.Status = "", nil, Draft
	c.EndsAt = startsAt.Add(e.EndsAt.Sub(e.StartsAt))
	c.StartsAt = startsAt
	c.SignUpOpensAt, c.SignUpClosesAt, c.Notice = time.Time{}, time.Time{}, Notice{}
	c.Questions, c.Reminders = slices.Clone(e.Questions), slices.Clone(e.Reminders)
	return c
}
