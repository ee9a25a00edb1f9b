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

// Suppressed addresses are kept by a keyed hash, across events and beyond the erasure of the registrations. The key
// is an item of the table, made once; without it the hashes tell nothing.
type suppressionSecret struct {
	mu  sync.Mutex
	key []byte
}

func (s *Store) suppressionKey(ctx context.Context, a deltag.Address) (item, error) {
	secret, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(a.Identity))
	return key("SUPPRESSED#"+hex.EncodeToString(h.Sum(nil)[:16]), "-"), nil
}

// secret reads the table's key once per process, and makes it in a new table.
func (s *Store) secret(ctx context.Context) ([]byte, error) {
	s.suppression.mu.Lock()
	defer s.suppression.mu.Unlock()
	for s.suppression.key == nil {
		it, err := s.get(ctx, "SECRET", "SUPPRESSION")
		if err == nil {
			s.suppression.key = it["Key"].(*types.AttributeValueMemberB).Value
			break
		}
		if !isGone(err) {
			return nil, err
		}
		if err := s.makeSecret(ctx); err != nil && !errors.Is(err, deltag.ErrConflict) {
			return nil, err
		}
	}
	return s.suppression.key, nil
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
	k, err := s.suppressionKey(ctx, a)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, text(k, "PK"), text(k, "SK"))
	if isGone(err) {
		return deltag.MailOK, nil
	}
	return deltag.MailState(text(it, "Mail")), err
}

// Suppress notes that an address is dead or has complained, for all events, and shows it on the registration.
// Harmless to repeat; a complaint never hides a bounce.
func (s *Store) Suppress(ctx context.Context, e deltag.Event, r deltag.Registration, state deltag.MailState, now time.Time) error {
	k, err := s.suppressionKey(ctx, r.Email)
	if err != nil {
		return err
	}
	k["Mail"], k["Since"] = str(string(state)), str(stamp(now))
	err = s.write(ctx, s.put(k, absent+" OR Mail <> :bounced", item{":bounced": str(string(deltag.MailBounced))}))
	if err != nil && !errors.Is(err, deltag.ErrConflict) {
		return err
	}
	return s.setMail(ctx, e, r, state)
}
