package dynamo

import (
	"context"
	"errors"
	"strings"
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
	RecipientCount             int `dynamodbav:",omitempty"`
	EventRevision              int
}

func encodeMailing(m deltag.Mailing) item {
	return encode(dueKey(mailingKey(m.Key()), eventDuePK(m.EventID), m.NextRunAt), mailingItem{
		EventID: m.EventID, Kind: m.Kind, Version: m.Version, DueAt: m.DueAt, Status: m.Status, Reason: m.Reason,
		Audience: m.Audience, Text: m.Text, Cursor: m.Cursor, RunStartedAt: m.RunStartedAt, CatchUpSince: m.CatchUpSince,
		Sent: m.Sent, Skipped: m.Skipped, Revision: m.Revision,
		EventRevision: m.EventRevision, RecipientCount: m.RecipientCount,
	})
}

func decodeMailing(it item) (deltag.Mailing, error) {
	v, err := decode[mailingItem](it)
	nextRunAt, dueErr := dueTime(it)
	return deltag.Mailing{
		EventID: v.EventID, Kind: v.Kind, Version: v.Version, DueAt: v.DueAt, NextRunAt: nextRunAt, Status: v.Status,
		Reason: v.Reason, Audience: v.Audience, Text: v.Text, Cursor: v.Cursor, RunStartedAt: v.RunStartedAt,
		CatchUpSince: v.CatchUpSince, Sent: v.Sent, Skipped: v.Skipped, Revision: v.Revision,
		EventRevision: v.EventRevision, RecipientCount: v.RecipientCount,
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

// PutMailing stores a new mailing, together with its recipients if they were picked. Errors: ErrConflict (it exists; so
// also when it is repeated).
func (s *Store) PutMailing(ctx context.Context, m deltag.Mailing) error {
	if len(m.Recipients) == 0 {
		return s.putItem(ctx, encodeMailing(m), condNotExists)
	}
	tx := s.begin()
	tx.Put(encodeMailing(m), condNotExists)
	tx.Put(encode(recipientsKey(m.Key()), recipientsItem{
		IDs: strings.Join(m.Recipients, " "), TTL: m.DueAt.Add(recipientsTTL).Unix(),
	}), always)
	return tx.Commit(ctx)
}

// recipientsTTL is how long it is remembered whom a message is for: longer than it can take to send it, and until those
// whose seat was given back meanwhile have come back.
const recipientsTTL = 90 * 24 * time.Hour

// recipientsItem is whom a message is for. It is an item of its own, as a mailing is written after each page.
type recipientsItem struct {
	IDs string // with a space between them
	TTL int64  `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

// WithRecipients is m with its recipients, if they were picked. Nobody is left of those that have expired.
func (s *Store) WithRecipients(ctx context.Context, m deltag.Mailing) (deltag.Mailing, error) {
	if m.Audience != deltag.AudienceSelected {
		return m, nil
	}
	v, err := read(ctx, s, recipientsKey(m.Key()), decode[recipientsItem])
	if isNotFound(err) {
		return m, nil
	}
	m.Recipients = strings.Fields(v.IDs)
	return m, err
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
