package deltag

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"
)

const memberID = "cccccccccccccccccccc"

func TestSignInLinks(t *testing.T) {
	m := testMember(memberID, RoleReader)
	first, mail, ok := m.RequestSignInLink(LanguageEnglish, now)
	assertEqual(t, []any{ok, mail.Kind, mail.Version, mail.DueAt, mail.Email, mail.DetachedRecipient.Secret == nil, mail.DetachedRecipient.Language, first.Language},
		[]any{true, KindSignIn, 1, now, m.Email, true, LanguageEnglish, m.Language})
	assertEqual(t, mail.Generation, m.Recipient().Generation()) // or it would count as a mail to somebody who is gone
	assertEqual(t, first.Revision, m.Revision+1)

	used, err := first.UseLink(1, now.Add(SignInLinkPeriod-1))
	assertEqual(t, err, nil)
	for name, use := range map[string]func() (Member, error){
		"Twice":   func() (Member, error) { return used.UseLink(1, now) },
		"TooLate": func() (Member, error) { return first.UseLink(1, now.Add(SignInLinkPeriod)) },
		"Unknown": func() (Member, error) { return first.UseLink(2, now) },
	} {
		if _, err := use(); !errors.Is(err, ErrLinkExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	assertEqual(t, first.Links[0].Used, false) // the value that the method was called on
}

// TestFiveLinksAnHour: those that were used count too.
func TestFiveLinksAnHour(t *testing.T) {
	m := testMember(memberID, RoleReader)
	for n := range MaxSignInLinksPerHour {
		next, _, ok := m.RequestSignInLink(LanguageDanish, now.Add(time.Duration(n)*time.Minute))
		assertEqual(t, ok, true)
		m, _ = next.UseLink(next.LastLink, now.Add(time.Duration(n)*time.Minute))
	}
	_, _, ok := m.RequestSignInLink(LanguageDanish, now.Add(time.Hour-1))
	assertEqual(t, ok, false)
	next, _, ok := m.RequestSignInLink(LanguageDanish, now.Add(time.Hour))
	assertEqual(t, []any{ok, next.LastLink, len(next.Links)}, []any{true, 6, 5})
	next, token := m.IssueLink(now) // the operator's own
	_, number, err := ParseSignInToken(token)
	assertEqual(t, []any{number, err, len(next.Links)}, []any{6, nil, 1})
}

func TestSignInToken(t *testing.T) {
	m := testMember(memberID, RoleReader)
	token := SignInToken(m.ID, m.Secret, 3)
	id, number, err := ParseSignInToken(token)
	assertEqual(t, []any{id, number, err, m.CheckSignInToken(token, number)}, []any{m.ID, 3, nil, nil})
	another := m
	another.Secret = []byte("fedcba9876543210")
	for name, err := range map[string]error{
		"AnotherSecret": another.CheckSignInToken(token, 3),
		"AnotherNumber": m.CheckSignInToken(token, 2),
		"NoMember":      Member{}.CheckSignInToken(token, 3),
		"NoSecret":      Member{ID: m.ID}.CheckSignInToken(SignInToken(m.ID, nil, 3), 3),
	} {
		if !errors.Is(err, ErrLinkExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range token {
		bent := token[:i] + string(rune('A'+(token[i]+1)%26)) + token[i+1:]
		id, number, err := ParseSignInToken(bent)
		if bent != token && err == nil && id == m.ID && m.CheckSignInToken(bent, number) == nil {
			t.Errorf("%s is as good as %s", bent, token)
		}
	}
	for _, malformed := range []string{"", "x", strings.Repeat("A", 300), token + "=", SignInToken("short", m.Secret, 1)} {
		if _, _, err := ParseSignInToken(malformed); !errors.Is(err, ErrLinkExpired) {
			t.Errorf("%q: %v", malformed, err)
		}
	}
}

func TestSession(t *testing.T) {
	m := testMember(memberID, RoleReader)
	token, err := NewSessionToken(m, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, hash, ok := ParseSessionToken(token)
	assertEqual(t, []any{id, len(hash), ok}, []any{m.ID, 64, true})
	for _, malformed := range []string{"", m.ID, "x." + token[21:], token + "A", token[:len(token)-1]} {
		if _, _, ok := ParseSessionToken(malformed); ok {
			t.Errorf("%q was taken", malformed)
		}
	}
	if _, err := NewSessionToken(m, strings.NewReader("short")); err == nil {
		t.Error("too little randomness was accepted")
	}
	s := Session{MemberID: m.ID, CreatedAt: now, UsedAt: now}
	later := s
	later.UsedAt = now.Add(SessionPeriod - time.Hour)
	for name, c := range map[string]struct {
		s    Session
		m    Member
		at   time.Time
		want bool
	}{
		"New":               {s, m, now, true},
		"Resting":           {s, m, now.Add(SessionIdlePeriod - 1), true},
		"RestedTooLong":     {s, m, now.Add(SessionIdlePeriod), false},
		"UsedForDays":       {later, m, now.Add(SessionPeriod - 1), true},
		"UsedForAWeek":      {later, m, now.Add(SessionPeriod), false},
		"SignedOut":         {s, m.SignOutEverywhere(now.Add(1)), now.Add(2), false},
		"SignedInAfterThat": {s, m.SignOutEverywhere(now.Add(-1)), now, true},
		"OfSomebodyElse":    {s, testMember("dddddddddddddddddddd", RoleOwner), now, false},
		"OfNobody":          {Session{CreatedAt: now, UsedAt: now}, Member{}, now, false},
		"OfAnEarlierMember": {s, NewMember(m.ID, m.Email, "da", m.Secret, now.Add(1)), now.Add(2), false},
		"NoSession":         {Session{}, m, now, false},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, c.s.IsValid(c.m, c.at), c.want) })
	}
	assertEqual(t, []bool{IsUseNews(now, now.Add(time.Hour-1)), IsUseNews(now, now.Add(time.Hour))}, []bool{false, true})
}

func TestAccountMail(t *testing.T) {
	m := testMember(memberID, RoleReader)
	_, mail, _ := m.RequestSignInLink(LanguageDanish, now)
	_, invitation := m.Invite(now)
	context := mail.MailContext(AccountEvent(), m.Recipient())
	assertEqual(t, []Reason{
		context.SkipReason(now.Add(SignInLinkPeriod - 1)), context.SkipReason(now.Add(SignInLinkPeriod)),
		invitation.MailContext(AccountEvent(), m.Recipient()).SkipReason(now.AddDate(0, 0, 1)),
	}, []Reason{"", ReasonLinkExpired, ""})
	context.Suppression = AddressBounced
	assertEqual(t, context.SkipReason(now), ReasonAddressBounced)
	for _, d := range []Delivery{mail, invitation} {
		assertEqual(t, []any{d.Kind.IsKnown(), d.Kind.IsLimited(), d.IsToOrganiser(), IsID(d.EventID)},
			[]any{true, false, true, true})
	}
}

func TestValidateAccessToken(t *testing.T) {
	good := AccessToken{Name: "crm", Role: RoleReader, CreatedAt: now, ExpiresAt: now.AddDate(0, 0, 1)}
	for code, change := range map[string]func(*AccessToken){
		"":             func(*AccessToken) {},
		"missing":      func(t *AccessToken) { t.Name = "" },
		"unknown-role": func(t *AccessToken) { t.Role = "" },
		"in-the-past":  func(t *AccessToken) { t.ExpiresAt = now },
		"too-late":     func(t *AccessToken) { t.ExpiresAt = now.AddDate(11, 0, 0) },
	} {
		token := good
		change(&token)
		var invalid ValidationErrors
		errors.As(token.Validate(), &invalid)
		if code == "" && len(invalid) > 0 || code != "" && (len(invalid) != 1 || invalid[0].Code != code) {
			t.Errorf("%q: %v", code, invalid)
		}
	}
}
