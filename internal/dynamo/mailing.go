package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// mailingItem is a mailing as it is stored. It is in the due index while there is something to do.
type mailingItem struct {
	PK, SK       string
	GSI1PK       string `dynamodbav:",omitempty"`
	GSI1SK       string `dynamodbav:",omitempty"`
	EventID      string
	Kind         string
	Version      int
	DueAt        string
	Status       string
	Reason       string `dynamodbav:",omitempty"`
	Audience     string `dynamodbav:",omitempty"`
	Text         string `dynamodbav:",omitempty"`
	Cursor       string `dynamodbav:",omitempty"`
	RunStartedAt string `dynamodbav:",omitempty"`
	CatchUpSince string `dynamodbav:",omitempty"`
	Sent         int
	Skipped      int
	Revision     int
}

func newMailingItem(m deltag.Mailing) mailingItem {
	pk, sk := mailingKey(m.Key())
	it := mailingItem{
		PK: pk, SK: sk, EventID: m.EventID, Kind: string(m.Kind), Version: m.Version, DueAt: formatTime(m.DueAt),
		Status: string(m.Status), Reason: string(m.Reason), Audience: string(m.Audience), Text: m.Text,
		Cursor: m.Cursor, RunStartedAt: formatTime(m.RunStartedAt), CatchUpSince: formatTime(m.CatchUpSince),
		Sent: m.Sent, Skipped: m.Skipped, Revision: m.Revision,
	}
	if !m.NextRunAt.IsZero() {
		it.GSI1PK, it.GSI1SK = duePK, formatTime(m.NextRunAt)
	}
	return it
}

func decodeMailing(it item) (deltag.Mailing, error) {
	m, err := decode[mailingItem](it)
	return deltag.Mailing{
		EventID: m.EventID, Kind: deltag.MailKind(m.Kind), Version: m.Version,
		DueAt: parseTime(m.DueAt), NextRunAt: parseTime(m.GSI1SK),
		Status: deltag.MailingStatus(m.Status), Reason: deltag.Reason(m.Reason), Audience: deltag.Audience(m.Audience),
		Text: m.Text, Cursor: m.Cursor, Sent: m.Sent, Skipped: m.Skipped, Revision: m.Revision,
		RunStartedAt: parseTime(m.RunStartedAt), CatchUpSince: parseTime(m.CatchUpSince),
	}, err
}

// Mailing reads a mailing.
// Errors: ErrNotFound.
func (s *Store) Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error) {
	pk, sk := mailingKey(k)
	it, err := s.get(ctx, pk, sk)
	if err != nil {
		return deltag.Mailing{}, err
	}
	return decodeMailing(it)
}

// Mailings lists all mailings of an event.
func (s *Store) Mailings(ctx context.Context, eventID string) ([]deltag.Mailing, error) {
	return collect(decoded(s.queryAll(ctx, query{pk: eventPK(eventID), prefix: mailingSK}), decodeMailing))
}

// PutMailing stores a new mailing.
// Errors: ErrConflict (it exists; so also when it is repeated).
func (s *Store) PutMailing(ctx context.Context, m deltag.Mailing) error {
	return s.putItem(ctx, encode(newMailingItem(m)), condNotExists)
}

// SaveMailing stores m's next state.
// Errors: ErrConflict (the stored state is not the one before m's, or the mailing is gone; so also when it is
// repeated).
func (s *Store) SaveMailing(ctx context.Context, m deltag.Mailing) error {
	return s.putItem(ctx, encode(newMailingItem(m)), condRevision(m.Revision-1))
}

// putMailings adds what an edit changes about the mailings. One to delete may be gone already.
func (tx *transaction) putMailings(changes deltag.MailingChanges) {
	for _, m := range changes.Upserts {
		tx.Put(encode(newMailingItem(m)), always)
	}
	for _, m := range changes.Deletes {
		tx.Delete(key(mailingKey(m.Key())), always)
	}
}
