package deltag

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	secret, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	link := Link{EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "bbbbbbbbbbbbbbbbbbbb", Purpose: PurposeManage}
	token := link.Token(secret)
	isValid := func(token string, p Purpose, secret []byte) bool {
		l, mac, err := ParseLink(token, p)
		return err == nil && l.Check(mac, secret) == nil
	}
	assertEqual(t, isValid(token, PurposeManage, secret), true)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	raw[macSize] = byte(PurposeJoin)
	for name, c := range map[string]struct {
		token  string
		p      Purpose
		secret []byte
	}{
		"AnotherPurpose":            {token, PurposeJoin, secret},
		"APurposeChangedInTheToken": {base64.RawURLEncoding.EncodeToString(raw), PurposeJoin, secret},
		"AnotherSecret":             {token, PurposeManage, make([]byte, 16)},
		"NoSecret":                  {link.Token(nil), PurposeManage, nil},
		"AShorterSecret":            {link.Token(secret[:15]), PurposeManage, secret[:15]},
	} {
		t.Run(name+"IsRefused", func(t *testing.T) { assertEqual(t, isValid(c.token, c.p, c.secret), false) })
	}
	t.Run("AnotherRegistrationIsRefused", func(t *testing.T) {
		other := link
		other.RegistrationID = "cccccccccccccccccccc"
		_, mac, _ := ParseLink(token, PurposeManage)
		if other.Check(mac, secret) == nil {
			t.Error("valid")
		}
	})
	t.Run("EveryChangedCharacterIsRefused", func(t *testing.T) {
		for i := range token {
			for _, c := range []string{"A", "b", "-", "="} {
				if changed := token[:i] + c + token[i+1:]; changed != token && isValid(changed, PurposeManage, secret) {
					t.Errorf("%d: %s", i, changed)
				}
			}
		}
	})
	t.Run("CutOrExtendedIsRefused", func(t *testing.T) {
		for _, s := range []string{
			"", token[1:], token[:len(token)-1], token + "A", token + token, strings.Repeat("A", 300),
		} {
			assertEqual(t, isValid(s, PurposeManage, secret), false)
		}
	})
}

func TestParseLinkNeedsTwoIDs(t *testing.T) {
	for _, l := range []Link{
		{EventID: "a", RegistrationID: "bbbbbbbbbbbbbbbbbbbb", Purpose: PurposeJoin},
		{EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "b", Purpose: PurposeJoin},
		{EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "bbbbbbbbbbbbbbbbbbbb.c", Purpose: PurposeJoin},
	} {
		if _, _, err := ParseLink(l.Token(make([]byte, secretSize)), PurposeJoin); err == nil {
			t.Errorf("%+v was parsed", l)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(Link{"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", PurposeJoin}.Token(make([]byte, 16)))
	f.Fuzz(func(t *testing.T, token string) {
		l, mac, err := ParseLink(token, PurposeJoin)
		if err == nil && l.Check(mac, make([]byte, 16)) == nil && l.Token(make([]byte, 16)) != token {
			t.Errorf("two tokens for the same link: %s", token)
		}
	})
}
