package deltag

import "strings"

// A MailKind of mail. Reminders before the start carry their offset: "reminder-P1D".
type MailKind string

const (
	KindConfirmation          MailKind = "confirmation" // you have a place; the invitation
	KindWaitlisted            MailKind = "waiting"      // you are in line
	KindPromoted              MailKind = "promoted"     // a place came free and is yours; the invitation
	KindRegistrationCancelled MailKind = "withdrawn"    // you gave your place up
	KindMoved                 MailKind = "moved"        // the event has a new time
	KindChanged               MailKind = "changed"      // something else that calendars show has changed
	KindEventCancelled        MailKind = "cancelled"    // the event is off
	KindFollowUpAttended      MailKind = "followup-attended"
	KindFollowUpMissed        MailKind = "followup-missed"
	KindMessage               MailKind = "message"     // the organiser's own words
	KindPreview               MailKind = "preview"     // a message as its attendees would get it, to the organiser alone
	KindAddressChanged        MailKind = "readdressed" // to an address that was changed for another
	KindErasureReceipt        MailKind = "erased"      // receipt: nothing is stored about you any more

	reminderPrefix = "reminder-"
)

// ReminderKind is the kind of a reminder so long before the start.
func ReminderKind(o Offset) MailKind {
	if o < 0 {
		o = -o
	}
	return MailKind(reminderPrefix + o.String())
}

// IsReminder says whether k is a reminder before the start.
func (k MailKind) IsReminder() bool { return strings.HasPrefix(string(k), reminderPrefix) }

// IsFollowUp says whether k is sent after the event.
func (k MailKind) IsFollowUp() bool { return k == KindFollowUpAttended || k == KindFollowUpMissed }

// IsTransactional mail answers something that happened to one registration. It is numbered by the
// registration's MailVersion, and a later one makes an earlier one pointless.
func (k MailKind) IsTransactional() bool {
	switch k {
	case KindConfirmation, KindWaitlisted, KindPromoted, KindRegistrationCancelled:
		return true
	}
	return false
}

// IsFinal mail goes to an address that no registration has any more.
func (k MailKind) IsFinal() bool { return k == KindAddressChanged || k == KindErasureReceipt }

// IsChangeNotice tells of an edit that calendars must show.
func (k MailKind) IsChangeNotice() bool { return k == KindMoved || k == KindChanged }

// IsUnsubscribable mail is what one can take part without. It carries the one-click unsubscribe of RFC 8058.
func (k MailKind) IsUnsubscribable() bool {
	return k.IsReminder() || k.IsFollowUp() || k == KindMessage
}

// A CalendarMethod is the iTIP method (RFC 5546) of the calendar part a mail carries.
type CalendarMethod string

const (
	CalendarNone    CalendarMethod = ""
	CalendarRequest CalendarMethod = "REQUEST"
	CalendarCancel  CalendarMethod = "CANCEL"
)

// CalendarMethod is the method of k's calendar part.
func (k MailKind) CalendarMethod() CalendarMethod {
	switch k {
	case KindConfirmation, KindPromoted, KindMoved, KindChanged:
		return CalendarRequest
	case KindRegistrationCancelled, KindEventCancelled, KindAddressChanged, KindErasureReceipt:
		return CalendarCancel
	}
	return CalendarNone
}
