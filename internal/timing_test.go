package internal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/web"
	"deltag/internal/web/visitor"
)

// TestResponseTimeHidesRegistration measures in virtual time how long answers about an address take, on a table whose
// transactions are slow. Nobody may learn from it whether the address is signed up.
func TestResponseTimeHidesRegistration(t *testing.T) {
	limited := func(capacity int, hasWaitlist bool, policy deltag.VerifyPolicy) func(*deltag.Event) {
		return func(e *deltag.Event) { e.Capacity, e.HasWaitlist, e.Verify = &capacity, hasWaitlist, policy }
	}
	for name, change := range map[string]func(*deltag.Event){
		"WithoutALimit":        func(*deltag.Event) {},
		"Limited":              limited(100, true, deltag.VerifyAuto),
		"LimitedNoWaitlist":    limited(100, false, deltag.VerifyNever),
		"Full":                 limited(2, true, deltag.VerifyNever),
		"FullNoWaitlist":       limited(2, false, deltag.VerifyNever),
		"AboveANetworksShare":  limited(4, true, deltag.VerifyAuto),
		"EverybodyHasToVerify": limited(100, true, deltag.VerifyAlways),
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testResponseTime(t, change) }) })
	}
}

func testResponseTime(t *testing.T, change func(*deltag.Event)) {
	ctx := t.Context()
	store, e := slowStore(t, change)
	pages := visitor.New(visitor.Options{
		Store: store, Now: time.Now, Log: slog.New(slog.DiscardHandler), MinResponseTime: web.MinResponseTime,
	})
	signUp := func(e deltag.Event, name string) deltag.Registration {
		in := deltag.SignUpRequest{Name: name, Email: testAddress(name), Language: deltag.LanguageDanish}
		if _, err := store.SignUp(ctx, e, in, time.Now()); err != nil {
			t.Fatal(name, err)
		}
		_, r, err := store.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, in.Email))
		if err != nil {
			t.Fatal(name, err)
		}
		return r
	}
	everybody, nobody := e, e
	everybody.Verify, nobody.Verify = deltag.VerifyAlways, deltag.VerifyNever
	if err := store.CancelRegistration(ctx, e, signUp(nobody, "cancelled"), time.Now()); err != nil {
		t.Fatal(err)
	}
	signUp(everybody, "unverified")
	signUp(nobody, "confirmed")
	signUp(nobody, "confirmed-too")
	names := []string{"cancelled", "unverified", "confirmed"}
	if e.HasWaitlist && e.Capacity != nil && *e.Capacity == 2 {
		signUp(nobody, "waiting")
		names = append(names, "waiting")
	}
	for round := range 3 {
		for _, name := range append(names, fmt.Sprint("new-", round)) {
			for _, path := range []string{
				"/e/" + e.Slug + "/registrations", "/e/" + e.Slug + "/link", "/api/v1/public/events/" + e.Slug + "/registrations",
			} {
				time.Sleep(2 * deltag.ResendCooldown) // so that there may be a mail to send
				if took := responseTime(pages, path, testAddress(name).Original); took != web.MinResponseTime {
					t.Errorf("%s of %s in round %d: %s", path, name, round, took)
				}
			}
		}
	}
}

func testAddress(name string) deltag.Address {
	a := name + "@example.dk"
	return deltag.Address{Original: a, Normalized: a}
}

func responseTime(pages http.Handler, path, email string) time.Duration {
	contentType, body := "application/x-www-form-urlencoded", url.Values{"name": {"Anna"}, "email": {email}}.Encode()
	if strings.HasPrefix(path, "/api/") {
		contentType, body = "application/json", `{"name":"Anna","email":"`+email+`"}`
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	began := time.Now()
	pages.ServeHTTP(httptest.NewRecorder(), r)
	return time.Since(began)
}

// slowStore is a store whose requests are 5 ms under way and whose transactions take 20 ms beside, and an event.
func slowStore(t *testing.T, change func(*deltag.Event)) (*dynamo.Store, deltag.Event) {
	engine := dynamoemu.New(dynamoemu.Options{TransactionTime: 20 * time.Millisecond})
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String("http://dynamoemu.invalid"), Region: "eu-north-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: &http.Client{Transport: delayed{engine}},
	})
	if _, err := client.CreateTable(t.Context(), dynamo.Schema("timing")); err != nil {
		t.Fatal(err)
	}
	store := dynamo.New(dynamo.ClientOf(client), "timing", rand.Reader)
	if _, err := store.Suppression(t.Context(), testAddress("nobody")); err != nil { // makes the key of the hashes
		t.Fatal(err)
	}
	id, err := deltag.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := deltag.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	startsAt := time.Now().Add(10 * 24 * time.Hour)
	e := deltag.Event{
		ID: id, Slug: "samskabelse", Title: "Samskabelse", Language: deltag.LanguageDanish, StartsAt: startsAt,
		EndsAt: startsAt.Add(time.Hour), TimeZone: "Europe/Copenhagen", HasWaitlist: true,
		JoinURL: "https://meet.example.org/1", Organiser: deltag.Organiser{Name: "UKON", Email: "hej@example.dk"},
		RetentionDays: 30, Status: deltag.EventOpen, Secret: secret,
	}
	change(&e)
	e, mailings := e.WithInitialState(time.Now())
	if err := store.CreateEvent(t.Context(), e, mailings); err != nil {
		t.Fatal(err)
	}
	return store, e
}

type delayed struct{ http.RoundTripper }

func (d delayed) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(5 * time.Millisecond)
	return d.RoundTripper.RoundTrip(r)
}
