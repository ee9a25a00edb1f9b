package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// tokenItem is an access token as it is stored: under the hash of its secret part.
type tokenItem struct {
	PK, SK    string
	Name      string
	Role      string
	CreatedAt string
	ExpiresAt string
	TTL       int64 `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

const tokenSK = "TOKEN"

func tokenPK(hash string) string { return "TOKEN#" + hash }

// Token reads the access token with that hash, which may have expired: DynamoDB deletes expired items days later.
// Errors: ErrNotFound.
func (s *Store) Token(ctx context.Context, hash string) (deltag.AccessToken, error) {
	it, err := s.get(ctx, tokenPK(hash), tokenSK)
	if err != nil {
		return deltag.AccessToken{}, err
	}
	t, err := decode[tokenItem](it)
	return deltag.AccessToken{
		Name: t.Name, Role: deltag.Role(t.Role), CreatedAt: parseTime(t.CreatedAt), ExpiresAt: parseTime(t.ExpiresAt),
	}, err
}

// PutToken stores a new access token.
// Errors: ErrConflict (there is one with that hash; so also when it is repeated).
func (s *Store) PutToken(ctx context.Context, hash string, t deltag.AccessToken) error {
	return s.putItem(ctx, encode(tokenItem{
		PK: tokenPK(hash), SK: tokenSK, Name: t.Name, Role: string(t.Role),
		CreatedAt: formatTime(t.CreatedAt), ExpiresAt: formatTime(t.ExpiresAt), TTL: t.ExpiresAt.Unix(),
	}), condNotExists)
}
