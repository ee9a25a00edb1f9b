package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// eventItem is an event as it is stored.
type eventItem struct {
	ID, Slug, Title               string
	Description                   string `dynamodbav:",omitempty"`
	Language                      deltag.Language
	StartsAt, EndsAt              time.Time
	TimeZone                      string
	Capacity                      *int `dynamodbav:",omitempty"`
	HasWaitlist                   bool
	Verify                        deltag.VerifyPolicy `dynamodbav:",omitempty"` // "" of an earlier version: auto
	JoinURL                       string              `dynamodbav:",omitempty"`
	OrganiserName, OrganiserEmail string
	OrganiserReceivesReminders    bool      `dynamodbav:",omitempty"`
	OrganiserDeclinesDigest       bool      `dynamodbav:",omitempty"` // absent in events of earlier versions
	PromotionCutoff               string    `dynamodbav:",omitempty"`
	SignUpOpensAt, SignUpClosesAt time.Time `dynamodbav:",omitempty"`
	RetentionDays                 int
	Questions                     []questionItem      `dynamodbav:",omitempty"`
	ScheduledMails                []scheduledMailItem `dynamodbav:",omitempty"`
	ConfirmationText              string              `dynamodbav:",omitempty"`
	Status                        deltag.EventStatus
	Secret                        []byte
	HasSeatCounter                bool
	Revision, ScheduleVersion     int
	ICalSequence                  int
	CalendarChangedAt             time.Time
	LatestNotice                  *noticeItem `dynamodbav:",omitempty"`
	CreatedAt, UpdatedAt          time.Time
}

type noticeItem struct {
	Kind             deltag.MailKind
	DueAt, Since     time.Time
	Title            string // this and the others: before the edits that it is about
	StartsAt, EndsAt time.Time
	TimeZone         string
	OfDraft          bool `dynamodbav:",omitempty"`
}

type questionItem struct {
	ID       string
	Kind     deltag.QuestionKind
	Label    string
	Options  []string `dynamodbav:",omitempty"`
	Required bool
}

type scheduledMailItem struct {
	Kind   deltag.MailKind
	Offset string
	Text   string `dynamodbav:",omitempty"`
}

func encodeEvent(e deltag.Event) item {
	v := eventItem{
		ID: e.ID, Slug: e.Slug, Title: e.Title, Description: e.Description, Language: e.Language, StartsAt: e.StartsAt,
		EndsAt: e.EndsAt, TimeZone: e.TimeZone, Capacity: e.Capacity, HasWaitlist: e.HasWaitlist, JoinURL: e.JoinURL,
		OrganiserName: e.Organiser.Name, OrganiserEmail: e.Organiser.Email,
		OrganiserReceivesReminders: e.Organiser.ReceivesReminders, OrganiserDeclinesDigest: !e.Organiser.ReceivesDigest,
		SignUpOpensAt:  e.SignUpOpensAt,
		SignUpClosesAt: e.SignUpClosesAt, RetentionDays: e.RetentionDays, Status: e.Status, Secret: e.Secret,
		Verify: e.Verify, ConfirmationText: e.ConfirmationText, HasSeatCounter: e.HasSeatCounter, Revision: e.Revision, ScheduleVersion: e.ScheduleVersion,
		ICalSequence: e.ICalSequence, CalendarChangedAt: e.CalendarChangedAt, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if e.PromotionCutoff != 0 {
		v.PromotionCutoff = e.PromotionCutoff.String()
	}
	if n := e.LatestNotice; n.Kind != "" {
		v.LatestNotice = &noticeItem{
			Kind: n.Kind, DueAt: n.DueAt, Since: n.Since, Title: n.Before.Title, StartsAt: n.Before.StartsAt,
			EndsAt: n.Before.EndsAt, TimeZone: n.Before.TimeZone, OfDraft: n.OfDraft,
		}
	}
	for _, q := range e.Questions {
		v.Questions = append(v.Questions, questionItem(q))
	}
	for _, r := range e.ScheduledMails {
		v.ScheduledMails = append(v.ScheduledMails, scheduledMailItem{r.Kind, r.Offset.String(), r.Text})
	}
	k := eventKey(e.ID)
	k["GSI1PK"], k["GSI1SK"] = avString(eventsPK), avString(formatTime(e.StartsAt)+"#"+e.ID)
	return encode(k, v)
}

func decodeEvent(it item) (deltag.Event, error) {
	v, err := decode[eventItem](it)
	if err != nil {
		return deltag.Event{}, err
	}
	e := deltag.Event{
		ID: v.ID, Slug: v.Slug, Title: v.Title, Description: v.Description, Language: v.Language, StartsAt: v.StartsAt,
		EndsAt: v.EndsAt, TimeZone: v.TimeZone, Capacity: v.Capacity, HasWaitlist: v.HasWaitlist, JoinURL: v.JoinURL,
		Organiser: deltag.Organiser{
			Name: v.OrganiserName, Email: v.OrganiserEmail, ReceivesReminders: v.OrganiserReceivesReminders,
			ReceivesDigest: !v.OrganiserDeclinesDigest,
		},
		SignUpOpensAt: v.SignUpOpensAt, SignUpClosesAt: v.SignUpClosesAt, RetentionDays: v.RetentionDays, Status: v.Status,
		Verify: cmp.Or(v.Verify, deltag.VerifyAuto), ConfirmationText: v.ConfirmationText,
		Secret: v.Secret, HasSeatCounter: v.HasSeatCounter, Revision: v.Revision, ScheduleVersion: v.ScheduleVersion,
		ICalSequence: v.ICalSequence, CalendarChangedAt: v.CalendarChangedAt, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	if v.PromotionCutoff != "" {
		e.PromotionCutoff, err = deltag.ParseOffset(v.PromotionCutoff)
	}
	if n := v.LatestNotice; n != nil {
		before := deltag.CalendarDetails{Title: n.Title, StartsAt: n.StartsAt, EndsAt: n.EndsAt, TimeZone: n.TimeZone}
		e.LatestNotice = deltag.Notice{Kind: n.Kind, DueAt: n.DueAt, Since: n.Since, Before: before, OfDraft: n.OfDraft}
	}
	for _, q := range v.Questions {
		e.Questions = append(e.Questions, deltag.Question(q))
	}
	for _, r := range v.ScheduledMails {
		offset, offsetErr := deltag.ParseOffset(r.Offset)
		err = errors.Join(err, offsetErr)
		e.ScheduledMails = append(e.ScheduledMails, deltag.ScheduledMail{Kind: r.Kind, Offset: offset, Text: r.Text})
	}
	if err != nil {
		return deltag.Event{}, unreadable(it, err)
	}
	return e, nil
}

// CreateEvent stores a new event with its slug, seat counter, tasks and mailings, all or nothing.
// Errors: ErrConflict (there is an event with that id, or there was one a moment ago; so also when it is repeated),
// ErrSlugTaken.
func (s *Store) CreateEvent(ctx context.Context, e deltag.Event, mailings deltag.MailingChanges) error {
	if err := s.makeHashKey(ctx); err != nil {
		return err
	}
	tx := s.begin()
	event := tx.Put(encodeEvent(e), condNotExists)
	tx.Check(countsKey(e.ID, 0), condNotExists) // an event with the id was deleted a moment ago
	slug := tx.putSlug(e)
	if e.HasSeatCounter {
		tx.createSeatCounter(e)
	}
	tx.putEraseTask(e)
	tx.putDigestTask(e, e.CreatedAt)
	tx.putReconciliation(e, deltag.Reconciliation{}, e.CreatedAt.Add(deltag.ReconcileInterval), always)
	tx.putMailings(mailings)
	err := tx.Commit(ctx)
	s.upcoming.invalidate("")
	if slug.Failed() && !event.Failed() {
		return deltag.ErrSlugTaken
	}
	return err
}

// UpdateEvent stores e, whose Revision is one above the stored one, with the changes to its mailings, all or nothing.
// Errors: ErrNotFound, ErrConflict (the event has changed since it was read; so also when it is repeated),
// ErrSlugTaken, ErrRetentionEnded (it was to end at another time, and the erasure has begun).
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
	defer s.upcoming.invalidate("")
	tx := s.begin()
	tx.Put(encodeEvent(e), condRevision(stored.Revision))
	var slug *action
	if e.Slug != stored.Slug {
		slug = tx.putSlug(e)
		tx.Delete(slugKey(stored.Slug), always)
	}
	tx.putCapacity(stored, e)
	var notErased *action
	if !e.RetentionEndsAt().Equal(stored.RetentionEndsAt()) {
		notErased = tx.Check(statsKey(e.ID), condNotExists)
	}
	tx.putEraseTask(e)
	tx.putDigestTask(e, e.UpdatedAt)
	tx.putMailings(mailings)
	err = tx.Commit(ctx)
	switch {
	case notErased.Failed():
		return deltag.ErrRetentionEnded
	case slug.Failed():
		return deltag.ErrSlugTaken
	}
	return err
}

func (tx *transaction) putSlug(e deltag.Event) *action {
	it := slugKey(e.Slug)
	it["ID"] = avString(e.ID)
	return tx.Put(it, condNotExists)
}

// Event reads an event. Errors: ErrNotFound.
func (s *Store) Event(ctx context.Context, id string) (deltag.Event, error) {
	return read(ctx, s, eventKey(id), decodeEvent)
}

// EventBySlug reads an event, which may be up to cacheTTL old. Errors: ErrNotFound.
func (s *Store) EventBySlug(ctx context.Context, slug string) (deltag.Event, error) {
	if e, ok := s.events.get(slug); ok {
		return e, nil
	}
	it, err := s.get(ctx, slugKey(slug))
	if err != nil {
		return deltag.Event{}, err
	}
	e, err := s.Event(ctx, stringAttr(it, "ID"))
	if err == nil {
		s.events.put(slug, e)
	}
	return e, err
}

// Events lists a page of all events, the earliest start first. Which events there are is eventually consistent.
// UnreadableError: those are left out.
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error) {
	entries, next, err := list(ctx, s, query{index: "GSI1", pk: eventsPK, limit: limit}, cursor, asItem)
	if err != nil {
		return nil, "", err
	}
	es, err := s.batchGetEvents(ctx, entries)
	return es, next, err
}

// maxUpcomingPages bounds how long Upcoming goes on through events that it does not list, such as drafts.
const maxUpcomingPages = 10

// Upcoming lists up to limit open or closed events that have not ended at now, the earliest start first. The list may
// be up to cacheTTL old, and which events there are is eventually consistent. UnreadableError: those are left out; it
// is the error of who reads the list, not of those who get it from the cache.
func (s *Store) Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	if last, ok := s.upcoming.get(""); ok && last.limit == limit && now.Sub(last.now).Abs() < cacheTTL {
		return last.events, nil
	}
	events, err := s.readUpcoming(ctx, now, limit)
	if err == nil || deltag.IsUnreadable(err) {
		s.upcoming.put("", upcomingEvents{now, limit, events})
	}
	return events, err
}

// upcomingEvents are the result of readUpcoming.
type upcomingEvents struct {
	now    time.Time // the caller's, which may jump
	limit  int
	events []deltag.Event
}

func (s *Store) readUpcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	return s.readCurrent(ctx, now, limit, func(e deltag.Event) bool {
		return e.Status == deltag.EventOpen || e.Status == deltag.EventClosed
	})
}

// CurrentEvents lists up to limit events that have not ended at now, drafts too, the earliest start first. Which there are
// is eventually consistent. UnreadableError: those are left out.
func (s *Store) CurrentEvents(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error) {
	return s.readCurrent(ctx, now, limit, func(deltag.Event) bool { return true })
}

// readCurrent reads up to limit events that have not ended at now and are listed. UnreadableError: those are left out.
func (s *Store) readCurrent(
	ctx context.Context, now time.Time, limit int, isListed func(deltag.Event) bool,
) (current []deltag.Event, err error) {
	from := formatTime(now.AddDate(0, 0, -deltag.MaxDays)) // an earlier event has ended
	q := query{index: "GSI1", pk: eventsPK, from: from, to: "9", limit: min(2*limit, maxBatch)}
	var unreadable deltag.UnreadableError
	for range maxUpcomingPages {
		entries, last, err := decodePage(ctx, s, q, asItem)
		if err != nil {
			return nil, err
		}
		events, err := s.batchGetEvents(ctx, entries)
		var leftOut deltag.UnreadableError
		switch {
		case errors.As(err, &leftOut):
			unreadable = append(unreadable, leftOut...)
		case err != nil:
			return nil, err
		}
		for _, e := range events {
			if isListed(e) && now.Before(e.EndsAt) {
				current = append(current, e)
			}
		}
		if q.after = last; len(last) == 0 || len(current) >= limit {
			break
		}
	}
	return current[:min(limit, len(current))], unreadable.Err()
}

// PastEvents lists a page of the events that have ended at now, the latest start first. Which there are is eventually
// consistent. UnreadableError: those are left out.
func (s *Store) PastEvents(
	ctx context.Context, now time.Time, cursor string, limit int,
) ([]deltag.Event, string, error) {
	q := query{index: "GSI1", pk: eventsPK, from: "0", to: formatTime(now), backward: true, limit: limit}
	entries, next, err := list(ctx, s, q, cursor, asItem)
	if err != nil {
		return nil, "", err
	}
	events, err := s.batchGetEvents(ctx, entries)
	events = slices.DeleteFunc(events, func(e deltag.Event) bool { return now.Before(e.EndsAt) })
	return events, next, err
}

// batchGetEvents reads the events that index entries name, in the order of the entries. UnreadableError: those are left
// out.
func (s *Store) batchGetEvents(ctx context.Context, entries []item) ([]deltag.Event, error) {
	var keys []item
	for _, entry := range entries {
		keys = append(keys, keyOf(entry))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var events []deltag.Event
	var unreadable deltag.UnreadableError
	for _, k := range keys {
		switch e, err := decodeFound(found, k, decodeEvent); {
		case err == nil:
			events = append(events, e)
		case !isNotFound(err):
			unreadable = append(unreadable, err)
		}
	}
	return events, unreadable.Err()
}
