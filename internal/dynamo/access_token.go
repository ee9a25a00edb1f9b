package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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

func tokenPK(hash string) string { return "TOKEN#" + hash }

// Token reads the access token with that hash. ErrNotFound. Whether it has expired is the caller's to
// check: DynamoDB deletes expired items days later.
func (s *Store) Token(ctx context.Context, hash string) (deltag.AccessToken, error) {
	it, err := s.get(ctx, tokenPK(hash), "TOKEN")
	if err != nil {
		return deltag.AccessToken{}, err
	}
	t, err := decode[tokenItem](it)
	return deltag.AccessToken{Name: t.Name, Role: deltag.Role(t.Role), CreatedAt: parseTime(t.CreatedAt), ExpiresAt: parseTime(t.ExpiresAt)}, err
}

// PutToken stores a new access token. ErrConflict if its hash is there already.
func (s *Store) PutToken(ctx context.Context, hash string, t deltag.AccessToken) error {
	condition := condNotExists
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, ConditionExpression: &condition,
		Item: encode(tokenItem{
			PK: tokenPK(hash), SK: "TOKEN", Name: t.Name, Role: string(t.Role),
			CreatedAt: formatTime(t.CreatedAt), ExpiresAt: formatTime(t.ExpiresAt), TTL: t.ExpiresAt.Unix(),
		}),
	})
	return wrapError("put token", err)
}
