package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// AuthenticateToken is who an access token belongs to, with what both it and its member may do now. Errors: ErrUnauthenticated
// (no such token, it has expired, or its member has no access any more).
func (s *Service) AuthenticateToken(ctx context.Context, token string, now time.Time) (deltag.Principal, error) {
	hash, ok := deltag.HashAccessToken(token)
	if !ok {
		return deltag.Principal{}, deltag.ErrUnauthenticated
	}
	t, err := s.Store.Token(ctx, hash)
	if errors.Is(err, deltag.ErrNotFound) || err == nil && !now.Before(t.ExpiresAt) {
		return deltag.Principal{}, deltag.ErrUnauthenticated
	}
	if err != nil {
		return deltag.Principal{}, err
	}
	role := t.Role
	if t.MemberID != "" {
		m, err := s.Store.Member(ctx, t.MemberID)
		if err != nil && !errors.Is(err, deltag.ErrNotFound) {
			return deltag.Principal{}, err
		}
		if s.roleOf(m) == "" || t.CreatedAt.Before(m.CreatedAt) { // or of an earlier member
			return deltag.Principal{}, deltag.ErrUnauthenticated
		}
		role = role.Min(s.roleOf(m))
	}
	if deltag.IsUseNews(t.UsedAt, now) {
		_ = s.Store.TouchToken(ctx, hash, now) // no reason to refuse who may come in
	}
	return deltag.Principal{Name: t.Name, MemberID: t.MemberID, Role: role, Channel: deltag.ChannelAPI}, nil
}

// Tokens lists those that are valid, the newest first.
func (s *Service) Tokens(ctx context.Context, by deltag.Principal, now time.Time) ([]deltag.AccessToken, error) {
	if err := requireManage(by); err != nil {
		return nil, err
	}
	all, err := s.Store.Tokens(ctx)
	all = slices.DeleteFunc(all, func(t deltag.AccessToken) bool { return !now.Before(t.ExpiresAt) })
	slices.SortFunc(all, func(a, b deltag.AccessToken) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, err
}

// EndOfDay is the end of a date where tokens have theirs: the last day on which one is valid.
func EndOfDay(date time.Time) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day()+1, 0, 0, 0, 0, deltag.AccountEvent().Zone())
}

// CreateToken makes a token, which nobody sees again. ValidationErrors. Repeating it makes another.
func (s *Service) CreateToken(
	ctx context.Context, by deltag.Principal, name string, role deltag.Role, expires, now time.Time,
) (token string, created deltag.AccessToken, err error) {
	if err := requireManage(by); err != nil {
		return "", created, err
	}
	created = deltag.AccessToken{Name: name, Role: role, MemberID: by.MemberID, CreatedAt: now, ExpiresAt: expires}
	if err := created.Validate(); err != nil {
		return "", created, err
	}
	return s.putToken(ctx, by, created)
}

// CreateOperatorToken makes a token that belongs to no member, and may do everything. An operator, who may write to the
// table, decides for how long. Repeating it makes another.
func (s *Service) CreateOperatorToken(
	ctx context.Context, by deltag.Principal, name string, expires, now time.Time,
) (token string, err error) {
	if err := requireManage(by); err != nil {
		return "", err
	}
	token, _, err = s.putToken(ctx, by, deltag.AccessToken{
		Name: name, Role: deltag.RoleOwner, CreatedAt: now, ExpiresAt: expires,
	})
	return token, err
}

func (s *Service) putToken(
	ctx context.Context, by deltag.Principal, t deltag.AccessToken,
) (token string, created deltag.AccessToken, err error) {
	token, hash, err := deltag.NewAccessToken(s.Random)
	if err != nil {
		return "", t, err
	}
	t.ID = deltag.AccessTokenID(hash)
	ctx = by.Record(ctx, t.CreatedAt, deltag.AuditEntry{
		Action: deltag.AuditTokenCreated, Subject: t.Name, Details: []string{string(t.Role)},
	})
	if err := s.Store.PutToken(ctx, hash, t); err != nil {
		return "", t, err
	}
	return token, t, nil
}

// RevokeToken ends a token at once. Repeating it changes nothing.
func (s *Service) RevokeToken(ctx context.Context, by deltag.Principal, id string, now time.Time) error {
	if err := requireManage(by); err != nil {
		return err
	}
	all, err := s.Store.Tokens(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t deltag.AccessToken) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	ctx = by.Record(ctx, now, deltag.AuditEntry{Action: deltag.AuditTokenRevoked, Subject: all[i].Name})
	return ignoreNotFound(s.Store.RevokeToken(ctx, id))
}
