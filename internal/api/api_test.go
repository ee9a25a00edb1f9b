package api_test

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/api"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// A testServer is the API on a table of its own.
type testServer struct {
	t       *testing.T
	handler http.Handler
	store   *dynamo.Store
	token   string
	now     time.Time
}

func newTestServer(t *testing.T) *testServer {
	h := &testServer{t: t, store: storetest.Embedded(t).Store(), now: now}
	h.handler = api.New(api.Options{
		Organiser: &organiser.Service{Store: h.store, Random: rand.Reader}, Tokens: h.store, BaseURL: "https://deltag.example.dk", Now: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler),
	})
	h.token = h.newToken(now.AddDate(0, 0, 1))
	return h
}

func (h *testServer) newToken(expires time.Time) string {
	h.t.Helper()
	token, hash, err := deltag.NewAccessToken(rand.Reader)
	if err == nil {
		err = h.store.PutToken(context.Background(), hash, deltag.AccessToken{Name: "test", Role: deltag.RoleOwner, CreatedAt: now, ExpiresAt: expires})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// do sends a request; header lines are "Name: value".
func (h *testServer) do(method, path, body string, header ...string) *http.Response {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	res := w.Result()
	keeps(h.t, r, res)
	return res
}

// mustCall does the same, wants a status, and decodes the answer.
func (h *testServer) mustCall(status int, method, path, body string, header ...string) map[string]any {
	h.t.Helper()
	res := h.do(method, path, body, header...)
	raw, _ := io.ReadAll(res.Body)
	if res.StatusCode != status {
		h.t.Fatalf("%s %s: %d\n%s", method, path, res.StatusCode, raw)
	}
	var v map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &v); err != nil {
			h.t.Fatalf("%s: %v", raw, err)
		}
	}
	return v
}

const thinkTank = `{"title":"Samskabelse på dagsordenen","startsAt":"2026-12-01T14:00:00+01:00","endsAt":"2026-12-01T15:00:00+01:00",
	"joinUrl":"https://meet.example.org/1","organiser":{"name":"UKON","email":"hej@example.dk"},
	"questions":[{"id":"hvad","kind":"short","label":"=Hvad vil du?"}]}`

func (h *testServer) event() (id string) {
	h.t.Helper()
	return h.mustCall(201, "POST", "/api/v1/events", thinkTank)["id"].(string)
}

func want(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// field is the code of the fault that an answer names for a field.
func field(v map[string]any, name string) any {
	list, _ := v["errors"].([]any)
	for _, f := range list {
		if f := f.(map[string]any); f["field"] == name {
			return f["code"]
		}
	}
	return nil
}

func TestToken(t *testing.T) {
	h := newTestServer(t)
	read := func(header string) string {
		res := h.do("GET", "/api/v1/events", "", "Authorization: "+header)
		raw, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, res.Header, string(raw))
	}
	want(t, h.do("GET", "/api/v1/events", "").StatusCode, 200)
	first := read("")
	if !strings.HasPrefix(first, "401") || !strings.Contains(first, "Bearer") {
		t.Fatal(first)
	}
	for name, header := range map[string]string{
		"Garbage": "Bearer x", "AnotherScheme": "Basic " + h.token, "Unknown": "Bearer dlt_" + strings.Repeat("A", 43),
		"Expired": "Bearer " + h.newToken(now), "Cut": "Bearer " + h.token[:20], "Longer": "Bearer " + h.token + "A",
	} {
		t.Run(name+"HasTheSameAnswer", func(t *testing.T) { want(t, read(header), first) })
	}
}

func TestCreateEvent(t *testing.T) {
	h := newTestServer(t)
	t.Run("FillsInWhatIsUsual", func(t *testing.T) {
		e := h.mustCall(201, "POST", "/api/v1/events", thinkTank)
		want(t, e["slug"], any("samskabelse-paa-dagsordenen"))
		want(t, e["timeZone"], any("Europe/Copenhagen"))
		want(t, e["startsAt"], any("2026-12-01T14:00:00+01:00"))
		want(t, e["capacity"], any(nil))
		want(t, e["counts"], any(map[string]any{"confirmed": 0.0, "waiting": 0.0, "cancelled": 0.0, "attended": 0.0}))
		want(t, len(e["reminders"].([]any)), 3)
		want(t, e["status"], any("open"))
		got := h.mustCall(200, "GET", "/api/v1/events/"+e["id"].(string), "")
		want(t, got, e)
	})
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
		code   string
	}{
		"AnUnknownFieldIsNamed":       {`{"titel":"x"}`, 400, "titel", "unknown-field"},
		"AWrongTypeIsNamed":           {`{"title":1}`, 400, "title", "wrong-type"},
		"ABadTimeIsNamed":             {`{"title":"x","startsAt":"tomorrow"}`, 400, "startsAt", "wrong-type"},
		"BrokenJSON":                  {`{"title":`, 400, "body", "bad-json"},
		"TwoDocuments":                {`{} {}`, 400, "body", "trailing-data"},
		"BadUTF8":                     {"{\"title\":\"\xff\"}", 400, "body", "bad-characters"},
		"WhatIsMissingIsNamed":        {`{"title":"x"}`, 422, "startsAt", "missing"},
		"AnAddressThatIsNone":         {strings.Replace(thinkTank, "hej@example.dk", "hej", 1), 422, "organiser.email", "address-no-at"},
		"ABadOffset":                  {strings.Replace(thinkTank, `"questions"`, `"reminders":[{"offset":"1h"}],"questions"`, 1), 422, "reminders", "bad-offset"},
		"AReminderWithAnotherKind":    {strings.Replace(thinkTank, `"questions"`, `"reminders":[{"kind":"reminder-PT2H","offset":"-PT1H"}],"questions"`, 1), 422, "reminders.reminder-PT2H", "kind-offset"},
		"ATitleWithALineBreak":        {strings.Replace(thinkTank, "Samskabelse", `a\r\nBcc: x`, 1), 422, "title", "bad-characters"},
		"NullWhereSomethingIsNeeded":  {strings.Replace(thinkTank, `"joinUrl"`, `"title":null,"joinUrl"`, 1), 422, "title", "missing"},
		"AJoinURLThatIsNotHTTPS":      {strings.Replace(thinkTank, "https://meet", "javascript:", 1), 422, "joinUrl", "not-https"},
		"ACapacityOfNone":             {strings.Replace(thinkTank, `"joinUrl"`, `"capacity":0,"joinUrl"`, 1), 422, "capacity", "out-of-range"},
		"CancelledFromTheBeginningIs": {strings.Replace(thinkTank, `"joinUrl"`, `"status":"gone","joinUrl"`, 1), 422, "status", "unknown-status"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, field(h.mustCall(c.status, "POST", "/api/v1/events", c.body), c.field), any(c.code))
		})
	}
	t.Run("ASlugThatIsTaken", func(t *testing.T) {
		want(t, h.mustCall(409, "POST", "/api/v1/events", thinkTank)["code"], any("slug-taken"))
	})
	t.Run("EverythingWrongIsToldAtOnce", func(t *testing.T) {
		v := h.mustCall(422, "POST", "/api/v1/events", `{"title":"","organiser":{"name":"UKON","email":"x"}}`)
		want(t, []any{field(v, "title"), field(v, "startsAt"), field(v, "organiser.email")}, []any{"missing", "missing", "address-no-at"})
		want(t, field(h.mustCall(400, "POST", "/api/v1/events", `null`), "body"), any("wrong-type"))
	})
	t.Run("AFormIsRefused", func(t *testing.T) {
		want(t, h.do("POST", "/api/v1/events", "a=b", "Content-Type: application/x-www-form-urlencoded").StatusCode, 415)
	})
	t.Run("TooMuchIsRefused", func(t *testing.T) {
		want(t, h.do("POST", "/api/v1/events", `{"title":"`+strings.Repeat("a", 70_000)+`"}`).StatusCode, 413)
	})
}

func TestEditEvent(t *testing.T) {
	h := newTestServer(t)
	path := "/api/v1/events/" + h.event()
	t.Run("WhatIsAbsentStays", func(t *testing.T) {
		e := h.mustCall(200, "PATCH", path, `{"capacity":20,"description":"En time."}`)
		want(t, e["capacity"], any(20.0))
		want(t, e["title"], any("Samskabelse på dagsordenen"))
		want(t, len(e["questions"].([]any)), 1)
	})
	t.Run("NullClears", func(t *testing.T) {
		e := h.mustCall(200, "PATCH", path, `{"capacity":null,"description":null}`)
		want(t, e["capacity"], any(nil))
		want(t, e["description"], any(""))
	})
	t.Run("AMoveWaitsForFurtherEdits", func(t *testing.T) {
		e := h.mustCall(200, "PATCH", path, `{"startsAt":"2026-12-02T14:00:00+01:00","endsAt":"2026-12-02T15:00:00+01:00"}`)
		want(t, e["notice"], any(map[string]any{"kind": "moved", "dueAt": "2026-11-23T10:05:00+01:00"}))
		want(t, h.mustCall(200, "POST", path+"/notice", "")["notice"], any(nil))
		id := e["id"].(string)
		m, err := h.store.Mailing(context.Background(), deltag.MailingKey{EventID: id, Kind: deltag.KindMoved, Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		want(t, m.NextRunAt, now)
	})
	t.Run("AnEarlierETagIsRefused", func(t *testing.T) {
		want(t, h.mustCall(412, "PATCH", path, `{"title":"x"}`, `If-Match: "1"`)["code"], any("changed"))
	})
	t.Run("NothingIsChangedByWhatIsRefused", func(t *testing.T) {
		before := h.mustCall(200, "GET", path, "")
		h.mustCall(422, "PATCH", path, `{"title":"","capacity":3}`)
		h.mustCall(422, "PATCH", path, `{"status":"cancelled"}`)
		want(t, h.mustCall(200, "GET", path, ""), before)
	})
	t.Run("CancellingIsFinalAndMayBeRepeated", func(t *testing.T) {
		want(t, h.mustCall(200, "POST", path+"/cancel", "")["status"], any("cancelled"))
		h.mustCall(200, "POST", path+"/cancel", "")
		want(t, field(h.mustCall(422, "PATCH", path, `{"status":"open"}`), "status"), any("cancelled-is-final"))
	})
	t.Run("AnUnknownEventIsNotFound", func(t *testing.T) { h.mustCall(404, "PATCH", "/api/v1/events/nope", `{}`) })
}

func TestClone(t *testing.T) {
	h := newTestServer(t)
	id := h.event()
	h.mustCall(201, "POST", "/api/v1/events/"+id+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	c := h.mustCall(201, "POST", "/api/v1/events/"+id+"/clone", `{"startsAt":"2027-03-01T09:00:00+01:00"}`)
	want(t, c["status"], any("draft"))
	want(t, c["endsAt"], any("2027-03-01T10:00:00+01:00"))
	want(t, c["slug"], any("samskabelse-paa-dagsordenen-2027-03-01"))
	want(t, c["counts"].(map[string]any)["confirmed"], any(0.0))
	want(t, len(c["questions"].([]any)), 1)
}

func TestRegistrations(t *testing.T) {
	h := newTestServer(t)
	path := "/api/v1/events/" + h.event()
	for i := range 5 {
		h.mustCall(201, "POST", path+"/registrations", fmt.Sprintf(`{"name":"Åse %d","email":"aase%d@blåbær.example.dk","organisation":"=cmd|'x'","answers":{"hvad":["Lære; \"nyt\""]}}`, i, i))
	}
	t.Run("ComeInPages", func(t *testing.T) {
		var ids []string
		next := ""
		for {
			page := h.mustCall(200, "GET", path+"/registrations?limit=2&cursor="+next, "")
			for _, item := range page["items"].([]any) {
				ids = append(ids, item.(map[string]any)["id"].(string))
			}
			if next = page["next"].(string); next == "" {
				break
			}
		}
		want(t, len(ids), 5)
	})
	t.Run("ABadLimitOrCursorIsNamed", func(t *testing.T) {
		want(t, field(h.mustCall(400, "GET", path+"/registrations?limit=0", ""), "limit"), any("out-of-range"))
		want(t, field(h.mustCall(400, "GET", path+"/registrations?limit=x", ""), "limit"), any("bad-parameter"))
		want(t, field(h.mustCall(400, "GET", path+"/registrations?cursor=x", ""), "cursor"), any("bad-cursor"))
	})
	t.Run("CSVOpensInDanishExcel", func(t *testing.T) {
		res := h.do("GET", path+"/registrations.csv", "")
		raw, _ := io.ReadAll(res.Body)
		text, ok := strings.CutPrefix(string(raw), "\ufeff")
		want(t, ok, true)
		in := csv.NewReader(strings.NewReader(text))
		in.Comma = ';'
		rows, err := in.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want(t, rows[0], []string{"Navn", "E-mail", "Organisation", "Rolle", "Status", "Tilmeldt", "Deltog", "Mail", "Vil høre om kommende arrangementer", "'=Hvad vil du?", "Andre svar"})
		want(t, len(rows), 6)
		want(t, rows[1][2:], []string{"'=cmd|'x'", "", "tilmeldt", "2026-11-23 10:00:00", "", "i orden", "nej", `Lære; "nyt"`, ""})
		want(t, strings.Count(text, "\r\n"), 6)
	})
	t.Run("AnAddressIsCorrected", func(t *testing.T) {
		first := h.mustCall(200, "GET", path+"/registrations?limit=1", "")["items"].([]any)[0].(map[string]any)
		got := h.mustCall(200, "PATCH", path+"/registrations/"+first["id"].(string), `{"email":"ny@example.dk"}`)
		want(t, got["email"], any("ny@example.dk"))
		want(t, got["name"], first["name"])
		want(t, got["id"] != first["id"], true)
		want(t, got["answers"], first["answers"])
	})
	t.Run("ASeatIsGivenUp", func(t *testing.T) {
		first := h.mustCall(200, "GET", path+"/registrations?limit=1", "")["items"].([]any)[0].(map[string]any)
		got := h.mustCall(200, "PATCH", path+"/registrations/"+first["id"].(string), `{"status":"cancelled"}`)
		want(t, got["status"], any("cancelled"))
		want(t, h.mustCall(200, "GET", path, "")["counts"], any(map[string]any{"confirmed": 4.0, "waiting": 0.0, "cancelled": 1.0, "attended": 0.0}))
	})
	t.Run("WhatIsNotNamedStays", func(t *testing.T) {
		h.mustCall(200, "PATCH", path, `{"questions":[{"id":"nyt","kind":"short","label":"Nyt?"}]}`)
		one := path + "/registrations/" + h.mustCall(200, "GET", path+"/registrations?limit=1", "")["items"].([]any)[0].(map[string]any)["id"].(string)
		got := h.mustCall(200, "PATCH", one, `{"answers":{"nyt":["ja"]}}`)
		want(t, got["answers"], any(map[string]any{"hvad": []any{`Lære; "nyt"`}, "nyt": []any{"ja"}}))
		want(t, field(h.mustCall(422, "PATCH", one, `{"answers":{"aldrig":["x"]}}`), "answers.aldrig"), any("unknown-question"))
		want(t, field(h.mustCall(422, "PATCH", one, `{"status":"waiting"}`), "status"), any("only-cancelled"))
	})
	t.Run("WhoAsksForItIsErased", func(t *testing.T) {
		one := path + "/registrations/" + h.mustCall(200, "GET", path+"/registrations?limit=1", "")["items"].([]any)[0].(map[string]any)["id"].(string)
		if res := h.do("DELETE", one, ""); res.StatusCode != 204 {
			t.Fatal(res.StatusCode)
		}
		h.mustCall(404, "GET", one, "")
		h.mustCall(404, "DELETE", one, "")
		numbers := h.mustCall(200, "GET", path+"/numbers", "")
		want(t, numbers["erasures"], any(1.0))
		want(t, h.mustCall(200, "POST", path+"/recount", "")["confirmed"], any(0.0))
		want(t, h.mustCall(200, "GET", path+"/recount", "")["places"], any(0.0))
	})
	t.Run("LoweringTheCapacitySaysHowManyAreAboveIt", func(t *testing.T) {
		confirmed := h.mustCall(200, "GET", path, "")["counts"].(map[string]any)["confirmed"].(float64)
		e := h.mustCall(200, "PATCH", path, `{"capacity":1}`)
		want(t, e["overCapacity"], any(confirmed-1))
		want(t, e["counts"].(map[string]any)["confirmed"], any(confirmed))
		want(t, h.mustCall(200, "PATCH", path, `{"capacity":null}`)["overCapacity"], any(nil))
	})
	t.Run("AMethodThatIsNoneIsTold", func(t *testing.T) {
		res := h.do("DELETE", path, "")
		want(t, res.StatusCode, 405)
		want(t, res.Header.Get("Allow"), "GET, HEAD, PATCH")
		h.mustCall(404, "GET", "/api/v1/nothing", "")
	})
	t.Run("BadInputIsNamed", func(t *testing.T) {
		v := h.mustCall(422, "POST", path+"/registrations", `{"name":"","email":"x","answers":{"other":["a"]}}`)
		want(t, []any{field(v, "name"), field(v, "email"), field(v, "answers.other")}, []any{"missing", "address-no-at", "unknown-question"})
	})
}

func TestMail(t *testing.T) {
	h := newTestServer(t)
	path := "/api/v1/events/" + h.event()
	h.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	t.Run("TheLedgerHasTheConfirmation", func(t *testing.T) {
		items := h.mustCall(200, "GET", path+"/deliveries?kind=confirmation&email=METTE@example.dk&status=pending", "")["items"].([]any)
		want(t, len(items), 1)
		d := items[0].(map[string]any)
		got := h.mustCall(200, "GET", path+"/deliveries/"+d["id"].(string), "")
		want(t, got["registrationId"], d["registrationId"])
		want(t, len(h.mustCall(200, "GET", path+"/deliveries?status=sent", "")["items"].([]any)), 0)
		want(t, h.mustCall(409, "POST", path+"/deliveries/"+d["id"].(string)+"/resend", "")["code"], any("conflict"))
		h.mustCall(404, "GET", path+"/deliveries/nope", "")
	})
	t.Run("AnUnknownFilterIsNamed", func(t *testing.T) {
		want(t, field(h.mustCall(400, "GET", path+"/deliveries?status=lost", ""), "status"), any("unknown-status"))
		want(t, field(h.mustCall(400, "GET", path+"/deliveries?email=mette", ""), "email"), any("address-no-at"))
	})
	t.Run("TheTimelineTellsWhatComes", func(t *testing.T) {
		items := h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any)
		want(t, len(items), 3)
		want(t, items[0], any(map[string]any{
			"kind": "reminder-P1D", "version": 1.0, "dueAt": "2026-11-30T13:00:00Z", "dueAtLocal": "2026-11-30T14:00:00+01:00",
			"status": "planned", "reason": "", "expected": 1.0, "sent": 0.0, "skipped": 0.0,
		}))
	})
	t.Run("AMessageIsPlannedOnceForItsKey", func(t *testing.T) {
		for range 2 {
			h.mustCall(202, "POST", path+"/messages", `{"text":"Husk kaffe"}`, "Idempotency-Key: 12345678")
		}
		want(t, len(h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any)), 4)
		want(t, field(h.mustCall(422, "POST", path+"/messages", `{"text":"Noget andet"}`, "Idempotency-Key: 12345678"), "Idempotency-Key"), any("key-reused"))
		want(t, field(h.mustCall(422, "POST", path+"/messages", `{"text":" ","audience":"some"}`, "Idempotency-Key: 87654321"), "audience"), any("unknown-audience"))
	})
	t.Run("WithoutAKeyTheSameMessageIsPlannedOnce", func(t *testing.T) {
		before := len(h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any))
		for range 2 {
			h.mustCall(202, "POST", path+"/messages", `{"text":"Husk kagen"}`)
		}
		want(t, len(h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any)), before+1)
		h.mustCall(400, "POST", path+"/messages", `{"text":"x"}`, "Idempotency-Key: short")
	})
	t.Run("APreviewGoesToTheOrganiserAlone", func(t *testing.T) {
		before := len(h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any))
		for range 2 {
			want(t, h.mustCall(202, "POST", path+"/messages", `{"text":"Husk te","preview":true}`)["kind"], any("preview"))
		}
		want(t, len(h.mustCall(200, "GET", path+"/timeline", "")["items"].([]any)), before)
		items := h.mustCall(200, "GET", path+"/deliveries?kind=preview", "")["items"].([]any)
		want(t, len(items), 1)
		want(t, items[0].(map[string]any)["email"], any("hej@example.dk"))
	})
}

func TestUnavailable(t *testing.T) {
	h := newTestServer(t)
	broken := api.New(api.Options{Tokens: failingStore{h.store}, BaseURL: "https://deltag.example.dk", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	h.handler = broken
	res := h.do("GET", "/api/v1/events", "")
	want(t, res.StatusCode, 503)
	want(t, res.Header.Get("Retry-After"), "5")
}

type failingStore struct{ api.TokenStore }

func (failingStore) Token(context.Context, string) (deltag.AccessToken, error) {
	return deltag.AccessToken{}, fmt.Errorf("get: %w", deltag.ErrUnavailable)
}

func TestContractIsGenerated(t *testing.T) {
	out := filepath.Join(t.TempDir(), "contract.gen.go")
	if raw, err := exec.Command("go", "tool", "oapi-codegen", "-config", "generate.yaml", "-o", out, "../../openapi.yaml").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	fresh, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("contract.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(fresh) != string(committed) {
		t.Error("contract.gen.go is older than openapi.yaml: run go generate ./internal/api")
	}
}
