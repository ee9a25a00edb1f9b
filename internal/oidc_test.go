package internal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestSignInWithAProvider has somebody sign in to the built function with a provider on this machine. The client's secret
// comes from a server that answers as Parameter Store does.
func TestSignInWithAProvider(t *testing.T) {
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Server.Close() })
	reads := 0
	parameters := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reads++
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": provider.ClientSecret}})
	}))
	t.Cleanup(parameters.Close)
	d := newDeployment(t, storetest.Embedded(t))
	d.env = append(d.env, "OIDC_ISSUER="+provider.Issuer(), "OIDC_CLIENT_ID="+provider.ClientID,
		"OIDC_CLIENT_SECRET_PARAMETER=/deltag/oidc-secret", "OIDC_DOMAINS=example.dk=organiser", "OIDC_NAME=Microsoft",
		"SSM_ENDPOINT="+parameters.URL)
	organiser := d.start("organiser")
	get := func(path, cookie string, status int) (location, body string, cookies []string) {
		t.Helper()
		res := httpCall(t, organiser, request("GET", path, nil, "Cookie: "+cookie, "Sec-Fetch-Site: cross-site"))
		if res.StatusCode != status {
			t.Fatalf("%s: %d, want %d: %s\n%s", path, res.StatusCode, status, res.Body, organiser.Output())
		}
		return res.Headers["location"] + res.Headers["Location"], res.Body, res.Cookies
	}
	if _, body, _ := get("/organiser/sign-in", "", 200); !strings.Contains(body, "Log ind med Microsoft") || reads > 0 {
		t.Errorf("no button, or %d reads of the secret", reads)
	}
	for n := range 2 {
		location, _, cookies := get("/organiser/sign-in/oidc", "", 303)
		attempt, _, _ := strings.Cut(cookies[0], ";")
		provider.QueueUser(&mockoidc.MockUser{Subject: "1", Email: "ida@example.dk", EmailVerified: true})
		path := followTo(t, location, "https://deltag.example.dk")
		_, _, cookies = get(path, attempt, 303)
		session, _, _ := strings.Cut(cookies[len(cookies)-1], ";")
		get("/organiser/events/new", session, 200)
		get("/organiser/members", session, 403) // an organiser's page, not an owner's
		if reads != 1 {
			t.Errorf("%d reads of the secret at sign-in %d", reads, n+1)
		}
	}
	id, err := d.store.MemberID(context.Background(), deltag.Address{Normalized: "ida@example.dk"})
	d.must(err)
	m, err := d.store.Member(context.Background(), id)
	d.must(err)
	if m.Role != deltag.RoleOrganiser {
		t.Errorf("stored as %q", m.Role)
	}
	if log := fmt.Sprint(organiser.Output()); strings.Contains(log, "ida@") || strings.Contains(log, provider.ClientSecret) {
		t.Errorf("the log names the person, or has the secret:\n%s", log)
	}
}

// followTo visits the provider, and is the path of baseURL that it sends the browser to.
func followTo(t *testing.T, location, baseURL string) string {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	path, ok := strings.CutPrefix(res.Header.Get("Location"), baseURL)
	if !ok {
		t.Fatalf("the provider sends the browser to %q", res.Header.Get("Location"))
	}
	return path
}
