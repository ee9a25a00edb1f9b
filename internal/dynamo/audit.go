package dynamo

import (
	"context"
	"crypto/rand"
	"time"

	"deltag/internal/deltag"
)

// The audit log has a partition for each event, and one for what is about none. Its index partition has all entries.
const (
	auditPrefix = "AUDIT#"
	auditPK     = "AUDIT" // of the index
)

// auditItem is an entry of the audit log as it is stored.
type auditItem struct {
	At             time.Time
	Actor          string
	Channel        deltag.Channel
	Action         deltag.AuditAction
	EventID        string   `dynamodbav:",omitempty"`
	RegistrationID string   `dynamodbav:",omitempty"`
	Subject        string   `dynamodbav:",omitempty"`
	Details        []string `dynamodbav:",omitempty"`
	TTL            int64    `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

func encodeAudit(e deltag.AuditEntry) item {
	sk := formatTime(e.At) + "#" + rand.Text()
	k := key(auditPrefix+e.EventID, sk)
	k["GSI1PK"], k["GSI1SK"] = avString(auditPK), avString(sk)
	return encode(k, auditItem{
		At: e.At, Actor: e.Actor, Channel: e.Channel, Action: e.Action, EventID: e.EventID,
		RegistrationID: e.RegistrationID, Subject: e.Subject, Details: e.Details,
		TTL: e.At.AddDate(0, 0, deltag.AuditRetentionDays).Unix(),
	})
}

func decodeAudit(it item) (deltag.AuditEntry, error) {
	v, err := decode[auditItem](it)
	return deltag.AuditEntry{
		At: v.At, Actor: v.Actor, Channel: v.Channel, Action: v.Action, EventID: v.EventID,
		RegistrationID: v.RegistrationID, Subject: v.Subject, Details: v.Details,
	}, err
}

// AuditLog lists a page of what was done about an event, the latest first.
func (s *Store) AuditLog(
	ctx context.Context, eventID, cursor string, limit int,
) ([]deltag.AuditEntry, string, error) {
	return list(ctx, s, query{pk: auditPrefix + eventID, backward: true, limit: limit}, cursor, decodeAudit)
}

// WholeAuditLog lists a page of all that was done, the latest first. A new entry may be missing for a moment.
func (s *Store) WholeAuditLog(ctx context.Context, cursor string, limit int) ([]deltag.AuditEntry, string, error) {
	q := query{index: "GSI1", pk: auditPK, backward: true, limit: min(limit, maxBatch)}
	keys, next, err := list(ctx, s, q, cursor, asKey)
	if err != nil {
		return nil, "", err
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, "", err
	}
	var entries []deltag.AuditEntry
	for _, k := range keys {
		e, err := decodeFound(found, k, decodeAudit)
		switch {
		case err == nil:
			entries = append(entries, e)
		case !isNotFound(err): // expired and deleted, its index entry not yet
			return nil, "", err
		}
	}
	return entries, next, nil
}

func asKey(it item) (item, error) { return keyOf(it), nil }
