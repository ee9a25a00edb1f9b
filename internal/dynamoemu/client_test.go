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
	"github.com/google/go-cmp/cmp"

	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
)

type row = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func key(pk, sk string) row { return row{"PK": text(pk), "SK": text(sk)} }

func registrationSK(n int) string { return fmt.Sprintf("REG#%08d", n) }

// dueRow is the only one of its partition in the table, but not in the index.
func dueRow(n int) row {
	it := key(fmt.Sprint("E", n), "REG")
	it["GSI1PK"], it["GSI1SK"] = text("DUE"), text(registrationSK(n))
	return it
}

// credentials are not checked by the emulator.
func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

func newClient(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint, Region: "eu-north-1", Credentials: aws.CredentialsProviderFunc(credentials),
	})
}

// useFolder runs use on a server that has its tables in a folder, and closes the server.
func useFolder(tb testing.TB, folder string, use func(s *dynamoemu.Server, c *dynamodb.Client)) {
	tb.Helper()
	s, err := dynamoemu.Open(folder)
	if err != nil {
		tb.Fatal(err)
	}
	use(s, serve(tb, s))
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// serve returns a client of a server, and makes the table if there was none.
func serve(tb testing.TB, s *dynamoemu.Server) *dynamodb.Client {
	tb.Helper()
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	c := newClient(srv.URL)
	err := createTable(tb.Context(), c)
	if exists := (*types.ResourceInUseException)(nil); err != nil && !errors.As(err, &exists) {
		tb.Fatal(err)
	}
	return c
}

var table = aws.String("table")

func createTable(ctx context.Context, c *dynamodb.Client) error {
	_, err := c.CreateTable(ctx, dynamo.Schema(*table))
	return err
}

func put(tb testing.TB, c *dynamodb.Client, it row) {
	tb.Helper()
	if _, err := c.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: table, Item: it}); err != nil {
		tb.Fatal(err)
	}
}

func remove(tb testing.TB, c *dynamodb.Client, k row) {
	tb.Helper()
	if _, err := c.DeleteItem(tb.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: k}); err != nil {
		tb.Fatal(err)
	}
}

func get(tb testing.TB, c *dynamodb.Client, k row) row {
	tb.Helper()
	in := &dynamodb.GetItemInput{TableName: table, Key: k, ConsistentRead: aws.Bool(true)}
	out, err := c.GetItem(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return out.Item
}

// query returns the rows of one partition of the index, or of the table if index is nil.
func query(tb testing.TB, c *dynamodb.Client, index *string, condition string, values row) []row {
	tb.Helper()
	out, err := c.Query(tb.Context(), &dynamodb.QueryInput{
		TableName: table, IndexName: index, KeyConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Items
}

func putAction(it row) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: it}}
}

// putNewAction puts an item that must not be there.
func putNewAction(it row) types.TransactWriteItem {
	action := putAction(it)
	action.Put.ConditionExpression = aws.String("attribute_not_exists(PK)")
	return action
}

func checkAbsentAction(k row) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: table, Key: k, ConditionExpression: aws.String("attribute_not_exists(PK)"),
	}}
}

// countAction adds one to an item's Taken.
func countAction(k row) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: table, Key: k, UpdateExpression: aws.String("ADD Taken :one"),
		ExpressionAttributeValues: row{":one": number(1)},
	}}
}

func transact(ctx context.Context, c *dynamodb.Client, actions ...types.TransactWriteItem) error {
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return err
}

// checkReasons compares the reasons that a transaction was cancelled for.
func checkReasons(t *testing.T, err error, want ...string) {
	t.Helper()
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Errorf("not cancelled: %v", err)
		return
	}
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("reasons (-want +got)\n%s", diff)
	}
}
