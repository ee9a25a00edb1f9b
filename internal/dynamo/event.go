package dynamo

import (
	"context"
	"fmt"
	"time"

	"deltag/internal/deltag"
)

// eventItem is an event as it is stored.
type eventItem struct {
	PK, SK                     string
	GSI1PK, GSI1SK             string
	ID, Slug                   string
	Title                      string
	Description                string `dynamodbav:",omitempty"`
	Language                   string
	StartsAt                   string
	EndsAt                     string
	TimeZone                   string
	Capacity                   *int `dynamodbav:",omitempty"`
	HasWaitlist                bool
	JoinURL                    string `dynamodbav:",omitempty"`
	OrganiserName              string
	OrganiserEmail             string
	OrganiserReceivesReminders bool   `dynamodbav:",omitempty"`
	PromotionCutoff            string `dynamodbav:",omitempty"`
	SignUpOpensAt              string `dynamodbav:",omitempty"`
	SignUpClosesAt             string `dynamodbav:",omitempty"`
	RetentionDays              int
	Questions                  []questionItem `dynamodbav:",omitempty"`
	Reminders                  []reminderItem `dynamodbav:",omitempty"`
	Status                     string
	Secret                     []byte
	HasSeatCounter             bool
	Revision                   int
	ScheduleVersion            int
	ICalSequence               int
	CalendarChangedAt          string
	PendingNotice              *noticeItem `dynamodbav:",omitempty"`
	CreatedAt                  string
	UpdatedAt                  string
}

type noticeItem struct {
	Kind, DueAt, Since                string
	Title, StartsAt, EndsAt, TimeZone string // before the edits that it is about
}

type questionItem struct {
	ID, Kind, Label string
	Options         []string `dynamodbav:",omitempty"`
	Required        bool
}

type reminderItem struct {
	Kind, Offset string
	Text         string `dynamodbav:",omitempty"`
}

func newEventItem(e deltag.Event) eventItem {
	it := eventItem{
		PK: eventPK(e.ID), SK: metaSK, GSI1PK: eventsPK, GSI1SK: formatTime(e.StartsAt) + "#" + e.ID,
		ID: e.ID, Slug: e.Slug, Title: e.Title, Description: e.Description, Language: string(e.Language),
		StartsAt: formatTime(e.StartsAt), EndsAt: formatTime(e.EndsAt), TimeZone: e.TimeZone,
		Capacity: e.Capacity, HasWaitlist: e.HasWaitlist, JoinURL: e.JoinURL,
		OrganiserName: e.Organiser.Name, OrganiserEmail: e.Organiser.Email,
		OrganiserReceivesReminders: e.Organiser.ReceivesReminders,
		SignUpOpensAt:              formatTime(e.SignUpOpensAt), SignUpClosesAt: formatTime(e.SignUpClosesAt),
		RetentionDays: e.RetentionDays, Status: string(e.Status), Secret: e.Secret, HasSeatCounter: e.HasSeatCounter,
		Revision: e.Revision, ScheduleVersion: e.ScheduleVersion, ICalSequence: e.ICalSequence,
		CalendarChangedAt: formatTime(e.CalendarChangedAt), CreatedAt: formatTime(e.CreatedAt),
		UpdatedAt: formatTime(e.UpdatedAt),
	}
	if e.PromotionCutoff != 0 {
		it.PromotionCutoff = e.PromotionCutoff.String()
	}
	if n := e.PendingNotice; n.Kind != "" {
		it.PendingNotice = &noticeItem{
			Kind: string(n.Kind), DueAt: formatTime(n.DueAt), Since: formatTime(n.Since),
			Title: n.Before.Title, StartsAt: formatTime(n.Before.StartsAt), EndsAt: formatTime(n.Before.EndsAt),
			TimeZone: n.Before.TimeZone,
		}
	}
	for _, q := range e.Questions {
		it.Questions = append(it.Questions, questionItem{q.ID, string(q.Kind), q.Label, q.Options, q.Required})
	}
	for _, r := range e.Reminders {
		it.Reminders = append(it.Reminders, reminderItem{string(r.Kind), r.Offset.String(), r.Text})
	}
	return it
}

func (it eventItem) event() (deltag.Event, error) {
	e := deltag.Event{
		ID: it.ID, Slug: it.Slug, Title: it.Title, Description: it.Description, Language: deltag.Language(it.Language),
		StartsAt: parseTime(it.StartsAt), EndsAt: parseTime(it.EndsAt), TimeZone: it.TimeZone,
		Capacity: it.Capacity, HasWaitlist: it.HasWaitlist, JoinURL: it.JoinURL,
		Organiser: deltag.Organiser{
			Name: it.OrganiserName, Email: it.OrganiserEmail, ReceivesReminders: it.OrganiserReceivesReminders,
		},
		SignUpOpensAt: parseTime(it.SignUpOpensAt), SignUpClosesAt: parseTime(it.SignUpClosesAt),
		RetentionDays: it.RetentionDays, Status: deltag.EventStatus(it.Status), Secret: it.Secret,
		HasSeatCounter: it.HasSeatCounter, Revision: it.Revision, ScheduleVersion: it.ScheduleVersion,
		ICalSequence: it.ICalSequence, CalendarChangedAt: parseTime(it.CalendarChangedAt),
		CreatedAt: parseTime(it.CreatedAt), UpdatedAt: parseTime(it.UpdatedAt),
	}
	if it.PromotionCutoff != "" {
		var err error
		if e.PromotionCutoff, err = deltag.ParseOffset(it.PromotionCutoff); err != nil {
			return deltag.Event{}, fmt.Errorf("event %s: %w", it.ID, err)
		}
	}
	if n := it.PendingNotice; n != nil {
		e.PendingNotice = deltag.Notice{
			Kind: deltag.MailKind(n.Kind), DueAt: parseTime(n.DueAt), Since: parseTime(n.Since),
			Before: deltag.CalendarDetails{
				Title: n.Title, StartsAt: parseTime(n.StartsAt), EndsAt: parseTime(n.EndsAt), TimeZone: n.TimeZone,
			},
		}
	}
	for _, q := range it.Questions {
		e.Questions = append(e.Questions, deltag.Question{
			ID: q.ID, Kind: deltag.QuestionKind(q.Kind), Label: q.Label, Options: q.Options, Required: q.Required,
		})
	}
	for _, r := range it.Reminders {
		offset, err := deltag.ParseOffset(r.Offset)
		if err != nil {
			return deltag.Event{}, fmt.Errorf("event %s: %w", it.ID, err)
		}
		e.Reminders = append(e.Reminders, deltag.Reminder{Kind: deltag.MailKind(r.Kind), Offset: offset, Text: r.Text})
	}
	return e, nil
}

func decodeEvent(it item) (deltag.Event, error) {
	stored, err := decode[eventItem](it)
	if err != nil {
		return deltag.Event{}, err
	}
	return stored.event()
}

// CreateEvent stores a new event with its slug, seat counter, tasks and mailings, all or nothing.
// Errors: ErrConflict (there is an event with that id; so also when it is repeated), ErrSlugTaken.
func (s *Store) CreateEvent(ctx context.Context, e deltag.Event, mailings deltag.MailingChanges) error {
	tx := s.begin()
	tx.Put(encode(newEventItem(e)), condNotExists)
	slug := tx.putSlug(e)
	if e.HasSeatCounter {
		tx.Put(encode(newCounter(e)), condNotExists)
	}
	tx.putEraseTask(e)
	tx.putReconciliation(e, deltag.Reconciliation{}, e.CreatedAt.Add(deltag.ReconcileInterval))
	tx.putMailings(mailings)
	err := tx.Commit(ctx)
	if slug.Failed() {
		return deltag.ErrSlugTaken
	}
	return err
}

// UpdateEvent stores e, whose Revision is one above the stored one, with the changes to its mailings, all or nothing.
// Errors: ErrNotFound, ErrConflict (the event has changed since it was read; so also when it is repeated),
// ErrSlugTaken.
func (s *Store) UpdateEvent(ctx context.Context, e deltag.Event, mailings deltag.MailingChanges) error {
	stored, err := s.Event(ctx, e.ID)
	if err != nil {
		return err
	}
	if stored.Revision != e.Revision-1 {
		return deltag.ErrConflict
	}
	s.events.invalidate(stored.Slug)
	defer s.events.invalidate(e.Slug)
	tx := s.begin()
	tx.Put(encode(newEventItem(e)), condRevision(stored.Revision))
	var slug *action
	if e.Slug != stored.Slug {
		slug = tx.putSlug(e)
		tx.Delete(key(slugPK(stored.Slug), slugSK), always)
	}
	if err := s.putCapacity(ctx, tx, stored, e); err != nil {
		return err
	}
	tx.putEraseTask(e)
	tx.putMailings(mailings)
	err = tx.Commit(ctx)
	if slug.Failed() {
		return deltag.ErrSlugTaken
	}
	return err
}

func (tx *transaction) putSlug(e deltag.Event) *action {
	it := key(slugPK(e.Slug), slugSK)
	it["ID"] = avString(e.ID)
	return tx.Put(it, condNotExists)
}

// Event reads an event.
// Errors: ErrNotFound.
func (s *Store) Event(ctx context.Context, id string) (deltag.Event, error) {
	it, err := s.get(ctx, eventPK(id), metaSK)
	if err != nil {
		return deltag.Event{}, err
	}
	return decodeEvent(it)
}

// EventBySlug reads an event, which may be up to cacheTTL old.
// Errors: ErrNotFound.
func (s *Store) EventBySlug(ctx context.Context, slug string) (deltag.Event, error) {
	if e, ok := s.events.get(slug); ok {
		return e, nil
	}
	it, err := s.get(ctx, slugPK(slug), slugSK)
	if err != nil {
		return deltag.Event{}, err
	}
	e, err := s.Event(ctx, stringAttr(it, "ID"))
	if err == nil {
		s.events.put(slug, e)
	}
	return e, err
}

// Events lists a page of all events, the earliest start first, and the cursor of the next page, "" at the end. Which
// events there are is eventually consistent.
// Errors: ValidationErrors, when cursor is not one of this list's.
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error) {
	q, err := query{index: "GSI1", pk: eventsPK, limit: limit}.startAfter(cursor)
	if err != nil {
		return nil, "", err
	}
	out, err := s.queryPage(ctx, q)
	if err != nil {
		return nil, "", err
	}
	es, err := s.batchGetEvents(ctx, out.Items)
	return es, writeCursor(out.LastEvaluatedKey), err
}

// maxEventLength bounds how far back Upcoming looks for events that have begun and not ended.
const maxEventLength = 7 * 24 * time.Hour

// Upcoming lists up to limit open or closed events that have not ended at now, the earliest start first. Which events
// there are is eventually consistent.
func (s *Store) Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	out, err := s.queryPage(ctx, query{
		index: "GSI1", pk: eventsPK, from: formatTime(now.Add(-maxEventLength)), to: "9", limit: min(2*limit, maxBatch),
	})
	if err != nil {
		return nil, err
	}
	all, err := s.batchGetEvents(ctx, out.Items)
	var upcoming []deltag.Event
	for _, e := range all {
		listed := e.Status == deltag.EventOpen || e.Status == deltag.EventClosed
		if len(upcoming) < limit && listed && now.Before(e.EndsAt) {
			upcoming = append(upcoming, e)
		}
	}
	return upcoming, err
}

// batchGetEvents reads the events that index entries name, in the order of the entries.
func (s *Store) batchGetEvents(ctx context.Context, entries []item) ([]deltag.Event, error) {
	var keys []item
	for _, entry := range entries {
		keys = append(keys, keyOf(entry))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var es []deltag.Event
	for _, k := range keys {
		it, ok := found[stringAttr(k, "PK")+stringAttr(k, "SK")]
		if !ok {
			continue
		}
		e, err := decodeEvent(it)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}
