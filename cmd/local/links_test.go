package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/testing/storetest"
)

// TestLinks: a personal link is good for its purpose and its registration, while that is there. To all others the answer is one
// helping page, the same byte by byte, and nothing happens.
func TestLinks(t *testing.T) {
	engine := storetest.Embedded(t)
	p := start(t, binary(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-12-01T12:20:00Z", "DYNAMODB_ENDPOINT="+engine.Endpoint(), "TABLE="+engine.Table)
	p.organiser().create(`{"slug":"andet","title":"Et andet","startsAt":"2027-01-12T13:00:00Z","endsAt":"2027-01-12T14:00:00Z",
		"organiser":{"name":"UKON","email":"hej@example.dk"}}`, new(organiserClient))
	// In English: a page that had looked the person up would betray itself by that.
	p.confirm("andet", `{"name":"Anna","email":"anna@example.dk","language":"en"}`)
	elsewhere := p.token("anna@example.dk", "/r/")
	p.confirm(demoSlug, `{"name":"Anna","email":"anna@example.dk","language":"en"}`)
	p.confirm(demoSlug, `{"name":"Bo","email":"bo@example.dk"}`)
	p.confirm(demoSlug, `{"name":"Carl","email":"carl@example.dk"}`)
	others, gone := p.token("bo@example.dk", "/r/"), p.token("carl@example.dk", "/r/")
	if res, _ := p.do("POST", "/r/"+gone+"/erase", form, "confirm=yes"); res.StatusCode != 200 {
		t.Fatalf("erasing: %d", res.StatusCode)
	}
	p.goTo("2026-12-01T12:50:00Z") // the doors are open, and the reminder holds the third link
	p.until("the reminder", func() bool { return strings.HasSuffix(p.kinds("anna@example.dk"), "reminder-PT10M") })
	p.rest(engine)

	good := map[string]string{}
	for _, purpose := range []string{"/r/", "/join/", "/unsubscribe/"} {
		good[purpose] = p.token("anna@example.dk", purpose)
		if res, raw := p.do("GET", purpose+good[purpose], "", ""); res.StatusCode != 200 {
			t.Fatalf("the good link to %s: %d %s", purpose, res.StatusCode, raw)
		}
	}
	own := good["/r/"]
	proof, named := take(t, own)
	otherProof, otherNamed := take(t, others)
	_, elsewhereNamed := take(t, elsewhere)
	bad := map[string]string{
		"ErasedRegistration":     "/r/" + gone,
		"AnothersName":           "/r/" + token(proof, otherNamed),
		"AnothersProof":          "/r/" + token(otherProof, named),
		"OwnNameAtAnotherEvent":  "/r/" + token(proof, elsewhereNamed),
		"UnknownEvent":           "/r/" + token(proof, "r."+strings.Repeat("a", 20)+named[22:]),
		"AnotherPurposeInside":   "/join/" + token(proof, "j"+named[1:]),
		"NoProof":                "/r/" + token(make([]byte, len(proof)), named),
		"TruncatedProof":         "/r/" + token(proof[:8], named),
		"Truncated":              "/r/" + own[:len(own)-1],
		"Extended":               "/r/" + own + "A",
		"Padded":                 "/r/" + own + "=",
		"Empty":                  "/r/-",
		"NotEvenBase64":          "/r/%F0%9F%92%A9",
		"AsLongAsAnyoneMayWrite": "/r/" + strings.Repeat("A", 4000),
	}
	for made, token := range good {
		for used := range good {
			if used != made {
				bad["Swapped"+strings.ReplaceAll(made+"at"+used, "/", "_")] = used + token
			}
		}
	}
	for i := range own {
		bad[fmt.Sprintf("BitOfCharacter%d", i)] = "/r/" + own[:i] + flipped(own[i]) + own[i+1:]
	}

	before := engine.Dump(t)
	_, helping := p.do("GET", "/r/x", "", "")
	if !strings.Contains(string(helping), `href="/e/andet/link"`) {
		t.Errorf("the page does not help: %s", helping)
	}
	for name, path := range bad {
		t.Run(name, func(t *testing.T) {
			for _, ask := range asks(path) {
				if res, raw := p.do(ask.method, ask.path, form, ask.body); res.StatusCode != 404 || string(raw) != string(helping) {
					t.Errorf("%s %.120s: %d, %s", ask.method, ask.path, res.StatusCode, cmp.Diff(string(helping), string(raw)))
				}
			}
		})
	}
	if diff := cmp.Diff(before, engine.Dump(t)); diff != "" {
		t.Errorf("bad links have changed the table: %s", diff)
	}
}

type ask struct{ method, path, body string }

// asks are all that a link of its kind can be asked.
func asks(path string) []ask {
	all := []ask{{"GET", path, ""}, {"POST", path, ""}}
	if !strings.HasPrefix(path, "/r/") {
		return all
	}
	for _, page := range []string{"/calendar.ics", "/data.json"} {
		all = append(all, ask{"GET", path + page, ""})
	}
	for _, act := range []string{"/cancel", "/rejoin", "/erase"} {
		all = append(all, ask{"POST", path + act, "confirm=yes"})
	}
	return all
}

// confirm signs somebody up and waits for the mail with their links.
func (p *process) confirm(slug, person string) {
	p.t.Helper()
	before := len(p.mails())
	p.post("/api/v1/public/events/"+slug+"/registrations", person)
	p.until("the confirmation", func() bool { return len(p.mails()) > before })
}

// token is that of the newest link of a kind in the mails to an address.
func (p *process) token(to, kind string) string { return strings.TrimPrefix(p.link(to, kind), kind) }

// take takes a token apart: its proof, and what it names ("r.<event>.<registration>").
func take(t *testing.T, token string) (proof []byte, named string) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 16+1+21+21 || raw[17] != '.' {
		t.Fatalf("%s is no token of ours: %v", token, err)
	}
	return raw[:16], string(raw[16:])
}

func token(proof []byte, named string) string {
	return base64.RawURLEncoding.EncodeToString(append(proof[:len(proof):len(proof)], named...))
}

// flipped is a character of base64 with its lowest bit the other way. In the last one that bit stands for nothing, and is to
// be refused all the same: else there are two links for one.
func flipped(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}
