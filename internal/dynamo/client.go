package dynamo

import (
	"context"
	"net/http"
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
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(attemptTimeout).
			WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = maxIdleTime }),
	}))
}

// maxIdleTime is how long a connection is kept for the next request. DynamoDB and what lies between may drop idle ones
// after a minute or more, silently while a function is frozen. http.Transport compares wall times when it reuses one.
const maxIdleTime = 30 * time.Second
