package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// An access token is two items: one under the hash of the token, for the requests, and an entry of the list of all.
const tokensPK = "TOKENS"

// tokenItem is an access token as it is stored under its hash.
type tokenItem struct {
	ID, Name             string
	Role                 deltag.Role
	MemberID             string `dynamodbav:",omitempty"`
	CreatedAt, ExpiresAt time.Time
	UsedAt               time.Time `dynamodbav:",omitempty"`
	TTL                  int64     `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

// tokenEntry is what the list has of a token.
type tokenEntry struct {
	Hash string
	TTL  int64 `dynamodbav:"expiresAt"`
}

func tokenKey(hash string) item { return key("TOKEN#"+hash, "TOKEN") }

func tokenEntryKey(id string) item { return key(tokensPK, "TOKEN#"+id) }

func decodeToken(it item) (deltag.AccessToken, error) {
	v, err := decode[tokenItem](it)
	return deltag.AccessToken{
		ID: v.ID, Name: v.Name, Role: v.Role, MemberID: v.MemberID, CreatedAt: v.CreatedAt, ExpiresAt: v.ExpiresAt,
		UsedAt: v.UsedAt,
	}, err
}

// Token reads the access token with that hash, which may have expired: DynamoDB deletes expired items days later.
// Errors: ErrNotFound.
func (s *Store) Token(ctx context.Context, hash string) (deltag.AccessToken, error) {
	return read(ctx, s, tokenKey(hash), decodeToken)
}

// PutToken stores a new access token, all or nothing. Errors: ErrConflict (there is one with that hash; so also when it is
// repeated).
func (s *Store) PutToken(ctx context.Context, hash string, t deltag.AccessToken) error {
	id, tx := deltag.AccessTokenID(hash), s.begin()
	tx.Put(encode(tokenKey(hash), tokenItem{
		ID: id, Name: t.Name, Role: t.Role, MemberID: t.MemberID, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		TTL: t.ExpiresAt.Unix(),
	}), condNotExists)
	tx.Put(encode(tokenEntryKey(id), tokenEntry{Hash: hash, TTL: t.ExpiresAt.Unix()}), condNotExists)
	return tx.Commit(ctx)
}

// Tokens lists all access tokens, in the order of their ids.
func (s *Store) Tokens(ctx context.Context) ([]deltag.AccessToken, error) {
	entries, err := readAll(ctx, s, query{pk: tokensPK}, decode[tokenEntry])
	if err != nil {
		return nil, err
	}
	var keys []item
	for _, entry := range entries {
		keys = append(keys, tokenKey(entry.Hash))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var tokens []deltag.AccessToken
	for _, k := range keys {
		t, err := decodeFound(found, k, decodeToken)
		switch {
		case err == nil:
			tokens = append(tokens, t)
		case !isNotFound(err): // expired and deleted, its entry not yet
			return nil, err
		}
	}
	return tokens, nil
}

// RevokeToken deletes a token, all or nothing. Errors: ErrNotFound; so also when it is repeated.
func (s *Store) RevokeToken(ctx context.Context, id string) error {
	entry, err := read(ctx, s, tokenEntryKey(id), decode[tokenEntry])
	if err != nil {
		return err
	}
	tx := s.begin()
	tx.Delete(tokenKey(entry.Hash), always)
	tx.Delete(tokenEntryKey(id), always)
	return tx.Commit(ctx)
}

// TouchToken writes when a token was used. It does nothing if there is none.
func (s *Store) TouchToken(ctx context.Context, hash string, now time.Time) error {
	return s.touch(ctx, tokenKey(hash), now)
}
