package account_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

var (
	ctx = context.Background()
	now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

func address(name string) deltag.Address {
	a := name + "@example.dk"
	return deltag.Address{Original: a, Normalized: a}
}

// A fixture is a service whose first owner is anna.
type fixture struct {
	*testing.T
	*account.Service
	store *dynamo.Store
	anna  deltag.Principal // once she has signed in
}

func newFixture(t *testing.T) *fixture {
	store := storetest.Embedded(t).Store()
	return &fixture{t, &account.Service{Store: store, Owners: []deltag.Address{address("anna")}, Random: rand.Reader}, store, deltag.Principal{}}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) want(got, want any) {
	f.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.Errorf("got %v, want %v", got, want)
	}
}

func (f *fixture) wantError(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("got error %v, want %v", err, want)
	}
}

func (f *fixture) wantInvalid(err error, code string) {
	f.Helper()
	var invalid deltag.ValidationErrors
	if !errors.As(err, &invalid) || invalid[0].Code != code {
		f.Errorf("got error %v, want %s", err, code)
	}
}

func (f *fixture) id(name string) string {
	f.Helper()
	id, err := f.store.MemberID(ctx, address(name))
	f.must(err)
	return id
}

// mails lists the mails to somebody: "sign-in 1".
func (f *fixture) mails(name string) (all []string) {
	f.Helper()
	ds, err := f.store.DeliveriesOf(ctx, deltag.AccountID, f.id(name))
	f.must(err)
	for _, d := range ds {
		all = append(all, fmt.Sprint(d.Kind, " ", d.Version))
	}
	return all
}

// link is the token of the newest link that somebody was sent.
func (f *fixture) link(name string) string {
	f.Helper()
	m, err := f.store.Member(ctx, f.id(name))
	f.must(err)
	return deltag.SignInToken(m.ID, m.Secret, m.LastLink)
}

// signIn is the token of a new session of somebody.
func (f *fixture) signIn(name string, at time.Time) string {
	f.Helper()
	f.must(f.RequestLink(ctx, address(name), deltag.LanguageDanish, "", at))
	token, err := f.SignIn(ctx, f.link(name), "da", at)
	f.must(err)
	return token
}

// principal is who a session's token belongs to.
func (f *fixture) principal(token string, at time.Time) deltag.Principal {
	f.Helper()
	p, _, err := f.Authenticate(ctx, token, at)
	f.must(err)
	return p
}

// owner is anna, who has signed in.
func (f *fixture) owner() deltag.Principal {
	if f.anna.Role == "" {
		f.anna = f.principal(f.signIn("anna", now), now)
	}
	return f.anna
}

func (f *fixture) invite(name string, role deltag.Role) {
	f.Helper()
	f.must(f.Invite(ctx, f.owner(), address(name), role, deltag.LanguageDanish, now))
}

func (f *fixture) wantSignedOut(token string, at time.Time) {
	f.Helper()
	p, _, err := f.Authenticate(ctx, token, at)
	f.wantError(err, deltag.ErrUnauthenticated)
	f.want(p, deltag.Principal{})
}

func TestRequestLink(t *testing.T) {
	t.Run("WritesToMembersAndOwnersAlone", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleReader)
		for _, name := range []string{"anna", "bo", "carl"} {
			f.must(f.RequestLink(ctx, address(name), deltag.LanguageDanish, "192.0.2.1/32", now))
		}
		f.want(f.mails("anna"), "[sign-in 1 sign-in 2]") // the first to invite bo
		f.want(f.mails("bo"), "[member-invited 1 sign-in 2]")
		f.want(f.mails("carl"), "[]")
		_, err := f.store.Member(ctx, f.id("carl"))
		f.wantError(err, deltag.ErrNotFound)
	})
	t.Run("FiveAnHourAndTheSixthIsAnsweredAlike", func(t *testing.T) {
		f := newFixture(t)
		for range 6 {
			f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "", now))
		}
		f.want(len(f.mails("anna")), 5)
		f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "", now.Add(time.Hour)))
		f.want(len(f.mails("anna")), 6)
	})
	t.Run("ANetworkIsLimitedWhomeverItAsksFor", func(t *testing.T) {
		f := newFixture(t)
		for n := range deltag.MaxSignInsPerNetwork {
			f.must(f.RequestLink(ctx, address(fmt.Sprint("x", n)), deltag.LanguageDanish, "192.0.2.1/32", now))
		}
		for _, name := range []string{"anna", "nobody"} {
			f.wantError(f.RequestLink(ctx, address(name), "da", "192.0.2.1/32", now), deltag.ErrSignInLimit)
		}
		f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "192.0.2.2/32", now))
	})
}

func TestSignIn(t *testing.T) {
	t.Run("ByALinkOnce", func(t *testing.T) {
		f := newFixture(t)
		f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "", now))
		link := f.link("anna")
		for range 2 { // to look uses nothing up
			m, err := f.CheckLink(ctx, link, now)
			f.must(err)
			f.want(m.Email.Original, "anna@example.dk")
		}
		token, err := f.SignIn(ctx, link, "da", now)
		f.must(err)
		f.want(f.principal(token, now), deltag.Principal{
			Name: "anna@example.dk", MemberID: f.id("anna"), Role: deltag.RoleOwner, Channel: deltag.ChannelConsole,
		})
		_, err = f.SignIn(ctx, link, "da", now)
		f.wantError(err, deltag.ErrLinkExpired)
		_, err = f.CheckLink(ctx, link, now)
		f.wantError(err, deltag.ErrLinkExpired)
	})
	t.Run("NotByAnyOther", func(t *testing.T) {
		f := newFixture(t)
		f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "", now))
		link := f.link("anna")
		forged := deltag.SignInToken(f.id("anna"), []byte("another secret16"), 1)
		for name, err := range map[string]error{
			"TooLate":   func() error { _, err := f.SignIn(ctx, link, "da", now.Add(deltag.SignInLinkPeriod)); return err }(),
			"Forged":    func() error { _, err := f.SignIn(ctx, forged, "da", now); return err }(),
			"Malformed": func() error { _, err := f.SignIn(ctx, "x", "da", now); return err }(),
			"NoMember": func() error {
				_, err := f.SignIn(ctx, deltag.SignInToken(f.id("carl"), []byte("another secret16"), 1), "da", now)
				return err
			}(),
		} {
			f.Log(name)
			f.wantError(err, deltag.ErrLinkExpired)
		}
	})
	t.Run("EndsByItselfAndByWord", func(t *testing.T) {
		f := newFixture(t)
		one, two := f.signIn("anna", now), f.signIn("anna", now)
		f.wantSignedOut("", now)
		f.wantSignedOut(one[:len(one)-1]+"_", now)
		later := now.Add(deltag.SessionIdlePeriod - time.Second)
		f.principal(one, later)
		f.principal(one, later.Add(deltag.SessionIdlePeriod-time.Second)) // each use prolongs it
		f.wantSignedOut(two, later.Add(time.Second))
		f.must(f.SignOut(ctx, one, false, later))
		f.must(f.SignOut(ctx, one, false, later))
		f.wantSignedOut(one, later)
	})
	t.Run("EverywhereAtOnce", func(t *testing.T) {
		f := newFixture(t)
		one, two := f.signIn("anna", now), f.signIn("anna", now)
		f.must(f.SignOut(ctx, f.id("anna")+two[20:len(two)-1]+"_", true, now.Add(time.Second))) // nobody's
		f.principal(one, now.Add(time.Second))
		f.must(f.SignOut(ctx, two, true, now.Add(time.Second)))
		f.wantSignedOut(one, now.Add(time.Second))
		f.principal(f.signIn("anna", now.Add(2*time.Second)), now.Add(2*time.Second))
	})
	t.Run("ReadsTwoItemsAndWritesOnceAnHour", func(t *testing.T) {
		engine := storetest.Embedded(t)
		f := newFixture(t)
		f.store = engine.Store()
		f.Store = f.store
		token := f.signIn("anna", now)
		client := engine.NewClient()
		f.Store = client.Store()
		for _, c := range []struct {
			after    time.Duration
			requests int
		}{{time.Minute, 1}, {time.Hour, 2}, {time.Hour + time.Minute, 1}} {
			before := client.Transport.Count()
			f.principal(token, now.Add(c.after))
			f.want(client.Transport.Count()-before, c.requests)
		}
	})
}

func TestIssueLink(t *testing.T) {
	f := newFixture(t)
	operator := deltag.Operator("test")
	_, err := f.IssueLink(ctx, operator, address("carl"), now)
	f.wantError(err, deltag.ErrNotFound)
	_, err = f.store.Member(ctx, f.id("carl"))
	f.wantError(err, deltag.ErrNotFound) // nothing is stored that would keep the address out of its domain
	f.Domains = map[string]deltag.Role{"example.dk": deltag.RoleReader}
	_, err = f.SignInVerified(ctx, address("carl"), "da", now)
	f.must(err)
	for _, name := range []string{"anna", "carl"} { // in ORGANISERS, and a member
		token, err := f.IssueLink(ctx, operator, address(name), now)
		f.must(err)
		_, err = f.SignIn(ctx, token, "da", now)
		f.must(err)
	}
	_, err = f.IssueLink(ctx, deltag.Principal{Role: deltag.RoleOrganiser}, address("anna"), now)
	f.wantError(err, deltag.ErrForbidden)
}

func TestOrganisersAreOwnersAsLongAsTheyStandThere(t *testing.T) {
	f := newFixture(t)
	session := f.signIn("anna", now)
	token, _, err := f.CreateToken(ctx, f.owner(), "crm", deltag.RoleOwner, now.AddDate(0, 0, 9), now)
	f.must(err)
	f.must(f.RequestLink(ctx, address("anna"), deltag.LanguageDanish, "", now))
	link := f.link("anna")
	f.Owners = []deltag.Address{address("zoe")}
	f.wantSignedOut(session, now)
	_, err = f.AuthenticateToken(ctx, token, now)
	f.wantError(err, deltag.ErrUnauthenticated)
	_, err = f.SignIn(ctx, link, "da", now)
	f.wantError(err, deltag.ErrLinkExpired)

	f.Owners = []deltag.Address{address("anna")} // the list was wrong, and nothing is lost
	f.want(f.principal(session, now).Role, deltag.RoleOwner)
	p, err := f.AuthenticateToken(ctx, token, now)
	f.must(err)
	f.want(p.Role, deltag.RoleOwner)
}

// TestToBeRefusedWritesNothing: no request of somebody without access changes the table.
func TestToBeRefusedWritesNothing(t *testing.T) {
	engine := storetest.Embedded(t)
	f := newFixture(t)
	f.store = engine.Store()
	f.Store = f.store
	f.invite("bo", deltag.RoleOwner)
	sessions := []string{f.signIn("anna", now), f.signIn("bo", now)}
	var tokens []string
	for _, session := range sessions {
		token, _, err := f.CreateToken(ctx, f.principal(session, now), "crm", deltag.RoleOwner, now.AddDate(0, 0, 9), now)
		f.must(err)
		tokens = append(tokens, token)
	}
	f.Service.Store = keptTokens{f.store} // those of an earlier version, or of a function that died
	f.must(f.Remove(ctx, f.owner(), f.id("bo"), now))
	f.Owners = []deltag.Address{address("zoe")}
	before := engine.Dump(t)
	later := now.Add(2 * time.Hour) // when a use would be written
	for n := range sessions {
		f.wantSignedOut(sessions[n], later)
		_, err := f.AuthenticateToken(ctx, tokens[n], later)
		f.wantError(err, deltag.ErrUnauthenticated)
	}
	f.want(engine.Dump(t), before)
}

// keptTokens deletes none.
type keptTokens struct{ *dynamo.Store }

func (keptTokens) RevokeToken(context.Context, string) error { return nil }

// TestNothingOfAFormerOrganiserIsTheMembers: whoever stood in ORGANISERS and is invited later begins anew.
func TestNothingOfAFormerOrganiserIsTheMembers(t *testing.T) {
	f := newFixture(t)
	session := f.signIn("anna", now)
	token, _, err := f.CreateToken(ctx, f.owner(), "crm", deltag.RoleOwner, now.AddDate(0, 0, 9), now)
	f.must(err)
	f.Owners = []deltag.Address{address("zoe")}
	zoe := f.principal(f.signIn("zoe", now), now)
	later := now.Add(time.Minute)
	f.must(f.Invite(ctx, zoe, address("anna"), deltag.RoleReader, "da", later))
	f.wantSignedOut(session, later)
	_, err = f.AuthenticateToken(ctx, token, later)
	f.wantError(err, deltag.ErrUnauthenticated)
	f.want(f.principal(f.signIn("anna", later), later).Role, deltag.RoleReader)
}

// TestSlowWriteOfAnEarlierMember: what was read of a removed member never becomes that of the next one.
func TestSlowWriteOfAnEarlierMember(t *testing.T) {
	f := newFixture(t)
	f.invite("bo", deltag.RoleOwner)
	old, err := f.store.Member(ctx, f.id("bo"))
	f.must(err)
	f.must(f.Remove(ctx, f.owner(), old.ID, now))
	f.invite("bo", deltag.RoleReader)
	f.wantError(f.store.SaveMember(ctx, old.SignOutEverywhere(now), nil), deltag.ErrConflict)
	stored, err := f.store.Member(ctx, old.ID)
	f.must(err)
	f.want(stored.Role, deltag.RoleReader)
}

func TestMembers(t *testing.T) {
	list := func(f *fixture) (all []string) {
		members, err := f.Members(ctx, f.owner())
		f.must(err)
		for _, m := range members {
			all = append(all, fmt.Sprint(m.Email.Original[:2], " ", m.Role, " ", m.AlwaysOwner))
		}
		return all
	}
	t.Run("AreInvitedChangedAndRemoved", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleReader)
		f.want(list(f), "[an owner true bo reader false]")
		bo := f.signIn("bo", now)
		f.want(f.principal(bo, now).Role, deltag.RoleReader)
		f.must(f.SetRole(ctx, f.owner(), f.id("bo"), deltag.RoleOrganiser, now))
		f.must(f.SetRole(ctx, f.owner(), f.id("bo"), deltag.RoleOrganiser, now)) // again
		f.want(f.principal(bo, now).Role, deltag.RoleOrganiser)                  // at the next request
		f.must(f.RequestLink(ctx, address("bo"), deltag.LanguageDanish, "", now))
		link := f.link("bo")
		f.must(f.Remove(ctx, f.owner(), f.id("bo"), now))
		f.wantSignedOut(bo, now)
		_, err := f.SignIn(ctx, link, "da", now)
		f.wantError(err, deltag.ErrLinkExpired)
		f.must(f.Remove(ctx, f.owner(), f.id("bo"), now)) // again
		f.want(list(f), "[an owner true]")

		_, err = f.store.Member(ctx, f.id("bo"))
		f.wantError(err, deltag.ErrNotFound) // nothing is kept
		f.must(f.Invite(ctx, f.owner(), address("bo"), deltag.RoleReader, "da", now.Add(time.Second)))
		f.wantSignedOut(bo, now.Add(time.Second)) // an invitation brings nothing back
		_, err = f.SignIn(ctx, link, "da", now)
		f.wantError(err, deltag.ErrLinkExpired)
	})
	t.Run("AreInvitedOnce", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleReader)
		for _, name := range []string{"anna", "bo"} {
			err := f.Invite(ctx, f.owner(), address(name), deltag.RoleOrganiser, deltag.LanguageDanish, now)
			f.wantInvalid(err, "already-member")
		}
		err := f.Invite(ctx, f.owner(), address("carl"), "boss", deltag.LanguageDanish, now)
		f.wantInvalid(err, "unknown-role")
		f.want(f.mails("bo"), "[member-invited 1]")
		f.want(f.mails("carl"), "[]")
	})
	t.Run("AlwaysHaveAnOwner", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleOwner)
		bo := f.principal(f.signIn("bo", now), now)
		f.wantInvalid(f.Remove(ctx, bo, f.id("anna"), now), "always-owner")
		f.wantInvalid(f.SetRole(ctx, bo, f.id("anna"), deltag.RoleReader, now), "always-owner")
		f.wantInvalid(f.SetRole(ctx, bo, f.id("bo"), "", now), "unknown-role")
		f.Owners = nil
		f.wantInvalid(f.Remove(ctx, bo, f.id("bo"), now), "last-owner")
		f.wantError(f.SetRole(ctx, bo, f.id("anna"), deltag.RoleReader, now), deltag.ErrNotFound) // who is nobody now
	})
	t.Run("OfOrganisersThatNeverSignedInCannotBeChanged", func(t *testing.T) {
		f := newFixture(t)
		owner := f.owner()
		f.Owners = append(f.Owners, address("zoe"))
		f.want(list(f), "[an owner true zo owner true]")
		f.wantInvalid(f.Remove(ctx, owner, f.id("zoe"), now), "always-owner")
	})
	t.Run("AreForOwners", func(t *testing.T) {
		f := newFixture(t)
		for _, role := range []deltag.Role{deltag.RoleOrganiser, deltag.RoleReader, ""} {
			by := deltag.Principal{Role: role}
			_, err := f.Members(ctx, by)
			_, tokenErr := f.Tokens(ctx, by, now)
			_, _, createErr := f.CreateToken(ctx, by, "x", deltag.RoleReader, now.AddDate(0, 0, 1), now)
			for _, err := range []error{
				err, tokenErr, createErr, f.Invite(ctx, by, address("bo"), deltag.RoleReader, "da", now),
				f.SetRole(ctx, by, "x", deltag.RoleReader, now), f.Remove(ctx, by, "x", now), f.RevokeToken(ctx, by, "x", now),
			} {
				f.wantError(err, deltag.ErrForbidden)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	t.Run("MayNoMoreThanTheirMember", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleOwner)
		bo := f.principal(f.signIn("bo", now), now)
		token, created, err := f.CreateToken(ctx, bo, "crm", deltag.RoleOrganiser, now.AddDate(0, 0, 9), now)
		f.must(err)
		role := func() deltag.Role {
			p, err := f.AuthenticateToken(ctx, token, now)
			f.must(err)
			return p.Role
		}
		f.want(role(), deltag.RoleOrganiser)
		f.must(f.SetRole(ctx, f.owner(), f.id("bo"), deltag.RoleReader, now))
		f.want(role(), deltag.RoleReader)
		_, other, err := f.CreateToken(ctx, f.owner(), "anna's", deltag.RoleReader, now.AddDate(0, 0, 9), now)
		f.must(err)
		f.must(f.Remove(ctx, f.owner(), f.id("bo"), now))
		all, err := f.Tokens(ctx, f.owner(), now) // before it is used again
		f.must(err)
		f.want(slices.ContainsFunc(all, func(t deltag.AccessToken) bool { return t.ID == created.ID }), false)
		f.want(slices.ContainsFunc(all, func(t deltag.AccessToken) bool { return t.ID == other.ID }), true)
		_, err = f.AuthenticateToken(ctx, token, now)
		f.wantError(err, deltag.ErrUnauthenticated)
	})
	t.Run("DoNotComeBackWithTheirMember", func(t *testing.T) {
		f := newFixture(t)
		f.invite("bo", deltag.RoleOwner)
		bo := f.principal(f.signIn("bo", now), now)
		token, _, err := f.CreateToken(ctx, bo, "crm", deltag.RoleOwner, now.AddDate(0, 0, 9), now)
		f.must(err)
		f.must(f.Remove(ctx, f.owner(), f.id("bo"), now)) // and it is not used meanwhile
		f.must(f.Invite(ctx, f.owner(), address("bo"), deltag.RoleOrganiser, "da", now.Add(time.Minute)))
		_, err = f.AuthenticateToken(ctx, token, now.Add(time.Hour))
		f.wantError(err, deltag.ErrUnauthenticated)
	})
	t.Run("AreListedUsedAndRevoked", func(t *testing.T) {
		f := newFixture(t)
		token, created, err := f.CreateToken(ctx, f.owner(), "crm", deltag.RoleReader, now.AddDate(0, 0, 1), now)
		f.must(err)
		_, _, err = f.CreateToken(ctx, f.owner(), "", "boss", now, now)
		f.wantInvalid(err, "missing")
		used := func(at time.Time) time.Time {
			_, err := f.AuthenticateToken(ctx, token, at)
			f.must(err)
			all, err := f.Tokens(ctx, f.owner(), now)
			f.must(err)
			f.want(len(all), 1)
			return all[0].UsedAt
		}
		f.want(used(now), now)
		f.want(used(now.Add(time.Hour-1)), now)
		f.want(used(now.Add(time.Hour)), now.Add(time.Hour))
		_, err = f.AuthenticateToken(ctx, token, now.AddDate(0, 0, 1))
		f.wantError(err, deltag.ErrUnauthenticated)
		f.must(f.RevokeToken(ctx, f.owner(), created.ID, now))
		f.must(f.RevokeToken(ctx, f.owner(), created.ID, now)) // again
		f.must(f.RevokeToken(ctx, f.owner(), "no id", now))
		_, err = f.AuthenticateToken(ctx, token, now)
		f.wantError(err, deltag.ErrUnauthenticated)
	})
}

func TestParseOwners(t *testing.T) {
	owners, err := account.ParseOwners([]string{" Anna@Example.dk", "bo@example.dk"})
	if err != nil || owners[0].Normalized != "anna@example.dk" || len(owners) != 2 {
		t.Error(owners, err)
	}
	if _, err := account.ParseOwners([]string{"Anna <anna@example.dk>"}); err == nil {
		t.Error("no error")
	}
	if owners, err := account.ParseOwners(nil); err != nil || owners != nil {
		t.Error(owners, err)
	}
}
