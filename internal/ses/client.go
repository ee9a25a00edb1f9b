package ses

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
)

// requestTimeout bounds one request. SES responds within a second; a delivery that takes longer had better be
// recorded as unknown than be cut off by the end of the function.
const requestTimeout = 20 * time.Second

// NewClient makes a client without the SDK's config loader; see dynamo.NewClient. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) Client {
	o := sesv2.Options{Region: region, Credentials: credentials, HTTPClient: &http.Client{Timeout: requestTimeout}}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return sendEmailFunc(sesv2.New(o).SendEmail)
}

type (
	// sendEmailFunc keeps the SDK's client out of the interface, for the reason given in package dynamo's client.go.
	sendEmailFunc func(context.Context, *sesv2.SendEmailInput, ...option) (*sesv2.SendEmailOutput, error)
	option        = func(*sesv2.Options)
)

func (f sendEmailFunc) SendEmail(
	ctx context.Context, in *sesv2.SendEmailInput, options ...option,
) (*sesv2.SendEmailOutput, error) {
	return f(ctx, in, options...)
}
