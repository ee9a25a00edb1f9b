package deltag

import (
	"testing"
	"time"
)

func TestMailKinds(t *testing.T) {
	type properties struct {
		transactional, final, notice, optional bool
		method                                 CalendarMethod
	}
	for k, want := range map[MailKind]properties{
		KindConfirmation:          {transactional: true, method: CalendarRequest},
		KindWaitlisted:            {transactional: true},
		KindPromoted:              {transactional: true, method: CalendarRequest},
		KindRegistrationCancelled: {transactional: true, method: CalendarCancel},
		KindMoved:                 {notice: true, method: CalendarRequest},
		KindChanged:               {notice: true, method: CalendarRequest},
		KindEventCancelled:        {method: CalendarCancel},
		KindFollowUpAttended:      {optional: true},
		KindFollowUpMissed:        {optional: true},
		KindMessage:               {optional: true},
		KindPreview:               {},
		KindOrganiserNote:         {},
		KindAddressChanged:        {final: true, method: CalendarCancel},
		KindErasureReceipt:        {final: true, method: CalendarCancel},
		"reminder-P1D":            {optional: true},
	} {
		got := properties{k.IsTransactional(), k.IsFinal(), k.IsChangeNotice(), k.IsUnsubscribable(), k.CalendarMethod()}
		if got != want {
			t.Errorf("%s: %+v, want %+v", k, got, want)
		}
		assertEqual(t, k.IsReminder(), k == "reminder-P1D")
		assertEqual(t, k.IsFollowUp(), k == KindFollowUpAttended || k == KindFollowUpMissed)
	}
}

func TestReminderKindIsTheSameBeforeAndAfter(t *testing.T) {
	for o, want := range map[time.Duration]MailKind{
		-time.Hour: "reminder-PT1H", time.Hour: "reminder-PT1H", 0: "reminder-PT0M", 26 * time.Hour: "reminder-P1DT2H",
	} {
		assertEqual(t, ReminderKind(Offset(o)), want)
	}
}

func TestKnownMailKinds(t *testing.T) {
	for _, k := range append(MailKinds, "reminder-P1D", "reminder-PT90M", ReminderKind(0)) {
		assertEqual(t, k.IsKnown(), true)
	}
	for _, k := range []MailKind{"", "reminder", "reminder-", "reminder--P1D", "reminder-1D", "Confirmation", "sms"} {
		assertEqual(t, k.IsKnown(), false)
	}
}

func TestPersonalTasks(t *testing.T) {
	for k, want := range map[TaskKind]bool{
		TaskDelivery: true, TaskPromote: true, TaskPurgeDeliveries: true, TaskMailing: false, TaskReconcile: false,
		TaskEraseEvent: false, TaskExpire: true, TaskGiveBack: true,
	} {
		assertEqual(t, DueTask{Kind: k}.IsUrgent(), want)
	}
}
