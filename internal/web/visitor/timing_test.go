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

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

// A slowStore takes three times as long over the one address that is signed up. Nothing else of it is called.
type slowStore struct{ Store }

const knownAddress = "anna@example.dk"

func (slowStore) EventBySlug(context.Context, string) (deltag.Event, error) { return webinar(), nil }

func (slowStore) SignUp(
	_ context.Context, _ deltag.Event, request deltag.SignUpRequest, _ time.Time,
) (deltag.SignUpOutcome, error) {
	sleepFor(request.Email)
	return "", nil
}

func (slowStore) ResendConfirmation(_ context.Context, _ deltag.Event, a deltag.Address, _ time.Time) error {
	sleepFor(a)
	return nil
}

func sleepFor(a deltag.Address) {
	calls := 1
	if a.Normalized == knownAddress {
		calls = 3
	}
	time.Sleep(time.Duration(calls) * 12 * time.Millisecond)
}

// TestResponseTimeHidesRegistration is measured by a fake clock.
func TestResponseTimeHidesRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := New(Options{Store: slowStore{}, Now: func() time.Time { return before },
			MinResponseTime: MinResponseTime})
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
		const form = "application/x-www-form-urlencoded"
		for _, email := range []string{knownAddress, "ukendt@example.dk"} {
			fields := url.Values{"name": {"Anna"}, "email": {email}}.Encode()
			for _, d := range []time.Duration{
				took("/e/samskabelse/registrations", form, fields),
				took("/e/samskabelse/link", form, fields),
				took(publicPath, "application/json", `{"name":"Anna","email":"`+email+`"}`),
			} {
				if d != MinResponseTime {
					t.Errorf("%s: %v", email, d)
				}
			}
		}
	})
}

// TestRateLimits: the answer keeps what was typed, says why it was not taken, and when to come back.
func TestRateLimits(t *testing.T) {
	for name, err := range map[string]error{"SignUps": deltag.ErrSignUpLimit} {
		t.Run(name, func(t *testing.T) {
			v := newClient(t, webinar())
			v.store.onWrite = always(err)
			a := v.post(signUpPath, "name", "Anna", "email", "anna@example.dk").want(http.StatusTooManyRequests)
			a.hasText(`[role="alert"]`, "Prøv igen").has(`input[name="name"][value="Anna"]`)
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			v.postJSON(`{"name":"Anna","email":"anna@example.dk"}`).want(http.StatusTooManyRequests)
		})
	}
}

func TestNetworkPrefix(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:0":            "192.0.2.7/32",
		"[2001:db8:1:ff00::7]:0": "2001:db8:1::/48",
		"[::ffff:192.0.2.7]:0":   "192.0.2.7/32",
		":0":                     "",
		"":                       "",
	} {
		if got := networkPrefix(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestSignUpsCountForTheirNetwork(t *testing.T) {
	v := newClient(t, webinar())
	v.post(signUpPath, "name", "Anna", "email", "anna@example.dk").want(http.StatusSeeOther)
	v.postJSON(`{"name":"Bo","email":"bo@example.dk"}`).want(http.StatusAccepted)
	const ofTest = "192.0.2.1/32" // see httptest.NewRequest
	if diff := cmp.Diff([]string{ofTest, ofTest}, v.store.networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
}
