package dynamo

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// An operation is one of the SDK's client.
type operation[In, Out any] func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

// A Client is what the store calls of DynamoDB. It is no interface, to keep the SDK's client out of every interface:
// html/template calls methods by name, so the linker keeps all methods of each type that an interface can reach, and
// the client has one for each of DynamoDB's operations: 4 MB of them.
type Client struct {
	GetItem            operation[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	BatchGetItem       operation[dynamodb.BatchGetItemInput, dynamodb.BatchGetItemOutput]
	Query              operation[dynamodb.QueryInput, dynamodb.QueryOutput]
	PutItem            operation[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	UpdateItem         operation[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput]
	TransactWriteItems operation[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

// ClientOf has the operations of c.
func ClientOf(c *dynamodb.Client) Client {
	return Client{c.GetItem, c.BatchGetItem, c.Query, c.PutItem, c.UpdateItem, c.TransactWriteItems}
}

// attemptTimeout is that of one HTTP request. DynamoDB answers within milliseconds, so a request that takes longer has
// lost its connection, and a new one costs less than waiting: three attempts and the backoff between them fit into the
// 9.5 s that the visitors' function gives a request.
const attemptTimeout = 2 * time.Second

// NewClient makes a client without the SDK's config loader, whose search through files and profiles costs a cold start
// several milliseconds and finds nothing in a function. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) Client {
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.MaxBackoff = time.Second // a visitor waits; API Gateway gives up after 30 s
	})
	return ClientOf(dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: stringOrNil(endpoint), Credentials: credentials, Retryer: retryer,
		HTTPClient: newHTTPClient(time.Now),
	}))
}

// maxPause is how long after a request its connection may serve another one. DynamoDB and what lies between may drop
// idle connections after a minute or more.
const maxPause = 30 * time.Second

// An httpClient makes new connections after a pause. A function is frozen between its requests, and timers stand still
// meanwhile, so http.Transport.IdleConnTimeout does not see how long that took: the wall clock does.
type httpClient struct {
	http.Client
	now      func() time.Time
	lastUsed atomic.Int64 // in Unix seconds
}

func newHTTPClient(now func() time.Time) *httpClient {
	return &httpClient{now: now, Client: http.Client{
		Transport: awshttp.NewBuildableClient().GetTransport(), Timeout: attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do implements aws.HTTPClient.
func (c *httpClient) Do(r *http.Request) (*http.Response, error) {
	now := c.now().Unix()
	if last := c.lastUsed.Swap(now); time.Duration(now-last)*time.Second > maxPause {
		c.CloseIdleConnections()
	}
	return c.Client.Do(r)
}
