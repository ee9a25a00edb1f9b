package ssm_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"deltag/internal/ssm"
)

// TestSecret reads from a server that answers as Parameter Store does.
func TestSecret(t *testing.T) {
	for _, c := range []struct {
		name, answer, want, wantError string
		status                        int
	}{
		{name: "IsDecrypted", status: 200, want: "s3cret",
			answer: `{"Parameter":{"Name":"/deltag/oidc-secret","Type":"SecureString","Value":"s3cret","Version":2}}`},
		{name: "IsMissing", status: 400, wantError: "ParameterNotFound",
			answer: `{"__type":"ParameterNotFound"}`},
		{name: "MayNotBeRead", status: 400, wantError: "AccessDeniedException",
			answer: `{"__type":"AccessDeniedException","message":"not authorized to perform: ssm:GetParameter"}`},
		{name: "Fails", status: 500, wantError: "500", answer: `<html>`},
		{name: "IsNotAsLargeAsThis", status: 200, wantError: "EOF",
			answer: `{"Parameter":{"Value":"` + strings.Repeat("x", 70_000) + `"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var in struct {
					Name           string
					WithDecryption bool
				}
				err := json.NewDecoder(r.Body).Decode(&in)
				if err != nil || in.Name != "/deltag/oidc-secret" || !in.WithDecryption {
					t.Errorf("asked for %+v: %v", in, err)
				}
				if target := r.Header.Get("X-Amz-Target"); target != "AmazonSSM.GetParameter" {
					t.Errorf("called %s", target)
				}
				signed := r.Header.Get("Authorization")
				for _, part := range []string{
					"AWS4-HMAC-SHA256 Credential=id/", "/eu-north-1/ssm/aws4_request", "content-type", "host", "x-amz-date",
					"x-amz-security-token", "x-amz-target",
				} {
					if !strings.Contains(signed, part) {
						t.Errorf("%s is not in %q", part, signed)
					}
				}
				if r.Header.Get("X-Amz-Security-Token") != "session" {
					t.Error("the credentials of a function have a session token")
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			defer server.Close()
			keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "session"}, nil
			})
			got, err := ssm.NewSecret("eu-north-1", server.URL, "/deltag/oidc-secret", keys)(t.Context())
			isRight := err == nil && c.wantError == "" ||
				err != nil && c.wantError != "" && strings.Contains(err.Error(), c.wantError)
			if got != c.want || !isRight {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
