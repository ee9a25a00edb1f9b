// Package storetest runs tests of the store on real engines: minidyn, embedded, and DynamoDB Local.
package storetest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/truora/minidyn/server"

	"deltag/internal/dynamo"
	"deltag/internal/dynamolocal"
)

// Each runs test on every engine that is there, on a table of its own.
func Each(t *testing.T, test func(t *testing.T, e Engine)) {
	t.Run("minidyn", func(t *testing.T) { test(t, Embedded(t)) })
	endpoint, ok := dynamolocal.Start(t)
	if !ok {
		return // DynamoDB Local is not set up; dynamolocal has said so
	}
	t.Run("DynamoDBLocal", func(t *testing.T) { test(t, NewEngine(t, endpoint)) })
}

// An Engine is a fresh table on a DynamoDB engine.
type Engine struct {
	Client *dynamodb.Client
	Table  string
	Calls  *Calls

	endpoint string
}

// Another is a fresh table on the same engine.
func (e Engine) Another(tb testing.TB) Engine { return NewEngine(tb, e.endpoint) }

// Store is a store of the engine's table, as another function's process would have one.
func (e Engine) Store() *dynamo.Store { return dynamo.New(e.Client, e.Table, rand.Reader) }

// Embedded is an engine of its own in this process.
func Embedded(tb testing.TB) Engine {
	srv := httptest.NewServer(server.NewServer())
	tb.Cleanup(srv.Close)
	return NewEngine(tb, srv.URL)
}

// NewEngine makes a table at an endpoint.
func NewEngine(tb testing.TB, endpoint string) Engine {
	tb.Helper()
	calls := &Calls{}
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint,
		Region:       "eu-north-1",
		Credentials:  aws.CredentialsProviderFunc(localCredentials),
		HTTPClient:   &http.Client{Transport: calls},
	})
	e := Engine{Client: client, Table: "t" + strings.ToLower(rand.Text()[:8]), Calls: calls, endpoint: endpoint}
	if _, err := client.CreateTable(context.Background(), dynamo.Schema(e.Table)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &e.Table})
	})
	calls.Reset()
	return e
}

func localCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

// Dump is every item of the table, for tests that compare it before and after.
func (e Engine) Dump(tb testing.TB) []map[string]any {
	tb.Helper()
	out, err := e.Client.Scan(context.Background(), &dynamodb.ScanInput{TableName: &e.Table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		tb.Fatal(err)
	}
	return decodeAll(tb, out.Items)
}

// Calls counts the requests that reach the engine, and can break some of them.
type Calls struct {
	n atomic.Int64
	// Fault, when set, is asked about each request: it may answer in the engine's place, or call next and spoil its answer.
	Fault atomic.Pointer[func(r *http.Request, next http.RoundTripper) (*http.Response, error)]
}

func (c *Calls) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	if fault := c.Fault.Load(); fault != nil {
		return (*fault)(r, http.DefaultTransport)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Reset starts counting from zero.
func (c *Calls) Reset() { c.n.Store(0) }

// N is the number of requests since the last Reset.
func (c *Calls) N() int { return int(c.n.Load()) }
