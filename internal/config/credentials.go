package config

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Credentials are the AWS credentials that Lambda puts into the environment; they stay the same for the life of the
// execution environment. Outside AWS there are none, and DynamoDB Local and the emulator accept any.
func Credentials(getenv func(string) string) aws.CredentialsProvider {
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
