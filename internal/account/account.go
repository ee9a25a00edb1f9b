// Package account is who may do what: signing in, members, and access tokens. The organisers' pages and the JSON API call
// it; what somebody who was let in then does is package organiser's.
//
// Each use case that takes a Principal answers deltag.ErrForbidden, before anything is read, when that may not do it. Any
// may return ErrUnavailable. Each comment says what a repetition does.
package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"deltag/internal/address"
	"deltag/internal/deltag"
)

// A Store keeps members, sessions and access tokens. Reads are consistent, and any call may return ErrUnavailable.
type Store interface {
	// MemberID is the id of an address's member, whether there is one or not.
	MemberID(ctx context.Context, a deltag.Address) (string, error)
	// Member reads one. ErrNotFound.
	Member(ctx context.Context, id string) (deltag.Member, error)
	// Members lists all, with the revision of their roles.
	Members(ctx context.Context) (all []deltag.Member, rolesRevision int, err error)
	// SaveMember stores the next state of a member, and a mail. ErrConflict: the stored one is not the one before.
	SaveMember(ctx context.Context, m deltag.Member, mail *deltag.Delivery) error
	// SaveRole is SaveMember, if no role has changed since rolesRevision was read. ErrConflict.
	SaveRole(ctx context.Context, m deltag.Member, rolesRevision int, mail *deltag.Delivery) error
	// RemoveMember deletes one, if it and all roles are as they were read, and remembers its id until SaveRole stores a
	// member with it again. ErrConflict.
	RemoveMember(ctx context.Context, m deltag.Member, rolesRevision int) error
	// WasRemoved says whether RemoveMember remembers an id.
	WasRemoved(ctx context.Context, id string) (bool, error)
	// StartSession stores a session, and the member who signed in. ErrConflict as SaveMember.
	StartSession(ctx context.Context, m deltag.Member, hash string, session deltag.Session) error
	// SessionAndMember reads both. ErrNotFound when either is missing.
	SessionAndMember(ctx context.Context, hash, memberID string) (deltag.Session, deltag.Member, error)
	// TouchSession writes when a session was used.
	TouchSession(ctx context.Context, hash string, now time.Time) error
	// EndSession deletes a session, if there is one.
	EndSession(ctx context.Context, hash string) error
	// CountSignIn counts a request for a link from a network. ErrSignInLimit: the hour had all its requests.
	CountSignIn(ctx context.Context, network string, now time.Time) error
	// Token reads an access token, which may have expired. ErrNotFound.
	Token(ctx context.Context, hash string) (deltag.AccessToken, error)
	// Tokens lists all of them.
	Tokens(ctx context.Context) ([]deltag.AccessToken, error)
	// PutToken stores a new one. ErrConflict.
	PutToken(ctx context.Context, hash string, t deltag.AccessToken) error
	// RevokeToken deletes one. ErrNotFound.
	RevokeToken(ctx context.Context, id string) error
	// TouchToken writes when a token was used.
	TouchToken(ctx context.Context, hash string, now time.Time) error
}

// A Service holds the use cases.
type Service struct {
	Store  Store
	Owners []deltag.Address // ORGANISERS
	// Domains are the roles of those who sign in with an address of a domain, and are no members yet: OIDC_DOMAINS.
	Domains map[string]deltag.Role
	Random  io.Reader // of secrets and tokens
}

// ParseOwners reads ORGANISERS. Its error names the address that is none.
func ParseOwners(list []string) (owners []deltag.Address, err error) {
	for _, text := range list {
		owner, err := address.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("ORGANISERS: %q: %w", text, err)
		}
		owners = append(owners, owner)
	}
	return owners, nil
}

// ParseDomains reads OIDC_DOMAINS, like example.dk=reader. Nobody becomes an owner without another's word. Its error
// names what can't be read.
func ParseDomains(list []string) (map[string]deltag.Role, error) {
	domains := map[string]deltag.Role{}
	for _, text := range list {
		domain, role, _ := strings.Cut(strings.TrimSpace(text), "=")
		a, err := address.Parse("a@" + domain)
		if r := deltag.Role(role); err != nil || r != deltag.RoleOrganiser && r != deltag.RoleReader {
			return nil, fmt.Errorf("OIDC_DOMAINS: %q is no domain with organiser or reader, like example.dk=reader", text)
		}
		domains[domainOf(a)] = deltag.Role(role)
	}
	return domains, nil
}

func domainOf(a deltag.Address) string {
	_, domain, _ := strings.Cut(a.Normalized, "@")
	return domain
}

func requireManage(by deltag.Principal) error {
	if !by.MayManage() {
		return deltag.ErrForbidden
	}
	return nil
}

func (s *Service) roleOf(m deltag.Member) deltag.Role {
	return deltag.Organisation{Owners: s.Owners}.RoleOf(m)
}

// member reads the member of an address. It is a new one, without a role, if there is none.
func (s *Service) member(
	ctx context.Context, a deltag.Address, l deltag.Language, now time.Time,
) (deltag.Member, error) {
	id, err := s.Store.MemberID(ctx, a)
	if err != nil {
		return deltag.Member{}, err
	}
	m, err := s.Store.Member(ctx, id)
	if !errors.Is(err, deltag.ErrNotFound) {
		return m, err
	}
	secret, err := deltag.NewSecret(s.Random)
	return deltag.NewMember(id, a, l, secret, now), err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, deltag.ErrNotFound) {
		return nil
	}
	return err
}
