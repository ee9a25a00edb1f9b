package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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
	OrganiserReceivesReminders bool           `dynamodbav:",omitempty"`
	PromotionCutoff            string         `dynamodbav:",omitempty"`
	SignUpOpensAt              string         `dynamodbav:",omitempty"`
	SignUpClosesAt             string         `dynamodbav:",omitempty"`
	RetentionDays              int            //
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
	Title, StartsAt, EndsAt, TimeZone string // before the edits that it tells of
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
		SignUpOpensAt: formatTime(e.SignUpOpensAt), SignUpClosesAt: formatTime(e.SignUpClosesAt),
		RetentionDays: e.RetentionDays, Status: string(e.Status), Secret: e.Secret, HasSeatCounter: e.HasSeatCounter,
		Revision: e.Revision, ScheduleVersion: e.ScheduleVersion, ICalSequence: e.ICalSequence, CalendarChangedAt: formatTime(e.CalendarChangedAt),
		OrganiserReceivesReminders: e.Organiser.ReceivesReminders, CreatedAt: formatTime(e.CreatedAt), UpdatedAt: formatTime(e.UpdatedAt),
	}
	if e.PromotionCutoff != 0 {
		it.PromotionCutoff = e.PromotionCutoff.String()
	}
	if n := e.PendingNotice; n.Kind != "" {
		it.PendingNotice = &noticeItem{
			Kind: string(n.Kind), DueAt: formatTime(n.DueAt), Since: formatTime(n.Since),
			Title: n.Before.Title, StartsAt: formatTime(n.Before.StartsAt), EndsAt: formatTime(n.Before.EndsAt), TimeZone: n.Before.TimeZone,
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
		Organiser:     deltag.Organiser{Name: it.OrganiserName, Email: it.OrganiserEmail, ReceivesReminders: it.OrganiserReceivesReminders},
		SignUpOpensAt: parseTime(it.SignUpOpensAt), SignUpClosesAt: parseTime(it.SignUpClosesAt),
		RetentionDays: it.RetentionDays, Status: deltag.EventStatus(it.Status), Secret: it.Secret, HasSeatCounter: it.HasSeatCounter,
		Revision: it.Revision, ScheduleVersion: it.ScheduleVersion, ICalSequence: it.ICalSequence, CalendarChangedAt: parseTime(it.CalendarChangedAt),
		CreatedAt: parseTime(it.CreatedAt), UpdatedAt: parseTime(it.UpdatedAt),
	}
	if it.PromotionCutoff != "" {
		var err error
		if e.PromotionCutoff, err = deltag.ParseOffset(it.PromotionCutoff); err != nil {
			return deltag.Event{}, fmt.Errorf("event %s: %w", it.ID, err)
		}
	}
	if n := it.PendingNotice; n != nil {
		e.PendingNotice = deltag.Notice{Kind: deltag.MailKind(n.Kind), DueAt: parseTime(n.DueAt), Since: parseTime(n.Since), Before: deltag.CalendarDetails{
			Title: n.Title, StartsAt: parseTime(n.StartsAt), EndsAt: parseTime(n.EndsAt), TimeZone: n.TimeZone,
		}}
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

// CreateEvent stores e with its slug, its seats and its planned mail, all or nothing. A repetition with
// the same id is ErrConflict; another event's slug is deltag.ErrSlugTaken.
func (s *Store) CreateEvent(ctx context.Context, e deltag.Event, p deltag.MailingChanges) error {
	actions := []types.TransactWriteItem{s.put(encode(newEventItem(e)), condNotExists, nil), s.putSlug(e)}
	if e.HasSeatCounter {
		actions = append(actions, s.put(encode(newCounter(e)), condNotExists, nil))
	}
	actions = append(actions, s.putEraseTask(e), s.putReconcileTask(e, deltag.Reconciliation{}, e.CreatedAt.Add(deltag.ReconcileInterval)))
	err := s.transact(ctx, append(actions, s.mailingActions(p)...)...)
	if failedAt(err, 1) {
		return deltag.ErrSlugTaken
	}
	return err
}

// UpdateEvent stores e, whose Revision is one above the stored one, with what p changes about its mail, all
// or nothing. ErrConflict: somebody else has changed the event. deltag.ErrSlugTaken: nothing was changed.
func (s *Store) UpdateEvent(ctx context.Context, e deltag.Event, p deltag.MailingChanges) error {
	stored, err := s.Event(ctx, e.ID)
	if err != nil {
		return err
	}
	if stored.Revision != e.Revision-1 {
		return deltag.ErrConflict
	}
	s.events.invalidate(stored.Slug)
	defer s.events.invalidate(e.Slug)
	actions := []types.TransactWriteItem{s.put(encode(newEventItem(e)), condRevision, revisionParam(e.Revision-1))}
	slugAt := -1
	if e.Slug != stored.Slug {
		slugAt = len(actions)
		actions = append(actions, s.putSlug(e), s.delete(key("SLUG#"+stored.Slug, "SLUG"), "", nil))
	}
	seats, err := s.capacityActions(ctx, stored, e)
	if err != nil {
		return err
	}
	actions = append(actions, seats...)
	actions = append(actions, s.putEraseTask(e))
	err = s.transact(ctx, append(actions, s.mailingActions(p)...)...)
	if slugAt >= 0 && failedAt(err, slugAt) {
		return deltag.ErrSlugTaken
	}
	return err
}

func (s *Store) putSlug(e deltag.Event) types.TransactWriteItem {
	return s.put(item{"PK": avString("SLUG#" + e.Slug), "SK": avString("SLUG"), "ID": avString(e.ID)}, condNotExists, nil)
}

// mailingActions writes what an edit changes about the mailings. Dropping one that is not there is no fault.
func (s *Store) mailingActions(p deltag.MailingChanges) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, m := range p.Upserts {
		actions = append(actions, s.put(encode(newMailingItem(m)), "", nil))
	}
	for _, m := range p.Deletes {
		actions = append(actions, s.delete(key(mailingKey(m.Key())), "", nil))
	}
	return actions
}

// Event reads an event, consistently. ErrNotFound.
func (s *Store) Event(ctx context.Context, id string) (deltag.Event, error) {
	it, err := s.get(ctx, eventPK(id), metaSK)
	if err != nil {
		return deltag.Event{}, err
	}
	return decodeEvent(it)
}

// EventBySlug reads an event that may be as old as the cache's entries live. ErrNotFound.
func (s *Store) EventBySlug(ctx context.Context, slug string) (deltag.Event, error) {
	if e, ok := s.events.get(slug); ok {
		return e, nil
	}
	pointer, err := s.get(ctx, "SLUG#"+slug, "SLUG")
	if err != nil {
		return deltag.Event{}, err
	}
	e, err := s.Event(ctx, stringAttr(pointer, "ID"))
	if err == nil {
		s.events.put(slug, e)
	}
	return e, err
}

// Events lists all events, the earliest start first.
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error) {
	after, err := readCursor(cursor, "GSI1PK", eventsPK)
	if err != nil {
		return nil, "", err
	}
	out, err := s.queryPage(ctx, query{index: "GSI1", pk: eventsPK, after: after, limit: limit})
	if err != nil {
		return nil, "", err
	}
	es, err := s.batchGetEvents(ctx, out.Items)
	return es, writeCursor(out.LastEvaluatedKey), err
}

// maxEventLength bounds how far back Upcoming looks for events that have begun and not ended.
const maxEventLength = 7 * 24 * time.Hour

// Upcoming lists open events that have not ended at now, the earliest first.
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
		if len(upcoming) < limit && (e.Status == deltag.EventOpen || e.Status == deltag.EventClosed) && now.Before(e.EndsAt) {
			upcoming = append(upcoming, e)
		}
	}
	return upcoming, err
}

// batchGetEvents reads the events that index entries name, in their order.
func (s *Store) batchGetEvents(ctx context.Context, entries []item) ([]deltag.Event, error) {
	var keys []item
	for _, it := range entries {
		keys = append(keys, item{"PK": it["PK"], "SK": it["SK"]})
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
