package account

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// A MemberView is a member as the owners see them.
type MemberView struct {
	deltag.Member
	Role deltag.Role
	// AlwaysOwner: the address is in ORGANISERS, so the role can't be changed here.
	AlwaysOwner bool
}

// Members lists all who may sign in, by role and address.
func (s *Service) Members(ctx context.Context, by deltag.Principal) ([]MemberView, error) {
	if err := requireManage(by); err != nil {
		return nil, err
	}
	stored, _, err := s.Store.Members(ctx)
	if err != nil {
		return nil, err
	}
	o := deltag.Organisation{Owners: s.Owners, Members: stored}
	for _, owner := range s.Owners { // those who have never signed in are not stored
		isOwner := func(m deltag.Member) bool { return m.Email.Normalized == owner.Normalized }
		if !slices.ContainsFunc(stored, isOwner) {
			id, err := s.Store.MemberID(ctx, owner)
			if err != nil {
				return nil, err
			}
			stored = append(stored, deltag.Member{ID: id, Email: owner})
		}
	}
	var views []MemberView
	for _, m := range stored {
		if role := o.RoleOf(m); role != "" {
			views = append(views, MemberView{Member: m, Role: role, AlwaysOwner: o.IsAlwaysOwner(m)})
		}
	}
	slices.SortFunc(views, func(a, b MemberView) int {
		return cmp.Or(slices.Index(deltag.Roles, a.Role)-slices.Index(deltag.Roles, b.Role),
			cmp.Compare(a.Email.Normalized, b.Email.Normalized))
	})
	return views, nil
}

// Invite gives an address a role, and tells it by mail. ValidationErrors: the role is unknown, or the address has one
// already; so also when it is repeated.
func (s *Service) Invite(
	ctx context.Context, by deltag.Principal, a deltag.Address, role deltag.Role, l deltag.Language, now time.Time,
) error {
	if err := requireManage(by); err != nil {
		return err
	}
	if role == "" {
		return deltag.ValidationErrors{{Field: "role", Code: "unknown-role"}}
	}
	change := roleChange{by: by, now: now, action: deltag.AuditMemberInvited, role: role}
	change.further = func(m deltag.Member) (deltag.Member, *deltag.Delivery) {
		next, mail := m.Invite(now)
		return next, &mail
	}
	return s.changeRole(ctx, change, func(ctx context.Context, o deltag.Organisation, revision int) (deltag.Member, error) {
		m, err := s.member(ctx, a, l, now)
		switch {
		case err != nil || m.Revision == 0:
			return m, err
		case o.RoleOf(m) != "":
			return m, deltag.ValidationErrors{{Field: "email", Code: "already-member"}}
		}
		// Somebody who stood in ORGANISERS: nothing of them is the new member's.
		if err := s.Store.RemoveMember(ctx, m, revision); err != nil {
			return m, err
		}
		return m, deltag.ErrConflict
	})
}

// SetRole changes what a member may do, from their next request on. ErrNotFound; ValidationErrors, see
// deltag.Organisation.CheckRole. Repeating it changes nothing.
func (s *Service) SetRole(
	ctx context.Context, by deltag.Principal, memberID string, role deltag.Role, now time.Time,
) error {
	if err := requireManage(by); err != nil {
		return err
	}
	if role == "" {
		return deltag.ValidationErrors{{Field: "role", Code: "unknown-role"}}
	}
	change := roleChange{by: by, now: now, action: deltag.AuditRoleChanged, role: role}
	return s.changeRole(ctx, change, s.existing(memberID))
}

// Remove ends a member's access: their sessions and tokens are refused from then on, also if they are invited again, and
// their tokens are deleted. ValidationErrors as SetRole. Repeating it changes nothing.
func (s *Service) Remove(ctx context.Context, by deltag.Principal, memberID string, now time.Time) error {
	if err := requireManage(by); err != nil {
		return err
	}
	change := roleChange{by: by, now: now, action: deltag.AuditMemberRemoved}
	if err := s.changeRole(ctx, change, s.existing(memberID)); err != nil {
		return ignoreNotFound(err)
	}
	tokens, err := s.Store.Tokens(ctx)
	for _, t := range tokens {
		if t.MemberID == memberID {
			err = errors.Join(err, ignoreNotFound(s.Store.RevokeToken(ctx, t.ID)))
		}
	}
	return err
}

// existing reads a member who may sign in. ErrNotFound.
func (s *Service) existing(memberID string) findFunc {
	return func(ctx context.Context, o deltag.Organisation, _ int) (deltag.Member, error) {
		m, err := s.Store.Member(ctx, memberID)
		if errors.Is(err, deltag.ErrNotFound) {
			for _, owner := range s.Owners {
				id, err := s.Store.MemberID(ctx, owner)
				if err != nil {
					return m, err
				}
				if id == memberID {
					return deltag.Member{ID: id, Email: owner}, nil
				}
			}
		}
		if err == nil && o.RoleOf(m) == "" {
			err = deltag.ErrNotFound
		}
		return m, err
	}
}

// A findFunc reads the member whose role is to change, among all with the revision of their roles.
type findFunc func(ctx context.Context, o deltag.Organisation, rolesRevision int) (deltag.Member, error)

// A roleChange is who gives somebody a role, or removes them for "".
type roleChange struct {
	by     deltag.Principal
	now    time.Time
	action deltag.AuditAction
	role   deltag.Role
	// further is what changes in the same transaction; nil for nothing.
	further func(deltag.Member) (deltag.Member, *deltag.Delivery)
}

// record has the change of m write its entry to the audit log.
func (c roleChange) record(ctx context.Context, m deltag.Member) context.Context {
	entry := deltag.AuditEntry{Action: c.action, Subject: m.Email.Original}
	if c.role != "" {
		entry.Details = []string{string(c.role)}
	}
	return c.by.Record(ctx, c.now, entry)
}

// changeRole changes the role of the member that find reads.
func (s *Service) changeRole(ctx context.Context, c roleChange, find findFunc) error {
	return deltag.RetryOnConflict(func() error {
		all, revision, err := s.Store.Members(ctx)
		if err != nil {
			return err
		}
		o := deltag.Organisation{Owners: s.Owners, Members: all}
		m, err := find(ctx, o, revision)
		if err != nil {
			return err
		}
		if err := o.CheckRole(m, c.role); err != nil || o.RoleOf(m) == c.role {
			return err
		}
		ctx := c.record(ctx, m)
		if c.role == "" {
			return s.Store.RemoveMember(ctx, m, revision)
		}
		next := m
		var mail *deltag.Delivery
		if c.further != nil {
			next, mail = c.further(m)
		}
		next.Role, next.Revision = c.role, m.Revision+1
		return s.Store.SaveRole(ctx, next, revision, mail)
	})
}
