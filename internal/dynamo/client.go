package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

type option = func(*dynamodb.Options)

// A Client is what the store calls of DynamoDB.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...option) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...option) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...option) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...option) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(
		context.Context, *dynamodb.TransactWriteItemsInput, ...option,
	) (*dynamodb.TransactWriteItemsOutput, error)
}

// NewClient makes a client without the SDK's config loader, whose search through files and profiles costs a
// cold start several milliseconds and finds nothing in a function. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) Client {
	c := dynamodb.New(dynamodb.Options{
		Region:       region,
		BaseEndpoint: stringOrNil(endpoint),
		Credentials:  credentials,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 4
			o.MaxBackoff = time.Second // a visitor waits; API Gateway gives up after 30 s
		}),
	})
	return clientFuncs{c.GetItem, c.BatchGetItem, c.Query, c.PutItem, c.TransactWriteItems}
}

// An operation is one of the client's operations.
type operation[In, Out any] func(context.Context, *In, ...option) (*Out, error)

// clientFuncs keeps the SDK's client out of every interface. html/template calls methods by name, so the linker keeps
// all methods of each type that an interface can reach, and the client has one for each of DynamoDB's operations: 4
// MB of them.
type clientFuncs struct {
	getItem            operation[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	batchGetItem       operation[dynamodb.BatchGetItemInput, dynamodb.BatchGetItemOutput]
	query              operation[dynamodb.QueryInput, dynamodb.QueryOutput]
	putItem            operation[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	transactWriteItems operation[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

func (c clientFuncs) GetItem(
	ctx context.Context, in *dynamodb.GetItemInput, o ...option,
) (*dynamodb.GetItemOutput, error) {
	return c.getItem(ctx, in, o...)
}

func (c clientFuncs) BatchGetItem(
	ctx context.Context, in *dynamodb.BatchGetItemInput, o ...option,
) (*dynamodb.BatchGetItemOutput, error) {
	return c.batchGetItem(ctx, in, o...)
}

func (c clientFuncs) Query(ctx context.Context, in *dynamodb.QueryInput, o ...option) (*dynamodb.QueryOutput, error) {
	return c.query(ctx, in, o...)
}

func (c clientFuncs) PutItem(
	ctx context.Context, in *dynamodb.PutItemInput, o ...option,
) (*dynamodb.PutItemOutput, error) {
	return c.putItem(ctx, in, o...)
}

func (c clientFuncs) TransactWriteItems(
	ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...option,
) (*dynamodb.TransactWriteItemsOutput, error) {
	return c.transactWriteItems(ctx, in, o...)
}
