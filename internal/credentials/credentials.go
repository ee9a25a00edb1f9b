// Package credentials reads the function's own AWS credentials.
package credentials

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// FromEnvironment is what Lambda puts there; it stays the same for the life of the execution environment. Engines
// on this machine accept any, so without any there are some.
func FromEnvironment(getenv func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		c := aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
		}
		if c.AccessKeyID == "" {
			c.AccessKeyID, c.SecretAccessKey = "local", "local"
		}
		return c, nil
	})
}
