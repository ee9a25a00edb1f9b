package api_test

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"deltag/internal/deltag"
)

func TestMembers(t *testing.T) {
	s := newTestServer(t)
	ole := s.mustCall(201, "POST", "/api/v1/members", `{"email":"ole@example.dk","role":"owner"}`)
	bo := s.mustCall(201, "POST", "/api/v1/members", `{"email":"bo@example.dk","role":"reader","language":"en"}`)
	path := "/api/v1/members/" + bo["id"].(string)
	wantEqual(t, bo["role"], any("reader"))
	for body, code := range map[string]string{
		`{"email":"bo@example.dk","role":"owner"}`:                 "already-member",
		`{"email":"x@example.dk","role":""}`:                       "unknown-role",
		`{"email":"y@example.dk"}`:                                 "unknown-role",
		`{"email":"x@example.dk","role":"king"}`:                   "unknown-role",
		`{"email":"x@example.dk","role":"owner","language":"tlh"}`: "unknown-language",
		`{"email":"not an address","role":"owner"}`:                "address-space",
	} {
		problem := s.mustCall(422, "POST", "/api/v1/members", body)
		if codes := problem["errors"].([]any)[0].(map[string]any)["code"]; codes != code {
			t.Errorf("%s: %v", body, codes)
		}
	}
	wantEqual(t, s.mustCall(200, "PATCH", path, `{"role":"organiser"}`)["role"], any("organiser"))
	wantEqual(t, len(s.items("/api/v1/members")), 2)
	s.mustCall(204, "DELETE", path, "")
	s.mustCall(204, "DELETE", path, "") // again
	s.mustCall(404, "PATCH", path, `{"role":"reader"}`)
	s.mustCall(404, "DELETE", "/api/v1/members/nobody", "")
	s.mustCall(404, "DELETE", "/api/v1/tokens/none", "")
	s.mustCall(201, "POST", "/api/v1/members", `{"email":"ida@example.dk","role":"reader","language":null}`)
	problem := s.mustCall(422, "DELETE", "/api/v1/members/"+ole["id"].(string), "")
	wantEqual(t, problem["errors"].([]any)[0].(map[string]any)["code"], any("last-owner"))
}

func TestTokens(t *testing.T) {
	s := newTestServer(t)
	made := s.mustCall(201, "POST", "/api/v1/tokens", `{"name":"Nightly export","role":"reader","expires":"2026-12-01"}`)
	wantEqual(t, made["expiresAt"], any("2026-12-01T23:00:00Z")) // the end of that day in Denmark
	all := s.items("/api/v1/tokens")
	wantEqual(t, len(all), 2)
	for _, token := range all {
		if token["token"] != nil {
			t.Errorf("a list shows %v", token)
		}
	}
	reader := *s
	reader.token = made["token"].(string)
	reader.mustCall(200, "GET", "/api/v1/events", "")
	for _, path := range []string{"/api/v1/members", "/api/v1/tokens"} {
		reader.mustCall(403, "GET", path, "")
		reader.mustCall(403, "POST", path, `{}`)
	}
	for body, code := range map[string]string{
		`{"name":"","role":"reader","expires":"2026-12-01"}`: "missing",
		`{"name":"x","role":"","expires":"2026-12-01"}`:      "unknown-role",
		`{"name":"x","role":"owner","expires":"2026-11-01"}`: "in-the-past",
		`{"name":"x","role":"owner","expires":"2099-11-01"}`: "too-late",
	} {
		problem := s.mustCall(422, "POST", "/api/v1/tokens", body)
		if got := problem["errors"].([]any)[0].(map[string]any)["code"]; got != code {
			t.Errorf("%s: %v", body, got)
		}
	}
	s.mustCall(400, "POST", "/api/v1/tokens", `{"name":"x","role":"owner","expires":"soon"}`)
	s.mustCall(204, "DELETE", "/api/v1/tokens/"+made["id"].(string), "")
	s.mustCall(204, "DELETE", "/api/v1/tokens/"+made["id"].(string), "") // again
	reader.mustCall(401, "GET", "/api/v1/events", "")
}

func TestAudit(t *testing.T) {
	s := newTestServer(t)
	event := s.createEvent()
	r := s.mustCall(201, "POST", event+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	s.mustCall(201, "POST", "/api/v1/tokens", `{"name":"x","role":"reader","expires":"2026-12-01"}`)
	id := strings.TrimPrefix(event, "/api/v1/events/")
	byAction := map[any]map[string]any{}
	for _, entry := range s.items("/api/v1/audit?event=" + id) {
		byAction[entry["action"]] = entry
	}
	wantEqual(t, byAction["registration.added"], map[string]any{
		"at": "2026-11-23T09:00:00Z", "actor": "test", "channel": "api", "action": "registration.added", "event": id,
		"registration": r["id"], "subject": "", "details": []any{},
	})
	wantEqual(t, len(byAction), 2)
	wantEqual(t, len(s.items("/api/v1/audit")), 3)
	reader := *s
	reader.token = s.newToken(deltag.RoleReader, now.AddDate(0, 0, 1))
	wantEqual(t, len(reader.items("/api/v1/audit")), 2) // nothing about tokens
	s.mustCall(404, "GET", "/api/v1/audit?event=aaaaaaaaaaaaaaaaaaaa", "")
	s.mustCall(400, "GET", "/api/v1/audit?cursor=x", "")
}

func TestFilters(t *testing.T) {
	s, path := newServerWithRegistrations(t)
	first := s.items(path + "/registrations")[0]
	s.mustCall(200, "PATCH", path+"/registrations/"+first["id"].(string), `{"status":"cancelled"}`)
	for query, want := range map[string]int{
		"q=aase+3": 1, "q=" + url.QueryEscape("ÅSE"): 5, "q=nobody": 0, "status=cancelled": 1, "status=cancelled&not=status": 1, "status=confirmed&q=example": 4,
		"mail=ok": 5, "mail=bounced": 0, "attended=no": 5, "attended=yes": 0, "updates=no": 5,
		"answers.hvad=" + url.QueryEscape("lære"): 5, "answers.hvad=-": 0,
	} {
		wantEqual(t, len(s.items(path+"/registrations?"+query)), want)
		res := s.do("GET", path+"/registrations.xlsx?"+query, "")
		file, err := excelize.OpenReader(res.Body)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		rows, err := file.GetRows(file.GetSheetName(0))
		if err != nil || len(rows) != 1+want {
			t.Errorf("%s: %d rows in the workbook, %v", query, len(rows), err)
		}
		csv, _ := io.ReadAll(s.do("GET", path+"/registrations.csv?"+query, "").Body)
		wantEqual(t, strings.Count(string(csv), "\r\n"), 1+want)
	}
	for _, list := range []string{"/registrations", "/registrations.csv", "/registrations.xlsx"} {
		for _, query := range []string{"status=x", "mail=x", "attended=maybe", "updates=", "answers.other=x", "q=" + strings.Repeat("%C3%A5", 201)} {
			s.mustCall(400, "GET", path+list+"?"+query, "")
		}
	}
	parts := 0
	for _, part := range []string{"1-of-2", "2-of-2"} {
		csv, _ := io.ReadAll(s.do("GET", path+"/registrations.csv?part="+part, "").Body)
		parts += strings.Count(string(csv), "\r\n") - 1
	}
	wantEqual(t, parts, 5)
	for _, part := range []string{"3-of-2", "0-of-2", "1-of-65", "1-of-02", "1of2", ""} {
		s.mustCall(400, "GET", path+"/registrations.csv?part="+part, "")
	}
}
