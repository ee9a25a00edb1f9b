package main

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestRun(t *testing.T) {
	engine := storetest.Embedded(t)
	environ := func(unset string) func(string) string {
		vars := map[string]string{
			"AWS_REGION": "eu-north-1", "DYNAMODB_ENDPOINT": engine.Endpoint(), "AWS_ACCESS_KEY_ID": "a",
			"AWS_SECRET_ACCESS_KEY": "b",
		}
		for name := range strings.FieldsSeq(unset) {
			delete(vars, name)
		}
		return func(name string) string { return vars[name] }
	}
	t.Run("PrintsATokenWhoseHashIsStored", func(t *testing.T) {
		var out strings.Builder
		args := []string{"-table", engine.Table, "-name", "script", "-days", "2"}
		if err := run(t.Context(), args, environ(""), &out); err != nil {
			t.Fatal(err)
		}
		hash, ok := deltag.HashAccessToken(strings.TrimSpace(out.String()))
		if !ok {
			t.Fatalf("%q is no token", out.String())
		}
		got, err := engine.Store().Token(context.Background(), hash)
		if err != nil || got.Name != "script" || time.Until(got.ExpiresAt).Round(time.Hour) != 48*time.Hour {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("PrintsALinkThatSignsAnOwnerIn", func(t *testing.T) {
		var out strings.Builder
		args := []string{"-table", engine.Table, "-owner", "anna@example.dk", "-base-url", "https://deltag.example.dk/"}
		if err := run(t.Context(), args, environ(""), &out); err != nil {
			t.Fatal(err)
		}
		token, ok := strings.CutPrefix(strings.TrimSpace(out.String()), "https://deltag.example.dk/organiser/sign-in/")
		if !ok {
			t.Fatalf("%q is no link", out.String())
		}
		anna := deltag.Address{Original: "anna@example.dk", Normalized: "anna@example.dk"}
		accounts := account.Service{Store: engine.Store(), Random: rand.Reader}
		if _, err := accounts.SignIn(t.Context(), token, "da", time.Now()); !errors.Is(err, deltag.ErrLinkExpired) {
			t.Errorf("%v: it makes nobody an owner", err)
		}
		accounts.Owners = []deltag.Address{anna}
		if _, err := accounts.SignIn(t.Context(), token, "da", time.Now()); err != nil {
			t.Error(err)
		}
	})
	t.Run("IsInTheAuditLog", func(t *testing.T) { // both of the above
		entries, _, err := engine.Store().WholeAuditLog(t.Context(), "", 100)
		if err != nil || len(entries) != 2 {
			t.Fatalf("%+v, %v", entries, err)
		}
		for n, want := range []deltag.AuditEntry{
			{Action: deltag.AuditLinkMade, Subject: "anna@example.dk"},
			{Action: deltag.AuditTokenCreated, Subject: "script", Details: []string{"owner"}},
		} {
			want.At, want.Actor, want.Channel = entries[n].At, "cmd/token", deltag.ChannelOperator
			if !reflect.DeepEqual(entries[n], want) {
				t.Errorf("got %+v, want %+v", entries[n], want)
			}
		}
	})
	for name, c := range map[string]struct{ args, unset, message string }{
		"NoBaseURL":     {"-table t -owner a@example.dk", "", "-base-url"},
		"NoAddress":     {"-table t -owner anna -base-url https://x.example.dk", "", "anna"},
		"NoName":        {"-table t", "", "-name"},
		"TooManyDays":   {"-table t -name x -days 9999", "", "-days"},
		"UnquotedName":  {"-table t -name Annas scripts", "", "scripts"},
		"NoRegion":      {"-table t -name x", "AWS_REGION", "AWS_REGION"},
		"NoCredentials": {"-table t -name x", "DYNAMODB_ENDPOINT AWS_ACCESS_KEY_ID", "no credentials"},
		"NoSuchTable":   {"-table nope -name x", "", "ResourceNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), strings.Fields(c.args), environ(c.unset), &strings.Builder{})
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v", err)
			}
		})
	}
}
