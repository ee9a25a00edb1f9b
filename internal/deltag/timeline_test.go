package deltag

import (
	"testing"
	"time"
)

func TestTimelineOrdersByTimeAndSaysWhyNot(t *testing.T) {
	e := testEvent()
	e.ScheduledMails = append(e.ScheduledMails, ScheduledMail{Kind: KindFollowUpMissed, Offset: Offset(time.Hour)})
	at := start.Add(-2 * time.Hour) // the reminder of the day before is in the past
	old := e.NewMailing("reminder-PT10M", 0, start.Add(-3*time.Hour), "").Discard(ReasonOldSchedule)
	planned := e.PlannedMailings(at)
	got := e.Timeline([]Mailing{planned[1], planned[0], old}, Counts{Confirmed: 3, Waitlisted: 2}, at)
	want := []TimelineEntry{
		{Kind: dayBefore, Version: 1, DueAt: start.Add(-24 * time.Hour), Status: MailingObsolete, Reason: ReasonInThePast},
		{Kind: "reminder-PT10M", DueAt: start.Add(-3 * time.Hour), Status: MailingObsolete, Reason: ReasonOldSchedule},
		{Kind: "reminder-PT1H", Version: 1, DueAt: start.Add(-time.Hour), Status: MailingPlanned, Expected: 3},
		{Kind: "reminder-PT10M", Version: 1, DueAt: start.Add(-10 * time.Minute), Status: MailingPlanned, Expected: 3},
		{Kind: KindFollowUpMissed, Version: 1, DueAt: end.Add(time.Hour), Status: MailingObsolete, Reason: ReasonNoText},
	}
	assertEqual(t, got, want)
}

func TestTimelineOfAFollowUpInThePast(t *testing.T) {
	e := testEvent()
	e.ScheduledMails = []ScheduledMail{{Kind: KindFollowUpMissed, Text: "Tak"}}
	assertEqual(t, e.Timeline(nil, Counts{}, end)[0].Reason, ReasonInThePast)
}

// TestTimelineOfAnOldVersion: a reminder whose only mailing is of an old schedule has none for the present one.
func TestTimelineOfAnOldVersion(t *testing.T) {
	e := testEvent()
	e.ScheduledMails = e.ScheduledMails[:1]
	old := e.NewMailing(dayBefore, e.ScheduleVersion-1, now, "")
	assertEqual(t, len(e.Timeline([]Mailing{old}, Counts{}, now)), 2)
	assertEqual(t, len(e.Timeline([]Mailing{old, e.PlannedMailings(now)[0]}, Counts{}, now)), 2)
}

func TestTimelineExpectedRecipients(t *testing.T) {
	counts := Counts{Confirmed: 10, Waitlisted: 4, Cancelled: 2, Attended: 3}
	for name, c := range map[string]struct {
		kind     MailKind
		audience Audience
		at       time.Time
		want     int
	}{
		"Reminder":                    {"reminder-PT1H", "", now, 10},
		"Notice":                      {KindMoved, "", now, 10},
		"EventCancelled":              {KindEventCancelled, "", now, 14},
		"MessageToAll":                {KindMessage, AudienceAll, now, 14},
		"MessageToConfirmedFromStart": {KindMessage, AudienceConfirmed, start, 10},
		"MessageToConfirmed":          {KindMessage, AudienceConfirmed, now, 10},
		"MessageToWaitlisted":         {KindMessage, AudienceWaitlisted, now, 4},
		"MessageToAttended":           {KindMessage, AudienceAttended, now, 3},
		"MessageToMissed":             {KindMessage, AudienceNotAttended, now, 7},
		"FollowUpToAttendedBefore":    {KindFollowUpAttended, "", start.Add(-1), 10},
		"FollowUpToAttendedFromStart": {KindFollowUpAttended, "", start, 3},
		"FollowUpToMissedBefore":      {KindFollowUpMissed, "", start.Add(-1), 10},
		"FollowUpToMissedFromStart":   {KindFollowUpMissed, "", start, 7},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEvent()
			m := e.NewMailing(c.kind, e.currentVersion(c.kind), start.Add(-time.Hour), "")
			m.Audience = c.audience
			assertEqual(t, m.expectedRecipients(e, counts, c.at), c.want)
		})
	}
	assertEqual(t, Mailing{Audience: AudienceNotAttended}.expectedRecipients(testEvent(), Counts{Attended: 1}, now), 0)
}

func TestTimelineEntryOfAMailing(t *testing.T) {
	e, counts := testEvent(), Counts{Confirmed: 10}
	m := e.NewMailing("reminder-PT1H", 1, start.Add(-time.Hour), "")
	m.Sent, m.Skipped = 5, 2
	for name, c := range map[string]struct {
		m        Mailing
		at       time.Time
		reason   Reason
		expected int
	}{
		"Planned":             {m, now, "", 10},
		"Running":             {m.Claim(now), now, "", 10},
		"Done":                {m.Claim(start).Finish(), now, "", 0},
		"Obsolete":            {m.Discard(ReasonEventStarted), now, ReasonEventStarted, 0},
		"LateBecomesObsolete": {m, start, ReasonEventStarted, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want := TimelineEntry{
				Kind: m.Kind, Version: 1, DueAt: m.DueAt, Status: c.m.Status, Reason: c.reason, Expected: c.expected,
				Sent: 5, Skipped: 2,
			}
			assertEqual(t, c.m.TimelineEntry(e, counts, c.at), want)
		})
	}
}
