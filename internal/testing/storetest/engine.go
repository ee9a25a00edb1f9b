// Package storetest runs a test on a real table, on each DynamoDB engine that there is: the embedded one of make run,
// always, and Amazon's DynamoDB Local where dynamolocal finds it. Both must give the same result.
//
// A test gets an Engine, which is an empty table. It makes its stores by Engine.Store, further tables by
// Engine.NewTable, and further processes, whose requests can be made to fail, by Engine.NewClient.
package storetest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/testing/dynamolocal"
)

// RunOnEngines runs test on each engine, on a table of its own.
func RunOnEngines(t *testing.T, test func(t *testing.T, e Engine)) {
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	endpoint, ok := dynamolocal.Start(t)
	if !ok {
		return // DynamoDB Local is not set up; dynamolocal has said so
	}
	t.Run("DynamoDBLocal", func(t *testing.T) { test(t, NewEngine(t, endpoint)) })
}

// An Engine is a table on a DynamoDB engine, and a client of it. The table is deleted when the test is over.
type Engine struct {
	Client    *dynamodb.Client
	Table     string
	Transport *Transport // of Client

	endpoint string
	sender   http.RoundTripper // to the engine
}

// NewTable makes another table on the same engine.
func (e Engine) NewTable(tb testing.TB) Engine { return newEngine(tb, e.endpoint, e.sender) }

// Store makes a store of the table, with the caches of its own that each process has.
func (e Engine) Store() *dynamo.Store {
	return dynamo.New(dynamo.ClientOf(e.Client), e.Table, rand.Reader)
}

// Embedded starts an embedded engine of its own, and makes a table on it. Other processes reach it by TCP, and the test's
// own clients without, which takes a third of the time.
func Embedded(tb testing.TB) Engine {
	engine := dynamoemu.New(dynamoemu.Options{})
	srv := httptest.NewServer(engine)
	tb.Cleanup(srv.Close)
	return newEngine(tb, srv.URL, handlerTransport{engine})
}

// pool keeps a connection for each shard that is read at the same time. The default transport keeps two, and its idle ones
// are closed by every httptest.Server that ends.
var pool = func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 100
	return t
}()

// NewEngine makes a table on the engine at an endpoint.
func NewEngine(tb testing.TB, endpoint string) Engine {
	tb.Helper()
	return newEngine(tb, endpoint, pool)
}

func newEngine(tb testing.TB, endpoint string, sender http.RoundTripper) Engine {
	tb.Helper()
	e := Engine{Table: "t" + strings.ToLower(rand.Text()[:8]), endpoint: endpoint, sender: sender}.NewClient()
	if _, err := e.Client.CreateTable(context.Background(), dynamo.Schema(e.Table)); err != nil {
		tb.Fatal(err)
	}
	cleaner := e.NewClient() // e's own client may have a fault by then
	tb.Cleanup(func() {
		_, _ = cleaner.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &e.Table})
	})
	e.Transport.Reset()
	return e
}

// Endpoint is the URL of the engine.
func (e Engine) Endpoint() string { return e.endpoint }

// NewClient is the same table with a client and a Transport of its own, as another process has them. The client retries
// as often as that of dynamo.NewClient, and without waiting.
func (e Engine) NewClient() Engine {
	e.Transport = &Transport{sender: e.sender}
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.RateLimiter = ratelimit.None
	})
	e.Client = dynamodb.New(dynamodb.Options{
		BaseEndpoint: &e.endpoint, Region: "eu-north-1", Retryer: retryer, HTTPClient: &http.Client{Transport: e.Transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	return e
}

// A reporter is a testing.T or a rapid.T.
type reporter interface {
	Helper()
	Fatalf(string, ...any)
}

// Items reads every item of the table.
func (e Engine) Items(t reporter) (items []map[string]types.AttributeValue) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(e.Client, &dynamodb.ScanInput{TableName: &e.Table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		items = append(items, out.Items...)
	}
	return items
}

// Dump reads every item of the table, by attribute.
func (e Engine) Dump(t reporter) (all []map[string]any) {
	t.Helper()
	if err := attributevalue.UnmarshalListOfMaps(e.Items(t), &all); err != nil {
		t.Fatalf("dump: %v", err)
	}
	return all
}
