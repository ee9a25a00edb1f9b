package visitor

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

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
		if got := web.NetworkPrefix(&http.Request{RemoteAddr: remote}); got != want {
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
