package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/testing/storetest"
)

// TestLinks: a personal link is valid for its purpose and its registration, while that exists. All others get the same
// help page, byte by byte, and change nothing.
func TestLinks(t *testing.T) {
	engine := storetest.Embedded(t)
	p := start(
		t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-12-01T12:20:00Z", "DYNAMODB_ENDPOINT="+engine.Endpoint(),
		"TABLE="+engine.Table,
	)
	p.organiser().create(`{"slug":"andet","title":"Et andet",
		"startsAt":"2027-01-12T13:00:00Z","endsAt":"2027-01-12T14:00:00Z",
		"organiser":{"name":"UKON","email":"hej@example.dk"}}`, new(organiserClient))
	// In English, so that a page that had looked the person up would differ.
	p.confirm("andet", `{"name":"Anna","email":"anna@example.dk","language":"en"}`)
	elsewhere := p.token("anna@example.dk", "/r/")
	p.confirm(demoSlug, `{"name":"Anna","email":"anna@example.dk","language":"en"}`)
	p.confirm(demoSlug, `{"name":"Bo","email":"bo@example.dk"}`)
	p.confirm(demoSlug, `{"name":"Carl","email":"carl@example.dk"}`)
	others, erased := p.token("bo@example.dk", "/r/"), p.token("carl@example.dk", "/r/")
	if res, _ := p.do("POST", "/r/"+erased+"/erase", form, "confirm=yes"); res.StatusCode != 200 {
		t.Fatalf("erasing: %d", res.StatusCode)
	}
	p.setClock("2026-12-01T12:50:00Z") // the join page is open, and the reminder has its link
	p.until("the reminder", func() bool { return strings.HasSuffix(p.kinds("anna@example.dk"), "reminder-PT10M") })
	p.setClock("2026-12-01T12:51:00Z") // the reminders' mailing is looked at again after 30 s, and then it is done
	p.waitUntilIdle(engine)

	good := map[string]string{}
	for _, purpose := range []string{"/r/", "/join/", "/unsubscribe/"} {
		good[purpose] = p.token("anna@example.dk", purpose)
		if res, raw := p.do("GET", purpose+good[purpose], "", ""); res.StatusCode != 200 {
			t.Fatalf("the good link to %s: %d %s", purpose, res.StatusCode, raw)
		}
	}
	valid := good["/r/"]
	proof, named := splitToken(t, valid)
	otherProof, otherNamed := splitToken(t, others)
	_, elsewhereNamed := splitToken(t, elsewhere)
	bad := map[string]string{
		"ErasedRegistration":    "/r/" + erased,
		"AnothersName":          "/r/" + token(proof, otherNamed),
		"AnothersProof":         "/r/" + token(otherProof, named),
		"OwnNameAtAnotherEvent": "/r/" + token(proof, elsewhereNamed),
		"UnknownEvent":          "/r/" + token(proof, "r."+strings.Repeat("a", 20)+named[22:]),
		"AnotherPurposeInside":  "/join/" + token(proof, "j"+named[1:]),
		"NoProof":               "/r/" + token(make([]byte, len(proof)), named),
		"TruncatedProof":        "/r/" + token(proof[:8], named),
		"Truncated":             "/r/" + valid[:len(valid)-1],
		"Extended":              "/r/" + valid + "A",
		"Padded":                "/r/" + valid + "=",
		"Empty":                 "/r/-",
		"NotBase64":             "/r/%F0%9F%92%A9",
		"VeryLong":              "/r/" + strings.Repeat("A", 4000),
	}
	for made, token := range good {
		for used := range good {
			if used != made {
				bad["Swapped"+strings.ReplaceAll(made+"at"+used, "/", "_")] = used + token
			}
		}
	}
	for i := range valid {
		bad[fmt.Sprintf("BitOfCharacter%d", i)] = "/r/" + valid[:i] + flipLowestBit(valid[i]) + valid[i+1:]
	}

	before := engine.Dump(t)
	_, helpPage := p.do("GET", "/r/x", "", "")
	if !strings.Contains(string(helpPage), `href="/e/andet/link"`) {
		t.Errorf("no link to the help form: %s", helpPage)
	}
	for name, path := range bad {
		t.Run(name, func(t *testing.T) {
			for _, r := range requestsOf(path) {
				res, raw := p.do(r.method, r.path, form, r.body)
				if res.StatusCode != 404 || string(raw) != string(helpPage) {
					t.Errorf(
						"%s %.120s: %d, %s", r.method, r.path, res.StatusCode, cmp.Diff(string(helpPage), string(raw)),
					)
				}
			}
		})
	}
	if diff := cmp.Diff(before, engine.Dump(t)); diff != "" {
		t.Errorf("bad links have changed the table: %s", diff)
	}
}

type linkRequest struct{ method, path, body string }

// requestsOf are all requests that a link of its kind allows.
func requestsOf(path string) []linkRequest {
	all := []linkRequest{{"GET", path, ""}, {"POST", path, ""}}
	if !strings.HasPrefix(path, "/r/") {
		return all
	}
	for _, page := range []string{"/calendar.ics", "/data.json"} {
		all = append(all, linkRequest{"GET", path + page, ""})
	}
	for _, act := range []string{"/cancel", "/rejoin", "/erase"} {
		all = append(all, linkRequest{"POST", path + act, "confirm=yes"})
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

// splitToken returns a token's proof, and what it names ("r.<event>.<registration>").
func splitToken(t *testing.T, token string) (proof []byte, named string) {
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

// flipLowestBit flips the lowest bit of a base64 character. In the last character that bit is unused, but must be
// checked all the same: else two links are valid for one registration.
func flipLowestBit(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}
