package dynamoemu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/dynamoemu"
)

type row = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func count(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func key(pk, sk string) row { return row{"PK": text(pk), "SK": text(sk)} }

// credentials are those of nobody: the stand-ins look at none.
func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

func newClient(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint, Region: "eu-north-1", Credentials: aws.CredentialsProviderFunc(credentials),
	})
}

// serve is a client of an engine, and a table "t" in it if there was none.
func serve(tb testing.TB, e *dynamoemu.Server) *dynamodb.Client {
	tb.Helper()
	srv := httptest.NewServer(e)
	tb.Cleanup(srv.Close)
	c := newClient(srv.URL)
	err := createTable(tb.Context(), c)
	if in := (*types.ResourceInUseException)(nil); err != nil && !errors.As(err, &in) {
		tb.Fatal(err)
	}
	return c
}

var table = aws.String("table")

func createTable(ctx context.Context, c *dynamodb.Client) error {
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	var attributes []types.AttributeDefinition
	for _, name := range []string{"PK", "SK", "GSI1PK", "GSI1SK"} {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS})
	}
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes, KeySchema: keys("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("GSI1"), KeySchema: keys("GSI1PK", "GSI1SK"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	return err
}

func put(tb testing.TB, c *dynamodb.Client, it row) {
	tb.Helper()
	if _, err := c.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: table, Item: it}); err != nil {
		tb.Fatal(err)
	}
}

func get(tb testing.TB, c *dynamodb.Client, k row) row {
	tb.Helper()
	out, err := c.GetItem(tb.Context(), &dynamodb.GetItemInput{TableName: table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Item
}

func open(tb testing.TB, folder string) *dynamoemu.Server {
	tb.Helper()
	e, err := dynamoemu.Open(folder)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func closeAll(tb testing.TB, closers ...interface{ Close() error }) {
	tb.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

func registrationSK(n int) string { return fmt.Sprintf("REG#%08d", n) }

// dueRow is the only one of its partition in the table, but not in the index.
func dueRow(n int) row {
	it := key(fmt.Sprint("E", n), "REG")
	it["GSI1PK"], it["GSI1SK"] = text("DUE"), text(registrationSK(n))
	return it
}
