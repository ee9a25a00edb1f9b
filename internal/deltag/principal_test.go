package deltag

import (
	"crypto/rand"
	"strings"
	"testing"
)

func TestPrincipalPermissions(t *testing.T) {
	for role, want := range map[Role]struct{ read, edit bool }{
		RoleOwner: {true, true}, RoleOrganiser: {true, true}, RoleReader: {true, false}, "": {}, "admin": {},
	} {
		p := Principal{Role: role}
		assertEqual(t, []bool{p.MayRead(), p.MayEdit()}, []bool{want.read, want.edit})
	}
}

func TestAccessToken(t *testing.T) {
	token, hash, err := NewAccessToken(rand.Reader)
	if err != nil || !strings.HasPrefix(token, "dlt_") || strings.Contains(token, hash) {
		t.Fatalf("%q, %q, %v", token, hash, err)
	}
	got, ok := HashAccessToken(token)
	assertEqual(t, []any{got, ok}, []any{hash, true})
	for _, malformed := range []string{
		"", "dlt_", token[4:], token[:len(token)-1], token + "A", token[:len(token)-1] + "*", "dlx_" + token[4:],
		token[:len(token)-1] + "B", // bits that base64 does not use are set
	} {
		if hash, ok := HashAccessToken(malformed); ok || hash != "" {
			t.Errorf("%q was accepted", malformed)
		}
	}
	if _, _, err := NewAccessToken(strings.NewReader("short")); err == nil {
		t.Error("too little randomness was accepted")
	}
}
