package dynamo

import (
	"context"
	"encoding/hex"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// A hashKey is the secret of the hashes under which addresses and networks are stored apart from registrations:
// without it nobody can test a guessed address against them. It is one item of the table, made once and read once per
// process.
type hashKey struct {
	mu     sync.Mutex
	secret []byte
}

// hash is the keyed hash of a text, 128 bits.
func (s *Store) hash(ctx context.Context, text string) (string, error) {
	secret, err := s.loadHashKey(ctx)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(deltag.MAC(secret, text)[:16]), nil
}

// makeHashKey makes the key before there is a first event, so that the functions that visitors call, and that send mail,
// need no permission to write it: whoever replaced it would make us forget whom not to write to.
func (s *Store) makeHashKey(ctx context.Context) error {
	_, err := s.loadHashKey(ctx)
	return err
}

// loadHashKey makes the key in a new table. Of several processes that do so at the same time, one makes the key of
// all.
func (s *Store) loadHashKey(ctx context.Context) ([]byte, error) {
	s.hashKey.mu.Lock()
	defer s.hashKey.mu.Unlock()
	for s.hashKey.secret == nil {
		it, err := s.get(ctx, key("HASHKEY", "-"))
		if err == nil {
			s.hashKey.secret = it["Secret"].(*types.AttributeValueMemberB).Value
			break
		}
		if !isNotFound(err) {
			return nil, err
		}
		if err := ignoreConflict(s.createHashKey(deltag.WithoutAudit(ctx))); err != nil {
			return nil, err
		}
	}
	return s.hashKey.secret, nil
}

func (s *Store) createHashKey(ctx context.Context) error {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	it := key("HASHKEY", "-")
	it["Secret"] = &types.AttributeValueMemberB{Value: secret}
	return s.putItem(ctx, it, condNotExists)
}
