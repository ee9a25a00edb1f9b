package message

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/language"
)

// A note is what one mail says, before it takes the form of HTML or text.
type note struct {
	*language.Words
	Tongue    deltag.Language // in which the organiser writes
	Subject   string
	Preview   string // what an inbox shows beside the subject
	Heading   string
	Greeting  string
	Lead      []string
	Title     string
	When      string
	Month     string
	Day       int
	Organiser string
	Own       []paragraph // the organiser's own words
	OwnFirst  bool        // they are what the mail is about
	Action    link        // the one button; none if there is nothing to do
	Manage    aside
	Answers   []answer
	Foot      []string
	Data      link
	// Unsubscribe is where optional mail ends; "" in mail that one needs.
	Unsubscribe string
}

type link struct{ Label, URL string }

// An aside is a question and the link for those who say yes.
type aside struct {
	Text string
	link
}

type answer struct {
	Question, Given string
	Tongue          deltag.Language // of the question
}

// note decides what to say.
func (c *Composer) note(l deltag.Letter, now time.Time) (note, error) {
	e, r := l.Event, l.Registration
	s := c.standing(l, now)
	key := "mail." + s.occasion
	n := note{
		Words: s.words, Tongue: e.Language, Organiser: line(e.Organiser.Name), Title: line(e.Title),
		When: capital(s.words.When(e)), Month: s.words.Say(fmt.Sprintf("date.month.%d", s.start.Month())), Day: s.start.Day(),
	}
	if !n.Has(key + ".subject") {
		return note{}, fmt.Errorf("no words for %q", l.Kind)
	}
	n.Subject, n.Heading = s.say(key+".subject"), s.say(key+".heading")
	n.Lead = s.lead(key)
	n.Action = s.action()
	n.Own = paragraphs(l.Text, s.fill)
	n.OwnFirst = l.Kind == deltag.Message || l.Kind == deltag.Preview || l.Kind.FollowUp()
	if !n.OwnFirst || !strings.Contains(l.Text, "{name}") { // else the organiser greets
		n.Greeting = s.say("mail.greeting")
	}
	if key := "mail.manage." + string(r.Status); s.linked() && s.ahead() && n.Has(key+".text") {
		n.Manage = aside{s.say(key + ".text"), link{s.say(key + ".link"), s.links.Own}}
	}
	if l.Kind == deltag.Confirmation || l.Kind == deltag.WaitingNote {
		n.Answers = s.answers()
	}
	n.Foot = []string{s.why(), s.say("mail.sender")}
	if s.linked() {
		n.Foot = append(n.Foot, s.say("mail.personal"), s.say("mail.until"))
		n.Data = link{s.say("mail.data"), s.links.Own}
	}
	if l.Kind.Optional() && s.linked() {
		n.Unsubscribe = c.BaseURL + "/unsubscribe/" + r.Link(deltag.ToUnsubscribe)
	}
	n.Preview = n.When
	if s.near() {
		n.Preview = s.say(s.door())
	}
	return n, nil
}

// A standing is how things are for one person when the mail is made.
type standing struct {
	deltag.Letter
	now      time.Time
	start    time.Time // where the event is held
	words    *language.Words
	links    calendar.Links
	occasion string // the part of the word files that speaks of it
	pairs    []any  // fill every sentence's placeholders
}

func (c *Composer) standing(l deltag.Letter, now time.Time) standing {
	e, r := l.Event, l.Registration
	zone, w := e.Zone(), language.Of(r.Language)
	return standing{
		Letter: l, now: now, start: e.StartsAt.In(zone), words: w, links: calendar.LinksOf(c.BaseURL, r), occasion: occasion(l),
		pairs: []any{
			"left", w.Left(e.StartsAt.Sub(now)), "early", w.Left(deltag.JoinOpens), "opens", w.Clock(e.JoinsFrom(), zone),
			"place", l.Place, "day", w.Date(l.DueAt, zone), "clock", w.Clock(l.DueAt, zone), "date", w.Date(e.ErasedAt(), zone),
			"name", line(r.Name), "organiser", line(e.Organiser.Name), "title", line(e.Title),
		},
	}
}

func occasion(l deltag.Letter) string {
	switch {
	case l.Kind.Reminder():
		return "reminder"
	case l.Kind == deltag.WithdrawnNote && l.Registration.ConfirmedAt.IsZero():
		return "unqueued"
	}
	return string(l.Kind)
}

func (s standing) say(key string) string { return s.words.Say(key, s.pairs...) }

// linked: the reader has personal links, or is to see where they will be.
func (s standing) linked() bool { return len(s.Registration.Secret) > 0 || s.Kind == deltag.Preview }

// ahead: the event takes place and is not over.
func (s standing) ahead() bool {
	return s.Event.Status != deltag.Cancelled && s.now.Before(s.Event.EndsAt)
}

// near: it is so close that the mail leads straight to the meeting.
func (s standing) near() bool { return s.ahead() && s.ShowsJoinLink(s.now) }

// rejoins: somebody who has just left could come back.
func (s standing) rejoins() bool {
	return s.Kind == deltag.WithdrawnNote && s.Event.SignUpAt(s.now) == deltag.SignUpOpen
}

// lead is the paragraphs after the greeting.
func (s standing) lead(key string) []string {
	var keys []string
	if s.Kind == deltag.WaitingNote && s.Place < 1 {
		keys = append(keys, key+".lead-unplaced")
	} else {
		keys = append(keys, key+".lead")
	}
	keys = append(keys, key+".next", s.door())
	switch method := calendarMethod(s.Letter); {
	case method == deltag.Request && s.Kind.News():
		keys = append(keys, "mail.calendar.update")
	case method == deltag.Request:
		keys = append(keys, "mail.calendar.request")
	case method == deltag.Cancel:
		keys = append(keys, "mail.calendar.cancel")
	}
	if s.rejoins() {
		keys = append(keys, "mail.withdrawn.again")
	}
	var ps []string
	for _, k := range keys {
		if s.words.Has(k) {
			ps = append(ps, s.say(k))
		}
	}
	return ps
}

// door names the words that say when and how to get in.
func (s standing) door() string {
	begun, open := !s.now.Before(s.Event.StartsAt), !s.now.Before(s.Event.JoinsFrom())
	switch {
	case s.Registration.Status != deltag.Confirmed, !s.ahead(), !s.linked():
		return ""
	case !s.near() && (s.Kind == deltag.Message || s.Kind.News()): // earlier mail has told
		return ""
	case !s.near():
		return "mail.door.early"
	case begun:
		return "mail.door.running"
	case s.Kind.Reminder() && open: // the heading says when it begins
		return "mail.door.open"
	case s.Kind.Reminder():
		return "mail.door.shut"
	case open:
		return "mail.door.soon-open"
	}
	return "mail.door.soon-shut"
}

// why is the reason for the mail's coming.
func (s standing) why() string {
	if !s.linked() && !s.Kind.Parting() {
		return s.say("mail.why.host")
	}
	if key := "mail.why." + string(s.Registration.Status); s.ahead() && s.words.Has(key) {
		return s.say(key)
	}
	return s.say("mail.why.before")
}

func (s standing) action() link {
	switch {
	case !s.linked() && (s.Kind.Parting() || s.Event.JoinURL == ""):
		return link{}
	case !s.linked(): // the organiser needs no door
		return link{s.say("mail.action.join"), s.Event.JoinURL}
	case s.near():
		return link{s.say("mail.action.join"), s.links.Join}
	case s.ahead() && s.Registration.Status != deltag.Withdrawn, s.rejoins():
		return link{s.say("mail.action.own"), s.links.Own}
	}
	return link{}
}

// Long answers are cut in mail, in characters: all of them are on the personal page.
const maxAnswer = 200

// answers are what the person wrote, in the order of the form.
func (s standing) answers() []answer {
	var as []answer
	add := func(question, given string, tongue deltag.Language) {
		if given != "" {
			as = append(as, answer{s.cut(line(question)), s.cut(line(given)), tongue})
		}
	}
	r := s.Registration
	add(s.say("form.organisation"), r.Organisation, s.words.Language)
	add(s.say("form.role"), r.Role, s.words.Language)
	for _, q := range s.Event.Questions {
		given := strings.Join(r.Answers[q.ID], ", ")
		if q.Kind == deltag.TickBox && given != "" {
			given = s.say("mail.ticked")
		}
		add(q.Label, given, s.Event.Language)
	}
	return as
}

func (s standing) cut(text string) string {
	if utf8.RuneCountInString(text) <= maxAnswer {
		return text
	}
	return string([]rune(text)[:maxAnswer]) + s.say("mail.more")
}

// A paragraph is lines of spans.
type paragraph [][]span

// A span is text, or a link when it has a URL.
type span struct{ Text, URL string }

// marks are what organisers may write into their words: four placeholders, and addresses of pages.
var marks = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{(?:name|title|when|link)\}|https?://[^\s<>"{}]+`)
})

// fill is what a placeholder stands for.
func (s standing) fill(mark string) span {
	switch mark {
	case "{name}":
		return span{Text: line(s.Registration.Name)}
	case "{title}":
		return span{Text: line(s.Event.Title)}
	case "{when}":
		return span{Text: s.words.When(s.Event)}
	case "{link}":
		if to := s.action(); to.URL != "" {
			return span{to.Label, to.URL}
		}
		if !s.linked() {
			return span{Text: s.say("mail.action.own")}
		}
		return span{s.say("mail.action.own"), s.links.Own}
	}
	return span{mark, mark}
}

// paragraphs takes a text apart in one pass, so that nothing that was filled in is filled in again.
func paragraphs(text string, fill func(mark string) span) []paragraph {
	var ps []paragraph
	var p paragraph
	for l := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if l = line(l); l != "" {
			p = append(p, spans(l, fill))
		} else if p != nil {
			ps, p = append(ps, p), nil
		}
	}
	if p != nil {
		ps = append(ps, p)
	}
	return ps
}

func spans(l string, fill func(string) span) []span {
	var all []span
	at := 0
	for _, m := range marks().FindAllStringIndex(l, -1) {
		from, to := m[0], m[1]
		if l[from] != '{' { // the sentence's own signs are not the address's
			to = from + len(strings.TrimRight(l[from:to], ".,;:!?)»”'*"))
		}
		all = append(all, span{Text: l[at:from]}, fill(l[from:to]))
		at = to
	}
	return append(all, span{Text: l[at:]})
}

// capital makes a sentence's first letter large.
func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
