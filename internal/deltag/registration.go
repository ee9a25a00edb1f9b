package deltag

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// An Address is an e-mail address: as it was typed, and as it is compared and sent to.
type Address struct {
	Original string
	// Normalized has the domain in lower-case ASCII (IDNA) and the local part in lower case. RFC 5321 lets
	// a server tell cases apart; no server that people use does, and people type both.
	Normalized string
}

// ASCII is the address that mail is sent to: as it was typed, with the domain in ASCII. The local part is ASCII
// already, for SES takes no other.
func (a Address) ASCII() string {
	if a.Normalized == "" {
		return ""
	}
	local, _, _ := strings.Cut(a.Original, "@")
	return local + "@" + a.Domain()
}

// Domain is what stands after the @, in ASCII.
func (a Address) Domain() string {
	_, domain, _ := strings.Cut(a.Normalized, "@")
	return domain
}

// A RegistrationStatus is where a registration stands.
type RegistrationStatus string

const (
	RegistrationConfirmed  RegistrationStatus = "confirmed"
	RegistrationWaitlisted RegistrationStatus = "waiting"
	RegistrationCancelled  RegistrationStatus = "cancelled" // the seat was given up
)

// An AddressStatus is whether mail reaches the person.
type AddressStatus string

const (
	AddressOK           AddressStatus = "ok"
	AddressBounced      AddressStatus = "bounced"
	AddressComplained   AddressStatus = "complained"
	AddressUnsubscribed AddressStatus = "unsubscribed"
)

// MoreSevereThan says whether m outweighs than: a dead address above a complaint above an unsubscription.
func (m AddressStatus) MoreSevereThan(than AddressStatus) bool {
	order := []AddressStatus{AddressOK, AddressUnsubscribed, AddressComplained, AddressBounced}
	return slices.Index(order, m) > slices.Index(order, than)
}

// A Registration is one address at one event.
type Registration struct {
	EventID       string
	ID            string // RegistrationID(event, address)
	Name          string
	Email         Address
	Organisation  string
	Role          string
	Answers       map[string][]string // by question id; kept when a question is changed or removed
	Updates       bool                // wants optional mail
	Language      Language            // of the form it was signed up with, and so of its mails
	Status        RegistrationStatus
	RegisteredAt  time.Time
	ConfirmedAt   time.Time // when the seat was got: at sign-up, by promotion, on return. Zero: never
	AttendedAt    time.Time // first press on the join button. Zero: not seen
	WaitlistedAt  time.Time // when the place in line was taken. Zero: not in line
	AddressStatus AddressStatus

	// PreviousIDs are the ids of addresses that were corrected; their ledger rows stay until this is erased.
	PreviousIDs []string
	// Secret proves the personal links; see Link.
	Secret []byte
	// Revision rises with each write; a write names the one it has read.
	Revision int
	// MailVersion numbers the mails about this registration (confirmation, waiting, promoted, …): the
	// last one used. Reminders and other mail to all are numbered by the event's Schedule instead.
	MailVersion int
	// LastMailedAt is when the last of them was put in the ledger.
	LastMailedAt time.Time
	// ICalSequence rises when the registration's calendar entry is withdrawn and given back; it is added
	// to the event's own, so that the sum never falls.
	ICalSequence int
}

// ResendCooldown is how long after a confirmation a repeated sign-up sends it again: a double click, a
// refresh or a client's retry never does, somebody who lost the mail gets it.
const ResendCooldown = time.Minute

// Limits of what a visitor may send in, in characters.
const (
	MaxName      = 200
	MaxAddress   = 254 // octets, RFC 5321 4.5.3.1.3 less the brackets
	MaxShortText = 500
	MaxLongText  = 4000
)

// A SignUpRequest is what a visitor sends in.
type SignUpRequest struct {
	Name         string
	Email        Address
	Organisation string
	Role         string
	Updates      bool
	Answers      map[string][]string
	Language     Language
	Network      string // it came from, or "" when that is not to be limited; never stored
}

// MaxSignUpsPerNetwork is how many sign-ups one network may make in an hour. A whole municipality or ministry sits behind one
// address; none has that many people at one webinar.
const MaxSignUpsPerNetwork = 3200

// Normalize trims what people leave around their words and drops empty answers.
func (s SignUpRequest) Normalize() SignUpRequest {
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
func (s SignUpRequest) Validate(e Event) error {
	var fs validator
	fs.checkLine("name", s.Name, 1, MaxName)
	fs.checkLine("organisation", s.Organisation, 0, MaxName)
	fs.checkLine("role", s.Role, 0, MaxName)
	for _, q := range e.Questions {
		fs = append(fs, q.answerErrors(s.Answers[q.ID])...)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Answers)) {
		_, known := e.Question(id)
		fs.require(known, "answers."+id, "unknown-question", 0)
	}
	return ValidationErrors(fs).Err()
}

func (q Question) answerErrors(given []string) (fs validator) {
	field := "answers." + q.ID
	if len(given) == 0 {
		fs.require(!q.Required, field, "missing", 0)
		return fs
	}
	fs.require(q.Kind == QuestionMultipleChoice || len(given) == 1, field, "too-many", 1)
	for _, v := range given {
		switch q.Kind {
		case QuestionLongText:
			fs.checkText(field, v, MaxLongText)
		case QuestionChoice, QuestionMultipleChoice:
			fs.require(slices.Contains(q.Options, v), field, "unknown-option", 0)
		case QuestionCheckbox:
			fs.require(v == CheckedValue, field, "unknown-option", 0)
		default:
			fs.checkLine(field, v, 0, MaxShortText)
		}
	}
	return fs
}

// CheckedValue is what a tick box sends when it is ticked, and how it is stored.
const CheckedValue = "yes"

// NewRegistration makes the registration of a first sign-up, as yet with neither seat nor mail.
func NewRegistration(e Event, s SignUpRequest, secret []byte, now time.Time) Registration {
	return Registration{
		EventID: e.ID, ID: RegistrationID(e, s.Email), Secret: secret,
		Name: s.Name, Email: s.Email, Organisation: s.Organisation, Role: s.Role,
		Answers: s.Answers, Updates: s.Updates, Language: s.Language,
		AddressStatus: AddressOK, RegisteredAt: now,
	}
}

// The moves of a registration follow. Each returns its next state with Revision one higher and, where the person is
// to be told, the delivery that tells them; both are written in one transaction.

// Confirm gives r a seat.
func (r Registration) Confirm(now time.Time) (Registration, Delivery) {
	r = r.bumpSequenceIfReturning()
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationConfirmed, now, time.Time{}
	return r.notify(KindConfirmation, now)
}

// JoinWaitlist puts r at the end of the line.
func (r Registration) JoinWaitlist(now time.Time) (Registration, Delivery) {
	r = r.bumpSequenceIfReturning()
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationWaitlisted, time.Time{}, now
	return r.notify(KindWaitlisted, now)
}

// Promote gives r, who waits, a seat that came free.
func (r Registration) Promote(now time.Time) (Registration, Delivery) {
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationConfirmed, now, time.Time{}
	return r.notify(KindPromoted, now)
}

// Cancel takes r's seat or place in line back.
func (r Registration) Cancel(now time.Time) (Registration, Delivery) {
	r.Status, r.WaitlistedAt = RegistrationCancelled, time.Time{}
	r.ICalSequence++
	return r.notify(KindRegistrationCancelled, now)
}

// ResendAfterCooldown tells r again how things stand, and false if that was done less than RepeatAfter ago.
func (r Registration) ResendAfterCooldown(now time.Time) (Registration, Delivery, bool) {
	if now.Sub(r.LastMailedAt) < ResendCooldown && !now.Before(r.LastMailedAt) {
		return r, Delivery{}, false
	}
	r, d := r.ResendStatus(now)
	return r, d, true
}

// ResendStatus tells r once more how things stand.
func (r Registration) ResendStatus(now time.Time) (Registration, Delivery) {
	kind := map[RegistrationStatus]MailKind{RegistrationConfirmed: KindConfirmation, RegistrationWaitlisted: KindWaitlisted, RegistrationCancelled: KindRegistrationCancelled}[r.Status]
	return r.notify(kind, now)
}

// ChangeAddress moves r, with its seat or place in line, to another address, which gets links of its own and is told how
// things stand. An unsubscription is kept; that the old address was dead is not.
func (r Registration) ChangeAddress(e Event, in SignUpRequest, secret []byte, now time.Time) (Registration, Delivery) {
	next := r.WithDetails(in)
	next.ID, next.Secret = RegistrationID(e, in.Email), secret
	next.PreviousIDs = slices.DeleteFunc(append(slices.Clip(r.PreviousIDs), r.ID), func(id string) bool { return id == next.ID })
	if r.AddressStatus == AddressBounced {
		next.AddressStatus = AddressOK
	}
	next.ICalSequence += 2 // above that of the Farewell, should both addresses lead to one calendar
	next, mail := next.ResendStatus(now)
	next.Revision = 1
	return next, mail
}

// WithDetails is r with what was typed anew.
func (r Registration) WithDetails(in SignUpRequest) Registration {
	r.Name, r.Email, r.Organisation, r.Role = in.Name, in.Email, in.Organisation, in.Role
	r.Answers, r.Updates, r.Language = in.Answers, in.Updates, in.Language
	return r
}

// MarkAttended notes the first press on the join button.
func (r Registration) MarkAttended(now time.Time) Registration {
	r.AttendedAt = now
	r.Revision++
	return r
}

// SetAddressStatus notes whether mail reaches the person.
func (r Registration) SetAddressStatus(m AddressStatus) Registration {
	r.AddressStatus = m
	r.Revision++
	return r
}

// bumpSequenceIfReturning raises Sequence for somebody whose calendar entry was withdrawn.
func (r Registration) bumpSequenceIfReturning() Registration {
	if r.Status == RegistrationCancelled {
		r.ICalSequence++
	}
	return r
}

func (r Registration) notify(k MailKind, now time.Time) (Registration, Delivery) {
	r.Revision++
	r.MailVersion++
	r.LastMailedAt = now
	return r, NewDelivery(r, k, r.MailVersion, now)
}

// Counts of an event's registrations.
type Counts struct {
	Confirmed, Waitlisted, Cancelled, Attended int
}

// Add adds a registration.
func (c *Counts) Add(r Registration) {
	switch r.Status {
	case RegistrationConfirmed:
		c.Confirmed++
	case RegistrationWaitlisted:
		c.Waitlisted++
	case RegistrationCancelled:
		c.Cancelled++
	}
	if !r.AttendedAt.IsZero() {
		c.Attended++
	}
}

// Sub is c less what d counts.
func (c Counts) Sub(d Counts) Counts {
	return Counts{c.Confirmed - d.Confirmed, c.Waitlisted - d.Waitlisted, c.Cancelled - d.Cancelled, c.Attended - d.Attended}
}

// Overbooked is how many are confirmed above e's capacity: it was lowered, and nobody is thrown out.
func (e Event) Overbooked(c Counts) int {
	if e.Capacity == nil {
		return 0
	}
	return max(0, c.Confirmed-*e.Capacity)
}

// Link is a personal link's token for this registration.
func (r Registration) Link(p Purpose) string {
	return Link{EventID: r.EventID, RegistrationID: r.ID, Purpose: p}.Token(r.Secret)
}

// A SignUpOutcome is what became of a sign-up.
type SignUpOutcome string

const (
	OutcomeConfirmed         SignUpOutcome = "confirmed"
	OutcomeWaitlisted        SignUpOutcome = "waiting"
	OutcomeAlreadyRegistered SignUpOutcome = "repeated" // the address was signed up already; nothing changed
)
