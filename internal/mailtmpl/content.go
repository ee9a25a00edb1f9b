package mailtmpl

import (
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"deltag/internal/calendar"
	"deltag/internal/deltag"
	"deltag/internal/i18n"
)

// A content is what one mail says, before it becomes HTML or plain text. Of what was typed in the form it has the name
// only, for the address may be somebody else's: the rest stands on the personal page.
type content struct {
	*i18n.Catalog
	OrganiserLanguage deltag.Language // the language of what the organiser wrote
	Subject           string
	Preheader         string // what an inbox shows beside the subject
	Heading           string
	Greeting          string
	Lead              []string // paragraphs
	Title             string   // of the event; "": the mail is about none
	When              string
	Month             string
	Day               int
	Organiser         string
	CustomText        []paragraph // the organiser's own words
	CustomTextFirst   bool        // they are what the mail is about
	CallToAction      link        // the one button; none if there is nothing to do
	Manage            linkPrompt
	Footer            []string
	Data              link
	// Unsubscribe is the URL that ends optional mail; "" in mail that one needs to take part.
	Unsubscribe string
}

type link struct{ Label, URL string }

// A linkPrompt is a question and the link for those who say yes.
type linkPrompt struct {
	Text string
	link
}

// newContent decides what a mail says. It fails for a kind that the word files do not know.
func (r *Renderer) newContent(mail deltag.MailContext, now time.Time) (content, error) {
	c := r.newRenderContext(mail, now)
	e, key := mail.Event, "mail."+c.templateKey
	if !c.words.Has(key + ".subject") {
		return content{}, fmt.Errorf("no words for %q", mail.Kind)
	}
	n := content{
		Catalog: c.words, OrganiserLanguage: e.Language,
		Subject: c.text(key + ".subject"), Heading: c.text(key + ".heading"), Lead: c.lead(key),
		Organiser: singleLine(e.Organiser.Name), Title: singleLine(e.Title), When: capitalize(c.words.EventTime(e)),
		Month: c.words.Text(fmt.Sprintf("date.month.%d", c.start.Month())), Day: c.start.Day(),
		CustomText:      paragraphs(mail.Text, c.substitute),
		CustomTextFirst: mail.Kind == deltag.KindMessage || mail.Kind == deltag.KindPreview || mail.Kind.IsFollowUp(),
		CallToAction:    c.callToAction(),
		Footer:          []string{c.footerReason(), c.text("mail.sender")},
	}
	if mail.Kind == deltag.KindOrganiserNote { // whom an answer would go to
		n.Footer = n.Footer[:1]
	}
	if mail.Kind.IsAccountKind() {
		n.Title, n.Preheader, n.Footer = "", n.Lead[0], n.Footer[:1]
		return n, nil
	}
	n.Preheader = n.When
	if c.join.isSoon() {
		n.Preheader = c.text(joinInfoKey(c.join, mail.Kind))
	}
	if mail.Kind == deltag.KindVerification {
		return n, nil // nothing that somebody typed, and one link: the address may be a stranger's
	}
	if !n.CustomTextFirst || !deltag.HasPlaceholder(mail.Text, deltag.PlaceholderName) { // else the organiser's words greet
		n.Greeting = c.text("mail.greeting")
	}
	if c.hasPersonalLinks() {
		c.addPersonalLinks(&n)
	}
	return n, nil
}

func (c renderContext) addPersonalLinks(n *content) {
	if key := "mail.manage." + string(c.Registration.Status); c.isUpcoming() && c.words.Has(key+".text") {
		n.Manage = linkPrompt{c.text(key + ".text"), link{c.text(key + ".link"), c.links.Manage}}
	}
	n.Footer = append(n.Footer, c.text("mail.personal"), c.text("mail.until"))
	n.Data = link{c.text("mail.data"), c.links.Manage}
	if c.Kind.IsUnsubscribable() {
		n.Unsubscribe = c.baseURL + "/unsubscribe/" + c.Registration.LinkToken(deltag.PurposeUnsubscribe)
	}
}

// A renderContext is what a mail's words are chosen by.
type renderContext struct {
	deltag.MailContext
	baseURL     string
	now         time.Time
	start       time.Time // in the event's time zone
	words       *i18n.Catalog
	links       calendar.PersonalLinks
	join        joinState
	templateKey string // begins the keys of the mail's words
	params      []any  // names and values of the placeholders in every sentence
}

func (r *Renderer) newRenderContext(mail deltag.MailContext, now time.Time) renderContext {
	e, reg := mail.Event, mail.Registration
	zone, w := e.Zone(), i18n.For(reg.Language)
	c := renderContext{
		MailContext: mail, baseURL: r.BaseURL, now: now, start: e.StartsAt.In(zone), words: w,
		links: calendar.NewPersonalLinks(r.BaseURL, reg), templateKey: templateKey(mail, now),
		params: []any{
			"left", w.Remaining(e.StartsAt.Sub(now)), "early", w.Remaining(deltag.JoinLeadTime),
			"starts", w.TimeOfDay(e.StartsAt, zone), "opens", w.TimeOfDay(e.JoinOpensAt(), zone),
			"place", mail.WaitlistPosition,
			"before-time", w.EventTime(before(e)), "before-title", singleLine(e.LatestNotice.Before.Title),
			"due-day", w.Date(mail.DueAt, zone), "due-time", w.TimeOfDay(mail.DueAt, zone),
			"valid-until", w.TimeOfDay(mail.DueAt.Add(deltag.SignInLinkPeriod), zone),
			"verify-day", w.Date(mail.Registration.VerifyUntil, zone),
			"verify-time", w.TimeOfDay(mail.Registration.VerifyUntil, zone),
			"retention-date", w.Date(e.RetentionEndsAt(), zone), "name", singleLine(reg.Name),
			"organiser", singleLine(e.Organiser.Name), "title", singleLine(e.Title),
			"source", singleLine(reg.Source),
		},
	}
	c.join = c.newJoinState()
	return c
}

// before is e as it was before its latest notice.
func before(e deltag.Event) deltag.Event {
	d := e.LatestNotice.Before
	e.Title, e.StartsAt, e.EndsAt, e.TimeZone = d.Title, d.StartsAt, d.EndsAt, d.TimeZone
	return e
}

func templateKey(mail deltag.MailContext, now time.Time) string {
	switch {
	case mail.Kind.IsReminder():
		return reminderKey(mail.Event, now)
	case mail.Kind == deltag.KindRegistrationCancelled && mail.Registration.ConfirmedAt.IsZero():
		return "waitlist-left"
	case mail.Kind == deltag.KindOrganiserNote && len(mail.Noted) == 0:
		return "organiser-digest"
	case mail.Kind == deltag.KindOrganiserNote && !slices.ContainsFunc(mail.Noted, deltag.Registration.WasGivenBack):
		return "organiser-note-held"
	}
	return string(mail.Kind)
}

// reminderKey names the words of a reminder by when it is sent, which may be later than it was planned for.
func reminderKey(e deltag.Event, now time.Time) string {
	zone := e.Zone()
	isTomorrow := e.StartsAt.In(zone).Format(time.DateOnly) == now.In(zone).AddDate(0, 0, 1).Format(time.DateOnly)
	switch timeLeft := e.StartsAt.Sub(now); {
	case !now.Before(e.JoinOpensAt()):
		return "reminder-soon"
	case timeLeft < 12*time.Hour, timeLeft < 24*time.Hour && !isTomorrow: // also a little after midnight
		return "reminder-today"
	case isTomorrow:
		return "reminder-tomorrow"
	}
	return "reminder"
}

func (c renderContext) text(key string) string { return c.words.Text(key, c.params...) }

// hasPersonalLinks: the reader has a registration, or this is a preview, which shows where the links will be.
func (c renderContext) hasPersonalLinks() bool {
	return len(c.Registration.Secret) > 0 || c.Kind == deltag.KindPreview
}

// isUpcoming: the event takes place and is not over.
func (c renderContext) isUpcoming() bool {
	return c.Event.Status != deltag.EventCancelled && c.now.Before(c.Event.EndsAt)
}

// canRejoin: the mail is about the reader's cancellation, and sign-up is still open.
func (c renderContext) canRejoin() bool {
	return c.Kind == deltag.KindRegistrationCancelled && c.Event.SignUpStateAt(c.now) == deltag.SignUpOpen
}

// asksForNews: the mail about a sign-up says that the box was ticked, for a stranger may have done so.
func (c renderContext) asksForNews() bool {
	r := c.Registration
	switch c.Kind {
	case deltag.KindConfirmation, deltag.KindWaitlisted, deltag.KindPromoted:
		return r.AllowsNews || r.AsksForNews
	case deltag.KindVerification:
		return r.AsksForNews
	}
	return false
}

// A joinState is how near the reader is to joining the meeting.
type joinState int

const (
	joinUnavailable joinState = iota // no seat, no personal links, or the event is cancelled or over
	joinLater                        // the event starts in more than deltag.LateSignUpWindow
	joinSoon                         // the event starts soon, and the join page is still closed
	joinOpen                         // the join page is open
	joinRunning                      // the event has begun
)

// isSoon: the mail leads straight to the join page.
func (s joinState) isSoon() bool { return s >= joinSoon }

func (c renderContext) newJoinState() joinState {
	switch {
	case c.Registration.Status != deltag.RegistrationConfirmed, !c.isUpcoming(), !c.hasPersonalLinks():
		return joinUnavailable
	case !c.IncludesJoinLink(c.now):
		return joinLater
	case c.now.Before(c.Event.JoinOpensAt()):
		return joinSoon
	case c.now.Before(c.Event.StartsAt):
		return joinOpen
	}
	return joinRunning
}

// joinInfoKey names the words that say when and how to join. The heading of a reminder says already when the event
// starts; a message or a change notice leaves what is later to the other mails.
func joinInfoKey(state joinState, kind deltag.MailKind) string {
	switch {
	case state == joinUnavailable, state == joinLater && (kind == deltag.KindMessage || kind.IsChangeNotice()):
		return ""
	case state == joinLater:
		return "mail.join.early"
	case state == joinRunning:
		return "mail.join.running"
	case state == joinOpen && kind.IsReminder():
		return "mail.join.open"
	case state == joinOpen:
		return "mail.join.soon-open"
	case kind.IsReminder():
		return "mail.join.shut"
	}
	return "mail.join.soon-shut"
}

// lead is the paragraphs after the greeting.
func (c renderContext) lead(key string) []string {
	if c.Kind == deltag.KindOrganiserNote {
		return c.noteLead()
	}
	keys := []string{key + ".lead", key + ".next", joinInfoKey(c.join, c.Kind)}
	if c.Registration.ByOrganiser && c.Kind == deltag.KindConfirmation {
		keys[0] += "-added" // who has not signed up is not thanked for it
	}
	if c.Kind == deltag.KindWaitlisted && c.WaitlistPosition < 1 {
		keys[0] = key + ".lead-unplaced"
	}
	if c.Registration.ByOrganiser && (c.Kind == deltag.KindConfirmation || c.Kind == deltag.KindWaitlisted) {
		keys = slices.Insert(keys, 0, c.addedKey("mail.added"))
	}
	if was := before(c.Event); c.Kind.IsChangeNotice() && c.Event.LatestNotice.Kind == c.Kind {
		if c.words.EventTime(was) != c.words.EventTime(c.Event) {
			keys = append(keys, "mail.before.time")
		}
		if was.Title != c.Event.Title {
			keys = append(keys, "mail.before.title")
		}
	}
	switch method := calendarMethod(c.MailContext); {
	case method == deltag.CalendarRequest && c.Kind.IsChangeNotice():
		keys = append(keys, "mail.calendar.update")
	case method == deltag.CalendarRequest:
		keys = append(keys, "mail.calendar.request")
	case method == deltag.CalendarCancel:
		keys = append(keys, "mail.calendar.cancel")
	}
	if c.canRejoin() {
		keys = append(keys, "mail.withdrawn.again")
	}
	switch {
	case c.asksForNews() && c.Kind == deltag.KindVerification:
		keys = append(keys, key+".news")
	case c.asksForNews():
		keys = append(keys, "mail.news")
	}
	var all []string
	for _, k := range keys {
		if c.words.Has(k) {
			all = append(all, c.text(k))
		}
	}
	return all
}

// maxNoted is how many people a note lists for each reason. The API has all of them.
const maxNoted = 50

// digestLead says how the event is coming along.
func (c renderContext) digestLead() (all []string) {
	d := c.Digest
	if d == nil {
		return nil
	}
	confirmed := c.words.Text("mail.organiser-digest.confirmed", "n", d.Confirmed)
	if d.Confirmed == 1 {
		confirmed = c.text("mail.organiser-digest.confirmed.one")
	}
	if 0 < d.NewConfirmed && d.NewConfirmed < d.Confirmed { // the first time there is nothing to compare with
		confirmed = c.words.Text("mail.organiser-digest.more", "n", d.Confirmed, "more", d.NewConfirmed)
	}
	all = append(all, confirmed)
	if d.IsFull {
		all = append(all, c.text("mail.organiser-digest.full"))
	}
	if d.Waitlisted > 0 {
		all = append(all, c.words.Text("mail.organiser-digest.waiting", "n", d.Waitlisted))
	}
	if d.MissesLink {
		all = append(all, c.text("mail.organiser-digest.no-link"))
	}
	return all
}

// noteLead lists whom an organiser's note is about, behind its digest.
func (c renderContext) noteLead() (all []string) {
	all = c.digestLead()
	for _, part := range []struct {
		key      string
		includes func(deltag.Registration) bool
	}{
		{"organiser-note", deltag.Registration.WasGivenBack}, {"organiser-note-held", isHeld},
	} {
		var people []string
		for _, r := range c.Noted {
			if part.includes(r) {
				people = append(people, singleLine(r.Name)+" – "+singleLine(r.Email.Original))
			}
		}
		if len(people) == 0 {
			continue
		}
		all = append(append(all, c.text("mail."+part.key+".lead")), people[:min(maxNoted, len(people))]...)
		if more := len(people) - maxNoted; more > 0 {
			all = append(all, c.words.Text("mail.organiser-note.more", "count", more))
		}
		all = append(all, c.text("mail."+part.key+".next"))
	}
	return all
}

// isHeld says whether r waits for its owner: all whom a note lists, but those whose seats were given back.
func isHeld(r deltag.Registration) bool { return r.Status == deltag.RegistrationUnverified }

// footerReason says why the reader gets this mail.
func (c renderContext) footerReason() string {
	switch {
	case c.Kind == deltag.KindOrganiserNote && c.Digest != nil:
		return c.text("mail.footer-reason.organiser-digest")
	case c.Kind == deltag.KindVerification, c.Kind == deltag.KindOrganiserNote, c.Kind.IsAccountKind():
		return c.text("mail.footer-reason." + string(c.Kind))
	}
	if !c.hasPersonalLinks() && !c.Kind.IsFinal() {
		return c.text("mail.footer-reason.organiser")
	}
	if c.Registration.ByOrganiser { // in each mail: the first may be any
		return c.text(c.addedKey("mail.footer-reason.added"))
	}
	if key := "mail.footer-reason." + string(c.Registration.Status); c.isUpcoming() && c.words.Has(key) {
		return c.text(key)
	}
	return c.text("mail.footer-reason.before")
}

// addedKey is the key of a text to somebody whom the organiser signed up. They are told where their address is from, as
// article 14 of the GDPR asks for, if the organiser has said so.
func (c renderContext) addedKey(key string) string {
	if c.Registration.Source != "" {
		return key + ".source"
	}
	return key
}

func (c renderContext) callToAction() link {
	switch {
	case c.Kind == deltag.KindSignIn:
		token := deltag.SignInToken(c.Registration.ID, c.Registration.Secret, c.Version)
		return link{c.text("mail.action.sign-in"), c.baseURL + "/organiser/sign-in/" + token}
	case c.Kind == deltag.KindMemberInvited:
		return link{c.text("mail.action.member-invited"), c.baseURL + "/organiser/sign-in"}
	case c.Kind == deltag.KindVerification:
		token := c.Registration.LinkToken(deltag.PurposeVerify)
		return link{c.text("mail.action.verify"), c.baseURL + "/r/" + token}
	case c.Kind == deltag.KindOrganiserNote && len(c.Noted) == 0:
		return link{c.text("mail.action.organiser-digest"), c.baseURL + "/organiser/events/" + c.Event.ID}
	case c.Kind == deltag.KindOrganiserNote, // which lists what strangers typed
		!c.hasPersonalLinks() && (c.Kind.IsFinal() || c.Event.JoinURL == ""):
		return link{}
	case !c.hasPersonalLinks(): // the organiser, who needs no join page
		return link{c.text("mail.action.join"), c.Event.JoinURL}
	case c.join.isSoon():
		return link{c.text("mail.action.join"), c.links.Join}
	case c.isUpcoming() && c.Registration.Status != deltag.RegistrationCancelled, c.canRejoin():
		return link{c.text("mail.action.registration"), c.links.Manage}
	}
	return link{}
}

func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
