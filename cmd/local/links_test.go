package main

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/dynamo/storetest"
)

// TestLinks: a personal link is good for its purpose and its registration, while that is there. To all others the answer is one
// helping page, the same byte by byte, and nothing happens.
func TestLinks(t *testing.T) {
	engine := storetest.Embedded(t)
	p := start(t, binary(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-12-01T12:20:00Z", "DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table)
	p.signUp("p", 3)
	for _, to := range []string{"p0@example.dk", "p1@example.dk", "p2@example.dk"} {
		p.until("the confirmation of "+to, func() bool { return p.kinds(to) == "confirmation" })
	}
	own, join := p.link("p0@example.dk", "/r/")[len("/r/"):], p.link("p0@example.dk", "/join/")[len("/join/"):]
	gone, others := p.link("p2@example.dk", "/r/"), p.link("p1@example.dk", "/r/")[len("/r/"):]
	if res, _ := p.do("POST", gone+"/erase", form, "confirm=yes"); res.StatusCode != 200 {
		t.Fatalf("erasing: %d", res.StatusCode)
	}
	p.until("the receipt", func() bool { return strings.HasSuffix(p.kinds("p2@example.dk"), "erased") })
	p.organiser().settle()
	if res, _ := p.do("GET", "/r/"+own, "", ""); res.StatusCode != 200 {
		t.Fatalf("the good link: %d", res.StatusCode)
	}

	proof, named := take(t, own)
	_, otherNamed := take(t, others)
	bad := map[string]string{
		"AWayInAsOwnPage":        "/r/" + join,
		"OwnPageAsAWayIn":        "/join/" + own,
		"OwnPageToUnsubscribe":   "/unsubscribe/" + own,
		"ErasedRegistration":     gone,
		"AnothersName":           "/r/" + token(proof, otherNamed),
		"AnothersProof":          "/r/" + token(proofOf(t, others), named),
		"AnotherEvent":           "/r/" + token(proof, strings.Replace(named, named[2:22], strings.Repeat("a", 20), 1)),
		"AnotherPurposeInside":   "/join/" + token(proof, "j"+named[1:]),
		"NoProof":                "/r/" + token(make([]byte, len(proof)), named),
		"TruncatedProof":         "/r/" + token(proof[:8], named),
		"Truncated":              "/r/" + own[:len(own)-1],
		"Extended":               "/r/" + own + "A",
		"Padded":                 "/r/" + own + "=",
		"OneBitOfTheProof":       "/r/" + token(append([]byte{proof[0] ^ 1}, proof[1:]...), named),
		"LastBitOfTheProof":      "/r/" + token(append(proof[:15:15], proof[15]^128), named),
		"Empty":                  "/r/-",
		"NotEvenBase64":          "/r/%F0%9F%92%A9",
		"AsLongAsAnyoneMayWrite": "/r/" + strings.Repeat("A", 4000),
	}
	before := engine.Dump(t)
	_, helping := p.do("GET", "/r/x", "", "")
	if !strings.Contains(string(helping), `name="email"`) {
		t.Errorf("the page does not help: %s", helping)
	}
	for name, path := range bad {
		t.Run(name, func(t *testing.T) {
			for _, ask := range []struct{ method, path, body string }{
				{"GET", path, ""}, {"POST", path, ""}, {"POST", path + "/cancel", ""}, {"POST", path + "/erase", "confirm=yes"}, {"GET", path + "/data.json", ""},
			} {
				if ask.path != path && !strings.HasPrefix(path, "/r/") {
					continue
				}
				contentType := ""
				if ask.method == "POST" {
					contentType = form
				}
				if res, raw := p.do(ask.method, ask.path, contentType, ask.body); res.StatusCode != 404 || string(raw) != string(helping) {
					t.Errorf("%s %.80s: %d, %s", ask.method, ask.path, res.StatusCode, cmp.Diff(string(helping), string(raw)))
				}
			}
		})
	}
	if diff := cmp.Diff(before, engine.Dump(t)); diff != "" {
		t.Errorf("bad links have changed the table: %s", diff)
	}
}

// take takes a token apart: its proof, and what it names ("r.<event>.<registration>").
func take(t *testing.T, token string) (proof []byte, named string) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 16 || raw[17] != '.' {
		t.Fatalf("%s is no token of ours: %v", token, err)
	}
	return raw[:16], string(raw[16:])
}

func proofOf(t *testing.T, token string) []byte {
	t.Helper()
	proof, _ := take(t, token)
	return proof
}

func token(proof []byte, named string) string {
	return base64.RawURLEncoding.EncodeToString(append(proof[:len(proof):len(proof)], named...))
}
