package main

import "testing"

// TestDomains: make run asks DNS when it is told to. The domain is one that no name server is asked for.
func TestDomains(t *testing.T) {
	for environment, want := range map[string]int{
		"CHECK_DOMAINS=on": 422, "CHECK_DOMAINS=off": 303, "CHECK_DOMAINS=": 303,
	} {
		t.Run(environment, func(t *testing.T) {
			p := start(t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z", environment)
			if res, raw := p.do("POST", signUpPath, form, fields("A", "a@example.onion")); res.StatusCode != want {
				t.Errorf("%d, not %d: %.600s", res.StatusCode, want, raw)
			}
		})
	}
	t.Run("AnythingElseIsRefused", func(t *testing.T) {
		getenv := func(name string) string { return map[string]string{"CHECK_DOMAINS": "yes"}[name] }
		if s, err := readSettings(getenv); err == nil {
			t.Errorf("%+v", s)
		}
	})
}
