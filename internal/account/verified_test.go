package account_test

import (
	"context"
	"testing"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
)

func TestSignInVerified(t *testing.T) {
	newFixture := func(t *testing.T) *fixture {
		f := newFixture(t)
		f.Domains = map[string]deltag.Role{"example.dk": deltag.RoleReader}
		return f
	}
	signIn := func(f *fixture, name string, at time.Time) deltag.Principal {
		f.Helper()
		token, err := f.SignInVerified(ctx, address(name), "en", at)
		f.must(err)
		return f.principal(token, at)
	}
	refused := func(f *fixture, a deltag.Address, at time.Time) {
		f.Helper()
		token, err := f.SignInVerified(ctx, a, "en", at)
		f.wantError(err, deltag.ErrForbidden)
		f.want(token, "")
	}

	t.Run("AnOwnerOfORGANISERS", func(t *testing.T) {
		f := newFixture(t)
		f.want(signIn(f, "anna", now).Role, deltag.RoleOwner)
		f.want(signIn(f, "anna", now).Role, deltag.RoleOwner) // again
		m, err := f.store.Member(ctx, f.id("anna"))
		f.must(err)
		f.want(m.Role, "") // it stands in ORGANISERS alone
		f.want(m.Language, "en")
		f.want(len(m.Links), 0) // none of her links of the hour is used
	})
	t.Run("AMemberWithTheRoleThatTheyHaveNow", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleOrganiser)
		token, err := f.SignInVerified(ctx, address("bo"), "da", now)
		f.must(err)
		f.want(f.principal(token, now), deltag.Principal{
			Name: "bo@example.dk", MemberID: f.id("bo"), Role: deltag.RoleOrganiser, Channel: deltag.ChannelConsole,
		})
		f.must(f.SetRole(ctx, f.owner(), f.id("bo"), deltag.RoleReader, now))
		f.want(f.principal(token, now).Role, deltag.RoleReader)
		f.must(f.Remove(ctx, f.owner(), f.id("bo"), now))
		f.wantSignedOut(token, now)
	})
	t.Run("NobodyElse", func(t *testing.T) {
		f := newFixture(t)
		for _, normalized := range []string{
			"ida@example.org", "ida@sub.example.dk", "ida@notexample.dk", "ida@example.dk.example.org",
		} {
			refused(f, deltag.Address{Original: normalized, Normalized: normalized}, now)
			id, err := f.store.MemberID(ctx, deltag.Address{Normalized: normalized})
			f.must(err)
			_, err = f.store.Member(ctx, id)
			f.wantError(err, deltag.ErrNotFound)
		}
		f.Domains = nil
		refused(f, address("carl"), now)
	})
	t.Run("AnAddressOfADomainBecomesAMembers", func(t *testing.T) {
		f := newFixture(t)
		f.want(signIn(f, "carl", now).Role, deltag.RoleReader)
		f.want(f.mails("carl"), "[]")
		f.must(f.SetRole(ctx, f.owner(), f.id("carl"), deltag.RoleOrganiser, now))
		f.want(signIn(f, "carl", now).Role, deltag.RoleOrganiser) // the domain's is that of the first time only
		f.Domains = nil
		f.want(signIn(f, "carl", now).Role, deltag.RoleOrganiser)
		f.must(f.RequestLink(ctx, address("carl"), "da", "", now))
		f.want(f.mails("carl"), "[sign-in 1]")
	})
	t.Run("WhoWasRemovedNeedsAnOwner", func(t *testing.T) {
		f := newFixture(t)
		signIn(f, "carl", now)
		f.must(f.Remove(ctx, f.owner(), f.id("carl"), now))
		refused(f, address("carl"), now)
		f.must(f.Invite(ctx, f.owner(), address("carl"), deltag.RoleOrganiser, "da", now))
		f.want(signIn(f, "carl", now).Role, deltag.RoleOrganiser)
		f.must(f.Remove(ctx, f.owner(), f.id("carl"), now))
		refused(f, address("carl"), now) // a second time
		f.want(signIn(f, "dorte", now).Role, deltag.RoleReader)
	})
	t.Run("WhoStoodInORGANISERSNeedsAnOwner", func(t *testing.T) {
		f := newFixture(t)
		signIn(f, "anna", now)
		f.Owners = []deltag.Address{address("zoe")}
		refused(f, address("anna"), now)
		zoe := signIn(f, "zoe", now)
		f.must(f.Invite(ctx, zoe, address("anna"), deltag.RoleOrganiser, "da", now))
		f.want(signIn(f, "anna", now).Role, deltag.RoleOrganiser)
	})
	t.Run("ARemovalMeanwhileIsNotUndone", func(t *testing.T) {
		f := newFixture(t)
		owner := f.owner()
		f.Store = &meanwhile{Store: f.Store, do: func() {
			other := &account.Service{Store: f.store, Owners: f.Owners, Domains: f.Domains, Random: f.Random}
			_, err := other.SignInVerified(ctx, address("carl"), "da", now)
			f.must(err)
			f.must(other.Remove(ctx, owner, f.id("carl"), now))
		}}
		refused(f, address("carl"), now)
	})
	t.Run("ASecondRequestAtTheSameTime", func(t *testing.T) {
		f := newFixture(t)
		f.Store = &meanwhile{Store: f.Store, do: func() {
			other := &account.Service{Store: f.store, Owners: f.Owners, Domains: f.Domains, Random: f.Random}
			_, err := other.SignInVerified(ctx, address("carl"), "da", now)
			f.must(err)
		}}
		f.want(signIn(f, "carl", now).Role, deltag.RoleReader)
	})
}

// meanwhile does something once, when somebody has asked whether a member was removed.
type meanwhile struct {
	account.Store
	do func()
}

func (s *meanwhile) WasRemoved(ctx context.Context, id string) (bool, error) {
	removed, err := s.Store.WasRemoved(ctx, id)
	if do := s.do; do != nil {
		s.do = nil
		do()
	}
	return removed, err
}

func TestParseDomains(t *testing.T) {
	domains, err := account.ParseDomains([]string{"Example.dk=reader", " rødgrød.dk=organiser"})
	if err != nil || len(domains) != 2 || domains["example.dk"] != deltag.RoleReader ||
		domains["xn--rdgrd-vuad.dk"] != deltag.RoleOrganiser {
		t.Error(domains, err)
	}
	for _, text := range []string{
		"", "example.dk", "example.dk=", "example.dk=owner", "=reader", "a@example.dk=reader", "dk=reader",
	} {
		if _, err := account.ParseDomains([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if domains, err := account.ParseDomains(nil); err != nil || len(domains) > 0 {
		t.Error(domains, err)
	}
}
