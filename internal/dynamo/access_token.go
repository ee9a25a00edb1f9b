package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// tokenItem is an access token as it is stored: under the hash of its secret part.
type tokenItem struct {
	Name                 string
	Role                 deltag.Role
	CreatedAt, ExpiresAt time.Time
	TTL                  int64 `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

func tokenKey(hash string) item { return key("TOKEN#"+hash, "TOKEN") }

// Token reads the access token with that hash, which may have expired: DynamoDB deletes expired items days later.
// Errors: ErrNotFound.
func (s *Store) Token(ctx context.Context, hash string) (deltag.AccessToken, error) {
	t, err := read(ctx, s, tokenKey(hash), decode[tokenItem])
	return deltag.AccessToken{Name: t.Name, Role: t.Role, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}, err
}

// PutToken stores a new access token. Errors: ErrConflict (there is one with that hash; so also when it is repeated).
func (s *Store) PutToken(ctx context.Context, hash string, t deltag.AccessToken) error {
	return s.putItem(ctx, encode(tokenKey(hash), tokenItem{
		Name: t.Name, Role: t.Role, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, TTL: t.ExpiresAt.Unix(),
	}), condNotExists)
}
