// Package calendar writes iCalendar files (RFC 5545): the invitation that a mail carries, the file of one's
// own registration, and an event's public file. Times are UTC, which every calendar shows in its reader's zone.
package calendar

import (
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"deltag/internal/deltag"
	"deltag/internal/language"
)

// Links are the personal pages of a registration.
type Links struct {
	Join string // the door to the meeting; the meeting's own address never stands in a calendar
	Own  string // see, change, give up the place
}

// LinksOf are r's below baseURL, which has no slash at its end.
func LinksOf(baseURL string, r deltag.Registration) Links {
	return Links{
		Join: baseURL + "/join/" + r.Link(deltag.ToJoin),
		Own:  baseURL + "/r/" + r.Link(deltag.ToManage),
	}
}

// Invitation is the calendar part of a mail (RFC 5546): a Request puts the event into the reader's calendar or
// changes it there, a Cancel takes it out.
//
// It has no alarm: Outlook ignores one in a request, and everybody's own default alarm works.
func Invitation(l deltag.Letter, method deltag.CalendarMethod, links Links, now time.Time) []byte {
	e, r := l.Event, l.Registration
	entry := newEntry(e, ics.Method(method), l.Sequence(), now)
	// Signing up was the yes: no answer is asked for, and none reaches the organiser's inbox.
	entry.person("ATTENDEE", r.Name, r.Email.ASCII(), ";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE")
	entry.set("X-MICROSOFT-DISALLOW-COUNTER", "TRUE") // Outlook: no "propose new time"
	if method == deltag.Cancel {
		entry.SetStatus(ics.ObjectStatusCancelled)
		return entry.bytes()
	}
	entry.leadTo(links, e, language.Of(r.Language))
	return entry.bytes()
}

// Own is a file for people to open themselves, with the invitation's UID, so that later invitations by
// mail change the same entry.
func Own(e deltag.Event, r deltag.Registration, links Links, now time.Time) []byte {
	entry := newEntry(e, ics.MethodPublish, deltag.Letter{Event: e, Registration: r}.Sequence(), now)
	entry.leadTo(links, e, language.Of(r.Language))
	return entry.bytes()
}

// Public is an event's file for everybody.
//
// X-WR-CALNAME is left out: Outlook would then open a calendar of its own instead of one entry.
func Public(e deltag.Event, eventURL string, now time.Time) []byte {
	words := language.Of(e.Language)
	entry := newEntry(e, ics.MethodPublish, e.Sequence, now)
	entry.set(ics.ComponentPropertyLocation, words.Say("calendar.online"))
	entry.set(ics.ComponentPropertyUrl, eventURL)
	entry.set(ics.ComponentPropertyDescription, words.Say("calendar.public", "link", eventURL))
	return entry.bytes()
}

// An entry is a file with one event in it.
type entry struct {
	*ics.VEvent
	file *ics.Calendar
}

func newEntry(e deltag.Event, method ics.Method, sequence int, now time.Time) entry {
	file := ics.NewCalendarFor("Deltag")
	file.SetProductId("-//Deltag//Deltag//EN")
	file.SetMethod(method)
	entry := entry{file.AddEvent(e.ID + "@deltag"), file}
	entry.SetDtStampTime(now)
	entry.SetSequence(sequence)
	entry.SetStartAt(e.StartsAt)
	entry.SetEndAt(e.EndsAt)
	entry.set(ics.ComponentPropertySummary, e.Title)
	entry.person("ORGANIZER", e.Organiser.Name, e.Organiser.Email, "")
	entry.SetStatus(ics.ObjectStatusConfirmed)
	if e.Status == deltag.Cancelled {
		entry.SetStatus(ics.ObjectStatusCancelled)
	}
	entry.SetTimeTransparency(ics.TransparencyOpaque)
	return entry
}

// leadTo says where the meeting and the registration are.
func (n entry) leadTo(links Links, e deltag.Event, words *language.Words) {
	n.set(ics.ComponentPropertyLocation, links.Join)
	n.set(ics.ComponentPropertyUrl, links.Join)
	n.set(ics.ComponentPropertyDescription,
		words.Say("calendar.join", "early", words.Left(deltag.JoinOpens), "link", links.Join),
		words.Say("calendar.own", "link", links.Own),
		words.Say("calendar.questions", "organiser", e.Organiser.Name, "email", e.Organiser.Email))
}

// set writes a property whose value is one paragraph or several.
func (n entry) set(property ics.ComponentProperty, paragraphs ...string) {
	for i, p := range paragraphs {
		paragraphs[i] = line(p)
	}
	n.SetProperty(property, strings.Join(paragraphs, "\n\n"))
}

// person writes ORGANIZER or ATTENDEE. The parameters go into the property's name because the library escapes
// their values with backslashes, which RFC 5545 does not know: people would read "O\'Brien".
func (n entry) person(property, name, address, parameters string) {
	name = strings.ReplaceAll(line(name), `"`, "'") // RFC 5545 3.2: no way to write one that every reader knows
	n.AddProperty(ics.ComponentProperty(property+`;CN="`+name+`"`+parameters), mailto(address))
}

func (n entry) bytes() []byte {
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

// line makes s one line of visible text: a line break would begin a property of its own, and controls that
// turn the reading direction disguise what follows. The library lets both through.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}), " ")
}
