package dynamo_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// newMember stores a member with the address of a person.
func newMember(t testing.TB, s *dynamo.Store, n int, role deltag.Role) deltag.Member {
	t.Helper()
	id, err := s.MemberID(ctx, person(n).Email)
	must(t, err)
	secret, err := deltag.NewSecret(rand.Reader)
	must(t, err)
	m := deltag.NewMember(id, person(n).Email, deltag.LanguageDanish, secret, now)
	m.Role, m.Revision = role, 1
	must(t, s.SaveMember(ctx, m, nil))
	return m
}

func member(t testing.TB, s *dynamo.Store, id string) deltag.Member {
	t.Helper()
	m, err := s.Member(ctx, id)
	must(t, err)
	return m
}

// accountMails lists the mails to a member.
func accountMails(t testing.TB, s *dynamo.Store, id string) []deltag.Delivery {
	t.Helper()
	ds, err := s.DeliveriesOf(ctx, deltag.AccountID, id)
	must(t, err)
	return ds
}

func TestMembers(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		t.Run("AreStoredWithEverything", func(t *testing.T) {
			m := newMember(t, s, 1, deltag.RoleOwner)
			want(t, member(t, s, m.ID), m)
			next, mail, _ := m.RequestSignInLink(deltag.LanguageEnglish, now)
			next = next.SignOutEverywhere(now)
			next.Revision = 2
			must(t, s.SaveMember(ctx, next, &mail))
			want(t, member(t, s, m.ID), next)
			d, e, recipient, err := s.LoadDelivery(ctx, mail.DeliveryKey)
			must(t, err)
			asked := next.Recipient()
			asked.Language = deltag.LanguageEnglish // the page's where the link was asked for
			want(t, []any{d.Generation, e, recipient}, []any{recipient.Generation(), deltag.AccountEvent(), asked})
			all, _, err := s.Members(ctx)
			must(t, err)
			want(t, all, []deltag.Member{next})
		})
		t.Run("HaveNothingInTheirMailToSignInWith", func(t *testing.T) {
			m := newMember(t, s, 2, deltag.RoleReader)
			next, mail, _ := m.RequestSignInLink(deltag.LanguageDanish, now)
			must(t, s.SaveMember(ctx, next, &mail))
			token := deltag.SignInToken(m.ID, m.Secret, 1)
			for _, it := range engine.Dump(t) {
				for name, value := range it {
					if text, ok := value.(string); ok && (text == token || it["PK"] != "MEMBERS" && text == string(m.Secret)) {
						t.Errorf("%v has the token, or its secret, in %s", it["SK"], name)
					}
				}
				if pk, _ := it["PK"].(string); pk != "MEMBERS" && it["EventID"] == deltag.AccountID && it["expiresAt"] == nil {
					t.Errorf("%v stays for ever", it)
				}
			}
		})
		t.Run("AStateThatHasChangedIsAConflict", func(t *testing.T) {
			m := newMember(t, s, 3, deltag.RoleReader)
			next, mail, _ := m.RequestSignInLink(deltag.LanguageDanish, now)
			must(t, s.SaveMember(ctx, next, &mail))
			wantError(t, s.SaveMember(ctx, next, &mail), deltag.ErrConflict)
			want(t, len(accountMails(t, s, m.ID)), 1)
		})
		t.Run("AreRememberedWhenTheyAreRemovedUntilTheyAreBack", func(t *testing.T) {
			wasRemoved := func(id string) bool {
				removed, err := s.WasRemoved(ctx, id)
				must(t, err)
				return removed
			}
			m, other := newMember(t, s, 20, deltag.RoleReader), newMember(t, s, 21, deltag.RoleReader)
			remove := func() {
				_, revision, err := s.Members(ctx)
				must(t, err)
				must(t, s.RemoveMember(ctx, m, revision))
			}
			want(t, wasRemoved(m.ID), false)
			for range 2 {
				remove()
				want(t, []bool{wasRemoved(m.ID), wasRemoved(other.ID)}, []bool{true, false})
				for _, it := range engine.Dump(t) {
					if it["SK"] == "REMOVED#"+m.ID {
						want(t, len(it), 2) // the keys alone
					}
				}
				all, revision, err := s.Members(ctx)
				must(t, err)
				want(t, slices.ContainsFunc(all, func(other deltag.Member) bool { return other.ID == m.ID }), false)
				must(t, s.SaveRole(ctx, m, revision, nil))
				want(t, wasRemoved(m.ID), false)
			}
		})
		t.Run("TwoOwnersNeverRemoveEachOtherAtTheSameTime", func(t *testing.T) {
			s := engine.NewTable(t).Store()
			owners := []deltag.Member{newMember(t, s, 4, deltag.RoleOwner), newMember(t, s, 5, deltag.RoleOwner)}
			all, revision, err := s.Members(ctx)
			must(t, err)
			want(t, len(all), 2)
			var removed atomic.Int32
			var wg sync.WaitGroup
			for _, m := range owners {
				wg.Go(func() {
					m.Role, m.Revision = "", m.Revision+1
					if s.SaveRole(ctx, m, revision, nil) == nil {
						removed.Add(1)
					}
				})
			}
			wg.Wait()
			want(t, removed.Load(), int32(1))
			all, again, err := s.Members(ctx)
			must(t, err)
			want(t, slices.ContainsFunc(all, func(m deltag.Member) bool { return m.Role == deltag.RoleOwner }), true)
			want(t, again, revision+1)
		})
		t.Run("WhoIsGoneGetsNoMail", func(t *testing.T) {
			m := newMember(t, s, 6, deltag.RoleReader)
			other := m
			other.ID = "zzzzzzzzzzzzzzzzzzzz"
			_, mail, _ := other.RequestSignInLink(deltag.LanguageDanish, now)
			must(t, s.SaveDelivery(ctx, mail))
			_, _, recipient, err := s.LoadDelivery(ctx, mail.DeliveryKey)
			must(t, err)
			want(t, recipient, deltag.Registration{})
		})
	})
}

func TestSessions(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		// linked is a member with a link, and begin a session with it.
		linked := func(t *testing.T, n int) deltag.Member {
			t.Helper()
			m, mail, _ := newMember(t, s, n, deltag.RoleReader).RequestSignInLink(deltag.LanguageDanish, now)
			must(t, s.SaveMember(ctx, m, &mail))
			return m
		}
		begin := func(s *dynamo.Store, m deltag.Member, hash string) error {
			used, err := m.UseLink(1, now)
			if err != nil {
				return err
			}
			return s.StartSession(ctx, used, hash, deltag.Session{MemberID: m.ID, CreatedAt: now, UsedAt: now})
		}
		t.Run("OfOneLinkThereIsOneThoughItIsPressedTwiceAtTheSameTime", func(t *testing.T) {
			m := linked(t, 1)
			var begun atomic.Int32
			var wg sync.WaitGroup
			for _, hash := range []string{"a", "b", "c"} {
				wg.Go(func() {
					if begin(s, m, hash) == nil {
						begun.Add(1)
					}
				})
			}
			wg.Wait()
			want(t, begun.Load(), int32(1))
		})
		t.Run("ADeathAfterTheWriteLeavesAUsedLinkAndASession", func(t *testing.T) {
			m := linked(t, 2)
			p := newProcess(engine)
			p.injectFault(crashAfterWrite(1, new(atomic.Int32)), 1, forever)
			wantError(t, begin(p.store, m, "d"), deltag.ErrUnavailable)
			wantError(t, begin(s, m, "e"), deltag.ErrConflict) // the member has changed: the link is used
			_, err := member(t, s, m.ID).UseLink(1, now)
			wantError(t, err, deltag.ErrLinkExpired)
		})
		t.Run("AreReadWithTheirMemberInOneRequestAndEnd", func(t *testing.T) {
			m := linked(t, 3)
			must(t, begin(s, m, "f"))
			p := newProcess(engine)
			session, got, err := p.store.SessionAndMember(ctx, "f", m.ID)
			must(t, err)
			want(t, p.Count(), 1)
			want(t, []any{session, got.ID}, []any{deltag.Session{MemberID: m.ID, CreatedAt: now, UsedAt: now}, m.ID})
			later := now.Add(time.Hour)
			must(t, s.TouchSession(ctx, "f", later))
			session, _, err = s.SessionAndMember(ctx, "f", m.ID)
			must(t, err)
			want(t, session.UsedAt, later)
			for range 2 {
				must(t, s.EndSession(ctx, "f"))
				must(t, s.TouchSession(ctx, "f", later)) // which does not bring it back
				_, _, err = s.SessionAndMember(ctx, "f", m.ID)
				wantError(t, err, deltag.ErrNotFound)
			}
		})
		t.Run("ExpireInTheTable", func(t *testing.T) {
			must(t, begin(s, linked(t, 4), "g"))
			found := false
			for _, it := range engine.Dump(t) {
				if it["PK"] == "SESSION#g" {
					found = true
					want(t, it["expiresAt"], any(float64(now.Add(deltag.SessionPeriod).Unix())))
				}
			}
			want(t, found, true)
		})
	})
}

func TestAccessTokens(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		put := func(t *testing.T, name string) (hash string, token deltag.AccessToken) {
			t.Helper()
			_, hash, err := deltag.NewAccessToken(rand.Reader)
			must(t, err)
			token = deltag.AccessToken{
				Name: name, Role: deltag.RoleReader, MemberID: "mmmmmmmmmmmmmmmmmmmm", CreatedAt: now, ExpiresAt: now.AddDate(1, 0, 0),
			}
			must(t, s.PutToken(ctx, hash, token))
			token.ID = deltag.AccessTokenID(hash)
			return hash, token
		}
		hash, token := put(t, "crm")
		_, other := put(t, "newsletter")
		got, err := s.Token(ctx, hash)
		must(t, err)
		want(t, got, token)
		wantError(t, s.PutToken(ctx, hash, token), deltag.ErrConflict)
		must(t, s.TouchToken(ctx, hash, now.Add(time.Hour)))
		token.UsedAt = now.Add(time.Hour)
		all, err := s.Tokens(ctx)
		must(t, err)
		slices.SortFunc(all, func(a, b deltag.AccessToken) int { return len(a.Name) - len(b.Name) })
		want(t, all, []deltag.AccessToken{token, other})

		must(t, s.RevokeToken(ctx, token.ID))
		wantError(t, s.RevokeToken(ctx, token.ID), deltag.ErrNotFound)
		must(t, s.TouchToken(ctx, hash, now)) // which does not bring it back
		_, err = s.Token(ctx, hash)
		wantError(t, err, deltag.ErrNotFound)
		all, err = s.Tokens(ctx)
		must(t, err)
		want(t, all, []deltag.AccessToken{other})
	})
}

func TestCountSignIn(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		for range deltag.MaxSignInsPerNetwork {
			must(t, s.CountSignIn(ctx, "192.0.2.1/32", now))
		}
		wantError(t, s.CountSignIn(ctx, "192.0.2.1/32", now), deltag.ErrSignInLimit)
		must(t, s.CountSignIn(ctx, "192.0.2.2/32", now))
		must(t, s.CountSignIn(ctx, "", now))
		must(t, s.CountSignIn(ctx, "192.0.2.1/32", now.Add(time.Hour)))
	})
}

func TestCurrentAndPastEvents(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		at := func(day int, status deltag.EventStatus) deltag.Event {
			return newEvent(t, s, func(e *deltag.Event) {
				e.StartsAt, e.Status = start.AddDate(0, 0, day), status
				e.EndsAt = e.StartsAt.Add(time.Hour)
			})
		}
		var past []deltag.Event
		for day := range 5 {
			past = append(past, at(-day-1, deltag.EventOpen))
		}
		running, draft := at(0, deltag.EventOpen), at(1, deltag.EventDraft)
		cancelled := at(2, deltag.EventOpen)
		current, err := s.CurrentEvents(ctx, start.Add(time.Minute), 10)
		must(t, err)
		want(t, current, []deltag.Event{running, draft, cancelled})
		var all []deltag.Event
		cursor := ""
		for {
			page, next, err := s.PastEvents(ctx, start.Add(time.Minute), cursor, 2)
			must(t, err)
			all = append(all, page...)
			if cursor = next; cursor == "" {
				break
			}
		}
		want(t, all, past)
		_, next, err := s.Events(ctx, "", 2)
		must(t, err)
		_, _, err = s.PastEvents(ctx, start.AddDate(0, 0, -100), next, 2) // a cursor of another list
		var invalid deltag.ValidationErrors
		want(t, errors.As(err, &invalid) && invalid[0].Code == "bad-cursor", true)
	})
}
