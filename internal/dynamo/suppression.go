package dynamo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// A tableKey makes the hashes under which addresses and networks are remembered beyond a registration. It is an item of
// the table, made once; without it the hashes tell nothing.
type tableKey struct {
	mu  sync.Mutex
	key []byte
}

// hash is of a text, keyed.
func (s *Store) hash(ctx context.Context, text string) (string, error) {
	secret, err := s.secret(ctx)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func suppressedPK(hash string) string { return "SUPPRESSED#" + hash }

// secret reads the table's key once per process, and makes it in a new table.
func (s *Store) secret(ctx context.Context) ([]byte, error) {
	s.tableKey.mu.Lock()
	defer s.tableKey.mu.Unlock()
	for s.tableKey.key == nil {
		it, err := s.get(ctx, "SECRET", "SUPPRESSION")
		if err == nil {
			s.tableKey.key = it["Key"].(*types.AttributeValueMemberB).Value
			break
		}
		if !isGone(err) {
			return nil, err
		}
		if err := s.makeSecret(ctx); err != nil && !errors.Is(err, deltag.ErrConflict) {
			return nil, err
		}
	}
	return s.tableKey.key, nil
}

func (s *Store) makeSecret(ctx context.Context) error {
	fresh, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	it := key("SECRET", "SUPPRESSION")
	it["Key"] = &types.AttributeValueMemberB{Value: fresh}
	condition := absent
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it, ConditionExpression: &condition})
	return failure("make secret", err)
}

// Suppression is what is known of an address beyond one event: deltag.MailOK, or why not to write to it.
func (s *Store) Suppression(ctx context.Context, a deltag.Address) (deltag.MailState, error) {
	hash, err := s.hash(ctx, a.Identity)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, suppressedPK(hash), "-")
	if isGone(err) {
		return deltag.MailOK, nil
	}
	return deltag.MailState(text(it, "Mail")), err
}

// Suppress notes that an address is dead or has complained, for all events, and shows it on r, unless that is the zero value: the
// registration may have another address by now. Harmless to repeat; a complaint never hides a bounce.
func (s *Store) Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, state deltag.MailState, now time.Time) error {
	hash, err := s.hash(ctx, a.Identity)
	if err != nil {
		return err
	}
	it := key(suppressedPK(hash), "-")
	it["Mail"], it["Since"] = str(string(state)), str(stamp(now))
	err = s.write(ctx, s.put(it, absent+" OR Mail <> :bounced", item{":bounced": str(string(deltag.MailBounced))}))
	if err != nil && !errors.Is(err, deltag.ErrConflict) || r.ID == "" {
		return ignoreConflict(err)
	}
	return s.setMail(ctx, e, r, state)
}

func ignoreConflict(err error) error {
	if errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}
