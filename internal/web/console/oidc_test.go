package console

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oauth2-proxy/mockoidc"

	"deltag/internal/deltag"
	"deltag/internal/oidc"
)

// An oidcClient is a client of a site with a provider, which runs on this machine.
type oidcClient struct {
	*client
	provider *mockoidc.MockOIDC
}

func newOIDCClient(t *testing.T) *oidcClient {
	t.Helper()
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Server.Close() })
	c := newClient(t)
	c.accounts.Domains = map[string]deltag.Role{"example.dk": deltag.RoleReader}
	c.useProvider(oidc.New(oidc.Config{
		Issuer: provider.Issuer(), ClientID: provider.ClientID, RedirectURL: c.site.BaseURL + OIDCCallback,
		Secret: func(context.Context) (string, error) { return provider.ClientSecret, nil },
		Now:    time.Now, Random: rand.Reader, // by the provider's clock
	}), "Microsoft")
	return &oidcClient{c, provider}
}

func (c *client) useProvider(p *oidc.Provider, name string) {
	c.site.OIDC, c.site.OIDCName = p, name
	c.handler = New(c.site.Options)
}

// callback begins, signs in at the provider as somebody, and is where that sends the browser: a path of ours.
func (c *oidcClient) callback(email string, isVerified bool) string {
	c.Helper()
	location := c.get("/organiser/sign-in/oidc").want(http.StatusSeeOther).Header.Get("Location")
	c.provider.QueueUser(&mockoidc.MockUser{Subject: "1", Email: email, EmailVerified: isVerified})
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(location)
	if err != nil {
		c.Fatal(err)
	}
	_ = res.Body.Close()
	path, isOurs := strings.CutPrefix(res.Header.Get("Location"), c.site.BaseURL)
	if !isOurs {
		c.Fatalf("the provider sends the browser to %q", res.Header.Get("Location"))
	}
	return path
}

const sessionName, attemptName = "__Host-session", "__Host-sign-in"

func (c *oidcClient) wantNoSession() {
	c.Helper()
	if c.cookies[sessionName] != "" || c.cookies[attemptName] != "" {
		c.Errorf("the browser keeps %v", c.cookies)
	}
}

func TestSignInWithTheOrganisationsAccount(t *testing.T) {
	const fromProvider = "Sec-Fetch-Site: cross-site"
	t.Run("TheButtonIsThereWhereItIsConfigured", func(t *testing.T) {
		newClient(t).get("/organiser/sign-in").want(http.StatusOK).has("a[href='/organiser/sign-in/oidc']", 0)
		newOIDCClient(t).get("/organiser/sign-in").want(http.StatusOK).
			says("a.button[href='/organiser/sign-in/oidc']", "Log ind med Microsoft").has("input[name=email]", 1)
	})
	t.Run("SignsInWithSafeCookies", func(t *testing.T) {
		c := newOIDCClient(t)
		planted := c.id("anna") + "." + strings.Repeat("A", 43)
		c.cookies[sessionName] = planted
		began := c.get("/organiser/sign-in/oidc")
		kept := began.Cookies()[0]
		if kept.Name != attemptName || !kept.Secure || !kept.HttpOnly || kept.SameSite != http.SameSiteLaxMode ||
			kept.Path != "/" || kept.Domain != "" || kept.MaxAge != 600 {
			t.Errorf("%+v", kept)
		}
		if got := began.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("kept by caches: %q", got)
		}
		path := c.callback("Anna@example.dk", true)
		c.send("GET", path, "", fromProvider).wantLocation("/organiser")
		if session := c.cookies[sessionName]; session == "" || session == planted || c.cookies[attemptName] != "" {
			t.Errorf("the browser keeps %v", c.cookies)
		}
		c.get("/organiser").want(http.StatusOK).says("footer", "Anna@example.dk (Ejer)")
		c.get(path).wantLocation("/organiser") // loaded twice
	})
	t.Run("EndsTheSessionThatTheBrowserHad", func(t *testing.T) {
		c := newOIDCClient(t)
		c.signIn("anna")
		before := c.cookies[sessionName]
		c.get(c.callback("bo@example.dk", true)).wantLocation("/organiser")
		c.get("/organiser").says("footer", "bo@example.dk (Læser)")
		c.cookies[sessionName] = before
		c.get("/organiser").wantLocation("/organiser/sign-in")
	})
	t.Run("OnLoopbackTheCookieNeedsNoHTTPS", func(t *testing.T) {
		c := newOIDCClient(t)
		c.site.BaseURL = "http://127.0.0.1:8080"
		c.useProvider(c.site.OIDC, "")
		if cookie := c.get("/organiser/sign-in/oidc").Cookies()[0]; cookie.Name != "sign-in" || cookie.Secure {
			t.Errorf("%+v", cookie)
		}
	})
	t.Run("AnAnswerIsForTheBrowserThatAskedAndOnce", func(t *testing.T) {
		c := newOIDCClient(t)
		path := c.callback("anna@example.dk", true)
		attempt := c.cookies[attemptName]
		for name, cookie := range map[string]string{"None": "", "Another's": attempt[1:], "Malformed": "x"} {
			c.cookies = map[string]string{}
			if cookie != "" {
				c.cookies[attemptName] = cookie
			}
			t.Log(name)
			c.get(path).want(http.StatusUnprocessableEntity).says("h1", "Begynd forfra").
				has("main a[href='/organiser/sign-in']", 1).has("a.switch[href='/organiser/sign-in?lang=en']", 1)
			c.wantNoSession()
		}
		c.cookies = map[string]string{attemptName: attempt}
		c.get(path).wantLocation("/organiser")
		c.cookies = map[string]string{}
		c.get(path).want(http.StatusUnprocessableEntity) // replayed: the browser has the attempt no more
		c.cookies = map[string]string{attemptName: attempt}
		c.get(path).want(http.StatusUnprocessableEntity) // and the provider gives nothing for its code
		c.wantNoSession()
	})
	t.Run("WhoHasNoAccessIsToldSo", func(t *testing.T) {
		c := newOIDCClient(t)
		c.get(c.callback("ida@example.org", true)).want(http.StatusForbidden).says("main", "ida@example.org")
		c.get(c.callback("anna@example.dk", false)).want(http.StatusForbidden).says("main", "link på mail")
		c.get(c.callback("anna", true)).want(http.StatusForbidden).says("main", "link på mail") // no address
		c.wantNoSession()
		c.get(c.callback("bo@example.dk", true)).wantLocation("/organiser")
		owner := deltag.Principal{Role: deltag.RoleOwner}
		if err := c.accounts.Remove(context.Background(), owner, c.id("bo"), time.Now()); err != nil {
			t.Fatal(err)
		}
		c.cookies = map[string]string{}
		c.get(c.callback("bo@example.dk", true)).want(http.StatusForbidden).says("h1", "ikke adgang")
		c.wantNoSession()
	})
	t.Run("WhoPressesCancelGoesOnCalmly", func(t *testing.T) {
		c := newOIDCClient(t)
		state, _, _ := strings.Cut(strings.SplitAfter(c.callback("anna@example.dk", true), "state=")[1], "&")
		c.get(OIDCCallback+"?error=access_denied&state="+state).want(http.StatusForbidden).says("h1", "ikke logget ind").
			has(".alert", 0)
		c.wantNoSession()
	})
	t.Run("AProviderThatIsDownLeavesLinksByMail", func(t *testing.T) {
		c := newOIDCClient(t)
		path := c.callback("anna@example.dk", true)
		_ = c.provider.Server.Close()
		res := c.get(path).want(http.StatusServiceUnavailable).says("main", "link på mail")
		if res.Header.Get("Retry-After") == "" {
			t.Error("nothing says when to try again")
		}
		c.wantNoSession()
		c.get("/organiser/sign-in").want(http.StatusOK)
		c.signIn("anna")
		c.get("/organiser").want(http.StatusOK)
	})
	t.Run("FailedAttemptsCountForNobody", func(t *testing.T) {
		c := newOIDCClient(t)
		for range deltag.MaxSignInsPerNetwork + 1 {
			c.get(OIDCCallback).want(http.StatusUnprocessableEntity)
		}
		c.signIn("anna")
	})
	t.Run("NothingIsStoredWhenTheTableFails", func(t *testing.T) {
		c := newOIDCClient(t)
		path := c.callback("bo@example.dk", true)
		c.failWrites(deltag.ErrUnavailable)
		c.get(path).want(http.StatusServiceUnavailable)
		c.wantNoSession()
		if _, err := c.store.Member(context.Background(), c.id("bo")); !errors.Is(err, deltag.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// oidcPages opens every page of signing in with the organisation's account.
func oidcPages(t *testing.T) map[string]func(query string) response {
	c := newOIDCClient(t)
	returns := func(email string, isVerified bool) func(string) response {
		return func(q string) response { return c.get(c.callback(email, isVerified) + "&" + q[1:]) }
	}
	return map[string]func(query string) response{
		"oidc": func(q string) response { return c.get("/organiser/sign-in" + q) },
		"oidc-unnamed": func(q string) response {
			c := newClient(t)
			c.useProvider(oidc.New(oidc.Config{}), "")
			return c.get("/organiser/sign-in" + q)
		},
		"oidc-restart":    func(q string) response { return c.get(OIDCCallback + q) },
		"oidc-unverified": returns("anna@example.dk", false),
		"oidc-no-access":  returns("ida@example.org", true),
		"oidc-denied": func(q string) response {
			path, _, _ := strings.Cut(c.callback("anna@example.dk", true), "?")
			state, _, _ := strings.Cut(c.cookies[attemptName], ".")
			return c.get(path + q + "&error=access_denied&state=" + state)
		},
		"oidc-unavailable": func(q string) response {
			c := newClient(t)
			c.useProvider(oidc.New(oidc.Config{Issuer: "http://127.0.0.1:1"}), "")
			return c.get("/organiser/sign-in/oidc" + q)
		},
	}
}
