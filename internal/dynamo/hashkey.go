package dynamo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

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
