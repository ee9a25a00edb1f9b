package deltag

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// An Address is an e-mail address: as it was typed, and as it is compared and sent to.
type Address struct {
	Typed string
	// Identity has the domain in lower-case ASCII (IDNA) and the local part in lower case. RFC 5321 lets
	// a server tell cases apart; no server that people use does, and people type both.
	Identity string
}

// ASCII is the address that mail is sent to: as it was typed, with the domain in ASCII. The local part is ASCII
// already, for SES takes no other.
func (a Address) ASCII() string {
	if a.Identity == "" {
		return ""
	}
	local, _, _ := strings.Cut(a.Typed, "@")
	return local + "@" + a.Domain()
}

// Domain is what stands after the @, in ASCII.
func (a Address) Domain() string {
	_, domain, _ := strings.Cut(a.Identity, "@")
	return domain
}

// A RegistrationStatus is where a registration stands.
type RegistrationStatus string

const (
	Confirmed RegistrationStatus = "confirmed"
	Waiting   RegistrationStatus = "waiting"
	Withdrawn RegistrationStatus = "cancelled" // the seat was given up
)

// A MailState is whether mail reaches the person.
type MailState string

const (
	MailOK           MailState = "ok"
	MailBounced      MailState = "bounced"
	MailComplained   MailState = "complained"
	MailUnsubscribed MailState = "unsubscribed"
)

// Worse says whether m outweighs than: a dead address above a complaint above an unsubscription.
func (m MailState) Worse(than MailState) bool {
	order := []MailState{MailOK, MailUnsubscribed, MailComplained, MailBounced}
	return slices.Index(order, m) > slices.Index(order, than)
}

// A Registration is one address at one event.
type Registration struct {
	EventID      string
	ID           string // RegistrationID(event, address)
	Name         string
	Email        Address
	Organisation string
	Role         string
	Answers      map[string][]string // by question id; kept when a question is changed or removed
	Updates      bool                // wants optional mail
	Language     Language            // of the form it was signed up with, and so of its mails
	Status       RegistrationStatus
	RegisteredAt time.Time
	ConfirmedAt  time.Time // when the seat was got: at sign-up, by promotion, on return. Zero: never
	AttendedAt   time.Time // first press on the join button. Zero: not seen
	WaitingSince time.Time // when the place in line was taken. Zero: not in line
	Mail         MailState

	// Formerly are the ids of addresses that were corrected; their ledger rows stay until this is erased.
	Formerly []string
	// Secret proves the personal links; see Link.
	Secret []byte
	// Revision rises with each write; a write names the one it has read.
	Revision int
	// MailVersion numbers the mails about this registration (confirmation, waiting, promoted, …): the
	// last one used. Reminders and other mail to all are numbered by the event's Schedule instead.
	MailVersion int
	// MailedAt is when the last of them was put in the ledger.
	MailedAt time.Time
	// Sequence rises when the registration's calendar entry is withdrawn and given back; it is added
	// to the event's own, so that the sum never falls.
	Sequence int
}

// RepeatAfter is how long after a confirmation a repeated sign-up sends it again: a double click, a
// refresh or a client's retry never does, somebody who lost the mail gets it.
const RepeatAfter = time.Minute

// Limits of what a visitor may send in, in characters.
const (
	MaxName      = 200
	MaxAddress   = 254 // octets, RFC 5321 4.5.3.1.3 less the brackets
	MaxShortText = 500
	MaxLongText  = 4000
)

// A SignUp is what a visitor sends in.
type SignUp struct {
	Name         string
	Email        Address
	Organisation string
	Role         string
	Updates      bool
	Answers      map[string][]string
	Language     Language
	Network      string // it came from, or "" when that is not to be limited; never stored
}

// MaxPerNetwork is how many sign-ups one network may make in an hour. A whole municipality or ministry sits behind one
// address; none has that many people at one webinar.
const MaxPerNetwork = 3200

// Tidy trims what people leave around their words and drops empty answers.
func (s SignUp) Tidy() SignUp {
	s.Name = strings.TrimSpace(s.Name)
	s.Organisation = strings.TrimSpace(s.Organisation)
	s.Role = strings.TrimSpace(s.Role)
	answers := map[string][]string{}
	for id, values := range s.Answers {
		var kept []string
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" {
				kept = append(kept, v)
			}
		}
		if len(kept) > 0 {
			answers[id] = kept
		}
	}
	s.Answers = answers
	return s
}

// Validate returns Faults for everything the visitor has to mend, in the order of the form. The
// address was checked when it was parsed; an empty one is what a failed parse leaves, so it is not
// reported here a second time.
func (s SignUp) Validate(e Event) error {
	var fs faults
	fs.line("name", s.Name, 1, MaxName)
	fs.line("organisation", s.Organisation, 0, MaxName)
	fs.line("role", s.Role, 0, MaxName)
	for _, q := range e.Questions {
		fs = append(fs, q.faults(s.Answers[q.ID])...)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Answers)) {
		_, known := e.Question(id)
		fs.check(known, "answers."+id, "unknown-question", 0)
	}
	return Faults(fs).Err()
}

func (q Question) faults(given []string) (fs faults) {
	field := "answers." + q.ID
	if len(given) == 0 {
		fs.check(!q.Required, field, "missing", 0)
		return fs
	}
	fs.check(q.Kind == MultipleChoice || len(given) == 1, field, "too-many", 1)
	for _, v := range given {
		switch q.Kind {
		case LongText:
			fs.text(field, v, MaxLongText)
		case Choice, MultipleChoice:
			fs.check(slices.Contains(q.Options, v), field, "unknown-option", 0)
		case TickBox:
			fs.check(v == TickedValue, field, "unknown-option", 0)
		default:
			fs.line(field, v, 0, MaxShortText)
		}
	}
	return fs
}

// TickedValue is what a tick box sends when it is ticked, and how it is stored.
const TickedValue = "yes"

// NewRegistration makes the registration of a first sign-up, as yet with neither seat nor mail.
func NewRegistration(e Event, s SignUp, secret []byte, now time.Time) Registration {
	return Registration{
		EventID: e.ID, ID: RegistrationID(e, s.Email), Secret: secret,
		Name: s.Name, Email: s.Email, Organisation: s.Organisation, Role: s.Role,
		Answers: s.Answers, Updates: s.Updates, Language: s.Language,
		Mail: MailOK, RegisteredAt: now,
	}
}

// The moves of a registration follow. Each returns its next state with Revision one higher and, where the person is
// to be told, the delivery that tells them; both are written in one transaction.

// Confirm gives r a seat.
func (r Registration) Confirm(now time.Time) (Registration, Delivery) {
	r = r.returning()
	r.Status, r.ConfirmedAt, r.WaitingSince = Confirmed, now, time.Time{}
	return r.tell(Confirmation, now)
}

// Wait puts r at the end of the line.
func (r Registration) Wait(now time.Time) (Registration, Delivery) {
	r = r.returning()
	r.Status, r.ConfirmedAt, r.WaitingSince = Waiting, time.Time{}, now
	return r.tell(WaitingNote, now)
}

// Promote gives r, who waits, a seat that came free.
func (r Registration) Promote(now time.Time) (Registration, Delivery) {
	r.Status, r.ConfirmedAt, r.WaitingSince = Confirmed, now, time.Time{}
	return r.tell(Promoted, now)
}

// Withdraw takes r's seat or place in line back.
func (r Registration) Withdraw(now time.Time) (Registration, Delivery) {
	r.Status, r.WaitingSince = Withdrawn, time.Time{}
	r.Sequence++
	return r.tell(WithdrawnNote, now)
}

// Repeat tells r again how things stand, and false if that was done less than RepeatAfter ago.
func (r Registration) Repeat(now time.Time) (Registration, Delivery, bool) {
	if now.Sub(r.MailedAt) < RepeatAfter && !now.Before(r.MailedAt) {
		return r, Delivery{}, false
	}
	r, d := r.Again(now)
	return r, d, true
}

// Again tells r once more how things stand.
func (r Registration) Again(now time.Time) (Registration, Delivery) {
	kind := map[RegistrationStatus]Kind{Confirmed: Confirmation, Waiting: WaitingNote, Withdrawn: WithdrawnNote}[r.Status]
	return r.tell(kind, now)
}

// Readdress moves r, with its seat or place in line, to another address, which gets links of its own and is told how
// things stand. An unsubscription is kept; that the old address was dead is not.
func (r Registration) Readdress(e Event, in SignUp, secret []byte, now time.Time) (Registration, Delivery) {
	next := r.With(in)
	next.ID, next.Secret = RegistrationID(e, in.Email), secret
	next.Formerly = slices.DeleteFunc(append(slices.Clip(r.Formerly), r.ID), func(id string) bool { return id == next.ID })
	if r.Mail == MailBounced {
		next.Mail = MailOK
	}
	next.Sequence += 2 // above that of the Farewell, should both addresses lead to one calendar
	next, mail := next.Again(now)
	next.Revision = 1
	return next, mail
}

// With is r with what was typed anew.
func (r Registration) With(in SignUp) Registration {
	r.Name, r.Email, r.Organisation, r.Role = in.Name, in.Email, in.Organisation, in.Role
	r.Answers, r.Updates, r.Language = in.Answers, in.Updates, in.Language
	return r
}

// Attend notes the first press on the join button.
func (r Registration) Attend(now time.Time) Registration {
	r.AttendedAt = now
	r.Revision++
	return r
}

// SetMail notes whether mail reaches the person.
func (r Registration) SetMail(m MailState) Registration {
	r.Mail = m
	r.Revision++
	return r
}

// returning raises Sequence for somebody whose calendar entry was withdrawn.
func (r Registration) returning() Registration {
	if r.Status == Withdrawn {
		r.Sequence++
	}
	return r
}

func (r Registration) tell(k Kind, now time.Time) (Registration, Delivery) {
	r.Revision++
	r.MailVersion++
	r.MailedAt = now
	return r, NewDelivery(r, k, r.MailVersion, now)
}

// Counts of an event's registrations.
type Counts struct {
	Confirmed, Waiting, Cancelled, Attended int
}

// Count adds a registration.
func (c *Counts) Count(r Registration) {
	switch r.Status {
	case Confirmed:
		c.Confirmed++
	case Waiting:
		c.Waiting++
	case Withdrawn:
		c.Cancelled++
	}
	if !r.AttendedAt.IsZero() {
		c.Attended++
	}
}

// Minus is c less what d counts.
func (c Counts) Minus(d Counts) Counts {
	return Counts{c.Confirmed - d.Confirmed, c.Waiting - d.Waiting, c.Cancelled - d.Cancelled, c.Attended - d.Attended}
}

// Over is how many are confirmed above e's capacity: it was lowered, and nobody is thrown out.
func (e Event) Over(c Counts) int {
	if e.Capacity == nil {
		return 0
	}
	return max(0, c.Confirmed-*e.Capacity)
}

// Link is a personal link's token for this registration.
func (r Registration) Link(p Purpose) string {
	return Link{EventID: r.EventID, RegistrationID: r.ID, Purpose: p}.Token(r.Secret)
}

// An Outcome is what became of a sign-up.
type Outcome string

const (
	OutcomeConfirmed Outcome = "confirmed"
	OutcomeWaiting   Outcome = "waiting"
	OutcomeRepeated  Outcome = "repeated" // the address was signed up already; nothing changed
)
