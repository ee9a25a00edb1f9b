// Package storetest runs tests of the store on real engines: the embedded one of make run, and DynamoDB Local.
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

	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/testing/dynamolocal"
)

// RunOnEngines runs test on every engine that is there, on a table of its own.
func RunOnEngines(t *testing.T, test func(t *testing.T, e Engine)) {
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	endpoint, ok := dynamolocal.Start(t)
	if !ok {
		return // DynamoDB Local is not set up; dynamolocal has said so
	}
	t.Run("DynamoDBLocal", func(t *testing.T) { test(t, NewEngine(t, endpoint)) })
}

// An Engine is a fresh table on a DynamoDB engine.
type Engine struct {
	Client    *dynamodb.Client
	Table     string
	Transport *Transport

	endpoint string
}

// NewTable is a fresh table on the same engine.
func (e Engine) NewTable(tb testing.TB) Engine { return NewEngine(tb, e.endpoint) }

// Store is a store of the engine's table, as another function's process would have one.
func (e Engine) Store() *dynamo.Store { return dynamo.New(e.Client, e.Table, rand.Reader) }

// Embedded is an engine of its own in this process.
func Embedded(tb testing.TB) Engine {
	srv := httptest.NewServer(dynamoemu.New(dynamoemu.Options{}))
	tb.Cleanup(srv.Close)
	return NewEngine(tb, srv.URL)
}

// NewEngine makes a table at an endpoint.
func NewEngine(tb testing.TB, endpoint string) Engine {
	tb.Helper()
	e := Engine{Table: "t" + strings.ToLower(rand.Text()[:8]), endpoint: endpoint}.NewClient()
	if _, err := e.Client.CreateTable(context.Background(), dynamo.Schema(e.Table)); err != nil {
		tb.Fatal(err)
	}
	other := e.NewClient() // e's own client may be broken by then
	tb.Cleanup(func() {
		_, _ = other.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &e.Table})
	})
	e.Transport.Reset()
	return e
}

// Endpoint is where the engine is reached.
func (e Engine) Endpoint() string { return e.endpoint }

// NewClient is the same table as another process reaches it: with a client, and faults, of its own.
func (e Engine) NewClient() Engine {
	e.Transport = &Transport{}
	e.Client = dynamodb.New(dynamodb.Options{
		BaseEndpoint: &e.endpoint,
		Region:       "eu-north-1",
		Credentials:  aws.CredentialsProviderFunc(localCredentials),
		HTTPClient:   &http.Client{Transport: e.Transport},
	})
	return e
}

func localCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

// Dump is every item of the table, for tests that compare it before and after.
func (e Engine) Dump(tb testing.TB) []map[string]any {
	tb.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(e.Client, &dynamodb.ScanInput{TableName: &e.Table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, decodeAll(tb, out.Items)...)
	}
	return all
}

// Transport counts the requests that reach the engine, and can break some of them.
type Transport struct {
	n     atomic.Int64
	fault atomic.Pointer[FaultFunc]
}

// A FaultFunc is asked about each request with its number, from 1. It may answer in the engine's place, or call send
// and spoil its answer.
type FaultFunc func(n int, send func() (*http.Response, error)) (*http.Response, error)

// InjectFault sets the fault; nil mends.
func (c *Transport) InjectFault(f FaultFunc) {
	c.n.Store(0)
	c.fault.Store(&f)
}

func (c *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	n := int(c.n.Add(1))
	send := func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(r) }
	if fault := c.fault.Load(); fault != nil && *fault != nil {
		return (*fault)(n, send)
	}
	return send()
}

// Reset starts counting from zero.
func (c *Transport) Reset() { c.n.Store(0) }

// Count is the number of requests since the last Reset.
func (c *Transport) Count() int { return int(c.n.Load()) }
