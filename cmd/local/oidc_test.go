package main

import (
	"strings"
	"testing"
)

// TestProviderSettings: make run has a provider where one is configured, and says what is missing of half a one.
func TestProviderSettings(t *testing.T) {
	read := func(environ map[string]string) (settings, error) {
		return readSettings(func(name string) string { return environ[name] })
	}
	s, err := read(nil)
	if err != nil || s.provider() != nil {
		t.Errorf("without: %v, %v", s.provider(), err)
	}
	environ := map[string]string{
		"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "id", "OIDC_CLIENT_SECRET": "secret",
		"OIDC_DOMAINS": "example.dk=reader",
	}
	s, err = read(environ)
	if err != nil || s.domains["example.dk"] != "reader" || s.provider().Issuer != "https://login.example.org" {
		t.Errorf("with: %+v, %v", s, err)
	}
	for name, value := range map[string]string{"OIDC_CLIENT_ID": "", "OIDC_DOMAINS": "example.dk"} {
		before := environ[name]
		environ[name] = value
		if _, err := read(environ); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
		environ[name] = before
	}
}
