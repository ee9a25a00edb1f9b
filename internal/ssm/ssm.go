// Package ssm reads secrets from Parameter Store, which is a part of AWS Systems Manager (SSM).
package ssm

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// requestTimeout bounds one request, of which there are at most two: somebody waits for the page.
const requestTimeout = 2 * time.Second

// NewSecret makes the function that reads the SecureString with a name anew at each call. Nothing is built before the
// first. endpoint is "" in AWS.
func NewSecret(
	region, endpoint, name string, credentials aws.CredentialsProvider,
) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		o := ssm.Options{
			Region: region, Credentials: credentials, HTTPClient: &http.Client{Timeout: requestTimeout},
			Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, time.Second/2 }),
		}
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		out, err := ssm.New(o).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return "", fmt.Errorf("parameter %s: %w", name, err)
		}
		return aws.ToString(out.Parameter.Value), nil
	}
}
