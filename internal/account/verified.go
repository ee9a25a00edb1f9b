package account

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// SignInVerified begins a session for somebody who has proved an address elsewhere, with a new token for the cookie. An
// address of one of the Domains becomes a member's, unless an owner has taken its access away: then only an owner gives
// it back. Errors: ErrForbidden, if the address has no access. Repeating it begins another session.
func (s *Service) SignInVerified(
	ctx context.Context, a deltag.Address, l deltag.Language, now time.Time,
) (sessionToken string, err error) {
	err = deltag.RetryOnConflict(func() error {
		m, err := s.member(ctx, a, l, now)
		if err != nil {
			return err
		}
		if s.roleOf(m) == "" {
			if m, err = s.joinByDomain(ctx, a, l, now); err != nil {
				return err
			}
		}
		m.Revision++
		sessionToken, err = s.startSession(ctx, m, l, now)
		return err
	})
	if err != nil {
		return "", err
	}
	return sessionToken, nil
}

// joinByDomain makes the member of an address that has none, with the role of its domain. ErrForbidden; ErrConflict.
func (s *Service) joinByDomain(
	ctx context.Context, a deltag.Address, l deltag.Language, now time.Time,
) (deltag.Member, error) {
	role, ok := s.Domains[domainOf(a)]
	if !ok {
		return deltag.Member{}, deltag.ErrForbidden
	}
	_, revision, err := s.Store.Members(ctx) // before what follows, so that nobody is removed in between
	if err != nil {
		return deltag.Member{}, err
	}
	m, err := s.member(ctx, a, l, now)
	if err != nil || m.Role != "" { // made a moment ago, by another request
		return m, err
	}
	removed, err := s.Store.WasRemoved(ctx, m.ID)
	if err != nil {
		return m, err
	}
	if stoodInOrganisers := m.Revision > 0; removed || stoodInOrganisers {
		return m, deltag.ErrForbidden
	}
	m.Role, m.Revision = role, 1
	self := deltag.Principal{Name: a.Original, Channel: deltag.ChannelConsole}
	ctx = self.Record(ctx, now, deltag.AuditEntry{
		Action: deltag.AuditMemberJoined, Subject: a.Original, Details: []string{string(role)},
	})
	return m, s.Store.SaveRole(ctx, m, revision, nil)
}
