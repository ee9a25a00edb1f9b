package deltag

import (
	"testing"
	"time"
)

func TestMailTextKinds(t *testing.T) {
	e := testEvent()
	e.ScheduledMails = []ScheduledMail{reminderAt(-time.Hour), followUp(2*time.Hour, "Tak"), reminderAt(-24 * time.Hour)}
	assertEqual(t, e.MailTextKinds(), []MailKind{
		KindConfirmation, "reminder-P1D", "reminder-PT1H", KindFollowUpAttended, KindFollowUpMissed,
	})
}

func TestWithMailText(t *testing.T) {
	attended := ScheduledMail{Kind: KindFollowUpAttended, Offset: Offset(2 * time.Hour), Text: "Tak"}
	missed := ScheduledMail{Kind: KindFollowUpMissed, Offset: Offset(time.Hour), Text: "Øv"}
	hourBefore := start.Add(-time.Hour)
	for _, c := range []struct {
		name         string
		kind         MailKind
		text         string
		at           time.Time
		confirmation string
		mails        []ScheduledMail // but the reminders a day and ten minutes before
		fault        string
	}{
		{"TheConfirmation", KindConfirmation, "Velkommen", now, "Velkommen", []ScheduledMail{reminderAt(-time.Hour), attended}, ""},
		{"AReminder", "reminder-PT1H", "Husk", now, "",
			[]ScheduledMail{{Kind: "reminder-PT1H", Offset: Offset(-time.Hour), Text: "Husk"}, attended}, ""},
		{"AReminderThatIsNotThere", "reminder-P2D", "Husk", now, "", []ScheduledMail{reminderAt(-time.Hour), attended}, ""},
		{"AReminderJustBefore", "reminder-PT1H", "Husk", hourBefore.Add(-1), "",
			[]ScheduledMail{{Kind: "reminder-PT1H", Offset: Offset(-time.Hour), Text: "Husk"}, attended}, ""},
		{"AReminderThatIsDue", "reminder-PT1H", "Husk", hourBefore, "", nil, "reminders.reminder-PT1H: mail-is-due"},
		{"WhatIsTheSameIsNoChange", "reminder-PT1H", "", hourBefore, "", []ScheduledMail{reminderAt(-time.Hour), attended}, ""},
		{"AFollowUpKeepsItsTime", KindFollowUpAttended, "Hej", now, "",
			[]ScheduledMail{reminderAt(-time.Hour), {Kind: KindFollowUpAttended, Offset: Offset(2 * time.Hour), Text: "Hej"}}, ""},
		{"ATextAddsAFollowUp", KindFollowUpMissed, "Øv", now, "", []ScheduledMail{reminderAt(-time.Hour), attended, missed}, ""},
		{"NoTextRemovesIt", KindFollowUpAttended, "", now, "", []ScheduledMail{reminderAt(-time.Hour)}, ""},
		{"AFollowUpThatWouldBeDue", KindFollowUpMissed, "Øv", end.Add(time.Hour), "", nil,
			"reminders.followup-missed: mail-is-due"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := testEvent()
			e.ScheduledMails = []ScheduledMail{
				reminderAt(-24 * time.Hour), reminderAt(-10 * time.Minute), reminderAt(-time.Hour), attended,
			}
			got, err := e.WithMailText(c.kind, c.text, c.at)
			if c.fault != "" {
				assertEqual(t, validationCodes(err), []string{c.fault})
				return
			}
			assertEqual(t, validationCodes(err), []string(nil))
			assertEqual(t, got.ConfirmationText, c.confirmation)
			assertEqual(t, got.ScheduledMails[2:], c.mails)
			assertEqual(t, e.ScheduledMails[2:], []ScheduledMail{reminderAt(-time.Hour), attended}) // untouched
		})
	}
	t.Run("ACancelledEvent", func(t *testing.T) {
		e := testEvent()
		e.Status = EventCancelled
		_, err := e.WithMailText(KindConfirmation, "Velkommen", now)
		assertEqual(t, validationCodes(err), []string{"confirmationText: mail-is-due"})
	})
}

func TestMailText(t *testing.T) {
	e := testEvent()
	e.ConfirmationText = "Velkommen"
	e.ScheduledMails = []ScheduledMail{followUp(time.Hour, "Øv")}
	for k, want := range map[MailKind]string{
		KindConfirmation: "Velkommen", KindPromoted: "Velkommen", KindWaitlisted: "", KindVerification: "",
		KindFollowUpMissed: "Øv", KindFollowUpAttended: "", KindMessage: "",
	} {
		assertEqual(t, e.MailText(k), want)
	}
	assertEqual(t, e.MailDueAt(KindConfirmation), time.Time{})
	assertEqual(t, e.MailDueAt(KindFollowUpAttended), end.Add(time.Hour))
}
