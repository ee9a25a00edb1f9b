package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// All members are in one partition, since there are few, and their list is read as a whole.
const membersPK = "MEMBERS"

// memberItem is a member as it is stored.
type memberItem struct {
	ID, Email, NormalizedEmail string
	Language                   deltag.Language
	Role                       deltag.Role `dynamodbav:",omitempty"`
	Secret                     []byte
	CreatedAt                  time.Time
	Links                      []signInLinkItem `dynamodbav:",omitempty"`
	LastLink                   int
	SignedOutAt                time.Time `dynamodbav:",omitempty"`
	Revision                   int
}

type signInLinkItem struct {
	Number   int
	IssuedAt time.Time
	Used     bool `dynamodbav:",omitempty"`
}

func memberKey(id string) item { return key(membersPK, "MEMBER#"+id) }

// rolesKey is the item whose revision rises with every change of a role, so that two changes never leave no owner.
func rolesKey() item { return key(membersPK, "ROLES") }

func encodeMember(m deltag.Member) item {
	v := memberItem{
		ID: m.ID, Email: m.Email.Original, NormalizedEmail: m.Email.Normalized, Language: m.Language, Role: m.Role,
		Secret: m.Secret, CreatedAt: m.CreatedAt, LastLink: m.LastLink, SignedOutAt: m.SignedOutAt, Revision: m.Revision,
	}
	for _, l := range m.Links {
		v.Links = append(v.Links, signInLinkItem(l))
	}
	return encode(memberKey(m.ID), v)
}

func decodeMember(it item) (deltag.Member, error) {
	v, err := decode[memberItem](it)
	m := deltag.Member{
		ID: v.ID, Email: deltag.Address{Original: v.Email, Normalized: v.NormalizedEmail}, Language: v.Language,
		Role: v.Role, Secret: v.Secret, CreatedAt: v.CreatedAt, LastLink: v.LastLink, SignedOutAt: v.SignedOutAt,
		Revision: v.Revision,
	}
	for _, l := range v.Links {
		m.Links = append(m.Links, deltag.SignInLink(l))
	}
	return m, err
}

// MemberID is the id of an address's member: a keyed hash, so that it reveals nothing of the address.
func (s *Store) MemberID(ctx context.Context, a deltag.Address) (string, error) {
	secret, err := s.loadHashKey(ctx)
	if err != nil {
		return "", err
	}
	return deltag.MemberID(secret, a), nil
}

// Member reads a member. Errors: ErrNotFound.
func (s *Store) Member(ctx context.Context, id string) (deltag.Member, error) {
	return read(ctx, s, memberKey(id), decodeMember)
}

// Members lists all members in the order of their ids, and the revision of their roles, read before.
func (s *Store) Members(ctx context.Context) (all []deltag.Member, rolesRevision int, err error) {
	roles, err := read(ctx, s, rolesKey(), decode[struct{ Revision int }])
	if ignoreNotFound(err) != nil {
		return nil, 0, err
	}
	all, err = readAll(ctx, s, query{pk: membersPK, prefix: "MEMBER#"}, decodeMember)
	return all, roles.Revision, err
}

// SaveMember stores m, whose Revision is one above the stored one, and a mail to m, nil for none.
// Errors: ErrConflict (m has changed since it was read; so also when it is repeated).
func (s *Store) SaveMember(ctx context.Context, m deltag.Member, mail *deltag.Delivery) error {
	tx := s.begin()
	tx.putMember(m)
	if mail != nil {
		tx.putDelivery(*mail)
	}
	return tx.Commit(ctx)
}

// SaveRole is SaveMember for a change of m's role. Errors: ErrConflict (also if any role has changed since
// rolesRevision was read). A new member was not removed any more.
func (s *Store) SaveRole(ctx context.Context, m deltag.Member, rolesRevision int, mail *deltag.Delivery) error {
	tx := s.begin()
	tx.changeRoles(rolesRevision)
	tx.putMember(m)
	if m.Revision == 1 {
		tx.Delete(removedKey(m.ID), always)
	}
	if mail != nil {
		tx.putDelivery(*mail)
	}
	return tx.Commit(ctx)
}

// removedKey is the item that remembers, by the keyed hash that a member's id is, that an owner has taken access away:
// such an address gets none by its domain alone.
func removedKey(id string) item { return key(membersPK, "REMOVED#"+id) }

// WasRemoved says whether a member with an id was removed, and has not got a role again.
func (s *Store) WasRemoved(ctx context.Context, id string) (bool, error) {
	_, err := read(ctx, s, removedKey(id), decode[struct{}])
	return err == nil, ignoreNotFound(err)
}

// RemoveMember deletes m, as it was read, and remembers its id. Errors: ErrConflict as SaveRole; so also when it is
// repeated.
func (s *Store) RemoveMember(ctx context.Context, m deltag.Member, rolesRevision int) error {
	tx := s.begin()
	tx.changeRoles(rolesRevision)
	tx.Delete(memberKey(m.ID), condMember(m, m.Revision))
	tx.Put(removedKey(m.ID), always)
	return tx.Commit(ctx)
}

func (tx *transaction) changeRoles(revision int) {
	unchanged := condRevision(revision)
	if revision == 0 {
		unchanged = condNotExists
	}
	tx.Update(rolesKey(), expression{text: "ADD Revision :one", values: item{":one": avNumber(1)}}, unchanged)
}

func (tx *transaction) putMember(m deltag.Member) {
	if m.Revision == 1 {
		tx.Put(encodeMember(m), condNotExists)
		return
	}
	tx.Put(encodeMember(m), condMember(m, m.Revision-1))
}

// condMember holds while a revision of m is stored, and no later member of the same address.
func condMember(m deltag.Member, revision int) expression {
	c := condRevision(revision)
	return expression{
		text:   c.text + " AND Secret = :secret",
		values: merge(c.values, item{":secret": &types.AttributeValueMemberB{Value: m.Secret}}),
	}
}
