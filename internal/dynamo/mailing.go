package dynamo

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

// mailingItem is a mailing as it is stored. It is in the due index while there is something to do.
type mailingItem struct {
	EventID                    string
	Kind                       deltag.MailKind
	Version                    int
	DueAt                      time.Time
	Status                     deltag.MailingStatus
	Reason                     deltag.Reason   `dynamodbav:",omitempty"`
	Audience                   deltag.Audience `dynamodbav:",omitempty"`
	Text, Cursor               string          `dynamodbav:",omitempty"`
	RunStartedAt, CatchUpSince time.Time       `dynamodbav:",omitempty"`
	Sent, Skipped, Revision    int
	EventRevision              int
}

func encodeMailing(m deltag.Mailing) item {
	return encode(dueKey(mailingKey(m.Key()), eventDuePK(m.EventID), m.NextRunAt), mailingItem{
		EventID: m.EventID, Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Status: m.Status, Reason: m.Reason,
		Audience: m.Audience, Text: m.Text, Cursor: m.Cursor, RunStartedAt: m.RunStartedAt, CatchUpSince: m.CatchUpSince,
		Sent: m.Sent, Skipped: m.Skipped, Revision: m.Revision,
		EventRevision: m.EventRevision,
	})
}

func decodeMailing(it item) (deltag.Mailing, error) {
	v, err := decode[mailingItem](it)
	nextRunAt, dueErr := dueTime(it)
	return deltag.Mailing{
		EventID: v.EventID, Kind: v.Kind, Version: v.Version, DueAt: v.DueAt, NextRunAt: nextRunAt, Status: v.Status,
		Reason: v.Reason, Audience: v.Audience, Text: v.Text, Cursor: v.Cursor, RunStartedAt: v.RunStartedAt,
		CatchUpSince: v.CatchUpSince, Sent: v.Sent, Skipped: v.Skipped, Revision: v.Revision,
		EventRevision: v.EventRevision,
	}, errors.Join(err, dueErr)
}

// Mailing reads a mailing. Errors: ErrNotFound.
func (s *Store) Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error) {
	return read(ctx, s, mailingKey(k), decodeMailing)
}

// Mailings lists all mailings of an event.
func (s *Store) Mailings(ctx context.Context, eventID string) ([]deltag.Mailing, error) {
	return readAll(ctx, s, query{pk: eventPK(eventID), prefix: mailingSK}, decodeMailing)
}

// PutMailing stores a new mailing. Errors: ErrConflict (it exists; so also when it is repeated).
func (s *Store) PutMailing(ctx context.Context, m deltag.Mailing) error {
	return s.putItem(ctx, encodeMailing(m), condNotExists)
}

// SaveMailing stores m's next state.
// Errors: ErrConflict (the stored state is not the one before m's, an edit has planned it anew, or it is gone; so also
// when it is repeated).
func (s *Store) SaveMailing(ctx context.Context, m deltag.Mailing) error {
	return s.putItem(ctx, encodeMailing(m), expression{
		text:   "Revision = :revision AND EventRevision = :event",
		values: item{":revision": avNumber(m.Revision - 1), ":event": avNumber(m.EventRevision)},
	})
}

// putMailings adds what an edit changes about the mailings. It replaces one that is running whatever its revision is:
// the edit has a new event revision, with which the run's own SaveMailing fails. One to delete may be gone already.
func (tx *transaction) putMailings(changes deltag.MailingChanges) {
	for _, m := range changes.Upserts {
		tx.Put(encodeMailing(m), always)
	}
	for _, m := range changes.Deletes {
		tx.Delete(mailingKey(m.Key()), always)
	}
}
