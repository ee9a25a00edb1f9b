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

// A hashKey makes the hashes under which addresses and networks are remembered beyond a registration. It is an item of
// the table, made once; without it the hashes tell nothing.
type hashKey struct {
	mu     sync.Mutex
	secret []byte
}

// hash is of a text, keyed.
func (s *Store) hash(ctx context.Context, text string) (string, error) {
	secret, err := s.loadHashKey(ctx)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func suppressedPK(hash string) string { return "SUPPRESSED#" + hash }

// loadHashKey reads the table's key once per process, and makes it in a new table.
func (s *Store) loadHashKey(ctx context.Context) ([]byte, error) {
	s.hashKey.mu.Lock()
	defer s.hashKey.mu.Unlock()
	for s.hashKey.secret == nil {
		it, err := s.get(ctx, "HASHKEY", "-")
		if err == nil {
			s.hashKey.secret = it["Secret"].(*types.AttributeValueMemberB).Value
			break
		}
		if !isNotFound(err) {
			return nil, err
		}
		if err := s.createHashKey(ctx); err != nil && !errors.Is(err, deltag.ErrConflict) {
			return nil, err
		}
	}
	return s.hashKey.secret, nil
}

func (s *Store) createHashKey(ctx context.Context) error {
	fresh, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	it := key("HASHKEY", "-")
	it["Secret"] = &types.AttributeValueMemberB{Value: fresh}
	condition := condNotExists
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it, ConditionExpression: &condition})
	return wrapError("make secret", err)
}

// Suppression is what is known of an address beyond one event: deltag.MailOK, or why not to write to it.
func (s *Store) Suppression(ctx context.Context, a deltag.Address) (deltag.AddressStatus, error) {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, suppressedPK(hash), "-")
	if isNotFound(err) {
		return deltag.AddressOK, nil
	}
	return deltag.AddressStatus(stringAttr(it, "AddressStatus")), err
}

// Suppress notes that an address is dead or has complained, for all events, and shows it on r, unless that is the zero value: the
// registration may have another address by now. Harmless to repeat; a complaint never hides a bounce.
func (s *Store) Suppress(ctx context.Context, e deltag.Event, a deltag.Address, r deltag.Registration, state deltag.AddressStatus, now time.Time) error {
	hash, err := s.hash(ctx, a.Normalized)
	if err != nil {
		return err
	}
	it := key(suppressedPK(hash), "-")
	it["AddressStatus"], it["Since"] = avString(string(state)), avString(formatTime(now))
	err = s.transact(ctx, s.put(it, condNotExists+" OR AddressStatus <> :bounced", item{":bounced": avString(string(deltag.AddressBounced))}))
	if err != nil && !errors.Is(err, deltag.ErrConflict) || r.ID == "" {
		return ignoreConflict(err)
	}
	return s.setAddressStatus(ctx, e, r, state)
}

func ignoreConflict(err error) error {
	if errors.Is(err, deltag.ErrConflict) {
		return nil
	}
	return err
}
