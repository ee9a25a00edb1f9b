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
		status, requests              int
	}{
		{name: "IsDecrypted", status: 200, requests: 1, want: "s3cret",
			answer: `{"Parameter":{"Name":"/deltag/oidc-secret","Type":"SecureString","Value":"s3cret","Version":2}}`},
		{name: "IsMissing", status: 400, requests: 1, wantError: "ParameterNotFound",
			answer: `{"__type":"ParameterNotFound"}`},
		{name: "MayNotBeRead", status: 400, requests: 1, wantError: "AccessDeniedException",
			answer: `{"__type":"AccessDeniedException","message":"not authorized to perform: ssm:GetParameter"}`},
		{name: "IsTriedTwice", status: 500, requests: 2, wantError: "500", answer: `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
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
				if !strings.Contains(r.Header.Get("Authorization"), "/eu-north-1/ssm/aws4_request") {
					t.Errorf("signed %q", r.Header.Get("Authorization"))
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			defer server.Close()
			keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key"}, nil
			})
			got, err := ssm.NewSecret("eu-north-1", server.URL, "/deltag/oidc-secret", keys)(t.Context())
			isRight := err == nil && c.wantError == "" ||
				err != nil && c.wantError != "" && strings.Contains(err.Error(), c.wantError)
			if got != c.want || !isRight {
				t.Errorf("got %q, %v", got, err)
			}
			if requests != c.requests {
				t.Errorf("%d requests, want %d", requests, c.requests)
			}
		})
	}
}
