package deltag

import "strings"

// A Kind of mail. Reminders before the start carry their offset: "reminder-P1D".
type Kind string

const (
	Confirmation     Kind = "confirmation" // you have a place; the invitation
	WaitingNote      Kind = "waiting"      // you are in line
	Promoted         Kind = "promoted"     // a place came free and is yours; the invitation
	WithdrawnNote    Kind = "withdrawn"    // you gave your place up
	Moved            Kind = "moved"        // the event has a new time
	Changed          Kind = "changed"      // something else that calendars show has changed
	CancelledNote    Kind = "cancelled"    // the event is off
	FollowUpAttended Kind = "followup-attended"
	FollowUpMissed   Kind = "followup-missed"
	Message          Kind = "message"     // the organiser's own words
	Preview          Kind = "preview"     // a message as its attendees would get it, to the organiser alone
	Readdressed      Kind = "readdressed" // to an address that was changed for another
	Erased           Kind = "erased"      // receipt: nothing is stored about you any more

	reminderPrefix = "reminder-"
)

// ReminderKind is the kind of a reminder so long before the start.
func ReminderKind(o Offset) Kind {
	if o < 0 {
		o = -o
	}
	return Kind(reminderPrefix + o.String())
}

// Reminder says whether k is a reminder before the start.
func (k Kind) Reminder() bool { return strings.HasPrefix(string(k), reminderPrefix) }

// FollowUp says whether k is sent after the event.
func (k Kind) FollowUp() bool { return k == FollowUpAttended || k == FollowUpMissed }

// Personal mail answers something that happened to one registration. It is numbered by the
// registration's MailVersion, and a later one makes an earlier one pointless.
func (k Kind) Personal() bool {
	switch k {
	case Confirmation, WaitingNote, Promoted, WithdrawnNote:
		return true
	}
	return false
}

// Parting mail goes to an address that no registration has any more.
func (k Kind) Parting() bool { return k == Readdressed || k == Erased }

// News tells of an edit that calendars must show.
func (k Kind) News() bool { return k == Moved || k == Changed }

// Optional mail is what one can take part without. It carries the one-click unsubscribe of RFC 8058.
func (k Kind) Optional() bool { return k.Reminder() || k.FollowUp() || k == Message }

// A CalendarMethod is the iTIP method (RFC 5546) of the calendar part a mail carries.
type CalendarMethod string

const (
	NoCalendar CalendarMethod = ""
	Request    CalendarMethod = "REQUEST"
	Cancel     CalendarMethod = "CANCEL"
)

// Calendar is the method of k's calendar part.
func (k Kind) Calendar() CalendarMethod {
	switch k {
	case Confirmation, Promoted, Moved, Changed:
		return Request
	case WithdrawnNote, CancelledNote, Readdressed, Erased:
		return Cancel
	}
	return NoCalendar
}
