package deltag

import (
	"testing"
	"time"
)

// newEvent is testEvent as it is created at now, when its schedule version is 1 and its sequence 0.
func newEvent() Event {
	e, _ := testEvent().WithInitialState(now)
	return e
}

// edit edits e at a time, which must succeed.
func edit(t *testing.T, e Event, at time.Time, change func(*Event)) (Event, MailingChanges) {
	t.Helper()
	next := e
	change(&next)
	next, changes, err := e.Edit(next, at)
	if err != nil {
		t.Fatal(err)
	}
	return next, changes
}

func moveBy(days int) func(*Event) {
	return func(e *Event) { e.StartsAt, e.EndsAt = e.StartsAt.AddDate(0, 0, days), e.EndsAt.AddDate(0, 0, days) }
}

func rename(e *Event) { e.Title += "!" }

// noticeOf is the one notice among an edit's mailings.
func noticeOf(t *testing.T, changes MailingChanges) Mailing {
	t.Helper()
	var notices []Mailing
	for _, m := range changes.Upserts {
		if m.Kind.IsChangeNotice() {
			notices = append(notices, m)
		}
	}
	if len(notices) != 1 {
		t.Fatalf("%d notices", len(notices))
	}
	return notices[0]
}

func TestWithInitialState(t *testing.T) {
	for _, capacity := range []*int{nil, new(5)} {
		e := testEvent()
		e.Capacity = capacity
		e, changes := e.WithInitialState(now)
		assertEqual(t, []int{e.Revision, e.ScheduleVersion, e.ICalSequence}, []int{1, 1, 0})
		assertEqual(t, e.HasSeatCounter, capacity != nil)
		assertEqual(t, e.Verify, VerifyAuto)
		assertEqual(t, []time.Time{e.CreatedAt, e.UpdatedAt, e.CalendarChangedAt}, []time.Time{now, now, now})
		assertEqual(t, changes, MailingChanges{Upserts: e.PlannedMailings(now)})
	}
	e := testEvent()
	e.Verify = VerifyNever
	e, _ = e.WithInitialState(now)
	assertEqual(t, e.Verify, VerifyNever)
}

func TestEditVersionsAndMailings(t *testing.T) {
	at, due := now.Add(time.Hour), now.Add(time.Hour+NoticeDebounce)
	reminders := map[MailKind]time.Time{
		dayBefore: start.Add(-24 * time.Hour), "reminder-PT1H": start.Add(-time.Hour),
		"reminder-PT10M": start.Add(-10 * time.Minute),
	}
	with := func(k MailKind) map[MailKind]time.Time {
		all := map[MailKind]time.Time{k: due}
		for k, due := range reminders {
			all[k] = due
		}
		return all
	}
	for name, c := range map[string]struct {
		change             func(*Event)
		schedule, sequence int
		mailings           map[MailKind]time.Time
	}{
		"NewEnd":      {func(e *Event) { e.EndsAt = end.Add(1) }, 2, 1, with(KindMoved)},
		"NewZone":     {func(e *Event) { e.TimeZone = "Europe/Oslo" }, 2, 1, with(KindMoved)},
		"NewTitle":    {rename, 1, 1, map[MailKind]time.Time{KindChanged: due}},
		"NewJoinURL":  {func(e *Event) { e.JoinURL = "https://meet.example.org/2" }, 1, 0, map[MailKind]time.Time{}},
		"SameInstant": {func(e *Event) { e.StartsAt = start.In(time.FixedZone("", 3600)) }, 1, 0, map[MailKind]time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			e, changes := edit(t, newEvent(), at, c.change)
			assertEqual(t, []int{e.ScheduleVersion, e.ICalSequence, e.Revision}, []int{c.schedule, c.sequence, 2})
			assertEqual(t, dueTimes(changes.Upserts), c.mailings)
			assertEqual(t, changes.Deletes, []Mailing(nil))
			assertEqual(t, e.UpdatedAt, at)
			changedAt := now
			if c.sequence > 0 {
				changedAt = at
				assertEqual(t, noticeOf(t, changes).Key(), e.NoticeMailingKey())
			}
			assertEqual(t, e.CalendarChangedAt, changedAt)
		})
	}
	t.Run("NewStart", func(t *testing.T) {
		e, changes := edit(t, newEvent(), at, func(e *Event) { e.StartsAt = start.Add(-1) })
		assertEqual(t, []int{e.ScheduleVersion, e.ICalSequence, len(changes.Upserts)}, []int{2, 1, 4})
	})
}

func TestEditKeepsInternalFields(t *testing.T) {
	e := newEvent()
	e.Capacity = new(3)
	e.HasSeatCounter = true
	next, _ := edit(t, e, now, func(next *Event) {
		next.ID, next.Secret, next.CreatedAt, next.Revision, next.Capacity = "x", nil, start, 99, nil
		next.ScheduleVersion, next.ICalSequence, next.CalendarChangedAt = 99, 99, start
		next.HasSeatCounter, next.LatestNotice = false, Notice{Kind: KindMoved}
	})
	want := e
	want.Capacity, want.Revision = nil, 2
	assertEqual(t, next, want)
	next, _ = edit(t, newEvent(), now, func(next *Event) { next.Capacity = new(3) })
	assertEqual(t, next.HasSeatCounter, true)
}

func TestCancelledEventIsFinal(t *testing.T) {
	at := end.Add(-1)
	e, _ := edit(t, newEvent(), now, rename)
	cancelled, changes, err := e.Cancel(at)
	assertEqual(t, err, nil)
	assertEqual(t, []any{cancelled.Status, cancelled.CalendarChangedAt}, []any{EventCancelled, at})
	assertEqual(t, cancelled.LatestNotice, Notice{})
	assertEqual(t, []int{cancelled.ICalSequence, cancelled.Revision}, []int{2, 3})
	want := cancelled.NewMailing(KindEventCancelled, 2, at, "")
	assertEqual(t, changes, MailingChanges{Upserts: []Mailing{want}})
	_, changes, err = e.Cancel(end)
	assertEqual(t, []any{changes, err}, []any{MailingChanges{}, nil})
	_, _, err = cancelled.Edit(newEvent(), now)
	assertEqual(t, err, error(ErrEventIsCancelled))
	_, _, err = cancelled.Cancel(now)
	assertEqual(t, err, error(ErrEventIsCancelled))
	_, _, err = e.Edit(cancelled, now)
	assertEqual(t, validationCodes(err), []string{"status: use-cancel"})
}

func TestTimesAreFinalAfterTheRetentionPeriod(t *testing.T) {
	e := testEvent()
	ended := e.RetentionEndsAt()
	for name, c := range map[string]struct {
		at     time.Time
		change func(*Event)
		want   []string
	}{
		"Moved":         {ended, moveBy(400), []string{"endsAt: retention-ended"}},
		"LongerKept":    {ended, func(e *Event) { e.RetentionDays++ }, []string{"endsAt: retention-ended"}},
		"OnlyTheStart":  {ended, func(e *Event) { e.StartsAt = start.Add(-1) }, []string{"endsAt: retention-ended"}},
		"AMomentBefore": {ended.Add(-1), moveBy(400), nil},
		"Renamed":       {ended, rename, nil},
	} {
		t.Run(name, func(t *testing.T) {
			next := e
			c.change(&next)
			_, _, err := e.Edit(next, c.at)
			assertEqual(t, validationCodes(err), c.want)
		})
	}
}

func TestNoNoticeOfAChangeInThePast(t *testing.T) {
	for name, c := range map[string]struct {
		at     time.Time
		change func(*Event)
		notice bool
	}{
		"BeforeTheEnd":       {end.Add(-1), rename, true},
		"AtTheEnd":           {end, rename, false},
		"MovedIntoThePast":   {end.Add(-1), func(e *Event) { e.EndsAt = e.EndsAt.Add(-time.Minute) }, true},
		"MovedIntoTheFuture": {end.Add(time.Hour), moveBy(1), true},
		"MovedWithinThePast": {end.Add(time.Hour), func(e *Event) { e.EndsAt = e.EndsAt.Add(time.Hour) }, false},
		"MovedWithinTheDay":  {end.Add(time.Hour), func(e *Event) { e.EndsAt = e.EndsAt.Add(time.Hour + 1) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, changes := edit(t, newEvent(), c.at, c.change)
			assertEqual(t, e.LatestNotice.Kind != "", c.notice)
			assertEqual(t, e.ICalSequence, 1)
			if c.notice {
				noticeOf(t, changes)
			}
		})
	}
}

// TestNoticeCoversEarlierEdits: edits whose notice has not gone out are in the notice of the next one.
func TestNoticeCoversEarlierEdits(t *testing.T) {
	original := newEvent()
	due := now.Add(NoticeDebounce)
	for name, c := range map[string]struct {
		first  func(*Event)
		at     time.Time // of a second edit, of the title
		kind   MailKind
		covers bool
	}{
		"ATitleAfterAMove":              {moveBy(1), now.Add(time.Minute), KindMoved, true},
		"UntilTheNoticeMayBeGoingOut":   {moveBy(1), due.Add(-30*time.Second - 1), KindMoved, true},
		"NotOnceItMayBeGoingOut":        {moveBy(1), due.Add(-30 * time.Second), KindMoved, false},
		"SomeDoNotKnowOfTheMove":        {moveBy(1), due.Add(2*time.Hour - 1), KindMoved, false},
		"EverybodyKnowsOfTheMove":       {moveBy(1), due.Add(2 * time.Hour), KindChanged, false},
		"ATitleAfterATitle":             {rename, now.Add(time.Minute), KindChanged, true},
		"ATitleAfterOneThatHasBeenSent": {rename, due.Add(time.Minute), KindChanged, false},
	} {
		t.Run(name, func(t *testing.T) {
			first, _ := edit(t, original, now, c.first)
			second, changes := edit(t, first, c.at, rename)
			want := Notice{Kind: c.kind, DueAt: c.at.Add(NoticeDebounce), Since: c.at, Before: first.calendarDetails()}
			if c.covers {
				want.Since, want.Before = now, original.calendarDetails()
			}
			assertEqual(t, second.LatestNotice, want)
			m := noticeOf(t, changes)
			assertEqual(t, []any{m.Kind, m.Version, m.DueAt, m.CatchUpSince}, []any{c.kind, 2, want.DueAt, time.Time{}})
		})
	}
}

func TestNoticeOfDraft(t *testing.T) {
	draft := newEvent()
	draft.Status = EventDraft
	renamed, _ := edit(t, draft, now, rename)
	opened, _ := edit(t, renamed, now, func(e *Event) { e.Status = EventOpen })
	again, _ := edit(t, opened, now, rename)
	assertEqual(t, []bool{renamed.LatestNotice.OfDraft, opened.LatestNotice.OfDraft, again.LatestNotice.OfDraft},
		[]bool{true, true, false})
}

// TestNoticeOfAnEditThatWasUndone goes only to those who were mailed in between, unless a reminder may have run.
func TestNoticeOfAnEditThatWasUndone(t *testing.T) {
	reminderDue := start.Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		first, second time.Time
		toAll         bool
	}{
		"LongBeforeAReminder":        {now, now.Add(time.Minute), false},
		"JustBeforeAReminder":        {reminderDue.Add(-time.Minute), reminderDue.Add(-1), false},
		"WhenAReminderIsDue":         {reminderDue.Add(-time.Minute), reminderDue, true},
		"WhileAReminderMayStillRun":  {reminderDue.Add(2*time.Hour - 1), reminderDue.Add(2*time.Hour + time.Minute), true},
		"AfterAReminder":             {reminderDue.Add(2 * time.Hour), reminderDue.Add(2*time.Hour + time.Minute), false},
		"OnceTheNoticeMayBeGoingOut": {now, now.Add(NoticeDebounce), true},
	} {
		t.Run(name, func(t *testing.T) {
			moved, _ := edit(t, newEvent(), c.first, moveBy(1))
			_, changes := edit(t, moved, c.second, moveBy(-1))
			since := c.first.Add(-30 * time.Second)
			if c.toAll {
				since = time.Time{}
			}
			assertEqual(t, noticeOf(t, changes).CatchUpSince, since)
		})
	}
	t.Run("AFollowUpIsNoReminder", func(t *testing.T) {
		e := newEvent()
		e.ScheduledMails = []ScheduledMail{followUp(0, "Tak")}
		at := end.Add(-time.Minute)
		longer, _ := edit(t, e, at, func(e *Event) { e.EndsAt = end.Add(time.Hour) })
		_, changes := edit(t, longer, end, func(e *Event) { e.EndsAt = end })
		assertEqual(t, noticeOf(t, changes).CatchUpSince, at.Add(-30*time.Second))
	})
}

func TestSendNoticeNow(t *testing.T) {
	e, changes := edit(t, newEvent(), now, moveBy(1))
	m := noticeOf(t, changes)
	at := e.LatestNotice.DueAt.Add(-1)
	next, changes, err := e.SendNoticeNow(m, at)
	assertEqual(t, err, nil)
	assertEqual(t, next.LatestNotice.DueAt, at)
	assertEqual(t, []int{next.Revision, next.ICalSequence}, []int{e.Revision + 1, e.ICalSequence})
	due := m.RunNow(at)
	due.EventRevision = next.Revision
	assertEqual(t, changes, MailingChanges{Upserts: []Mailing{due}})
	for name, none := range map[string]Event{"SentAlready": next, "NoNotice": newEvent()} {
		t.Run(name, func(t *testing.T) {
			_, _, err := none.SendNoticeNow(m, at)
			assertEqual(t, err, error(ErrNoPendingNotice))
		})
	}
}

func TestEditedReminders(t *testing.T) {
	reminder := func(hours time.Duration) ScheduledMail { return reminderAt(-hours * time.Hour) }
	all := func(rs ...ScheduledMail) []ScheduledMail { return rs }
	for name, c := range map[string]struct {
		at               time.Time
		from, to         []ScheduledMail
		upserts, deletes []MailKind
	}{
		"OneReplaced": {
			now, all(reminder(1), reminder(2)), all(reminder(3), reminder(2)),
			[]MailKind{"reminder-PT3H"}, []MailKind{"reminder-PT1H"},
		},
		"OnlyTheTextIsNew": {now, all(followUp(0, "a")), all(followUp(0, "b")), []MailKind{KindFollowUpMissed}, nil},
		"TheTextIsGone":    {now, all(followUp(0, "a")), all(followUp(0, "")), nil, []MailKind{KindFollowUpMissed}},
		"NewOneInThePast":  {start.Add(-2 * time.Hour), all(reminder(1)), all(reminder(3)), nil, []MailKind{"reminder-PT1H"}},
		"OnlyTheOrder":     {now, all(reminder(1), reminder(2)), all(reminder(2), reminder(1)), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEvent()
			e.ScheduledMails = c.from
			next, changes := edit(t, e, c.at, func(e *Event) { e.ScheduledMails = c.to })
			assertEqual(t, []int{next.ScheduleVersion, next.ICalSequence}, []int{1, 0})
			var upserts, deletes []MailKind
			for _, m := range changes.Upserts {
				upserts = append(upserts, m.Kind)
			}
			for _, m := range changes.Deletes {
				deletes = append(deletes, m.Kind)
				assertEqual(t, m.Key(), MailingKey{e.ID, m.Kind, 1})
			}
			assertEqual(t, [][]MailKind{upserts, deletes}, [][]MailKind{c.upserts, c.deletes})
		})
	}
}

func TestCloneIsADraftWithoutHistory(t *testing.T) {
	e := newEvent()
	e.SignUpOpensAt, e.SignUpClosesAt = now, start
	e.Questions = []Question{{ID: "a", Kind: QuestionShortText, Label: "?"}}
	e, _ = edit(t, e, now, rename)
	at := start.AddDate(1, 0, 0)
	c := e.Clone(at)
	want := e
	want.ID, want.Secret, want.Status, want.StartsAt, want.EndsAt = "", nil, EventDraft, at, at.Add(time.Hour)
	want.SignUpOpensAt, want.SignUpClosesAt, want.LatestNotice = time.Time{}, time.Time{}, Notice{}
	assertEqual(t, c, want)
	c.Questions[0].Label, c.ScheduledMails[0].Text = "changed", "changed"
	assertEqual(t, []string{e.Questions[0].Label, e.ScheduledMails[0].Text}, []string{"?", ""})
}
