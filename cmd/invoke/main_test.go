package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for name, args := range map[string][]string{
		"NoEventGiven": {"site"},
		"NoSuchEvent":  {"site", "no/such/event.json"},
	} {
		t.Run(name, func(t *testing.T) {
			unset := func(string) (string, bool) { return "", false }
			if err := run(t.Context(), args, unset, io.Discard, io.Discard); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestSettings(t *testing.T) {
	env := settings(func(name string) (string, bool) { return "mine", name == "TABLE" })
	t.Run("SetVariablesArePassedOn", func(t *testing.T) {
		if !slices.Contains(env, "TABLE=mine") {
			t.Errorf("got %q", env)
		}
	})
	t.Run("UnsetEndpointsReachNothing", func(t *testing.T) {
		for _, e := range env {
			name, value, _ := strings.Cut(e, "=")
			if strings.HasSuffix(name, "_ENDPOINT") && value != "http://127.0.0.1:9" {
				t.Errorf("%s is %s", name, value)
			}
		}
		if len(env) != len(environment) {
			t.Errorf("got %q, want all %d", env, len(environment))
		}
	})
}
