package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

var ctx = context.Background()

// A person is a user of the mock provider, whose token says more than the mock's own.
type person struct {
	mockoidc.MockUser
	change func(*tokenClaims)
}

type tokenClaims struct {
	*mockoidc.IDTokenClaims
	Email             string `json:"email,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
	EmailVerified     any    `json:"email_verified,omitempty"`
	AuthorizedParty   string `json:"azp,omitempty"`
}

func (p *person) Claims(_ []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	c := &tokenClaims{IDTokenClaims: base, Email: "anna@example.dk", EmailVerified: true}
	if p.change != nil {
		p.change(c)
	}
	return c, nil
}

// A fixture is a provider on this machine, and us as its client.
type fixture struct {
	*testing.T
	server *mockoidc.MockOIDC
	*Provider
	mu          sync.Mutex                  // of the next two
	answer      map[string]http.HandlerFunc // instead of the provider's own, by the end of the path
	requests    []*http.Request             // to the provider
	secretReads int
	readSecret  func() (string, error)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	server, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, server: server, answer: map[string]http.HandlerFunc{}}
	f.must(server.AddMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.must(r.ParseForm())
			serve := next.ServeHTTP
			f.mu.Lock()
			f.requests = append(f.requests, r)
			for end, answer := range f.answer {
				if answer != nil && strings.HasSuffix(r.URL.Path, end) {
					serve = answer
				}
			}
			f.mu.Unlock()
			serve(w, r)
		})
	}))
	listener := httptest.NewUnstartedServer(nil).Listener // on loopback
	f.must(server.Start(listener, nil))
	t.Cleanup(func() { f.must(server.Server.Close()) })
	f.readSecret = func() (string, error) { return server.ClientSecret, nil }
	f.Provider = New(Config{
		Issuer: server.Issuer(), ClientID: server.ClientID, RedirectURL: "https://deltag.example.dk/callback",
		Secret: func(context.Context) (string, error) { f.secretReads++; return f.readSecret() },
		Now:    time.Now, Random: rand.Reader,
	})
	return f
}

// setAnswer has the provider answer differently at paths that end so, nil for as usual.
func (f *fixture) setAnswer(end string, answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer[end] = answer
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// visit begins an attempt, and is what the provider answers when somebody signs in there.
func (f *fixture) visit(change func(*tokenClaims)) (attempt string, answer url.Values) {
	f.Helper()
	location, attempt, err := f.Begin(ctx)
	f.must(err)
	f.server.QueueUser(&person{MockUser: mockoidc.MockUser{Subject: "1"}, change: change})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(location)
	f.must(err)
	f.must(res.Body.Close())
	back, err := res.Location()
	f.must(err)
	if !strings.HasPrefix(back.String(), f.RedirectURL) {
		f.Fatalf("back to %s", back)
	}
	return attempt, back.Query()
}

func (f *fixture) wantSignIn() {
	f.Helper()
	attempt, answer := f.visit(nil)
	if email, err := f.Finish(ctx, attempt, answer); err != nil || email != "anna@example.dk" {
		f.Errorf("got %q, %v", email, err)
	}
}

func (f *fixture) wantError(attempt string, answer url.Values, want error) error {
	f.Helper()
	email, err := f.Finish(ctx, attempt, answer)
	if !errors.Is(err, want) || email != "" {
		f.Errorf("got %q, %v, want %v", email, err, want)
	}
	return err
}

// count is how many requests went to paths that end so.
func (f *fixture) count(end string) (n int) {
	for _, r := range f.requests {
		if strings.HasSuffix(r.URL.Path, end) {
			n++
		}
	}
	return n
}

func TestSignIn(t *testing.T) {
	f := newFixture(t)
	if len(f.requests) > 0 {
		t.Error("asked before anybody signs in")
	}
	f.wantSignIn()
	f.wantSignIn()
	for path, want := range map[string]int{"openid-configuration": 1, "jwks.json": 1, "/authorize": 2, "/token": 2} {
		if got := f.count(path); got != want {
			t.Errorf("%d requests to %s, want %d", got, path, want)
		}
	}
	if f.secretReads != 1 {
		t.Errorf("the secret was read %d times", f.secretReads)
	}
	seen := map[string]bool{}
	var challenge string
	for _, r := range f.requests {
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if v := r.URL.Query().Get(name); v != "" {
				if seen[v] || len(v) < 43 {
					t.Errorf("%s is %q", name, v)
				}
				seen[v] = true
			}
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/authorize"):
			challenge = r.URL.Query().Get("code_challenge")
			if r.URL.Query().Get("code_challenge_method") != "S256" || r.URL.Query().Get("scope") != "openid email" {
				t.Errorf("asked for %s", r.URL.RawQuery)
			}
		case strings.HasSuffix(r.URL.Path, "/token"):
			sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
			if challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
				t.Errorf("the challenge %q is not that of the verifier", challenge)
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d secrets", len(seen))
	}
}

func TestAnswersToOtherAttempts(t *testing.T) {
	f := newFixture(t)
	attempt, answer := f.visit(nil)
	parts := strings.Split(attempt, ".")
	other, _ := f.visit(nil)
	with := func(name, value string) url.Values {
		changed := url.Values{}
		for n, v := range answer {
			changed[n] = v
		}
		changed.Set(name, value)
		return changed
	}
	for _, c := range []struct {
		name, attempt string
		answer        url.Values
		want          error
	}{
		{"NoCookie", "", answer, ErrRestart},
		{"NeitherCookieNorState", "", with("state", ""), ErrRestart},
		{"CookieWithoutState", "." + parts[1] + "." + parts[2], with("state", ""), ErrRestart},
		{"CookieOfAnotherAttempt", other, answer, ErrRestart},
		{"AnotherState", attempt, with("state", parts[0]+"x"), ErrRestart},
		{"NoCode", attempt, with("code", ""), ErrRestart},
		{"AnotherIssuer", attempt, with("iss", "https://evil.example.org"), ErrRestart},
		{"AnErrorOfAnotherAttempt", other, with("error", "access_denied"), ErrRestart},
		{"PressedCancel", attempt, with("error", "access_denied"), ErrDenied},
		{"AnErrorOfTheProvider", attempt, with("error", "server_error"), ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.T = t
			f.wantError(c.attempt, c.answer, c.want)
		})
	}
	f.T = t
	if f.count("/token") > 0 || f.secretReads > 0 {
		t.Error("the provider was asked for a token")
	}
	if email, err := f.Finish(ctx, attempt, with("iss", f.Issuer)); err != nil || email == "" {
		t.Errorf("the right one: %v", err)
	}
	f.wantError(attempt, answer, ErrRestart) // its code is used
	// The code of one attempt with state and nonce, but not the verifier, of the other: PKCE.
	attempt, answer = f.visit(nil)
	stolen := strings.Split(attempt, ".")
	f.wantError(stolen[0]+"."+stolen[1]+"."+parts[2], answer, ErrRestart)
	attempt, answer = f.visit(nil)
	stolen = strings.Split(attempt, ".")
	f.wantError(stolen[0]+"."+parts[1]+"."+stolen[2], answer, ErrRestart) // the nonce
}

// TestIssuerIsDemanded: a provider that says that its answers name it has to name itself in each.
func TestIssuerIsDemanded(t *testing.T) {
	f := newFixture(t)
	f.setAnswer("openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"issuer":"`+f.Issuer+`","authorization_endpoint":"`+f.server.AuthorizationEndpoint()+
			`","token_endpoint":"`+f.server.TokenEndpoint()+`","jwks_uri":"`+f.server.JWKSEndpoint()+
			`","authorization_response_iss_parameter_supported":true,`+
			`"token_endpoint_auth_methods_supported":["client_secret_post"]}`)
	})
	attempt, answer := f.visit(nil)
	f.wantError(attempt, answer, ErrRestart)
	answer.Set("iss", f.Issuer)
	if _, err := f.Finish(ctx, attempt, answer); err != nil {
		t.Error(err)
	}
}

func secondsAgo(n int) *jwt.NumericDate {
	return jwt.NewNumericDate(time.Now().Add(time.Duration(-n) * time.Second))
}

func TestTokens(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tokenClaims)
		want   error
	}{
		"Verified":            {func(*tokenClaims) {}, nil},
		"Unverified":          {func(c *tokenClaims) { c.EmailVerified = false }, ErrUnverified},
		"NothingSaidOfIt":     {func(c *tokenClaims) { c.EmailVerified = nil }, ErrUnverified},
		"NoAddress":           {func(c *tokenClaims) { c.Email, c.PreferredUsername = "", "anna@example.dk" }, ErrUnverified},
		"AnotherNonce":        {func(c *tokenClaims) { c.Nonce = "x" }, ErrRestart},
		"NoNonce":             {func(c *tokenClaims) { c.Nonce = "" }, ErrRestart},
		"Expired":             {func(c *tokenClaims) { c.ExpiresAt = secondsAgo(1) }, ErrRestart},
		"ForAnotherAudience":  {func(c *tokenClaims) { c.Audience = jwt.ClaimStrings{"another"} }, ErrUnavailable},
		"ForAnotherClient":    {func(c *tokenClaims) { c.AuthorizedParty = "another" }, ErrUnavailable},
		"OfAnotherIssuer":     {func(c *tokenClaims) { c.Issuer = "https://evil.example.org" }, ErrUnavailable},
		"ClaimsOfAnotherType": {func(c *tokenClaims) { c.EmailVerified = []string{"true"} }, ErrUnverified},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			attempt, answer := f.visit(c.change)
			if c.want == nil {
				f.wantSignIn()
				return
			}
			f.wantError(attempt, answer, c.want)
		})
	}
}

func TestKeysAreReplaced(t *testing.T) {
	f := newFixture(t)
	f.wantSignIn()
	keys, err := mockoidc.RandomKeypair(2048)
	f.must(err)
	f.server.Keypair = keys
	f.wantSignIn()
	if n := f.count("jwks.json"); n != 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
	t.Run("AForgedTokenIsRefused", func(t *testing.T) {
		f.T = t
		attempt, answer := f.visit(nil)
		published, err := f.server.Keypair.JWKS()
		f.must(err)
		f.setAnswer("jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(published) })
		f.server.Keypair, err = mockoidc.RandomKeypair(2048)
		f.must(err)
		f.wantError(attempt, answer, ErrUnavailable)
	})
}

// TestSecretIsReplaced: a new secret counts from the first sign-in on for which the old one is refused.
func TestSecretIsReplaced(t *testing.T) {
	f := newFixture(t)
	f.wantSignIn()
	old := f.server.ClientSecret
	f.server.ClientSecret = "new"
	f.wantSignIn()
	if f.secretReads != 2 {
		t.Errorf("the secret was read %d times", f.secretReads)
	}
	t.Run("ExpiredAndNotReplaced", func(t *testing.T) {
		f.T = t
		f.server.ClientSecret = "newer"
		f.readSecret = func() (string, error) { return old, nil }
		attempt, answer := f.visit(nil)
		err := f.wantError(attempt, answer, ErrUnavailable)
		if !strings.Contains(err.Error(), "invalid_client") {
			t.Errorf("the cause is not told: %v", err)
		}
	})
	t.Run("CannotBeRead", func(t *testing.T) {
		f.T = t
		for _, answer := range []func() (string, error){
			func() (string, error) { return "", errors.New("AccessDenied") }, func() (string, error) { return "", nil },
		} {
			f.readSecret = answer
			attempt, answer := f.visit(nil)
			f.wantError(attempt, answer, ErrUnavailable)
		}
	})
	t.Run("IsReadAgainOnceItCanBe", func(t *testing.T) {
		f.T = t
		f.readSecret = func() (string, error) { return f.server.ClientSecret, nil }
		f.wantSignIn()
	})
}

// TestProviderInTrouble: whatever the provider does, the answer comes soon, and the next attempt may succeed.
func TestProviderInTrouble(t *testing.T) {
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	troubles := map[string]http.HandlerFunc{
		"Slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		},
		"Huge": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"x":"`+strings.Repeat("x", 10*maxAnswer)+`"}`)
		},
		"Broken":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"Failing": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("x\n", 500), 500) },
		"Elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
	}
	for name, trouble := range troubles {
		for _, path := range []string{"openid-configuration", "/token", "jwks.json"} {
			t.Run(name+"/"+strings.Trim(path, "/"), func(t *testing.T) {
				f := newFixture(t)
				attempt, answer := f.visit(nil)
				if path == "openid-configuration" {
					f.discovered = nil
				}
				f.setAnswer(path, trouble)
				f.client.Timeout = 200 * time.Millisecond
				began := time.Now()
				_, err := f.Finish(ctx, attempt, answer)
				if !errors.Is(err, ErrUnavailable) || len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
				f.setAnswer(path, nil)
				f.client.Timeout = callTimeout
				f.wantSignIn()
			})
		}
	}
	t.Run("Down", func(t *testing.T) {
		f := newFixture(t)
		attempt, answer := f.visit(nil)
		f.must(f.server.Server.Close())
		f.wantError(attempt, answer, ErrUnavailable)
		f.discovered = nil
		if _, _, err := f.Begin(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("NamesAnotherIssuer", func(t *testing.T) {
		f := newFixture(t)
		f.Issuer += "/"
		if _, _, err := f.Begin(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("SendsPeopleElsewhereWithoutTLS", func(t *testing.T) {
		f := newFixture(t)
		f.setAnswer("openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"`+f.Issuer+`","authorization_endpoint":"javascript:alert(1)"}`)
		})
		if _, _, err := f.Begin(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestVerifiedEmail(t *testing.T) {
	const (
		microsoft = "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0"
		google    = "https://accounts.google.com"
		other     = "https://login.example.org"
	)
	for _, c := range []struct {
		name, issuer string
		claims       claims
		ok           bool
	}{
		{"Nothing", other, claims{}, false},
		{"True", other, claims{EmailVerified: true}, true},
		{"TrueAsText", other, claims{EmailVerified: "true"}, true},
		{"False", other, claims{EmailVerified: false}, false},
		{"FalseAsText", other, claims{EmailVerified: "false"}, false},
		{"MicrosoftsClaimOfAnother", other, claims{DomainVerified: true}, false},
		{"MicrosoftWithoutEither", microsoft, claims{}, false},
		{"MicrosoftDomainVerified", microsoft, claims{DomainVerified: true}, true},
		{"MicrosoftDomainVerifiedAsNumber", microsoft, claims{DomainVerified: float64(1)}, true},
		{"MicrosoftDomainVerifiedAsText", microsoft, claims{DomainVerified: "1"}, true},
		{"MicrosoftDomainNotVerified", microsoft, claims{DomainVerified: "0"}, false},
		{"MicrosoftEmailVerified", microsoft, claims{EmailVerified: true}, true},
		{"MicrosoftLookalike", "https://login.microsoftonline.com.example.org/", claims{DomainVerified: true}, false},
		{"GoogleWorkspace", google, claims{EmailVerified: true, HostedDomain: "example.dk"}, true},
		{"GoogleAccountWithAnotherAddress", google, claims{EmailVerified: true}, false},
		{"GoogleWorkspaceUnverified", google, claims{HostedDomain: "example.dk"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.claims.Email = "anna@example.dk"
			email, err := c.claims.verifiedEmail(c.issuer)
			if (err == nil) != c.ok || c.ok && email != "anna@example.dk" || !c.ok && !errors.Is(err, ErrUnverified) {
				t.Errorf("got %q, %v", email, err)
			}
		})
	}
}
