package api_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/account"
	"deltag/internal/api"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
	"deltag/internal/testing/contract"
	"deltag/internal/testing/storetest"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// A testServer is the API on a table of its own.
type testServer struct {
	t       *testing.T
	handler http.Handler
	store   *dynamo.Store
	token   string
}

func newTestServer(t *testing.T) *testServer {
	s := &testServer{t: t, store: storetest.Embedded(t).Store()}
	s.handler = newAPI(s.store, s.store)
	s.token = s.newToken(deltag.RoleOwner, now.AddDate(0, 0, 1))
	return s
}

// checkDomain refuses one domain.
func checkDomain(_ context.Context, domain string) bool { return domain != "no-mail.example.org" }

func newAPI(store organiser.Store, tokens account.Store) http.Handler {
	return api.New(api.Options{
		Organiser: &organiser.Service{Store: store, Random: rand.Reader, CheckDomain: checkDomain}, Accounts: &account.Service{Store: tokens, Random: rand.Reader},
		BaseURL: "https://deltag.example.dk", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
}

func (s *testServer) newToken(role deltag.Role, expires time.Time) string {
	s.t.Helper()
	token, hash, err := deltag.NewAccessToken(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	t := deltag.AccessToken{Name: "test", Role: role, CreatedAt: now, ExpiresAt: expires}
	if err := s.store.PutToken(context.Background(), hash, t); err != nil {
		s.t.Fatal(err)
	}
	return token
}

// do sends a request, with header lines like "Name: value", and checks the answer against the contract.
func (s *testServer) do(method, path, body string, header ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	res := w.Result()
	contract.CheckResponse(s.t, r, res)
	return res
}

// mustCall sends a request whose answer must have a status, and decodes it.
func (s *testServer) mustCall(status int, method, path, body string, header ...string) map[string]any {
	s.t.Helper()
	res := s.do(method, path, body, header...)
	raw, _ := io.ReadAll(res.Body)
	if res.StatusCode != status {
		s.t.Fatalf("%s %s: %d\n%s", method, path, res.StatusCode, raw)
	}
	var v map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &v); err != nil {
			s.t.Fatalf("%s: %v", raw, err)
		}
	}
	return v
}

// items are those of a page of a list.
func (s *testServer) items(path string) []map[string]any {
	s.t.Helper()
	var items []map[string]any
	for _, item := range s.mustCall(200, "GET", path, "")["items"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

const thinkTank = `{"title":"Samskabelse på dagsordenen",
	"startsAt":"2026-12-01T14:00:00+01:00","endsAt":"2026-12-01T15:00:00+01:00",
	"joinUrl":"https://meet.example.org/1","organiser":{"name":"UKON","email":"hej@example.dk"},
	"questions":[{"id":"hvad","kind":"short","label":"=Hvad vil du?"}]}`

// createEvent creates the think tank and returns its path.
func (s *testServer) createEvent() string {
	s.t.Helper()
	return "/api/v1/events/" + s.mustCall(201, "POST", "/api/v1/events", thinkTank)["id"].(string)
}

func wantEqual(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// fieldCode is the code that a problem document has for a field, or nil.
func fieldCode(problem map[string]any, field string) any {
	list, _ := problem["errors"].([]any)
	for _, e := range list {
		if e := e.(map[string]any); e["field"] == field {
			return e["code"]
		}
	}
	return nil
}

func TestToken(t *testing.T) {
	s := newTestServer(t)
	answerTo := func(authorization string) string {
		res := s.do("GET", "/api/v1/events", "", "Authorization: "+authorization)
		raw, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, res.Header, string(raw))
	}
	wantEqual(t, s.do("GET", "/api/v1/events", "").StatusCode, 200)
	withoutToken := answerTo("")
	if !strings.HasPrefix(withoutToken, "401") || !strings.Contains(withoutToken, "Bearer") {
		t.Fatal(withoutToken)
	}
	for name, authorization := range map[string]string{
		"Garbage":       "Bearer x",
		"AnotherScheme": "Basic " + s.token,
		"Unknown":       "Bearer dlt_" + strings.Repeat("A", 43),
		"Expired":       "Bearer " + s.newToken(deltag.RoleOwner, now),
		"Truncated":     "Bearer " + s.token[:20],
		"Longer":        "Bearer " + s.token + "A",
	} {
		t.Run(name+"IsAnsweredLikeNone", func(t *testing.T) { wantEqual(t, answerTo(authorization), withoutToken) })
	}
}

func TestRoles(t *testing.T) {
	s := newTestServer(t)
	event := s.createEvent()
	registration := event + "/registrations/" +
		s.mustCall(201, "POST", event+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)["id"].(string)
	delivery := event + "/deliveries/" + s.items(event + "/deliveries")[0]["id"].(string)
	s.mustCall(200, "POST", event+"/recount", "")
	owner := s.token

	s.token = s.newToken(deltag.RoleReader, now.AddDate(0, 0, 1))
	for _, path := range []string{
		"/api/v1/events", event, event + "/timeline", event + "/numbers", event + "/recount", event + "/registrations",
		event + "/registrations.csv", registration, event + "/deliveries", delivery,
	} {
		t.Run("AReaderMayRead"+path, func(t *testing.T) { wantEqual(t, s.do("GET", path, "").StatusCode, 200) })
	}
	for _, change := range []string{
		"POST /api/v1/events", "PATCH " + event, "POST " + event + "/cancel", "DELETE " + event, "POST " + event + "/clone",
		"POST " + event + "/notice", "POST " + event + "/recount", "POST " + event + "/messages",
		"POST " + event + "/registrations", "PATCH " + registration, "DELETE " + registration,
		"POST " + delivery + "/resend", "POST /api/v1/events/nope/cancel",
	} {
		t.Run("AReaderMayNot"+change, func(t *testing.T) {
			method, path, _ := strings.Cut(change, " ")
			wantEqual(t, s.mustCall(403, method, path, "not read at all")["code"], any("forbidden"))
		})
	}
	t.Run("AnOrganiserMayEdit", func(t *testing.T) {
		s.token = s.newToken(deltag.RoleOrganiser, now.AddDate(0, 0, 1))
		s.mustCall(200, "PATCH", event, `{"description":"En time."}`)
	})
	t.Run("ATokenWithoutARoleMayNothing", func(t *testing.T) {
		s.token = s.newToken("", now.AddDate(0, 0, 1))
		s.mustCall(403, "GET", event, "")
		s.mustCall(403, "GET", event+"/registrations.csv", "")
	})
	s.token = owner
	wantEqual(t, s.mustCall(200, "GET", event, "")["status"], any("open"))
}

func TestUnknownRoute(t *testing.T) {
	s := newTestServer(t)
	event := s.createEvent()
	res := s.do("PUT", event, "")
	wantEqual(t, res.StatusCode, 405)
	wantEqual(t, res.Header.Get("Allow"), "DELETE, GET, HEAD, PATCH")
	s.mustCall(404, "GET", "/api/v1/nothing", "")
}

// A failingStore fails when it is asked for a token or to sign somebody up.
type failingStore struct {
	*dynamo.Store
	err error
}

func (s failingStore) Token(context.Context, string) (deltag.AccessToken, error) {
	return deltag.AccessToken{}, s.err
}

func (s failingStore) SignUp(
	context.Context, deltag.Event, deltag.SignUpRequest, time.Time,
) (deltag.SignUpOutcome, error) {
	return "", s.err
}

func TestStoreErrors(t *testing.T) {
	s := newTestServer(t)
	event := s.createEvent()
	for name, c := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"Unavailable":      {fmt.Errorf("put: %w", deltag.ErrUnavailable), 503, "unavailable", "5"},
		"DeadlineExceeded": {context.DeadlineExceeded, 503, "unavailable", "5"},
		"SignUpLimit":      {deltag.ErrSignUpLimit, 429, "too-many-sign-ups", "3600"},
		"Conflict":         {deltag.ErrConflict, 409, "conflict", ""},
		"Full":             {deltag.ErrFull, 409, "full", ""},
		"Unknown":          {io.ErrUnexpectedEOF, 500, "internal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t, s.handler = t, newAPI(failingStore{s.store, c.err}, s.store)
			res := s.do("POST", event+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
			var problem struct{ Title, Code string }
			if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
				t.Fatal(err)
			}
			wantEqual(t, res.StatusCode, c.status)
			wantEqual(t, problem.Code, c.code)
			wantEqual(t, res.Header.Get("Retry-After"), c.retryAfter)
			if problem.Title == "" || problem.Title == http.StatusText(c.status) {
				t.Errorf("%s has no title of its own", c.code)
			}
		})
	}
	t.Run("UnavailableTokensAreNotUnauthorized", func(t *testing.T) {
		s.handler = newAPI(s.store, failingStore{s.store, deltag.ErrUnavailable})
		wantEqual(t, s.do("GET", "/api/v1/events", "").StatusCode, 503)
	})
}
