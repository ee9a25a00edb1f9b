package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

func TestCreateEvent(t *testing.T) {
	s := newTestServer(t)
	t.Run("FillsInTheDefaults", func(t *testing.T) {
		e := s.mustCall(201, "POST", "/api/v1/events", thinkTank)
		wantEqual(t, e["slug"], any("samskabelse-paa-dagsordenen"))
		wantEqual(t, e["timeZone"], any("Europe/Copenhagen"))
		wantEqual(t, e["startsAt"], any("2026-12-01T14:00:00+01:00"))
		wantEqual(t, e["capacity"], any(nil))
		wantEqual(t, e["counts"], counts(0, 0))
		wantEqual(t, e["verify"], any("auto"))
		wantEqual(t, len(e["reminders"].([]any)), 3)
		wantEqual(t, e["status"], any("open"))
		got := s.mustCall(200, "GET", "/api/v1/events/"+e["id"].(string), "")
		wantEqual(t, got, e)
	})
	t.Run("RefusesATakenSlug", func(t *testing.T) {
		wantEqual(t, s.mustCall(409, "POST", "/api/v1/events", thinkTank)["code"], any("slug-taken"))
	})
}

func TestDeleteEvent(t *testing.T) {
	s := newTestServer(t)
	path := "/api/v1/events/" + s.mustCall(201, "POST", "/api/v1/events", thinkTank)["id"].(string)
	s.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	wantEqual(t, s.mustCall(409, "DELETE", path, "")["code"], any("has-sign-ups"))
	s.mustCall(200, "GET", path, "")
	copied := s.mustCall(201, "POST", path+"/clone", `{"startsAt":"2027-03-09T13:00:00+01:00"}`)["id"].(string)
	for range 2 {
		s.mustCall(204, "DELETE", "/api/v1/events/"+copied, "")
		s.mustCall(404, "GET", "/api/v1/events/"+copied, "")
	}
	s.mustCall(404, "DELETE", "/api/v1/events/nope", "")
}

func TestCreateEventRefuses(t *testing.T) {
	s := newTestServer(t)
	with := func(fields string) string { return strings.Replace(thinkTank, `"joinUrl"`, fields+`,"joinUrl"`, 1) }
	replace := func(old, new string) string { return strings.Replace(thinkTank, old, new, 1) }
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
		code   string
	}{
		"AnUnknownField":         {`{"titel":"x"}`, 400, "titel", "unknown-field"},
		"AFieldInCapitals":       {`{"Title":"x"}`, 400, "Title", "unknown-field"},
		"AnUnknownFieldWithin":   {`{"organiser":{"mail":"x"}}`, 400, "organiser.mail", "unknown-field"},
		"AFieldTwice":            {`{"title":"x","title":"y"}`, 400, "title", "twice"},
		"AFieldOfAListTwice":     {`{"questions":[{"id":"a","id":"b"}]}`, 400, "questions.id", "twice"},
		"AWrongType":             {`{"title":1}`, 400, "title", "wrong-type"},
		"ABadTime":               {`{"title":"x","startsAt":"tomorrow"}`, 400, "startsAt", "wrong-type"},
		"BrokenJSON":             {`{"title":`, 400, "body", "bad-json"},
		"Null":                   {`null`, 400, "body", "wrong-type"},
		"TwoDocuments":           {`{} {}`, 400, "body", "trailing-data"},
		"BadUTF8":                {"{\"title\":\"\xff\"}", 400, "body", "bad-characters"},
		"AMissingField":          {`{"title":"x"}`, 422, "startsAt", "missing"},
		"ABadAddress":            {replace("hej@example.dk", "hej"), 422, "organiser.email", "address-no-at"},
		"ABadOffset":             {with(`"reminders":[{"offset":"1h"}]`), 422, "reminders", "bad-offset"},
		"ABadCutoff":             {with(`"promoteUntil":"1h"`), 422, "promoteUntil", "bad-offset"},
		"ALineBreakInATitle":     {replace("Samskab", `a\r\nBcc: x`), 422, "title", "bad-characters"},
		"NullOfARequiredField":   {replace(`"Samskabelse på dagsordenen"`, "null"), 422, "title", "missing"},
		"AJoinURLThatIsNotHTTPS": {replace("https://meet", "javascript:"), 422, "joinUrl", "not-https"},
		"ACapacityOfNone":        {with(`"capacity":0`), 422, "capacity", "out-of-range"},
		"AnUnknownVerify":        {with(`"verify":"sometimes"`), 422, "verify", "unknown-verify"},
		"NoVerify":               {with(`"verify":null`), 422, "verify", "missing"},
		"AnUnknownStatus":        {with(`"status":"gone"`), 422, "status", "unknown-status"},
		"AReminderOfAnotherKind": {
			with(`"reminders":[{"kind":"reminder-PT2H","offset":"-PT1H"}]`), 422,
			"reminders.reminder-PT2H", "kind-offset",
		},
	} {
		t.Run(name, func(t *testing.T) {
			problem := s.mustCall(c.status, "POST", "/api/v1/events", c.body)
			wantEqual(t, fieldCode(problem, c.field), any(c.code))
			wantEqual(t, problem["code"], map[int]any{400: "bad-request", 422: "invalid"}[c.status])
		})
	}
	t.Run("NamingEverythingThatIsWrong", func(t *testing.T) {
		body := `{"title":"","organiser":{"name":"UKON","email":"x"},"reminders":[{"offset":"1h"}]}`
		problem := s.mustCall(422, "POST", "/api/v1/events", body)
		wantEqual(t, []any{
			fieldCode(problem, "title"), fieldCode(problem, "startsAt"), fieldCode(problem, "organiser.email"),
			fieldCode(problem, "reminders"),
		}, []any{"missing", "missing", "address-no-at", "bad-offset"})
	})
	t.Run("AForm", func(t *testing.T) {
		problem := s.mustCall(415, "POST", "/api/v1/events", "a=b", "Content-Type: application/x-www-form-urlencoded")
		wantEqual(t, problem["code"], any("unsupported-media-type"))
	})
	t.Run("ALargeBody", func(t *testing.T) {
		s.mustCall(413, "POST", "/api/v1/events", `{"title":"`+strings.Repeat("a", 70_000)+`"}`)
	})
}

func counts(confirmed, cancelled float64) any {
	return map[string]any{
		"confirmed": confirmed, "waiting": 0.0, "cancelled": cancelled, "unverified": 0.0, "attended": 0.0,
	}
}

func TestEditEvent(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	t.Run("KeepsWhatIsAbsent", func(t *testing.T) {
		e := s.mustCall(200, "PATCH", path, `{"capacity":20,"description":"En time."}`)
		wantEqual(t, e["capacity"], any(20.0))
		wantEqual(t, e["title"], any("Samskabelse på dagsordenen"))
		wantEqual(t, len(e["questions"].([]any)), 1)
		wantEqual(t, len(e["reminders"].([]any)), 3)
	})
	t.Run("ClearsWhatIsNull", func(t *testing.T) {
		e := s.mustCall(200, "PATCH", path, `{"capacity":null,"description":null,"reminders":null}`)
		wantEqual(t, e["capacity"], any(nil))
		wantEqual(t, e["description"], any(""))
		wantEqual(t, e["reminders"], any([]any{}))
	})
	t.Run("DelaysTheNoticeOfAMove", func(t *testing.T) {
		body := `{"startsAt":"2026-12-02T14:00:00+01:00","endsAt":"2026-12-02T15:00:00+01:00"}`
		e := s.mustCall(200, "PATCH", path, body)
		wantEqual(t, e["notice"], any(map[string]any{"kind": "moved", "dueAt": "2026-11-23T10:05:00+01:00"}))
		wantEqual(t, s.mustCall(200, "POST", path+"/notice", "")["notice"], any(nil))
		key := deltag.MailingKey{EventID: e["id"].(string), Kind: deltag.KindMoved, Version: 1}
		m, err := s.store.Mailing(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, m.NextRunAt, now)
		wantEqual(t, fieldCode(s.mustCall(422, "POST", path+"/notice", ""), "notice"), any("no-notice"))
	})
	for name, header := range map[string]string{
		"AnEarlierETag": `"1"`, "AWeakETag": `W/"1"`, "AnETagOfNobody": `"0"`, "AnUnquotedETag": "1",
		"AListOfOthers": `"1", "x,y", W/"2"`, "AListThatIsNone": `"1" "4"`, "NoETag": "",
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			wantEqual(t, s.mustCall(412, "PATCH", path, `{"title":"x"}`, "If-Match: "+header)["code"], any("changed"))
		})
	}
	t.Run("TakesThePresentETag", func(t *testing.T) {
		etag := s.do("GET", path, "").Header.Get("ETag")
		s.mustCall(200, "PATCH", path, `{}`, "If-Match: "+etag)
		s.mustCall(200, "PATCH", path, `{}`, "If-Match: *")
	})
	t.Run("TakesAListWithThePresentETag", func(t *testing.T) {
		for _, list := range []string{`%s, "y"`, `"1",%s`, "\"1\" ,\tW/\"2\" ,%s", `"a,b", %s`} {
			etag := s.do("GET", path, "").Header.Get("ETag")
			s.mustCall(200, "PATCH", path, `{}`, "If-Match: "+fmt.Sprintf(list, etag))
		}
	})
	t.Run("ChangesNothingWhenItIsRefused", func(t *testing.T) {
		before := s.mustCall(200, "GET", path, "")
		s.mustCall(422, "PATCH", path, `{"title":"","capacity":3}`)
		s.mustCall(422, "PATCH", path, `{"status":"cancelled"}`)
		wantEqual(t, s.mustCall(200, "GET", path, ""), before)
	})
	t.Run("EndsWithCancellation", func(t *testing.T) {
		wantEqual(t, s.mustCall(200, "POST", path+"/cancel", "")["status"], any("cancelled"))
		s.mustCall(200, "POST", path+"/cancel", "")
		problem := s.mustCall(422, "PATCH", path, `{"status":"open"}`)
		wantEqual(t, fieldCode(problem, "status"), any("cancelled-is-final"))
	})
	t.Run("DoesNotFindAnUnknownEvent", func(t *testing.T) { s.mustCall(404, "PATCH", "/api/v1/events/nope", `{}`) })
}

func TestCloneEvent(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	s.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	c := s.mustCall(201, "POST", path+"/clone", `{"startsAt":"2027-03-01T09:00:00+01:00"}`)
	wantEqual(t, c["status"], any("draft"))
	wantEqual(t, c["endsAt"], any("2027-03-01T10:00:00+01:00"))
	wantEqual(t, c["slug"], any("samskabelse-paa-dagsordenen-2027-03-01"))
	wantEqual(t, c["counts"], counts(0, 0))
	wantEqual(t, len(c["questions"].([]any)), 1)
	wantEqual(t, len(s.items("/api/v1/events")), 2)
}
