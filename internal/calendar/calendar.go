// Package calendar writes iCalendar files (RFC 5545): the invitation that a mail carries, the file of one's
// own registration, and an event's public file. Times are UTC, which every calendar shows in its reader's zone.
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
	Join   string // the door to the meeting; the meeting's own address never stands in a calendar
	Manage string // see, change, give up the place
}

// NewPersonalLinks are r's below baseURL, which has no slash at its end.
func NewPersonalLinks(baseURL string, r deltag.Registration) PersonalLinks {
	return PersonalLinks{
		Join:   baseURL + "/join/" + r.Link(deltag.PurposeJoin),
		Manage: baseURL + "/r/" + r.Link(deltag.PurposeManage),
	}
}

// Invitation is the calendar part of a mail (RFC 5546): a Request puts the event into the reader's calendar or
// changes it there, a Cancel takes it out.
//
// It has no alarm: Outlook ignores one in a request, and everybody's own default alarm works.
func Invitation(l deltag.MailContext, method deltag.CalendarMethod, links PersonalLinks, now time.Time) []byte {
	e, r := l.Event, l.Registration
	entry := newVEvent(e, ics.Method(method), l.ICalSequence(), now)
	// Signing up was the yes: no answer is asked for, and none reaches the organiser's inbox.
	entry.addParticipant("ATTENDEE", r.Name, r.Email.ASCII(), ";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE")
	entry.setText("X-MICROSOFT-DISALLOW-COUNTER", "TRUE") // Outlook: no "propose new time"
	if method == deltag.CalendarCancel {
		entry.SetStatus(ics.ObjectStatusCancelled)
		return entry.bytes()
	}
	entry.setJoinDetails(links, e, i18n.For(r.Language))
	return entry.bytes()
}

// RegistrationFile is a file for people to open themselves, with the invitation's UID, so that later invitations by
// mail change the same entry.
func RegistrationFile(e deltag.Event, r deltag.Registration, links PersonalLinks, now time.Time) []byte {
	entry := newVEvent(e, ics.MethodPublish, deltag.MailContext{Event: e, Registration: r}.ICalSequence(), now)
	entry.setJoinDetails(links, e, i18n.For(r.Language))
	return entry.bytes()
}

// EventFile is an event's file for everybody.
//
// X-WR-CALNAME is left out: Outlook would then open a calendar of its own instead of one entry.
func EventFile(e deltag.Event, eventURL string, now time.Time) []byte {
	words := i18n.For(e.Language)
	entry := newVEvent(e, ics.MethodPublish, e.ICalSequence, now)
	entry.setText(ics.ComponentPropertyLocation, words.Text("calendar.online"))
	entry.setText(ics.ComponentPropertyUrl, eventURL)
	entry.setText(ics.ComponentPropertyDescription, words.Text("calendar.public", "link", eventURL))
	return entry.bytes()
}

// A vevent is a file with one event in it.
type vevent struct {
	*ics.VEvent
	file *ics.Calendar
}

func newVEvent(e deltag.Event, method ics.Method, sequence int, now time.Time) vevent {
	file := ics.NewCalendarFor("Deltag")
	file.SetProductId("-//Deltag//Deltag//EN")
	file.SetMethod(method)
	entry := vevent{file.AddEvent(e.ID + "@deltag"), file}
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

// setJoinDetails says where the meeting and the registration are.
func (n vevent) setJoinDetails(links PersonalLinks, e deltag.Event, words *i18n.Catalog) {
	n.setText(ics.ComponentPropertyLocation, links.Join)
	n.setText(ics.ComponentPropertyUrl, links.Join)
	n.setText(ics.ComponentPropertyDescription,
		words.Text("calendar.join", "early", words.Remaining(deltag.JoinLeadTime), "link", links.Join),
		words.Text("calendar.registration", "link", links.Manage),
		words.Text("calendar.questions", "organiser", e.Organiser.Name, "email", e.Organiser.Email))
}

// setText writes a property whose value is one paragraph or several.
func (n vevent) setText(property ics.ComponentProperty, paragraphs ...string) {
	for i, p := range paragraphs {
		paragraphs[i] = singleLine(p)
	}
	n.SetProperty(property, strings.Join(paragraphs, "\n\n"))
}

// addParticipant writes ORGANIZER or ATTENDEE. The parameters go into the property's name because the library escapes
// their values with backslashes, which RFC 5545 does not know: people would read "O\'Brien".
func (n vevent) addParticipant(property, name, address, parameters string) {
	name = strings.ReplaceAll(singleLine(name), `"`, "'") // RFC 5545 3.2: no way to write one that every reader knows
	n.AddProperty(ics.ComponentProperty(property+`;CN="`+name+`"`+parameters), mailto(address))
}

func (n vevent) bytes() []byte {
	return []byte(n.file.Serialize(ics.WithNewLineWindows))
}

// mailto is an address as a URI (RFC 6068): what may not stand there bare is percent-encoded.
func mailto(address string) string {
	var b strings.Builder
	b.WriteString("mailto:")
	for _, c := range []byte(address) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte("@.-_+~!$&'*=", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// singleLine makes s one line of visible text: a line break would begin a property of its own, and controls that
// turn the reading direction disguise what follows. The library lets both through.
func singleLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}), " ")
}
