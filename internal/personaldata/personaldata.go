// Package personaldata is everything that is stored about a person, as a file that people and programs read: what the
// personal page and the organisers' pages offer. Its names are those of the API.
package personaldata

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// AtEvent is everything that one event holds of a person. The link secret is left out: it is a key, and says nothing
// about anybody. ErasedAt is when the event's people are erased.
type AtEvent struct {
	Event        Event         `json:"event"`
	Registration *Registration `json:"registration"` // null: only mails are left
	Mails        []Mail        `json:"mails"`
	ErasedAt     time.Time     `json:"erasedAt"`
}

// An Event is the one that it is about.
type Event struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	TimeZone  string    `json:"timeZone"`
	Organiser string    `json:"organiser"`
}

// A Registration is one as it is stored.
type Registration struct {
	ID           string                    `json:"id"`
	Name         string                    `json:"name"`
	Email        string                    `json:"email"`
	ComparedAs   string                    `json:"emailComparedAs"`
	Organisation string                    `json:"organisation"`
	Role         string                    `json:"role"`
	Answers      []answer                  `json:"answers"`
	Updates      bool                      `json:"updates"`
	AsksForNews  bool                      `json:"updatesOnceVerified"`
	Change       *change                   `json:"changeOnceVerified"`
	Language     deltag.Language           `json:"language"`
	ByOrganiser  bool                      `json:"addedByOrganiser"`
	Source       string                    `json:"addressFrom,omitempty"` // in the organiser's words
	Status       deltag.RegistrationStatus `json:"status"`
	RegisteredAt time.Time                 `json:"registeredAt"`
	ConfirmedAt  *time.Time                `json:"confirmedAt"`
	WaitingSince *time.Time                `json:"waitingSince"`
	AttendedAt   *time.Time                `json:"attendedAt"`
	GivenBackAt  *time.Time                `json:"givenBackAt"` // the seat, since mail bounced
	MailedAt     *time.Time                `json:"mailedAt"`    // the last mail about the registration itself
	Mail         deltag.AddressStatus      `json:"mail"`
	VerifyUntil  *time.Time                `json:"verifyUntil"`
	Seat         string                    `json:"seat,omitempty"` // its number, where seats are counted
	FormerIDs    []string                  `json:"formerIds"`      // under earlier addresses
	Calendar     int                       `json:"calendarSequence"`
	Revision     int                       `json:"revision"`    // how often this was written
	MailVersion  int                       `json:"mailVersion"` // how many mails there were about it
	Changes      day                       `json:"changes"`
}

// day is how often the registration was changed on one day, the latest; limits go by it.
type day struct {
	On        *time.Time `json:"on"`
	All       int        `json:"all"`
	OfAddress int        `json:"ofAddress"`
}

// change is what was saved together with another address, until that is verified.
type change struct {
	Name         string    `json:"name"`
	Email        string    `json:"email"`
	Organisation string    `json:"organisation"`
	Role         string    `json:"role"`
	Answers      []answer  `json:"answers"`
	Updates      bool      `json:"updates"`
	RequestedAt  time.Time `json:"requestedAt"`
	VerifyUntil  time.Time `json:"verifyUntil"`
	MailVersion  int       `json:"mailVersion"`

	ComparedAs string          `json:"emailComparedAs"`
	Language   deltag.Language `json:"language"`
}

type answer struct {
	ID       string   `json:"id"`
	Question string   `json:"question,omitempty"` // as it is asked now; left out when it no longer is
	Answer   []string `json:"answer"`
}

// A Mail is a row of the mail ledger.
type Mail struct {
	ID        string                `json:"id"`
	Email     string                `json:"email"`
	Kind      deltag.MailKind       `json:"kind"`
	Version   int                   `json:"version"`
	DueAt     time.Time             `json:"dueAt"`
	Status    deltag.DeliveryStatus `json:"status"`
	Reason    deltag.Reason         `json:"reason,omitempty"`
	SentAt    *time.Time            `json:"sentAt"`
	MessageID string                `json:"messageId,omitempty"`
	History   []step                `json:"history"`
}

type step struct {
	At     time.Time             `json:"at"`
	Status deltag.DeliveryStatus `json:"status"`
	Reason deltag.Reason         `json:"reason,omitempty"`
}

// New is what e holds of a person. r is nil if only mails are left.
func New(e deltag.Event, r *deltag.Registration, deliveries []deltag.Delivery) AtEvent {
	v := AtEvent{Event: NewEvent(e), Mails: NewMails(deliveries), ErasedAt: e.RetentionEndsAt()}
	if r != nil {
		v.Registration = newRegistration(e, *r)
	}
	return v
}

// NewEvent is e without what is not about the person.
func NewEvent(e deltag.Event) Event {
	return Event{e.ID, e.Title, e.StartsAt, e.EndsAt, e.TimeZone, e.Organiser.Name}
}

// NewMails are deliveries in their order.
func NewMails(deliveries []deltag.Delivery) []Mail {
	mails := make([]Mail, len(deliveries))
	for i, d := range deliveries {
		mails[i] = newMail(d)
	}
	return mails
}

// Encode is the file of v: JSON with line breaks, for people read it.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

func newRegistration(e deltag.Event, r deltag.Registration) *Registration {
	return &Registration{
		ID: r.ID, Name: r.Name, Email: r.Email.Original, ComparedAs: r.Email.Normalized,
		Organisation: r.Organisation, Role: r.JobTitle, Answers: newAnswers(e, r.Answers), Updates: r.AllowsNews,
		AsksForNews: r.AsksForNews, Change: newChange(e, r.AddressChange),
		Language: r.Language, ByOrganiser: r.ByOrganiser, Source: r.Source, Status: r.Status, Mail: r.AddressStatus,
		RegisteredAt: r.RegisteredAt, ConfirmedAt: timeOrNull(r.ConfirmedAt), WaitingSince: timeOrNull(r.WaitlistedAt),
		AttendedAt: timeOrNull(r.AttendedAt), GivenBackAt: timeOrNull(r.GivenBackAt), MailedAt: timeOrNull(r.LastMailedAt),
		VerifyUntil: timeOrNull(r.VerifyUntil), Seat: r.Seat, FormerIDs: append([]string{}, r.PreviousIDs...),
		Calendar: r.ICalSequence, Revision: r.Revision, MailVersion: r.MailVersion,
		Changes: day{On: timeOrNull(r.ChangedOn), All: r.Changes, OfAddress: r.AddressChanges},
	}
}

func newChange(e deltag.Event, c *deltag.AddressChange) *change {
	if c == nil {
		return nil
	}
	d := c.Details
	return &change{
		Name: d.Name, Email: d.Email.Original, Organisation: d.Organisation, Role: d.JobTitle,
		Answers: newAnswers(e, d.Answers), Updates: d.AllowsNews, RequestedAt: c.RequestedAt,
		VerifyUntil: c.VerifyUntil, MailVersion: c.MailVersion,
		ComparedAs: d.Email.Normalized, Language: d.Language,
	}
}

// newAnswers are the answers in the order of the questions, and after them those to retired questions.
func newAnswers(e deltag.Event, byQuestion map[string][]string) []answer {
	answers := []answer{}
	for _, q := range e.Questions {
		if given, ok := byQuestion[q.ID]; ok {
			answers = append(answers, answer{ID: q.ID, Question: q.Label, Answer: given})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byQuestion)) {
		if _, asked := e.Question(id); !asked {
			answers = append(answers, answer{ID: id, Answer: byQuestion[id]})
		}
	}
	return answers
}

func newMail(d deltag.Delivery) Mail {
	history := make([]step, len(d.History))
	for i, change := range d.History {
		history[i] = step(change)
	}
	return Mail{
		ID: d.ID(), Email: d.Email.Original, Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, Status: d.Status,
		Reason: d.Reason, SentAt: timeOrNull(d.SentAt), MessageID: d.MessageID, History: history,
	}
}

// timeOrNull is t, or null for what never happened.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
