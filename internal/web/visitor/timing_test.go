package visitor

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"deltag/internal/deltag"
)

// slow is a store that takes longer over an address that it knows.
type slow struct{ *memory }

func (s slow) SignUp(ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error) {
	s.think(e, in.Email)
	return s.memory.SignUp(ctx, e, in, now)
}

func (s slow) ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time) error {
	s.think(e, a)
	return s.memory.ResendConfirmation(ctx, e, a, now)
}

func (s slow) think(e deltag.Event, a deltag.Address) {
	calls := 1
	if _, known := s.people[deltag.RegistrationID(e, a)]; known {
		calls = 3
	}
	time.Sleep(time.Duration(calls) * 12 * time.Millisecond)
}

// TestResponseTimeHidesRegistration is measured by a fake clock.
func TestResponseTimeHidesRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newClient(t, webinar())
		v.signedUp(v.store.events[0], "Anna Holm")
		o := Options{Store: slow{v.store}, BaseURL: "https://deltag.example.dk", Now: func() time.Time { return v.now }, MinResponseTime: MinResponseTime}
		handler := New(o)
		took := func(path, contentType, body string) time.Duration {
			began := time.Now()
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code >= 400 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			return time.Since(began)
		}
		for _, email := range []string{"anna@example.dk", "ukendt@example.dk"} {
			fields := url.Values{"name": {"Anna"}, "email": {email}}.Encode()
			for _, d := range []time.Duration{
				took("/e/samskabelse/registrations", "application/x-www-form-urlencoded", fields),
				took("/e/samskabelse/link", "application/x-www-form-urlencoded", fields),
				took("/api/v1/public/events/samskabelse/registrations", "application/json", `{"name":"Anna","email":"`+email+`"}`),
			} {
				if d != MinResponseTime {
					t.Errorf("%s: %v", email, d)
				}
			}
		}
	})
}

// TestTooMany: a refusal keeps what was typed, says why, and when to come back.
func TestTooMany(t *testing.T) {
	for name, err := range map[string]error{"Mails": deltag.ErrMailLimit, "SignUps": deltag.ErrSignUpLimit} {
		t.Run(name, func(t *testing.T) {
			v := newClient(t, webinar())
			v.store.before = func() { v.store.err = err }
			a := v.post("/e/samskabelse/registrations", "name", "Anna", "email", "anna@example.dk").want(http.StatusTooManyRequests)
			a.says(`[role="alert"]`, "Prøv igen").has(`input[name="name"][value="Anna"]`)
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			v.store.before = func() { v.store.err = err }
			v.store.err = nil
			v.send("POST", "/api/v1/public/events/samskabelse/registrations", "application/json", `{"name":"Anna","email":"anna@example.dk"}`).want(http.StatusTooManyRequests)
		})
	}
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:0": "192.0.2.7/32", "[2001:db8:1:ff00::7]:0": "2001:db8:1:ff00::/56", "[::ffff:192.0.2.7]:0": "192.0.2.7/32", ":0": "", "": "",
	} {
		if got := networkPrefix(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}
