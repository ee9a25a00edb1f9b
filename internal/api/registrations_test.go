package api_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
)

// newServerWithRegistrations has an event, whose path it returns, with five registrations.
func newServerWithRegistrations(t *testing.T) (*testServer, string) {
	s := newTestServer(t)
	path := s.createEvent()
	for i := range 5 {
		s.mustCall(201, "POST", path+"/registrations", fmt.Sprintf(`{"name":"Åse %d","email":"aase%d@blåbær.example.dk",
			"organisation":"=cmd|'x'","answers":{"hvad":["Lære; \"nyt\""]}}`, i, i))
	}
	return s, path
}

func TestListRegistrations(t *testing.T) {
	s, path := newServerWithRegistrations(t)
	t.Run("ComesInPages", func(t *testing.T) {
		ids := map[any]bool{}
		next := ""
		for {
			page := s.mustCall(200, "GET", path+"/registrations?limit=2&cursor="+next, "")
			for _, item := range page["items"].([]any) {
				ids[item.(map[string]any)["id"]] = true
			}
			if next = page["next"].(string); next == "" {
				break
			}
		}
		wantEqual(t, len(ids), 5)
	})
	t.Run("RefusesABadLimitOrCursor", func(t *testing.T) {
		for query, want := range map[string]string{
			"limit=0": "out-of-range", "limit=201": "out-of-range", "limit=x": "bad-parameter",
			"cursor=x": "bad-cursor",
		} {
			problem := s.mustCall(400, "GET", path+"/registrations?"+query, "")
			field, _, _ := strings.Cut(query, "=")
			wantEqual(t, problem["code"], any("bad-request"))
			wantEqual(t, fieldCode(problem, field), any(want))
		}
	})
}

func TestExportRegistrations(t *testing.T) {
	s, path := newServerWithRegistrations(t)
	res := s.do("GET", path+"/registrations.csv", "")
	raw, _ := io.ReadAll(res.Body)
	text, hasByteOrderMark := strings.CutPrefix(string(raw), "\ufeff")
	wantEqual(t, hasByteOrderMark, true)
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = ';'
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, rows[0], []string{
		"Navn", "E-mail", "Organisation", "Rolle", "Status", "Tilmeldt", "Deltog", "Mail",
		"Vil høre om kommende arrangementer", "'=Hvad vil du?", "Andre svar",
	})
	wantEqual(t, len(rows), 6)
	wantEqual(t, rows[1][2:], []string{
		"'=cmd|'x'", "", "tilmeldt", "2026-11-23 10:00:00", "", "i orden", "nej", `Lære; "nyt"`, "",
	})
	wantEqual(t, strings.Count(text, "\r\n"), 6)
}

func TestAddRegistration(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	t.Run("NamesEverythingThatIsWrong", func(t *testing.T) {
		body := `{"name":"","email":"x","language":"xx","answers":{"other":["a"]}}`
		problem := s.mustCall(422, "POST", path+"/registrations", body)
		wantEqual(t, []any{
			fieldCode(problem, "name"), fieldCode(problem, "email"), fieldCode(problem, "language"),
			fieldCode(problem, "answers.other"),
		}, []any{"missing", "address-no-at", "unknown-language", "unknown-question"})
	})
	t.Run("RefusesADomainThatReceivesNoMail", func(t *testing.T) {
		problem := s.mustCall(422, "POST", path+"/registrations", `{"name":"Bo","email":"bo@no-mail.example.org"}`)
		wantEqual(t, fieldCode(problem, "email"), any("address-no-mail"))
	})
	t.Run("IsRefusedForACancelledEvent", func(t *testing.T) {
		s.mustCall(200, "POST", path+"/cancel", "")
		problem := s.mustCall(409, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
		wantEqual(t, problem["code"], any("closed"))
	})
}

func TestEditRegistration(t *testing.T) {
	s, path := newServerWithRegistrations(t)
	list := path + "/registrations?limit=1"
	one := path + "/registrations/"
	t.Run("CorrectsAnAddress", func(t *testing.T) {
		first := s.items(list)[0]
		got := s.mustCall(200, "PATCH", one+first["id"].(string), `{"email":"ny@example.dk"}`)
		wantEqual(t, got["email"], any("ny@example.dk"))
		wantEqual(t, got["name"], first["name"])
		wantEqual(t, got["id"] != first["id"], true)
		wantEqual(t, got["answers"], first["answers"])
	})
	t.Run("RefusesTheAddressOfAnotherRegistration", func(t *testing.T) {
		all := s.items(path + "/registrations")
		first, second := all[0], all[1]
		problem := s.mustCall(409, "PATCH", one+first["id"].(string), `{"email":"`+second["email"].(string)+`","name":"Bo"}`)
		wantEqual(t, problem["code"], any("address-taken"))
		wantEqual(t, problem["errors"], any([]any{map[string]any{
			"field": "email", "code": "address-taken", "registrationId": second["id"],
			"detail": "Another attendee, " + second["name"].(string) + ", has that address.",
		}}))
		wantEqual(t, s.items(path+"/registrations"), all)
	})
	t.Run("Cancels", func(t *testing.T) {
		got := s.mustCall(200, "PATCH", one+s.items(list)[0]["id"].(string), `{"status":"cancelled"}`)
		wantEqual(t, got["status"], any("cancelled"))
		wantEqual(t, s.mustCall(200, "GET", path, "")["counts"], counts(4, 1))
	})
	t.Run("KeepsWhatIsAbsent", func(t *testing.T) {
		s.mustCall(200, "PATCH", path, `{"questions":[{"id":"nyt","kind":"short","label":"Nyt?"}]}`)
		got := s.mustCall(200, "PATCH", one+s.items(list)[0]["id"].(string), `{"answers":{"nyt":["ja"]}}`)
		wantEqual(t, got["answers"], any(map[string]any{"hvad": []any{`Lære; "nyt"`}, "nyt": []any{"ja"}}))
	})
	t.Run("NamesWhatIsWrong", func(t *testing.T) {
		path := one + s.items(list)[0]["id"].(string)
		for body, want := range map[string][2]string{
			`{"answers":{"aldrig":["x"]}}`:       {"answers.aldrig", "unknown-question"},
			`{"status":"waiting"}`:               {"status", "only-cancelled"},
			`{"name":""}`:                        {"name", "missing"},
			`{"status":"confirmed","name":"Åå"}`: {"status", "only-cancelled"},
		} {
			wantEqual(t, fieldCode(s.mustCall(422, "PATCH", path, body), want[0]), any(want[1]))
		}
	})
	t.Run("RefusesADomainThatReceivesNoMail", func(t *testing.T) {
		before := s.items(list)[0]
		registration := one + before["id"].(string)
		problem := s.mustCall(422, "PATCH", registration, `{"name":"Bo","email":"bo@no-mail.example.org"}`)
		wantEqual(t, fieldCode(problem, "email"), any("address-no-mail"))
		wantEqual(t, s.mustCall(200, "GET", registration, ""), before)
	})
	t.Run("Erases", func(t *testing.T) {
		registration := one + s.items(list)[0]["id"].(string)
		s.mustCall(204, "DELETE", registration, "")
		s.mustCall(404, "GET", registration, "")
		s.mustCall(404, "DELETE", registration, "")
		wantEqual(t, s.mustCall(200, "GET", path+"/numbers", "")["erasures"], any(1.0))
		wantEqual(t, s.mustCall(200, "POST", path+"/recount", "")["confirmed"], any(0.0))
		wantEqual(t, s.mustCall(200, "GET", path+"/recount", "")["places"], any(0.0))
	})
}

func TestLoweredCapacity(t *testing.T) {
	s, path := newServerWithRegistrations(t)
	e := s.mustCall(200, "PATCH", path, `{"capacity":1}`)
	wantEqual(t, e["overCapacity"], any(4.0))
	wantEqual(t, e["counts"], counts(5, 0))
	wantEqual(t, s.mustCall(200, "PATCH", path, `{"capacity":null}`)["overCapacity"], any(nil))
}
