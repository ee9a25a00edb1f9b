package ses

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
)

// requestTimeout bounds one hand-over. SES answers within a second; what takes longer is better noted as
// unknown than left to the function's own end.
const requestTimeout = 20 * time.Second

// NewClient makes a client without the SDK's config loader; see dynamo.NewClient. endpoint is "" in AWS.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider) Client {
	o := sesv2.Options{Region: region, Credentials: credentials, HTTPClient: &http.Client{Timeout: requestTimeout}}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return sendEmailFunc(sesv2.New(o).SendEmail)
}

// sendEmailFunc keeps the SDK's client, with all of SES's operations, out of every interface; see package dynamo's.
type sendEmailFunc func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)

func (send sendEmailFunc) SendEmail(ctx context.Context, in *sesv2.SendEmailInput, o ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	return send(ctx, in, o...)
}
