package visitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// personalData is everything that is stored about a person at one event, under the names that the API uses. The link
// secret is left out: it is a key, and says nothing about anybody.
type personalData struct {
	Event        dataEvent        `json:"event"`
	Registration dataRegistration `json:"registration"`
	Mails        []dataMail       `json:"mails"`
	ErasedAt     time.Time        `json:"erasedAt"`
}

type dataEvent struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	TimeZone  string    `json:"timeZone"`
	Organiser string    `json:"organiser"`
}

type dataRegistration struct {
	ID           string                    `json:"id"`
	Name         string                    `json:"name"`
	Email        string                    `json:"email"`
	ComparedAs   string                    `json:"emailComparedAs"`
	Organisation string                    `json:"organisation"`
	Role         string                    `json:"role"`
	Answers      []dataAnswer              `json:"answers"`
	Updates      bool                      `json:"updates"`
	AsksForNews  bool                      `json:"updatesOnceVerified"`
	Change       *dataChange               `json:"changeOnceVerified"`
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
	Changes      dataDay                   `json:"changes"`
}

// dataDay is how often the registration was changed on one day, the latest; limits go by it.
type dataDay struct {
	On        *time.Time `json:"on"`
	All       int        `json:"all"`
	OfAddress int        `json:"ofAddress"`
}

// dataChange is what was saved together with another address, until that is verified.
type dataChange struct {
	Name         string       `json:"name"`
	Email        string       `json:"email"`
	Organisation string       `json:"organisation"`
	Role         string       `json:"role"`
	Answers      []dataAnswer `json:"answers"`
	Updates      bool         `json:"updates"`
	RequestedAt  time.Time    `json:"requestedAt"`
	VerifyUntil  time.Time    `json:"verifyUntil"`
	MailVersion  int          `json:"mailVersion"`

	ComparedAs string          `json:"emailComparedAs"`
	Language   deltag.Language `json:"language"`
}

type dataAnswer struct {
	ID       string   `json:"id"`
	Question string   `json:"question,omitempty"` // as it is asked now; left out when it no longer is
	Answer   []string `json:"answer"`
}

type dataMail struct {
	ID        string                `json:"id"`
	Email     string                `json:"email"`
	Kind      deltag.MailKind       `json:"kind"`
	Version   int                   `json:"version"`
	DueAt     time.Time             `json:"dueAt"`
	Status    deltag.DeliveryStatus `json:"status"`
	Reason    deltag.Reason         `json:"reason,omitempty"`
	SentAt    *time.Time            `json:"sentAt"`
	MessageID string                `json:"messageId,omitempty"`
	History   []dataStep            `json:"history"`
}

type dataStep struct {
	At     time.Time             `json:"at"`
	Status deltag.DeliveryStatus `json:"status"`
	Reason deltag.Reason         `json:"reason,omitempty"`
}

func (s *site) exportData(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	e := *p.Event
	mails := []dataMail{}
	for _, id := range append([]string{reg.ID}, reg.PreviousIDs...) {
		deliveries, err := s.Store.DeliveriesOf(r.Context(), e.ID, id)
		if err != nil {
			return fmt.Errorf("mails: %w", err)
		}
		for _, d := range deliveries {
			mails = append(mails, exportMail(d))
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ") // people read it
	err := enc.Encode(personalData{
		Event:        dataEvent{e.ID, e.Title, e.StartsAt, e.EndsAt, e.TimeZone, e.Organiser.Name},
		Registration: exportRegistration(e, reg), Mails: mails, ErasedAt: e.RetentionEndsAt(),
	})
	if err != nil {
		return err
	}
	return p.writeFile(w, "application/json; charset=utf-8", "deltag-"+e.Slug+".json", b.Bytes())
}

func exportRegistration(e deltag.Event, r deltag.Registration) dataRegistration {
	return dataRegistration{
		ID: r.ID, Name: r.Name, Email: r.Email.Original, ComparedAs: r.Email.Normalized,
		Organisation: r.Organisation, Role: r.JobTitle, Answers: exportAnswers(e, r.Answers), Updates: r.AllowsNews,
		AsksForNews: r.AsksForNews, Change: exportChange(e, r.AddressChange),
		Language: r.Language, ByOrganiser: r.ByOrganiser, Source: r.Source, Status: r.Status, Mail: r.AddressStatus,
		RegisteredAt: r.RegisteredAt, ConfirmedAt: timePtr(r.ConfirmedAt), WaitingSince: timePtr(r.WaitlistedAt),
		AttendedAt: timePtr(r.AttendedAt), GivenBackAt: timePtr(r.GivenBackAt), MailedAt: timePtr(r.LastMailedAt),
		VerifyUntil: timePtr(r.VerifyUntil), Seat: r.Seat, FormerIDs: append([]string{}, r.PreviousIDs...),
		Calendar: r.ICalSequence, Revision: r.Revision, MailVersion: r.MailVersion,
		Changes: dataDay{On: timePtr(r.ChangedOn), All: r.Changes, OfAddress: r.AddressChanges},
	}
}

func exportChange(e deltag.Event, c *deltag.AddressChange) *dataChange {
	if c == nil {
		return nil
	}
	d := c.Details
	return &dataChange{
		Name: d.Name, Email: d.Email.Original, Organisation: d.Organisation, Role: d.JobTitle,
		Answers: exportAnswers(e, d.Answers), Updates: d.AllowsNews, RequestedAt: c.RequestedAt,
		VerifyUntil: c.VerifyUntil, MailVersion: c.MailVersion,
		ComparedAs: d.Email.Normalized, Language: d.Language,
	}
}

// exportAnswers are the answers in the order of the questions, and after them those to retired questions.
func exportAnswers(e deltag.Event, byQuestion map[string][]string) []dataAnswer {
	answers := []dataAnswer{}
	for _, q := range e.Questions {
		if given, ok := byQuestion[q.ID]; ok {
			answers = append(answers, dataAnswer{ID: q.ID, Question: q.Label, Answer: given})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byQuestion)) {
		if _, asked := e.Question(id); !asked {
			answers = append(answers, dataAnswer{ID: id, Answer: byQuestion[id]})
		}
	}
	return answers
}

func exportMail(d deltag.Delivery) dataMail {
	history := make([]dataStep, len(d.History))
	for i, change := range d.History {
		history[i] = dataStep(change)
	}
	return dataMail{
		ID: d.ID(), Email: d.Email.Original, Kind: d.Kind, Version: d.Version, DueAt: d.DueAt, Status: d.Status,
		Reason: d.Reason, SentAt: timePtr(d.SentAt), MessageID: d.MessageID, History: history,
	}
}

// timePtr is t, or null for what never happened.
func timePtr(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
