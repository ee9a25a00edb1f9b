// Package oidc lets people prove an e-mail address with an account at their organisation's OpenID Connect provider: the
// authorization code flow with state, nonce and PKCE. What the address may do is package account's to say.
package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Why somebody has not proved an address.
var (
	// ErrRestart: the answer does not belong to the attempt, or is too old or used. Beginning anew helps.
	ErrRestart = errors.New("the answer does not belong to this attempt")
	// ErrDenied: the person pressed cancel, or the provider lets them have no part in this.
	ErrDenied = errors.New("denied at the provider")
	// ErrUnverified: the provider doesn't say that the address is the person's.
	ErrUnverified = errors.New("the provider does not vouch for the address")
	// ErrUnavailable: the provider or the secret could not be reached, or is not set up as we are. What it wraps says
	// nothing about the person.
	ErrUnavailable = errors.New("the provider is not available")
)

// AttemptPeriod is how long a browser keeps an attempt.
const AttemptPeriod = 10 * time.Minute

// Bounds of what a provider may take. The function has 29 s.
const (
	callTimeout   = 5 * time.Second
	finishTimeout = 20 * time.Second // token, keys, and once more each, with a new secret
	maxAnswer     = 256 << 10        // bytes; Microsoft's keys are 15 kB
	maxHeaders    = 32 << 10
)

// Config is how we are known to the provider.
type Config struct {
	Issuer      string
	ClientID    string
	Secret      func(context.Context) (string, error) // reads the client's secret; the answer is kept until it is refused
	RedirectURL string
	Now         func() time.Time // by which tokens expire
	Random      io.Reader
}

// A Provider is an OpenID Connect provider. Nothing is fetched before it is used, and what was fetched is kept.
type Provider struct {
	Config
	client *http.Client

	mu         sync.Mutex
	discovered *discovered // nil until it was fetched
	secret     string      // "" until it was read
}

// discovered is what the provider says of itself.
type discovered struct {
	*oidc.Provider
	oauth2.Endpoint
	sendsIssuer bool // its answers name it (RFC 9207)
}

// New makes a provider.
func New(c Config) *Provider { return &Provider{Config: c, client: newHTTPClient()} }

// Begin is where to send the browser, and the attempt that it has to keep, and bring to Finish. ErrUnavailable.
func (p *Provider) Begin(ctx context.Context) (location, attempt string, err error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	var secrets [3]string // of state, nonce and code verifier
	for i := range secrets {
		b := make([]byte, 32)
		if _, err := io.ReadFull(p.Random, b); err != nil {
			return "", "", err
		}
		secrets[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	state, nonce, verifier := secrets[0], secrets[1], secrets[2]
	location = p.oauth(d, "").AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier),
		// Who was refused with one account, or shares the computer, can choose another.
		oauth2.SetAuthURLParam("prompt", "select_account"))
	return location, strings.Join(secrets[:], "."), nil
}

// Finish is the address that the person has proved by the provider's answer to an attempt. Repeating it is refused by
// the provider. Errors: ErrRestart, ErrDenied, ErrUnverified, ErrUnavailable.
func (p *Provider) Finish(ctx context.Context, attempt string, answer url.Values) (email string, err error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	parts := strings.Split(attempt, ".")
	if len(parts) != 3 || slices.Contains(parts, "") || !equal(answer.Get("state"), parts[0]) {
		return "", ErrRestart
	}
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	if named := answer.Get("iss"); named != p.Issuer && (named != "" || d.sendsIssuer) {
		return "", ErrRestart
	}
	switch code := answer.Get("error"); {
	case code == "access_denied":
		return "", ErrDenied
	case code != "":
		number := microsoftCode.FindString(answer.Get("error_description"))
		return "", unavailable("the provider answered", errors.New(code+" "+number))
	case answer.Get("code") == "":
		return "", ErrRestart
	}
	token, err := p.exchange(ctx, d, answer.Get("code"), parts[2])
	if err != nil {
		return "", err
	}
	return p.verify(ctx, d, token, parts[1])
}

func (p *Provider) oauth(d *discovered, secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: secret, Endpoint: d.Endpoint, RedirectURL: p.RedirectURL,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeEmail},
	}
}

// discover fetches what the provider says of itself, once.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	d := p.discovered
	p.mu.Unlock()
	if d != nil {
		return d, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, unavailable("discovery", err)
	}
	var also struct {
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		KeysURL     string   `json:"jwks_uri"`
	}
	if err := provider.Claims(&also); err != nil {
		return nil, unavailable("discovery", err)
	}
	d = &discovered{Provider: provider, Endpoint: provider.Endpoint(), sendsIssuer: also.SendsIssuer}
	scheme, _, _ := strings.Cut(p.Issuer, "//") // https:, but for tests
	for _, u := range []string{d.AuthURL, d.TokenURL, also.KeysURL} {
		if !strings.HasPrefix(u, scheme+"//") {
			return nil, unavailable("discovery", fmt.Errorf("%q does not begin with %s", u, scheme))
		}
	}
	// Trying both ways could use a code up.
	d.AuthStyle = oauth2.AuthStyleInHeader
	if slices.Contains(also.AuthMethods, "client_secret_post") {
		d.AuthStyle = oauth2.AuthStyleInParams
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discovered = d
	return d, nil
}

// exchange gets the ID token for a code. A secret that was refused is read anew, as it may have been replaced.
func (p *Provider) exchange(ctx context.Context, d *discovered, code, verifier string) (idToken string, err error) {
	for {
		secret, isKept, err := p.readSecret(ctx)
		if err != nil {
			return "", unavailable("the client's secret", err)
		}
		token, err := p.oauth(d, secret).
			Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(verifier))
		if err == nil {
			text, _ := token.Extra("id_token").(string)
			return text, nil
		}
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) {
			return "", unavailable("the token", err)
		}
		switch refused.ErrorCode {
		case "invalid_grant":
			return "", fmt.Errorf("%w: the code is refused", ErrRestart)
		case "invalid_client", "unauthorized_client":
			p.forgetSecret(secret)
			if isKept {
				continue
			}
		}
		// The description may name the person; Microsoft's has a number that says what is wrong.
		return "", unavailable("the token", fmt.Errorf("%s %s %s", refused.Response.Status, refused.ErrorCode,
			microsoftCode.FindString(refused.ErrorDescription)))
	}
}

// readSecret is the secret, and whether it was kept from an earlier call.
func (p *Provider) readSecret(ctx context.Context) (secret string, isKept bool, err error) {
	p.mu.Lock()
	secret = p.secret
	p.mu.Unlock()
	if secret != "" {
		return secret, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if secret, err = p.Secret(ctx); err != nil {
		return "", false, err
	}
	if secret == "" {
		return "", false, errors.New("it is empty")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secret = secret
	return secret, false, nil
}

func (p *Provider) forgetSecret(refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.secret == refused {
		p.secret = ""
	}
}

// verify is the address that a token proves. go-oidc checks signature, issuer, audience and expiry.
func (p *Provider) verify(ctx context.Context, d *discovered, idToken, nonce string) (email string, err error) {
	token, err := d.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Now}).
		Verify(oidc.ClientContext(ctx, p.client), idToken)
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "", fmt.Errorf("%w: the ID token expired at %s", ErrRestart, expired.Expiry.UTC())
	}
	if err != nil {
		return "", unavailable("the ID token", err)
	}
	if !equal(token.Nonce, nonce) {
		return "", fmt.Errorf("%w: the nonce is another", ErrRestart)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return "", unavailable("the claims", err)
	}
	if c.AuthorizedParty != "" && c.AuthorizedParty != p.ClientID {
		return "", unavailable("the ID token", errors.New("it was made for another client"))
	}
	return c.verifiedEmail(p.Issuer)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
