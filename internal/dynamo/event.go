package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// eventItem is an event as it is stored.
type eventItem struct {
	PK, SK         string
	GSI1PK, GSI1SK string
	ID, Slug       string
	Title          string
	Description    string `dynamodbav:",omitempty"`
	Language       string
	StartsAt       string
	EndsAt         string
	TimeZone       string
	Capacity       *int `dynamodbav:",omitempty"`
	WaitingList    bool
	JoinURL        string `dynamodbav:",omitempty"`
	OrganiserName  string
	OrganiserEmail string
	Reminded       bool           `dynamodbav:",omitempty"`
	PromoteUntil   string         `dynamodbav:",omitempty"`
	SignUpOpensAt  string         `dynamodbav:",omitempty"`
	SignUpClosesAt string         `dynamodbav:",omitempty"`
	RetentionDays  int            //
	Questions      []questionItem `dynamodbav:",omitempty"`
	Reminders      []reminderItem `dynamodbav:",omitempty"`
	Status         string
	Secret         []byte
	Seated         bool
	Revision       int
	Schedule       int
	Sequence       int
	ChangedAt      string
	Notice         *noticeItem `dynamodbav:",omitempty"`
	CreatedAt      string
	UpdatedAt      string
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
		PK: eventPK(e.ID), SK: metaSK, GSI1PK: eventsPK, GSI1SK: stamp(e.StartsAt) + "#" + e.ID,
		ID: e.ID, Slug: e.Slug, Title: e.Title, Description: e.Description, Language: string(e.Language),
		StartsAt: stamp(e.StartsAt), EndsAt: stamp(e.EndsAt), TimeZone: e.TimeZone,
		Capacity: e.Capacity, WaitingList: e.WaitingList, JoinURL: e.JoinURL,
		OrganiserName: e.Organiser.Name, OrganiserEmail: e.Organiser.Email,
		SignUpOpensAt: stamp(e.SignUpOpensAt), SignUpClosesAt: stamp(e.SignUpClosesAt),
		RetentionDays: e.RetentionDays, Status: string(e.Status), Secret: e.Secret, Seated: e.Seated,
		Revision: e.Revision, Schedule: e.Schedule, Sequence: e.Sequence, ChangedAt: stamp(e.ChangedAt),
		Reminded: e.Organiser.Reminded, CreatedAt: stamp(e.CreatedAt), UpdatedAt: stamp(e.UpdatedAt),
	}
	if e.PromoteUntil != 0 {
		it.PromoteUntil = e.PromoteUntil.String()
	}
	if n := e.Notice; n.Kind != "" {
		it.Notice = &noticeItem{
			Kind: string(n.Kind), DueAt: stamp(n.DueAt), Since: stamp(n.Since),
			Title: n.Was.Title, StartsAt: stamp(n.Was.StartsAt), EndsAt: stamp(n.Was.EndsAt), TimeZone: n.Was.TimeZone,
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
		StartsAt: unstamp(it.StartsAt), EndsAt: unstamp(it.EndsAt), TimeZone: it.TimeZone,
		Capacity: it.Capacity, WaitingList: it.WaitingList, JoinURL: it.JoinURL,
		Organiser:     deltag.Organiser{Name: it.OrganiserName, Email: it.OrganiserEmail, Reminded: it.Reminded},
		SignUpOpensAt: unstamp(it.SignUpOpensAt), SignUpClosesAt: unstamp(it.SignUpClosesAt),
		RetentionDays: it.RetentionDays, Status: deltag.EventStatus(it.Status), Secret: it.Secret, Seated: it.Seated,
		Revision: it.Revision, Schedule: it.Schedule, Sequence: it.Sequence, ChangedAt: unstamp(it.ChangedAt),
		CreatedAt: unstamp(it.CreatedAt), UpdatedAt: unstamp(it.UpdatedAt),
	}
	if it.PromoteUntil != "" {
		var err error
		if e.PromoteUntil, err = deltag.ParseOffset(it.PromoteUntil); err != nil {
			return deltag.Event{}, fmt.Errorf("event %s: %w", it.ID, err)
		}
	}
	if n := it.Notice; n != nil {
		e.Notice = deltag.Notice{Kind: deltag.Kind(n.Kind), DueAt: unstamp(n.DueAt), Since: unstamp(n.Since), Was: deltag.Told{
			Title: n.Title, StartsAt: unstamp(n.StartsAt), EndsAt: unstamp(n.EndsAt), TimeZone: n.TimeZone,
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
		e.Reminders = append(e.Reminders, deltag.Reminder{Kind: deltag.Kind(r.Kind), Offset: offset, Text: r.Text})
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
func (s *Store) CreateEvent(ctx context.Context, e deltag.Event, p deltag.Plan) error {
	actions := []types.TransactWriteItem{s.put(encode(newEventItem(e)), absent, nil), s.putSlug(e)}
	if e.Seated {
		actions = append(actions, s.put(encode(newTally(e)), absent, nil))
	}
	actions = append(actions, s.putRetention(e), s.putRecount(e, deltag.Recount{}, e.CreatedAt.Add(deltag.RecountEvery)))
	err := s.write(ctx, append(actions, s.plan(p)...)...)
	if on(err, 1) {
		return deltag.ErrSlugTaken
	}
	return err
}

// UpdateEvent stores e, whose Revision is one above the stored one, with what p changes about its mail, all
// or nothing. ErrConflict: somebody else has changed the event. deltag.ErrSlugTaken: nothing was changed.
func (s *Store) UpdateEvent(ctx context.Context, e deltag.Event, p deltag.Plan) error {
	stored, err := s.Event(ctx, e.ID)
	if err != nil {
		return err
	}
	if stored.Revision != e.Revision-1 {
		return deltag.ErrConflict
	}
	s.events.forget(stored.Slug)
	defer s.events.forget(e.Slug)
	actions := []types.TransactWriteItem{s.put(encode(newEventItem(e)), unchanged, was(e.Revision-1))}
	slugAt := -1
	if e.Slug != stored.Slug {
		slugAt = len(actions)
		actions = append(actions, s.putSlug(e), s.remove(key("SLUG#"+stored.Slug, "SLUG"), "", nil))
	}
	seats, err := s.reseat(ctx, stored, e)
	if err != nil {
		return err
	}
	actions = append(actions, seats...)
	actions = append(actions, s.putRetention(e))
	err = s.write(ctx, append(actions, s.plan(p)...)...)
	if slugAt >= 0 && on(err, slugAt) {
		return deltag.ErrSlugTaken
	}
	return err
}

func (s *Store) putSlug(e deltag.Event) types.TransactWriteItem {
	return s.put(item{"PK": str("SLUG#" + e.Slug), "SK": str("SLUG"), "ID": str(e.ID)}, absent, nil)
}

// putRetention keeps the date on which the event's personal data are erased in the due index.
func (s *Store) putRetention(e deltag.Event) types.TransactWriteItem {
	return s.put(item{
		"PK": str(eventPK(e.ID)), "SK": str(eraseSK), "GSI1PK": str(duePK), "GSI1SK": str(stamp(e.ErasedAt())),
	}, "", nil)
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
	if e, ok := s.events.find(slug); ok {
		return e, nil
	}
	pointer, err := s.get(ctx, "SLUG#"+slug, "SLUG")
	if err != nil {
		return deltag.Event{}, err
	}
	e, err := s.Event(ctx, text(pointer, "ID"))
	if err == nil {
		s.events.keep(slug, e)
	}
	return e, err
}

// Events lists all events, the earliest start first.
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error) {
	after, err := readCursor(cursor, "GSI1PK", eventsPK)
	if err != nil {
		return nil, "", err
	}
	out, err := s.page(ctx, query{index: "GSI1", pk: eventsPK, after: after, limit: limit})
	if err != nil {
		return nil, "", err
	}
	es, err := s.readEvents(ctx, out.Items)
	return es, writeCursor(out.LastEvaluatedKey), err
}

// longestEvent bounds how far back Upcoming looks for events that have begun and not ended.
const longestEvent = 7 * 24 * time.Hour

// Upcoming lists open events that have not ended at now, the earliest first.
func (s *Store) Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	out, err := s.page(ctx, query{
		index: "GSI1", pk: eventsPK, from: stamp(now.Add(-longestEvent)), to: "9", limit: min(2*limit, maxBatch),
	})
	if err != nil {
		return nil, err
	}
	all, err := s.readEvents(ctx, out.Items)
	var upcoming []deltag.Event
	for _, e := range all {
		if len(upcoming) < limit && (e.Status == deltag.Open || e.Status == deltag.Closed) && now.Before(e.EndsAt) {
			upcoming = append(upcoming, e)
		}
	}
	return upcoming, err
}

// readEvents reads the events that index entries name, in their order.
func (s *Store) readEvents(ctx context.Context, entries []item) ([]deltag.Event, error) {
	var keys []item
	for _, it := range entries {
		keys = append(keys, item{"PK": it["PK"], "SK": it["SK"]})
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var es []deltag.Event
	for _, k := range keys {
		it, ok := found[text(k, "PK")+text(k, "SK")]
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

// plan writes what an edit changes about the mailings. Dropping one that is not there is no fault.
func (s *Store) plan(p deltag.Plan) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, m := range p.Put {
		actions = append(actions, s.put(encode(newMailingItem(m)), "", nil))
	}
	for _, m := range p.Drop {
		actions = append(actions, s.remove(key(mailingKey(m.Key())), "", nil))
	}
	return actions
}

// Visit reads an event and one of its registrations in one call, consistently. ErrNotFound when
// either is missing.
func (s *Store) Visit(ctx context.Context, eventID, registrationID string) (deltag.Event, deltag.Registration, error) {
	pk, sk := eventPK(eventID), regSK+registrationID
	found, err := s.getAll(ctx, key(pk, metaSK), key(pk, sk))
	if err != nil {
		return deltag.Event{}, deltag.Registration{}, err
	}
	if found[pk+metaSK] == nil || found[pk+sk] == nil {
		return deltag.Event{}, deltag.Registration{}, deltag.ErrNotFound
	}
	e, err := decodeEvent(found[pk+metaSK])
	r, err2 := decodeRegistration(found[pk+sk])
	return e, r, errors.Join(err, err2)
}
