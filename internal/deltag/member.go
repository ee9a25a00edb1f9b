package deltag

import (
	"slices"
	"time"
)

// A Member is a person who signs in to the organisers' pages. The methods that take a time are its only state changes;
// each returns the next state with Revision one higher, and a mail where there is one. Both are written in one
// transaction, if the stored revision is the one before.
type Member struct {
	ID       string // made of the address
	Email    Address
	Language Language
	// Role is what the owners gave. "": nothing; an address in ORGANISERS is an owner without it. See Organisation.RoleOf.
	Role      Role
	Secret    []byte // signs the links
	CreatedAt time.Time
	Links     []SignInLink // of the last hour
	LastLink  int          // the number of the latest
	// SignedOutAt ends every session that began before. Zero: none.
	SignedOutAt time.Time
	Revision    int // 0: not stored yet
}

// NewMember is a member without a role, for an address in ORGANISERS or one that is about to be invited.
func NewMember(id string, email Address, l Language, secret []byte, now time.Time) Member {
	return Member{ID: id, Email: email, Language: l, Secret: secret, CreatedAt: now}
}

// SignOutEverywhere ends all sessions of m.
func (m Member) SignOutEverywhere(now time.Time) Member {
	m.SignedOutAt = now
	m.Revision++
	return m
}

// An Organisation is all who may sign in.
type Organisation struct {
	Owners  []Address // in ORGANISERS: always owners, whether they are stored as members or not
	Members []Member
}

// IsAlwaysOwner says whether m's address is in ORGANISERS.
func (o Organisation) IsAlwaysOwner(m Member) bool {
	return slices.ContainsFunc(o.Owners, func(owner Address) bool { return owner.Normalized == m.Email.Normalized })
}

// RoleOf is what m may do. "": m may not sign in.
func (o Organisation) RoleOf(m Member) Role {
	if o.IsAlwaysOwner(m) {
		return RoleOwner
	}
	return m.Role
}

// CheckRole says whether m may be given a role, "" to remove it. ValidationErrors: the role is unknown, m is always an
// owner, or nobody would be an owner any more.
func (o Organisation) CheckRole(m Member, r Role) error {
	var v validator
	switch {
	case o.IsAlwaysOwner(m):
		v.require(r == RoleOwner, "role", "always-owner")
	case r != "":
		v.require(slices.Contains(Roles, r), "role", "unknown-role")
	}
	isAnotherOwner := func(other Member) bool { return other.ID != m.ID && o.RoleOf(other) == RoleOwner }
	if o.RoleOf(m) == RoleOwner && r != RoleOwner && len(v) == 0 {
		v.require(len(o.Owners) > 0 || slices.ContainsFunc(o.Members, isAnotherOwner), "role", "last-owner")
	}
	return ValidationErrors(v).Err()
}
