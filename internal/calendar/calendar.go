// Package calendar writes iCalendar files (RFC 5545): the invitation in a mail, the file of a registration, and the
// public file of an event. Times are in UTC, which every calendar shows in its reader's zone.
package calendar

import (
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// PersonalLinks are the personal pages of a registration.
type PersonalLinks struct {
	Join   string // the page with the button to the meeting, whose own URL is never in a calendar file
	Manage string // to see, change or cancel the registration
}

// NewPersonalLinks are those of r, under baseURL, which has no slash at its end.
func NewPersonalLinks(baseURL string, r deltag.Registration) PersonalLinks {
	return PersonalLinks{
		Join:   baseURL + "/join/" + r.LinkToken(deltag.PurposeJoin),
		Manage: baseURL + "/r/" + r.LinkToken(deltag.PurposeManage),
	}
}

// Invitation is the calendar part of a mail (RFC 5546): a REQUEST adds the event to the reader's calendar or changes it
// there, a CANCEL removes it.
//
// It has no alarm, and neither have the files: Outlook ignores the alarm of a request, a calendar's own default alarm
// applies to all of them, and the reminders come by mail.
func Invitation(c deltag.MailContext, method deltag.CalendarMethod, links PersonalLinks, now time.Time) []byte {
	e, r := c.Event, c.Registration
	entry := newVEvent(e, r.CalendarUID(), ics.Method(method), c.ICalSequence(), now)
	// Whoever has signed up has accepted: no reply is asked for, so that none reaches the organiser's inbox.
	const accepted = ";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE"
	entry.addParticipant("ATTENDEE", r.Name, r.Email.ASCII(), accepted)
	entry.setText("X-MICROSOFT-DISALLOW-COUNTER", "TRUE") // no "Propose new time" in Outlook
	if method == deltag.CalendarCancel {
		entry.SetStatus(ics.ObjectStatusCancelled)
		return entry.bytes()
	}
	entry.setJoinDetails(links, e, i18n.For(r.Language))
	return entry.bytes()
}

// RegistrationFile is a file to download, with the UID of the invitation, so that later invitations by mail change the
// same entry.
func RegistrationFile(e deltag.Event, r deltag.Registration, links PersonalLinks, now time.Time) []byte {
	sequence := deltag.MailContext{Event: e, Registration: r}.ICalSequence()
	entry := newVEvent(e, r.CalendarUID(), ics.MethodPublish, sequence, now)
	entry.setJoinDetails(links, e, i18n.For(r.Language))
	return entry.bytes()
}

// EventFile is the public file of an event, with a UID of its own, as it is nobody's registration. It has no
// X-WR-CALNAME, with which Outlook would add a whole calendar instead of one entry.
func EventFile(e deltag.Event, eventURL string, now time.Time) []byte {
	catalog := i18n.For(e.Language)
	entry := newVEvent(e, e.ID+"@deltag", ics.MethodPublish, e.ICalSequence, now)
	entry.setText(ics.ComponentPropertyLocation, catalog.Text("calendar.online"))
	entry.setText(ics.ComponentPropertyUrl, eventURL)
	entry.setText(ics.ComponentPropertyDescription, catalog.Text("calendar.public", "link", eventURL))
	return entry.bytes()
}

// A vevent is a calendar file with one event.
type vevent struct {
	*ics.VEvent
	file *ics.Calendar
}

func newVEvent(e deltag.Event, uid string, method ics.Method, sequence int, now time.Time) vevent {
	file := ics.NewCalendarFor("Deltag")
	file.SetProductId("-//Deltag//Deltag//EN")
	file.SetMethod(method)
	entry := vevent{file.AddEvent(uid), file}
	entry.SetDtStampTime(now)
	entry.SetSequence(sequence)
	entry.SetStartAt(e.StartsAt)
	entry.SetEndAt(e.EndsAt)
	entry.setText(ics.ComponentPropertySummary, e.Title)
	entry.addParticipant("ORGANIZER", e.Organiser.Name, e.Organiser.Email, "")
	entry.SetStatus(ics.ObjectStatusConfirmed)
	if e.Status == deltag.EventCancelled {
		entry.SetStatus(ics.ObjectStatusCancelled)
	}
	entry.SetTimeTransparency(ics.TransparencyOpaque)
	return entry
}

// setJoinDetails adds the links to the meeting and the registration.
func (v vevent) setJoinDetails(links PersonalLinks, e deltag.Event, catalog *i18n.Catalog) {
	v.setText(ics.ComponentPropertyLocation, links.Join)
	v.setText(ics.ComponentPropertyUrl, links.Join)
	v.setText(ics.ComponentPropertyDescription,
		catalog.Text("calendar.join", "early", catalog.Remaining(deltag.JoinLeadTime), "link", links.Join),
		catalog.Text("calendar.registration", "link", links.Manage),
		catalog.Text("calendar.questions", "organiser", e.Organiser.Name, "email", e.Organiser.Email))
}

// setText sets a property to one or more paragraphs.
func (v vevent) setText(property ics.ComponentProperty, paragraphs ...string) {
	for i, p := range paragraphs {
		paragraphs[i] = singleLine(p)
	}
	v.SetProperty(property, strings.Join(paragraphs, "\n\n"))
}

// addParticipant adds ORGANIZER or ATTENDEE. The parameters are part of the property's name, because the library
// escapes their values with backslashes, which RFC 5545 does not allow: readers would see "O\'Brien".
func (v vevent) addParticipant(property, name, address, parameters string) {
	name = strings.ReplaceAll(singleLine(name), `"`, "'") // RFC 5545 3.2 has no escape for it
	v.AddProperty(ics.ComponentProperty(property+`;CN="`+name+`"`+parameters), mailto(address))
}

func (v vevent) bytes() []byte { return []byte(v.file.Serialize(ics.WithNewLineWindows)) }

// mailto is an address as a URI (RFC 6068), with the characters percent-encoded that may not be in one.
func mailto(address string) string {
	var b strings.Builder
	b.WriteString("mailto:")
	for _, c := range []byte(address) {
		isAlphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if isAlphanumeric || strings.IndexByte("@.-_+~!$&'*=", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// singleLine makes s one line of visible text: a line break would begin another property, and the bidirectional
// controls can disguise what follows. The library keeps both.
func singleLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}), " ")
}
