package deltag

import (
	"slices"
	"strings"
)

// A MailKind says what a mail is about. That of a reminder includes its offset: "reminder-P1D".
type MailKind string

const (
	KindConfirmation          MailKind = "confirmation" // you have a seat; with the invitation
	KindWaitlisted            MailKind = "waiting"      // you are on the waitlist
	KindPromoted              MailKind = "promoted"     // you have been given a free seat; with the invitation
	KindRegistrationCancelled MailKind = "withdrawn"    // you have cancelled your registration
	KindVerification          MailKind = "verify"       // press the button to show that the address is yours
	KindMoved                 MailKind = "moved"        // the event has a new time
	KindChanged               MailKind = "changed"      // something else that calendars show has changed: the title
	KindEventCancelled        MailKind = "cancelled"    // the event is cancelled
	KindFollowUpAttended      MailKind = "followup-attended"
	KindFollowUpMissed        MailKind = "followup-missed" // to those who were confirmed and did not attend
	KindMessage               MailKind = "message"         // text of the organiser to all
	KindPreview               MailKind = "preview"         // of a message, to the organiser only
	KindOrganiserNote         MailKind = "organiser-note"  // whose seats were given back, or mail held
	KindAddressChanged        MailKind = "readdressed"     // to the old address: it has been replaced by another
	KindErasureReceipt        MailKind = "erased"          // receipt: your data has been erased
	KindSignIn                MailKind = "sign-in"         // to a member: the link to sign in
	KindMemberInvited         MailKind = "member-invited"  // to a new member

	reminderPrefix = "reminder-"
)

// MailKinds lists all about events but those of reminders.
var MailKinds = []MailKind{
	KindConfirmation, KindWaitlisted, KindPromoted, KindRegistrationCancelled, KindMoved, KindChanged, KindEventCancelled,
	KindFollowUpAttended, KindFollowUpMissed, KindMessage, KindPreview, KindAddressChanged, KindErasureReceipt,
	KindVerification, KindOrganiserNote,
}

// IsKnown says whether k is one of MailKinds, or that of a reminder.
func (k MailKind) IsKnown() bool {
	if offset, isReminder := strings.CutPrefix(string(k), reminderPrefix); isReminder {
		_, err := ParseOffset(offset)
		return err == nil && offset[0] != '-'
	}
	return slices.Contains(MailKinds, k) || k.IsAccountKind()
}

// ReminderKind is the kind of a reminder at an offset from the start; o and -o give the same.
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

// IsTransactional says whether k tells one person the status of their registration. Such mail is versioned by the
// registration's MailVersion, and a later one replaces an earlier one that has not been sent.
func (k MailKind) IsTransactional() bool {
	return k == KindConfirmation || k == KindWaitlisted || k == KindPromoted || k == KindRegistrationCancelled ||
		k == KindVerification
}

// IsFinal says whether k is sent to an address whose registration was erased or has moved to another address.
func (k MailKind) IsFinal() bool { return k == KindAddressChanged || k == KindErasureReceipt }

// IsChangeNotice says whether k is about an edit that calendars must show.
func (k MailKind) IsChangeNotice() bool { return k == KindMoved || k == KindChanged }

// IsUnsubscribable says whether k is optional: people can take part without it. It has RFC 8058's one-click
// unsubscribe.
func (k MailKind) IsUnsubscribable() bool {
	return k.IsReminder() || k.IsFollowUp() || k == KindMessage
}

// IsLimited says whether k counts for the limit of mails to a mailbox, see MaxMailsPerMailboxPerDay: all but what everybody
// must hear of the event, and what goes to the organiser.
func (k MailKind) IsLimited() bool { return k.IsTransactional() || k.IsFinal() || k.IsUnsubscribable() }

// A CalendarMethod is the iTIP method (RFC 5546) of a mail's calendar part.
type CalendarMethod string

const (
	CalendarNone    CalendarMethod = "" // the mail has no calendar part
	CalendarRequest CalendarMethod = "REQUEST"
	CalendarCancel  CalendarMethod = "CANCEL"
)

// CalendarMethod is that of the mails of kind k.
func (k MailKind) CalendarMethod() CalendarMethod {
	switch k {
	case KindConfirmation, KindPromoted, KindMoved, KindChanged:
		return CalendarRequest
	case KindRegistrationCancelled, KindEventCancelled, KindAddressChanged, KindErasureReceipt:
		return CalendarCancel
	}
	return CalendarNone
}
