package mailtmpl

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
	"deltag/internal/i18n"
)

// A content is what one mail says, before it takes the form of HTML or text.
type content struct {
	*i18n.Catalog
	OrganiserLanguage deltag.Language // in which the organiser writes
	Subject           string
	Preview           string // what an inbox shows beside the subject
	Heading           string
	Greeting          string
	Lead              []string
	Title             string
	When              string
	Month             string
	Day               int
	Organiser         string
	CustomText        []paragraph // the organiser's own words
	CustomTextFirst   bool        // they are what the mail is about
	CallToAction      link        // the one button; none if there is nothing to do
	Manage            linkPrompt
	Answers           []answer
	Footer            []string
	Data              link
	// Unsubscribe is where optional mail ends; "" in mail that one needs.
	Unsubscribe string
}

type link struct{ Label, URL string }

// A linkPrompt is a question and the link for those who say yes.
type linkPrompt struct {
	Text string
	link
}

type answer struct {
	Question, Answer  string
	OrganiserLanguage deltag.Language // of the question
}

// newContent decides what to say.
func (c *Renderer) newContent(l deltag.MailContext, now time.Time) (content, error) {
	e, r := l.Event, l.Registration
	s := c.newRenderContext(l, now)
	key := "mail." + s.templateKey
	n := content{
		Catalog: s.words, OrganiserLanguage: e.Language, Organiser: singleLine(e.Organiser.Name), Title: singleLine(e.Title),
		When: capitalize(s.words.EventTime(e)), Month: s.words.Text(fmt.Sprintf("date.month.%d", s.start.Month())), Day: s.start.Day(),
	}
	if !n.Has(key + ".subject") {
		return content{}, fmt.Errorf("no words for %q", l.Kind)
	}
	n.Subject, n.Heading = s.text(key+".subject"), s.text(key+".heading")
	n.Lead = s.bodyParagraphs(key)
	n.CallToAction = s.callToAction()
	n.CustomText = paragraphs(l.Text, s.substitute)
	n.CustomTextFirst = l.Kind == deltag.KindMessage || l.Kind == deltag.KindPreview || l.Kind.IsFollowUp()
	if !n.CustomTextFirst || !strings.Contains(l.Text, "{name}") { // else the organiser greets
		n.Greeting = s.text("mail.greeting")
	}
	if key := "mail.manage." + string(r.Status); s.hasPersonalLinks() && s.isUpcoming() && n.Has(key+".text") {
		n.Manage = linkPrompt{s.text(key + ".text"), link{s.text(key + ".link"), s.links.Manage}}
	}
	if l.Kind == deltag.KindConfirmation || l.Kind == deltag.KindWaitlisted {
		n.Answers = s.answers()
	}
	n.Footer = []string{s.footerReason(), s.text("mail.sender")}
	if s.hasPersonalLinks() {
		n.Footer = append(n.Footer, s.text("mail.personal"), s.text("mail.until"))
		n.Data = link{s.text("mail.data"), s.links.Manage}
	}
	if l.Kind.IsUnsubscribable() && s.hasPersonalLinks() {
		n.Unsubscribe = c.BaseURL + "/unsubscribe/" + r.Link(deltag.PurposeUnsubscribe)
	}
	n.Preview = n.When
	if s.startsSoon() {
		n.Preview = s.text(s.joinInfoKey())
	}
	return n, nil
}

// A renderContext is how things are for one person when the mail is made.
type renderContext struct {
	deltag.MailContext
	now         time.Time
	start       time.Time // where the event is held
	words       *i18n.Catalog
	links       calendar.PersonalLinks
	templateKey string // the part of the word files that speaks of it
	params      []any  // fill every sentence's placeholders
}

func (c *Renderer) newRenderContext(l deltag.MailContext, now time.Time) renderContext {
	e, r := l.Event, l.Registration
	zone, w := e.Zone(), i18n.For(r.Language)
	return renderContext{
		MailContext: l, now: now, start: e.StartsAt.In(zone), words: w, links: calendar.NewPersonalLinks(c.BaseURL, r), templateKey: templateKey(l),
		params: []any{
			"left", w.Remaining(e.StartsAt.Sub(now)), "early", w.Remaining(deltag.JoinLeadTime), "opens", w.TimeOfDay(e.JoinOpensAt(), zone),
			"place", l.WaitlistPosition, "day", w.Date(l.DueAt, zone), "clock", w.TimeOfDay(l.DueAt, zone), "date", w.Date(e.RetentionEndsAt(), zone),
			"name", singleLine(r.Name), "organiser", singleLine(e.Organiser.Name), "title", singleLine(e.Title),
		},
	}
}

func templateKey(l deltag.MailContext) string {
	switch {
	case l.Kind.IsReminder():
		return "reminder"
	case l.Kind == deltag.KindRegistrationCancelled && l.Registration.ConfirmedAt.IsZero():
		return "waitlist-left"
	}
	return string(l.Kind)
}

func (s renderContext) text(key string) string { return s.words.Text(key, s.params...) }

// hasPersonalLinks: the reader has personal links, or is to see where they will be.
func (s renderContext) hasPersonalLinks() bool {
	return len(s.Registration.Secret) > 0 || s.Kind == deltag.KindPreview
}

// isUpcoming: the event takes place and is not over.
func (s renderContext) isUpcoming() bool {
	return s.Event.Status != deltag.EventCancelled && s.now.Before(s.Event.EndsAt)
}

// startsSoon: it is so close that the mail leads straight to the meeting.
func (s renderContext) startsSoon() bool { return s.isUpcoming() && s.IncludesJoinLink(s.now) }

// canRejoin: somebody who has just left could come back.
func (s renderContext) canRejoin() bool {
	return s.Kind == deltag.KindRegistrationCancelled && s.Event.SignUpStateAt(s.now) == deltag.SignUpOpen
}

// bodyParagraphs is the paragraphs after the greeting.
func (s renderContext) bodyParagraphs(key string) []string {
	var keys []string
	if s.Kind == deltag.KindWaitlisted && s.WaitlistPosition < 1 {
		keys = append(keys, key+".lead-unplaced")
	} else {
		keys = append(keys, key+".lead")
	}
	keys = append(keys, key+".next", s.joinInfoKey())
	switch method := calendarMethod(s.MailContext); {
	case method == deltag.CalendarRequest && s.Kind.IsChangeNotice():
		keys = append(keys, "mail.calendar.update")
	case method == deltag.CalendarRequest:
		keys = append(keys, "mail.calendar.request")
	case method == deltag.CalendarCancel:
		keys = append(keys, "mail.calendar.cancel")
	}
	if s.canRejoin() {
		keys = append(keys, "mail.withdrawn.again")
	}
	var ps []string
	for _, k := range keys {
		if s.words.Has(k) {
			ps = append(ps, s.text(k))
		}
	}
	return ps
}

// joinInfoKey names the words that say when and how to get in.
func (s renderContext) joinInfoKey() string {
	begun, open := !s.now.Before(s.Event.StartsAt), !s.now.Before(s.Event.JoinOpensAt())
	switch {
	case s.Registration.Status != deltag.RegistrationConfirmed, !s.isUpcoming(), !s.hasPersonalLinks():
		return ""
	case !s.startsSoon() && (s.Kind == deltag.KindMessage || s.Kind.IsChangeNotice()): // earlier mail has told
		return ""
	case !s.startsSoon():
		return "mail.join.early"
	case begun:
		return "mail.join.running"
	case s.Kind.IsReminder() && open: // the heading says when it begins
		return "mail.join.open"
	case s.Kind.IsReminder():
		return "mail.join.shut"
	case open:
		return "mail.join.soon-open"
	}
	return "mail.join.soon-shut"
}

// footerReason is the reason for the mail's coming.
func (s renderContext) footerReason() string {
	if !s.hasPersonalLinks() && !s.Kind.IsFinal() {
		return s.text("mail.footer-reason.organiser")
	}
	if key := "mail.footer-reason." + string(s.Registration.Status); s.isUpcoming() && s.words.Has(key) {
		return s.text(key)
	}
	return s.text("mail.footer-reason.before")
}

func (s renderContext) callToAction() link {
	switch {
	case !s.hasPersonalLinks() && (s.Kind.IsFinal() || s.Event.JoinURL == ""):
		return link{}
	case !s.hasPersonalLinks(): // the organiser needs no door
		return link{s.text("mail.action.join"), s.Event.JoinURL}
	case s.startsSoon():
		return link{s.text("mail.action.join"), s.links.Join}
	case s.isUpcoming() && s.Registration.Status != deltag.RegistrationCancelled, s.canRejoin():
		return link{s.text("mail.action.registration"), s.links.Manage}
	}
	return link{}
}

// Long answers are cut in mail, in characters: all of them are on the personal page.
const maxAnswer = 200

// answers are what the person wrote, in the order of the form.
func (s renderContext) answers() []answer {
	var as []answer
	add := func(question, given string, tongue deltag.Language) {
		if given != "" {
			as = append(as, answer{s.truncate(singleLine(question)), s.truncate(singleLine(given)), tongue})
		}
	}
	r := s.Registration
	add(s.text("form.organisation"), r.Organisation, s.words.Language)
	add(s.text("form.role"), r.Role, s.words.Language)
	for _, q := range s.Event.Questions {
		given := strings.Join(r.Answers[q.ID], ", ")
		if q.Kind == deltag.QuestionCheckbox && given != "" {
			given = s.text("mail.checked")
		}
		add(q.Label, given, s.Event.Language)
	}
	return as
}

func (s renderContext) truncate(text string) string {
	if utf8.RuneCountInString(text) <= maxAnswer {
		return text
	}
	return string([]rune(text)[:maxAnswer]) + s.text("mail.more")
}

// A paragraph is lines of spans.
type paragraph [][]span

// A span is text, or a link when it has a URL.
type span struct{ Text, URL string }

// placeholderPattern are what organisers may write into their words: four placeholders, and addresses of pages.
var placeholderPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{(?:name|title|when|link)\}|https?://[^\s<>"{}]+`)
})

// substitute is what a placeholder stands for.
func (s renderContext) substitute(mark string) span {
	switch mark {
	case "{name}":
		return span{Text: singleLine(s.Registration.Name)}
	case "{title}":
		return span{Text: singleLine(s.Event.Title)}
	case "{when}":
		return span{Text: s.words.EventTime(s.Event)}
	case "{link}":
		if to := s.callToAction(); to.URL != "" {
			return span{to.Label, to.URL}
		}
		if !s.hasPersonalLinks() {
			return span{Text: s.text("mail.action.registration")}
		}
		return span{s.text("mail.action.registration"), s.links.Manage}
	}
	return span{mark, mark}
}

// paragraphs takes a text apart in one pass, so that nothing that was filled in is filled in again.
func paragraphs(text string, fill func(mark string) span) []paragraph {
	var ps []paragraph
	var p paragraph
	for l := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if l = singleLine(l); l != "" {
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
	for _, m := range placeholderPattern().FindAllStringIndex(l, -1) {
		from, to := m[0], m[1]
		if l[from] != '{' { // the sentence's own signs are not the address's
			to = from + len(strings.TrimRight(l[from:to], ".,;:!?)»”'*"))
		}
		all = append(all, span{Text: l[at:from]}, fill(l[from:to]))
		at = to
	}
	return append(all, span{Text: l[at:]})
}

// capitalize makes a sentence's first letter large.
func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
