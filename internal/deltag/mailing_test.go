package deltag

import (
	"strings"
	"testing"
	"time"
)

const dayBefore = MailKind("reminder-P1D")

func TestPlannedMailings(t *testing.T) {
	t.Run("OffsetsAreExactAcrossBothClockChanges", func(t *testing.T) {
		zone, err := LoadLocation("Europe/Copenhagen")
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []time.Time{
			time.Date(2027, 3, 28, 10, 0, 0, 0, zone), time.Date(2026, 10, 25, 10, 0, 0, 0, zone),
		} {
			e := testEvent()
			e.StartsAt, e.EndsAt = day.UTC(), day.UTC().Add(time.Hour)
			for k, due := range dueTimes(e.PlannedMailings(day.AddDate(0, -1, 0))) {
				offset, _ := ParseOffset(strings.TrimPrefix(string(k), reminderPrefix))
				assertEqual(t, day.Sub(due), time.Duration(offset))
			}
		}
	})
	t.Run("NothingInThePast", func(t *testing.T) {
		want := map[MailKind]time.Time{"reminder-PT10M": start.Add(-10 * time.Minute)}
		assertEqual(t, dueTimes(testEvent().PlannedMailings(start.Add(-time.Hour))), want)
	})
	t.Run("AFollowUpNeedsAText", func(t *testing.T) {
		e := testEvent()
		e.ScheduledMails = []ScheduledMail{
			{Kind: KindFollowUpAttended, Offset: Offset(time.Hour)},
			{Kind: KindFollowUpMissed, Offset: Offset(time.Hour), Text: "Tak"},
		}
		ms := e.PlannedMailings(now)
		want := plannedMailing(e, KindFollowUpMissed, end.Add(time.Hour), end.Add(time.Hour))
		want.Text = "Tak"
		assertEqual(t, ms, []Mailing{want})
	})
	t.Run("AReminderIsLookedAtEarly", func(t *testing.T) {
		due := start.Add(-24 * time.Hour)
		want := plannedMailing(testEvent(), dayBefore, due, due.Add(-2*time.Hour))
		assertEqual(t, testEvent().PlannedMailings(now)[0], want)
	})
	t.Run("OneThatIsDueSoonIsNotOverdue", func(t *testing.T) { // the alarm on late mail would say that it is
		due := start.Add(-24 * time.Hour)
		soon := due.Add(-time.Hour)
		assertEqual(t, testEvent().PlannedMailings(soon)[0], plannedMailing(testEvent(), dayBefore, due, soon))
	})
}

func plannedMailing(e Event, k MailKind, due, nextRun time.Time) Mailing {
	return Mailing{
		EventID: e.ID, Kind: k, Version: e.ScheduleVersion, DueAt: due, NextRunAt: nextRun, Status: MailingPlanned,
	}
}

func TestMailingStartAt(t *testing.T) {
	e := testEvent()
	due := start.Add(-time.Hour)
	for name, c := range map[string]struct {
		kind  MailKind
		count int
		want  time.Time
	}{
		"AtDueAtIfThereIsTimeEnough": {"reminder-PT1H", 3600, due},
		"EarlyByItsDuration":         {"reminder-PT1H", 3601, due.Add(-3601 * time.Second)},
		"ByTwoHoursAtMost":           {"reminder-PT1H", 100_000, due.Add(-2 * time.Hour)},
		"OnlyAReminderIsEarly":       {KindMessage, 100_000, due},
	} {
		t.Run(name, func(t *testing.T) {
			m := e.NewMailing(c.kind, 1, due, "")
			assertEqual(t, m.StartAt(e, c.count, 1), c.want)
			assertEqual(t, m.StartAt(e, c.count*10, 10), c.want)
		})
	}
}

func TestMailingTransitions(t *testing.T) {
	m := testEvent().NewMailing(dayBefore, 1, now, "")
	m.Revision = 4
	claimed := m.Claim(now)
	later := now.Add(time.Minute)
	for name, c := range map[string]struct {
		got    Mailing
		status MailingStatus
		next   time.Time
		steps  int
	}{
		"Claim":      {claimed, MailingRunning, now.Add(RunLease), 1},
		"Checkpoint": {claimed.Checkpoint("c", later), MailingRunning, later.Add(RunLease), 2},
		"Suspend":    {claimed.SuspendUntil(later), MailingRunning, later, 2},
		"RunNow":     {m.RunNow(later), MailingPlanned, later, 1},
		"Discard":    {m.Discard(ReasonEventOver), MailingObsolete, time.Time{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			assertEqual(t, []any{c.got.Status, c.got.NextRunAt, c.got.Revision}, []any{c.status, c.next, 4 + c.steps})
		})
	}
	assertEqual(t, claimed.Checkpoint("c", later).Cursor, "c")
	assertEqual(t, m.RunNow(later).DueAt, later)
	assertEqual(t, m.Discard(ReasonEventOver).Reason, ReasonEventOver)
	assertEqual(t, claimed.Claim(later).RunStartedAt, now)
	assertEqual(t, claimed.Key(), MailingKey{m.EventID, dayBefore, 1})
	assertEqual(t, claimed.ID(), "reminder-P1D.1")
}

// TestReminderRunsASecondTime: a sign-up that was given its time before DueAt is written up to 30 seconds later.
func TestReminderRunsASecondTime(t *testing.T) {
	for name, c := range map[string]struct {
		kind  MailKind
		began time.Duration // after DueAt
		again bool
	}{
		"BegunEarly":            {dayBefore, -time.Hour, true},
		"BegunWhenDue":          {dayBefore, 0, true},
		"BegunWithin30Seconds":  {dayBefore, 30*time.Second - 1, true},
		"NotBegun30SecondsLate": {dayBefore, 30 * time.Second, false},
		"NotAMessage":           {KindMessage, 0, false},
		"NotANotice":            {KindMoved, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := testEvent().NewMailing(c.kind, 1, now, "").Claim(now.Add(c.began)).Checkpoint("c", now)
			finished := m.Finish()
			assertEqual(t, finished.Revision, m.Revision+1)
			if !c.again {
				assertEqual(t, []any{finished.Status, finished.NextRunAt}, []any{MailingDone, time.Time{}})
				return
			}
			assertEqual(t, []any{finished.Status, finished.Cursor, finished.NextRunAt, finished.CatchUpSince},
				[]any{MailingRunning, "", now.Add(30 * time.Second), now.Add(c.began - 30*time.Second)})
			finished = finished.Claim(now.Add(time.Minute)).Finish()
			assertEqual(t, []any{finished.Status, finished.NextRunAt}, []any{MailingDone, time.Time{}})
		})
	}
}

func TestObsoleteReason(t *testing.T) {
	for name, c := range map[string]struct {
		kind    MailKind
		version int
		status  EventStatus
		at      time.Time
		want    Reason
	}{
		"Reminder":                     {dayBefore, 1, EventOpen, start.Add(-1), ""},
		"ReminderAtTheStart":           {dayBefore, 1, EventOpen, start, ReasonEventStarted},
		"ReminderOfAnOldSchedule":      {dayBefore, 2, EventOpen, now, ReasonOldSchedule},
		"ReminderOfACancelledEvent":    {dayBefore, 1, EventCancelled, now, ReasonEventCancelled},
		"Notice":                       {KindMoved, 2, EventOpen, end.Add(-1), ""},
		"NoticeAtTheEnd":               {KindChanged, 2, EventOpen, end, ReasonEventOver},
		"NoticeOfAnEarlierEdit":        {KindChanged, 1, EventOpen, now, ReasonOldSchedule},
		"NoticeOfACancelledEvent":      {KindChanged, 2, EventCancelled, now, ReasonEventCancelled},
		"FollowUp":                     {KindFollowUpMissed, 1, EventOpen, end.AddDate(0, 0, 1), ""},
		"FollowUpOfAnOldSchedule":      {KindFollowUpMissed, 2, EventOpen, end, ReasonOldSchedule},
		"MessageAtAnyTime":             {KindMessage, 9, EventCancelled, end.AddDate(0, 0, 1), ""},
		"CancellationOfTheEventItself": {KindEventCancelled, 9, EventCancelled, now, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEvent()
			e.Status = c.status
			assertEqual(t, Mailing{Kind: c.kind, Version: c.version}.ObsoleteReason(e, c.at), c.want)
		})
	}
}
