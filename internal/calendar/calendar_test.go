package calendar_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical" // not the library that the package writes with
	"github.com/google/go-cmp/cmp"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/testing/golden"
)

var (
	now   = time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)
	links = calendar.PersonalLinks{Join: "https://deltag.example.dk/join/j0", Manage: "https://deltag.example.dk/r/r0"}
)

func event() deltag.Event {
	return deltag.Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Samskabelse: en times fælles tænketank; gratis, online",
		Language: deltag.LanguageDanish, TimeZone: "Europe/Copenhagen", Status: deltag.EventOpen, ICalSequence: 2,
		StartsAt: time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC), EndsAt: time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC),
		JoinURL:   "https://meet.example.org/hemmelig",
		Organiser: deltag.Organiser{Name: "UKON", Email: "hej@ukon.example.dk"},
	}
}

func registration() deltag.Registration {
	return deltag.Registration{
		EventID: "aaaaaaaaaaaaaaaaaaaa", ID: "bbbbbbbbbbbbbbbbbbbb", Name: "Mette Østergård", Language: deltag.LanguageDanish,
		Email:  deltag.Address{Original: "Mette@Blåbærgrød.example.dk", Normalized: "mette@xn--blbrgrd-fxak7p.example.dk"},
		Status: deltag.RegistrationConfirmed, ICalSequence: 1, Secret: bytes.Repeat([]byte{7}, 16),
	}
}

func mailContext() deltag.MailContext {
	return deltag.MailContext{Event: event(), Registration: registration(), Kind: deltag.KindConfirmation}
}

func TestGolden(t *testing.T) {
	english := mailContext()
	english.Registration.Language = deltag.LanguageEnglish
	englishEvent := event()
	englishEvent.Language = deltag.LanguageEnglish
	for name, got := range map[string][]byte{
		"request-da.ics": calendar.Invitation(mailContext(), deltag.CalendarRequest, links, now),
		"request-en.ics": calendar.Invitation(english, deltag.CalendarRequest, links, now),
		"cancel-da.ics":  calendar.Invitation(mailContext(), deltag.CalendarCancel, links, now),
		"own-da.ics":     calendar.RegistrationFile(event(), registration(), links, now),
		"own-en.ics":     calendar.RegistrationFile(event(), english.Registration, links, now),
		"public-da.ics":  calendar.EventFile(event(), "https://deltag.example.dk/e/samskabelse", now),
		"public-en.ics":  calendar.EventFile(englishEvent, "https://deltag.example.dk/e/samskabelse", now),
	} {
		t.Run(name, func(t *testing.T) {
			golden.Compare(t, name, string(got))
			checkLines(t, got)
		})
	}
}

func TestInvitation(t *testing.T) {
	t.Run("RequestHasTimePeopleAndLinks", func(t *testing.T) {
		file, e := parse(t, calendar.Invitation(mailContext(), deltag.CalendarRequest, links, now))
		want(t, propertyValues(t, e), map[string]string{
			"UID": registration().CalendarUID(), "DTSTAMP": "20261102T083000Z", "SEQUENCE": "3",
			"DTSTART": "20261201T130000Z", "DTEND": "20261201T140000Z", "STATUS": "CONFIRMED", "TRANSP": "OPAQUE",
			"SUMMARY": "Samskabelse: en times fælles tænketank; gratis, online", "LOCATION": links.Join, "URL": links.Join,
			"DESCRIPTION": "Gå til mødet (døren åbner 15 minutter før start): " + links.Join +
				"\n\nSe din tilmelding, ret den, eller meld afbud: " + links.Manage +
				"\n\nSpørgsmål? Skriv til UKON: hej@ukon.example.dk",
			"ORGANIZER": "mailto:hej@ukon.example.dk", "ATTENDEE": "mailto:Mette@xn--blbrgrd-fxak7p.example.dk",
			"X-MICROSOFT-DISALLOW-COUNTER": "TRUE",
		})
		want(t, file.Props.Get("METHOD").Value, "REQUEST")
		want(t, e.Props.Get("ATTENDEE").Params, ical.Params{
			"CN": {"Mette Østergård"}, "CUTYPE": {"INDIVIDUAL"}, "ROLE": {"REQ-PARTICIPANT"}, "PARTSTAT": {"ACCEPTED"},
			"RSVP": {"FALSE"},
		})
		want(t, len(e.Children), 0) // no alarm
	})
	t.Run("CancelRemovesTheSameEntry", func(t *testing.T) {
		cancel := calendar.Invitation(mailContext(), deltag.CalendarCancel, links, now)
		file, c := parse(t, cancel)
		_, r := parse(t, calendar.Invitation(mailContext(), deltag.CalendarRequest, links, now))
		for _, p := range []string{"UID", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND", "SUMMARY"} {
			want(t, c.Props.Get(p).Value, r.Props.Get(p).Value)
		}
		want(t, file.Props.Get("METHOD").Value, "CANCEL")
		want(t, c.Props.Get("STATUS").Value, "CANCELLED")
		if strings.Contains(unfold(cancel), "/join/") {
			t.Error("a cancellation links to the meeting")
		}
	})
	t.Run("SequenceRisesWithTheEventAndTheRegistration", func(t *testing.T) {
		c, last := mailContext(), -1
		for _, change := range []func(){
			func() {}, func() { c.Event.ICalSequence++ }, func() { c.Registration.ICalSequence++ },
		} {
			change()
			_, e := parse(t, calendar.Invitation(c, deltag.CalendarRequest, links, now))
			n, err := e.Props.Get("SEQUENCE").Int()
			if err != nil || n <= last {
				t.Errorf("SEQUENCE %d (%v) after %d", n, err, last)
			}
			last = n
		}
	})
	t.Run("NoFileHasTheMeetingURL", func(t *testing.T) {
		for _, file := range [][]byte{
			calendar.Invitation(mailContext(), deltag.CalendarRequest, links, now),
			calendar.Invitation(mailContext(), deltag.CalendarCancel, links, now),
			calendar.RegistrationFile(event(), registration(), links, now),
			calendar.EventFile(event(), "https://deltag.example.dk/e/x", now),
		} {
			if strings.Contains(unfold(file), "meet.example.org") {
				t.Errorf("the meeting's URL is in:\n%s", file)
			}
		}
	})
}

func TestTimesAreUTC(t *testing.T) {
	copenhagen, err := deltag.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		start time.Time
		want  string
	}{
		"SundayBeforeSpring": {time.Date(2026, 3, 29, 1, 0, 0, 0, copenhagen), "20260329T000000Z"},
		"SundayAfterSpring":  {time.Date(2026, 3, 29, 3, 0, 0, 0, copenhagen), "20260329T010000Z"},
		"SaturdayOfSummer":   {time.Date(2026, 10, 24, 14, 0, 0, 0, copenhagen), "20261024T120000Z"},
		"MondayOfWinter":     {time.Date(2026, 10, 26, 14, 0, 0, 0, copenhagen), "20261026T130000Z"},
	} {
		t.Run(name, func(t *testing.T) {
			mc := mailContext()
			mc.Event.StartsAt, mc.Event.EndsAt = c.start, c.start.Add(time.Hour)
			_, e := parse(t, calendar.Invitation(mc, deltag.CalendarRequest, links, now.In(copenhagen)))
			want(t, e.Props.Get("DTSTART").Value, c.want)
			start, err := e.DateTimeStart(time.Local)
			if err != nil || !start.Equal(c.start) {
				t.Errorf("starts at %v (%v), want %v", start, err, c.start)
			}
			want(t, e.Props.Get("DTSTAMP").Value, "20261102T083000Z")
		})
	}
}

func TestRegistrationFile(t *testing.T) {
	file, e := parse(t, calendar.RegistrationFile(event(), registration(), links, now))
	want(t, file.Props.Get("METHOD").Value, "PUBLISH")
	_, invited := parse(t, calendar.Invitation(mailContext(), deltag.CalendarRequest, links, now))
	for _, p := range []string{"UID", "SEQUENCE", "LOCATION", "DESCRIPTION"} {
		want(t, e.Props.Get(p).Value, invited.Props.Get(p).Value)
	}
	want(t, e.Props.Values("ATTENDEE"), []ical.Prop(nil)) // RFC 5546 3.2.1
}

func TestEventFile(t *testing.T) {
	t.Run("HasNoAttendeeAndLinksToThePage", func(t *testing.T) {
		file, e := parse(t, calendar.EventFile(event(), "https://deltag.example.dk/e/samskabelse", now))
		want(t, file.Props.Get("METHOD").Value, "PUBLISH")
		want(t, e.Props.Values("ATTENDEE"), []ical.Prop(nil))
		want(t, e.Props.Get("URL").Value, "https://deltag.example.dk/e/samskabelse")
		want(t, e.Props.Get("SEQUENCE").Value, "2")
	})
	t.Run("OfACancelledEventIsCancelled", func(t *testing.T) {
		cancelled := event()
		cancelled.Status = deltag.EventCancelled
		_, e := parse(t, calendar.EventFile(cancelled, "https://deltag.example.dk/e/samskabelse", now))
		want(t, e.Props.Get("STATUS").Value, "CANCELLED")
	})
}

var hostile = []string{
	"", "Mette\r\nATTACH:https://bad.example.org/x", "Mette\nEND:VEVENT\nBEGIN:VEVENT", "Mette\rX:y",
	"a\u2028b\u0085c\x00d\x1be\x7f",
	`"Bo";X=y:mailto:bad@example.org`, `O'Brien, Ann; "Dr." \n C:\temp \\`, "\u202egnp.exe", "\xff\xfe broken \xc3",
	strings.Repeat("å", 400), strings.Repeat("👩‍👩‍👧 ", 60), strings.Repeat("<", 200), strings.Repeat(" ", 300),
	"{link}", "%s%d&amp;<b>",
}

func TestHostileTextIsHarmless(t *testing.T) {
	for _, s := range hostile {
		checkHarmless(t, s)
	}
}

func FuzzInvitation(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkHarmless)
}

// checkHarmless uses s for each text that people enter, and checks that the files have no other properties than they
// should.
func checkHarmless(t *testing.T, s string) {
	c := mailContext()
	c.Event.Title, c.Event.Organiser = s, deltag.Organiser{Name: s, Email: s}
	c.Registration.Name, c.Registration.Email = s, deltag.Address{Original: s, Normalized: s}
	for _, raw := range [][]byte{
		calendar.Invitation(c, deltag.CalendarRequest, links, now), calendar.Invitation(c, deltag.CalendarCancel, links, now),
		calendar.RegistrationFile(c.Event, c.Registration, links, now), calendar.EventFile(c.Event, links.Manage, now),
	} {
		checkLines(t, raw)
		_, e := parse(t, raw)
		known := []string{
			"UID", "DTSTAMP", "SEQUENCE", "DTSTART", "DTEND", "STATUS", "TRANSP", "SUMMARY", "LOCATION", "URL",
			"DESCRIPTION", "ORGANIZER", "ATTENDEE", "X-MICROSOFT-DISALLOW-COUNTER",
		}
		for name := range propertyValues(t, e) {
			if !slices.Contains(known, name) {
				t.Errorf("%q made a property %s:\n%s", s, name, raw)
			}
		}
		visible := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
			return r <= ' ' || r >= 0x7f && r <= 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		}), " ")
		want(t, propertyValues(t, e)["SUMMARY"], visible)
		want(t, e.Props.Get("ORGANIZER").Params.Get("CN"), strings.ReplaceAll(visible, `"`, "'"))
	}
}

// checkLines checks the lines of a file: they end with CRLF, have at most 75 octets, and neither split nor invisible
// characters.
func checkLines(t *testing.T, raw []byte) {
	t.Helper()
	text, ok := strings.CutSuffix(string(raw), "\r\n")
	if !ok {
		t.Error("no CRLF at the end")
	}
	for _, l := range strings.Split(text, "\r\n") {
		isBroken := strings.TrimSpace(l) == "" || !utf8.ValidString(l) || strings.ContainsAny(l, "\r\n\x00\x1b\u202e")
		if len(l) > 75 || isBroken {
			t.Errorf("line %q of %d octets", l, len(l))
		}
	}
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func unfold(raw []byte) string { return strings.ReplaceAll(string(raw), "\r\n ", "") }

func parse(t *testing.T, raw []byte) (*ical.Calendar, ical.Event) {
	t.Helper()
	file, err := ical.NewDecoder(bytes.NewReader(raw)).Decode()
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	if len(file.Children) != 1 || len(file.Events()) != 1 {
		t.Fatalf("%d parts and %d events, want one:\n%s", len(file.Children), len(file.Events()), raw)
	}
	return file, file.Events()[0]
}

// propertyValues are the values of the event's properties, none of which may occur twice.
func propertyValues(t *testing.T, e ical.Event) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, ps := range e.Props {
		if len(ps) != 1 {
			t.Errorf("%s occurs %d times", name, len(ps))
		}
		all[name] = ps[0].Value
		if slices.Contains([]string{"SUMMARY", "DESCRIPTION", "LOCATION"}, name) {
			text, err := ps[0].Text()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			all[name] = text
		}
	}
	return all
}
