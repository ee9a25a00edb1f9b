// Command putitem is the least that a function with a table does: one PutItem for each event.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	client := dynamodb.New(dynamodb.Options{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("DYNAMODB_ENDPOINT")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	lambda.Start(func(ctx context.Context, in struct {
		ID string `json:"id"`
	}) (string, error) {
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String(os.Getenv("TABLE")),
			Item:      map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: in.ID}, "SK": &types.AttributeValueMemberS{Value: "-"}},
		})
		return "ok", err
	})
}
