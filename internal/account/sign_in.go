package account

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

// RequestLink sends a member the link to sign in. Nothing tells whether the address is a member's, or has had its links of
// the hour. ErrSignInLimit: the network has had all its requests of the hour. Repeating it sends another link.
func (s *Service) RequestLink(
	ctx context.Context, a deltag.Address, l deltag.Language, network string, now time.Time,
) error {
	if err := s.Store.CountSignIn(ctx, network, now); err != nil {
		return err
	}
	err := deltag.RetryOnConflict(func() error {
		m, err := s.member(ctx, a, l, now)
		if err != nil || s.roleOf(m) == "" {
			return err
		}
		next, mail, ok := m.RequestSignInLink(l, now)
		if !ok {
			return nil
		}
		return s.Store.SaveMember(ctx, next, &mail)
	})
	if errors.Is(err, deltag.ErrConflict) {
		return nil // others keep asking for the same member: they get the link, and nobody learns that there is one
	}
	return err
}

// IssueLink is the token of a link for an address, for an operator when there is no mail. ErrNotFound: the address is
// neither a member's nor in ORGANISERS. Both are looked at again when the link is used. Repeating it makes another.
func (s *Service) IssueLink(
	ctx context.Context, by deltag.Principal, a deltag.Address, now time.Time,
) (token string, err error) {
	if err := requireManage(by); err != nil {
		return "", err
	}
	err = deltag.RetryOnConflict(func() error {
		m, err := s.member(ctx, a, deltag.LanguageDanish, now)
		if err == nil && s.roleOf(m) == "" {
			err = deltag.ErrNotFound
		}
		if err != nil {
			return err
		}
		m, token = m.IssueLink(now)
		ctx := by.Record(ctx, now, deltag.AuditEntry{Action: deltag.AuditLinkMade, Subject: a.Original})
		return s.Store.SaveMember(ctx, m, nil)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// CheckLink is the member that may sign in with a link's token. Errors: ErrLinkExpired, for whatever reason it is no good.
func (s *Service) CheckLink(ctx context.Context, token string, now time.Time) (deltag.Member, error) {
	m, _, err := s.useLink(ctx, token, now)
	return m, err
}

func (s *Service) useLink(ctx context.Context, token string, now time.Time) (m, next deltag.Member, err error) {
	id, number, err := deltag.ParseSignInToken(token)
	if err != nil {
		return m, next, err
	}
	m, err = s.Store.Member(ctx, id)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return m, next, err
	}
	// A member that is not there has no secret, so no token matches it.
	if err := m.CheckSignInToken(token, number); err != nil {
		return m, next, err
	}
	if s.roleOf(m) == "" {
		return m, next, deltag.ErrLinkExpired
	}
	next, err = m.UseLink(number, now)
	return m, next, err
}

// SignIn is the press on a link's button: it uses the link, and begins a session with a new token for the cookie. Errors:
// ErrLinkExpired; so also when it is repeated. A function that dies in between leaves a session that nobody has the token
// of, and a link that is used: the person asks for another.
func (s *Service) SignIn(
	ctx context.Context, token string, l deltag.Language, now time.Time,
) (sessionToken string, err error) {
	err = deltag.RetryOnConflict(func() error {
		_, next, err := s.useLink(ctx, token, now)
		if err != nil {
			return err
		}
		sessionToken, err = s.startSession(ctx, next, l, now)
		return err
	})
	return sessionToken, err
}

// startSession stores the next state of a member who signs in, with a session. ErrConflict.
func (s *Service) startSession(
	ctx context.Context, next deltag.Member, l deltag.Language, now time.Time,
) (sessionToken string, err error) {
	next.Language = l
	if sessionToken, err = deltag.NewSessionToken(next, s.Random); err != nil {
		return "", err
	}
	_, hash, _ := deltag.ParseSessionToken(sessionToken)
	session := deltag.Session{MemberID: next.ID, CreatedAt: now, UsedAt: now}
	return sessionToken, s.Store.StartSession(ctx, next, hash, session)
}

// Authenticate is who a session's token belongs to, with the role that they have now. Errors: ErrUnauthenticated.
func (s *Service) Authenticate(
	ctx context.Context, sessionToken string, now time.Time,
) (deltag.Principal, deltag.Member, error) {
	memberID, hash, ok := deltag.ParseSessionToken(sessionToken)
	if !ok {
		return deltag.Principal{}, deltag.Member{}, deltag.ErrUnauthenticated
	}
	session, m, err := s.Store.SessionAndMember(ctx, hash, memberID)
	if err != nil && !errors.Is(err, deltag.ErrNotFound) {
		return deltag.Principal{}, m, err
	}
	role := s.roleOf(m)
	if err != nil || role == "" || !session.IsValid(m, now) {
		return deltag.Principal{}, deltag.Member{}, deltag.ErrUnauthenticated
	}
	if deltag.IsUseNews(session.UsedAt, now) {
		_ = s.Store.TouchSession(ctx, hash, now) // no reason to refuse who is signed in
	}
	p := deltag.Principal{Name: m.Email.Original, MemberID: m.ID, Role: role, Channel: deltag.ChannelConsole}
	return p, m, nil
}

// SignOut ends the session of a token, or all of the member's. Repeating it changes nothing.
func (s *Service) SignOut(ctx context.Context, sessionToken string, everywhere bool, now time.Time) error {
	memberID, hash, ok := deltag.ParseSessionToken(sessionToken)
	if !ok {
		return nil
	}
	if everywhere {
		// Only who has a session may end the others.
		if _, _, err := s.Authenticate(ctx, sessionToken, now); err == nil {
			if err := s.endAllSessions(ctx, memberID, now); err != nil {
				return err
			}
		} else if !errors.Is(err, deltag.ErrUnauthenticated) {
			return err
		}
	}
	return s.Store.EndSession(ctx, hash)
}

func (s *Service) endAllSessions(ctx context.Context, memberID string, now time.Time) error {
	return deltag.RetryOnConflict(func() error {
		m, err := s.Store.Member(ctx, memberID)
		if err != nil {
			return err
		}
		return s.Store.SaveMember(ctx, m.SignOutEverywhere(now), nil)
	})
}
