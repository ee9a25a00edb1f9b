package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// sessionItem is a session as it is stored: under the hash of its cookie's value.
type sessionItem struct {
	MemberID          string
	CreatedAt, UsedAt time.Time
	TTL               int64 `dynamodbav:"expiresAt"` // Unix seconds: DynamoDB deletes it some days after
}

func sessionKey(hash string) item { return key("SESSION#"+hash, "SESSION") }

func decodeSession(it item) (deltag.Session, error) {
	v, err := decode[sessionItem](it)
	return deltag.Session{MemberID: v.MemberID, CreatedAt: v.CreatedAt, UsedAt: v.UsedAt}, err
}

// StartSession stores a session and m, who has signed in, all or nothing.
// Errors: ErrConflict (m has changed since it was read; so also when it is repeated).
func (s *Store) StartSession(ctx context.Context, m deltag.Member, hash string, session deltag.Session) error {
	tx := s.begin()
	tx.putMember(m)
	tx.Put(encode(sessionKey(hash), sessionItem{
		MemberID: session.MemberID, CreatedAt: session.CreatedAt, UsedAt: session.UsedAt,
		TTL: session.CreatedAt.Add(deltag.SessionPeriod).Unix(),
	}), condNotExists)
	return tx.Commit(ctx)
}

// SessionAndMember reads a session and its member in one call. Errors: ErrNotFound, when either is missing.
func (s *Store) SessionAndMember(
	ctx context.Context, hash, memberID string,
) (session deltag.Session, m deltag.Member, err error) {
	sessionKey, memberKey := sessionKey(hash), memberKey(memberID)
	found, err := s.batchGet(ctx, sessionKey, memberKey)
	if err != nil {
		return session, m, err
	}
	if session, err = decodeFound(found, sessionKey, decodeSession); err != nil {
		return session, m, err
	}
	m, err = decodeFound(found, memberKey, decodeMember)
	return session, m, err
}

// TouchSession writes when a session was used. It does nothing if there is none.
func (s *Store) TouchSession(ctx context.Context, hash string, now time.Time) error {
	return s.touch(ctx, sessionKey(hash), now)
}

func (s *Store) touch(ctx context.Context, key item, now time.Time) error {
	_, err := s.updateItem(ctx, key,
		expression{text: "SET UsedAt = :now", values: item{":now": avTime(now)}}, condExists)
	return ignoreConflict(err)
}

// EndSession deletes a session, if there is one.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	return s.deleteAll(ctx, sessionKey(hash))
}
