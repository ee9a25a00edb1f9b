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

// personalData is everything that is stored about a person at one event, under the names that the API
// uses. The link secret stays out: it is a key, and says nothing of anybody.
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
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Email        string       `json:"email"`
	ComparedAs   string       `json:"emailComparedAs"`
	Organisation string       `json:"organisation"`
	Role         string       `json:"role"`
	Answers      []dataAnswer `json:"answers"`
	Updates      bool         `json:"updates"`
	Language     string       `json:"language"`
	Status       string       `json:"status"`
	RegisteredAt time.Time    `json:"registeredAt"`
	ConfirmedAt  *time.Time   `json:"confirmedAt"`
	WaitingSince *time.Time   `json:"waitingSince"`
	AttendedAt   *time.Time   `json:"attendedAt"`
	MailedAt     *time.Time   `json:"mailedAt"` // when we last wrote about the registration itself
	Mail         string       `json:"mail"`
}

type dataAnswer struct {
	ID       string   `json:"id"`
	Question string   `json:"question,omitempty"` // as it is asked now; none when it no longer is
	Answer   []string `json:"answer"`
}

type dataMail struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	Kind      string     `json:"kind"`
	Version   int        `json:"version"`
	DueAt     time.Time  `json:"dueAt"`
	Status    string     `json:"status"`
	Reason    string     `json:"reason,omitempty"`
	SentAt    *time.Time `json:"sentAt"`
	MessageID string     `json:"messageId,omitempty"`
	History   []dataStep `json:"history"`
}

type dataStep struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
	Reason string    `json:"reason,omitempty"`
}

func (s *site) exportData(w http.ResponseWriter, r *http.Request) error {
	e, reg, err := s.loadByToken(r, deltag.PurposeManage)
	if err != nil {
		return err
	}
	var ds []deltag.Delivery
	for _, id := range append([]string{reg.ID}, reg.PreviousIDs...) {
		some, err := s.Store.DeliveriesOf(r.Context(), e.ID, id)
		if err != nil {
			return fmt.Errorf("mails: %w", err)
		}
		ds = append(ds, some...)
	}
	d := personalData{Event: dataEventOf(e), Registration: dataRegistrationOf(e, reg), Mails: dataMailsOf(ds), ErasedAt: e.RetentionEndsAt()}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ") // it is for reading
	if err := enc.Encode(d); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "deltag-"+e.Slug+".json"))
	h.Set("X-Robots-Tag", "noindex, nofollow")
	_, _ = w.Write(b.Bytes())
	return nil
}

func dataEventOf(e deltag.Event) dataEvent {
	return dataEvent{ID: e.ID, Title: e.Title, StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone, Organiser: e.Organiser.Name}
}

func dataRegistrationOf(e deltag.Event, r deltag.Registration) dataRegistration {
	return dataRegistration{
		ID: r.ID, Name: r.Name, Email: r.Email.Original, ComparedAs: r.Email.Normalized, Organisation: r.Organisation, Role: r.Role,
		Answers: dataAnswersOf(e, r), Updates: r.Updates, Language: string(r.Language), Status: string(r.Status),
		RegisteredAt: r.RegisteredAt, ConfirmedAt: timePtr(r.ConfirmedAt), WaitingSince: timePtr(r.WaitlistedAt), AttendedAt: timePtr(r.AttendedAt),
		MailedAt: timePtr(r.LastMailedAt), Mail: string(r.AddressStatus),
	}
}

// dataAnswersOf are the answers in the order of the questions, and after them those to former questions.
func dataAnswersOf(e deltag.Event, r deltag.Registration) []dataAnswer {
	as := []dataAnswer{}
	for _, q := range e.Questions {
		if given, ok := r.Answers[q.ID]; ok {
			as = append(as, dataAnswer{ID: q.ID, Question: q.Label, Answer: given})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.Answers)) {
		if _, asked := e.Question(id); !asked {
			as = append(as, dataAnswer{ID: id, Answer: r.Answers[id]})
		}
	}
	return as
}

func dataMailsOf(ds []deltag.Delivery) []dataMail {
	ms := make([]dataMail, len(ds))
	for i, d := range ds {
		ms[i] = dataMail{
			ID: d.ID(), Email: d.Email.Original, Kind: string(d.Kind), Version: d.Version, DueAt: d.DueAt,
			Status: string(d.Status), Reason: string(d.Reason), SentAt: timePtr(d.SentAt), MessageID: d.MessageID,
			History: make([]dataStep, len(d.History)),
		}
		for j, st := range d.History {
			ms[i].History[j] = dataStep{At: st.At, Status: string(st.Status), Reason: string(st.Reason)}
		}
	}
	return ms
}

// timePtr is t, or null when it never came.
func timePtr(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
