package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"time"
)

// NewClient makes a client without the SDK's config loader, whose search through files and profiles costs a
// cold start several milliseconds and finds nothing in a function. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       region,
		BaseEndpoint: optional(endpoint),
		Credentials:  credentials,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 4
			o.MaxBackoff = time.Second // a visitor waits; API Gateway gives up after 30 s
		}),
	})
}
