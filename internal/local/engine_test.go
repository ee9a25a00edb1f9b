package local_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/local"
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
func serve(tb testing.TB, e *local.Engine) *dynamodb.Client {
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

var table = aws.String("t")

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

func open(tb testing.TB, folder string) *local.Engine {
	tb.Helper()
	e, err := local.OpenEngine(folder)
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

func TestEngineSpeaksToTheSDK(t *testing.T) {
	c := serve(t, local.NewEngine())
	put(t, c, row{"PK": text("E"), "SK": text("seats"), "Taken": count(50)})
	full := &types.Update{
		TableName: table, Key: key("E", "seats"), UpdateExpression: aws.String("ADD Taken :one"), ConditionExpression: aws.String("Taken < :limit"),
		ExpressionAttributeValues:           row{":one": count(1), ":limit": count(50)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}

	t.Run("CancelledTransactionTellsAllReasons", func(t *testing.T) {
		taken := &types.Put{
			TableName: table, Item: row{"PK": text("E"), "SK": text("seats")}, ConditionExpression: aws.String("attribute_not_exists(PK)"),
		}
		fresh := &types.Put{TableName: table, Item: row{"PK": text("E"), "SK": text("new")}}
		_, err := c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: fresh}, {Update: full}}})
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) {
			t.Fatalf("got %v", err)
		}
		if got := aws.ToString(cancelled.CancellationReasons[0].Code); got != "None" {
			t.Errorf("first reason: %s", got)
		}
		second := cancelled.CancellationReasons[1]
		if aws.ToString(second.Code) != "ConditionalCheckFailed" {
			t.Errorf("second reason: %s", aws.ToString(second.Code))
		}
		if diff := cmp.Diff("50", second.Item["Taken"].(*types.AttributeValueMemberN).Value); diff != "" {
			t.Error(diff)
		}
		if get(t, c, key("E", "new")) != nil {
			t.Error("half of the transaction was done")
		}
		_, err = c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: taken}}})
		if !errors.As(err, &cancelled) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("FailedConditionIsTyped", func(t *testing.T) {
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: full.TableName, Key: full.Key, UpdateExpression: full.UpdateExpression, ConditionExpression: full.ConditionExpression,
			ExpressionAttributeValues: full.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: full.ReturnValuesOnConditionCheckFailure,
		})
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) || failed.Item["Taken"] == nil {
			t.Errorf("got %v with %v", err, failed)
		}
	})

	t.Run("AbsentTableIsTyped", func(t *testing.T) {
		_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("absent"), Key: key("a", "b")})
		var absent *types.ResourceNotFoundException
		if !errors.As(err, &absent) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("WaiterSeesTheTable", func(t *testing.T) {
		in := &dynamodb.DescribeTableInput{TableName: table}
		if err := dynamodb.NewTableExistsWaiter(c).Wait(t.Context(), in, time.Second); err != nil {
			t.Error(err)
		}
	})

	t.Run("TokenMakesARetrySafe", func(t *testing.T) {
		in := &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("once"),
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: table, Key: key("E", "once"), UpdateExpression: aws.String("ADD N :one, M :one"), ExpressionAttributeValues: row{":one": count(1)},
			}}},
		}
		for range 3 {
			if _, err := c.TransactWriteItems(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		if got := get(t, c, key("E", "once"))["N"].(*types.AttributeValueMemberN).Value; got != "1" {
			t.Errorf("done %s times", got)
		}
	})

	t.Run("WhatItDoesNotKnowIsRefused", func(t *testing.T) {
		_, err := c.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName: table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("x"), Enabled: aws.Bool(true)},
		})
		if err == nil || !strings.Contains(err.Error(), "UnknownOperationException") {
			t.Errorf("got %v", err)
		}
		_, err = c.Query(t.Context(), &dynamodb.QueryInput{TableName: table, KeyConditions: map[string]types.Condition{}, AttributesToGet: []string{"a"}})
		if err == nil {
			t.Error("a request of the old kind was taken")
		}
	})
}

func TestEngineUnderConcurrency(t *testing.T) {
	const writers, each = 16, 25
	c := serve(t, open(t, t.TempDir()))
	put(t, c, row{"PK": text("E"), "SK": text("seats"), "Taken": count(0)})
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				_, err := c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
					{Put: &types.Put{TableName: table, Item: key("E", fmt.Sprintf("REG#%d-%d", w, n))}},
					{Update: &types.Update{
						TableName: table, Key: key("E", "seats"), UpdateExpression: aws.String("ADD Taken :one"), ExpressionAttributeValues: row{":one": count(1)},
					}},
				}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := get(t, c, key("E", "seats"))["Taken"].(*types.AttributeValueMemberN).Value; got != strconv.Itoa(writers*each) {
		t.Errorf("counted %s", got)
	}
	out, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName: table, KeyConditionExpression: aws.String("PK = :e AND begins_with(SK, :r)"),
		ExpressionAttributeValues: row{":e": text("E"), ":r": text("REG#")}, Select: types.SelectCount,
	})
	if err != nil || out.Count != writers*each {
		t.Errorf("found %d, %v", out.Count, err)
	}
}

func journal(folder string) string { return filepath.Join(folder, "tables.journal") }

func TestEngineKeepsWhatItAnsweredFor(t *testing.T) {
	full := row{
		"PK": text("E"), "SK": text("all"), "GSI1PK": text("DUE"), "GSI1SK": text("1"), "Empty": text(""), "Yes": &types.AttributeValueMemberBOOL{Value: true},
		"None": &types.AttributeValueMemberNULL{Value: true}, "List": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"Bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}}, "Danish": text("æøå\n\u2028"),
		"Map": &types.AttributeValueMemberM{Value: row{"Set": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}}},
	}

	t.Run("AcrossARestart", func(t *testing.T) {
		folder := t.TempDir()
		e := open(t, folder)
		c := serve(t, e)
		put(t, c, full)
		put(t, c, row{"PK": text("E"), "SK": text("gone")})
		if _, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key("E", "gone")}); err != nil {
			t.Fatal(err)
		}
		closeAll(t, e)

		e = open(t, folder)
		defer closeAll(t, e)
		c = serve(t, e)
		if diff := cmp.Diff(fmt.Sprintf("%v", flat(full)), fmt.Sprintf("%v", flat(get(t, c, key("E", "all"))))); diff != "" {
			t.Error(diff)
		}
		if get(t, c, key("E", "gone")) != nil {
			t.Error("what was deleted is back")
		}
		out, err := c.Query(t.Context(), &dynamodb.QueryInput{
			TableName: table, IndexName: aws.String("GSI1"), KeyConditionExpression: aws.String("GSI1PK = :d"), ExpressionAttributeValues: row{":d": text("DUE")},
		})
		if err != nil || len(out.Items) != 1 {
			t.Errorf("the index holds %v, %v", out, err)
		}
	})

	t.Run("ATornLastRecordIsCutOff", func(t *testing.T) {
		folder := t.TempDir()
		e := open(t, folder)
		put(t, serve(t, e), key("E", "kept"))
		closeAll(t, e)
		whole, err := os.ReadFile(journal(folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, torn := range []string{"0", "0badcafe {\"put\":", "0badcafe {\"put\":{}}\n", strings.Repeat("\x00", 4096)} {
			if err := os.WriteFile(journal(folder), append(bytes.Clone(whole), torn...), 0o600); err != nil {
				t.Fatal(err)
			}
			e := open(t, folder)
			c := serve(t, e)
			if get(t, c, key("E", "kept")) == nil {
				t.Errorf("lost before %q", torn)
			}
			put(t, c, key("E", "after"))
			closeAll(t, e)
			e = open(t, folder)
			if get(t, serve(t, e), key("E", "after")) == nil {
				t.Errorf("lost behind %q", torn)
			}
			closeAll(t, e)
		}
	})

	t.Run("DamageInTheMiddleIsAnError", func(t *testing.T) {
		folder := t.TempDir()
		e := open(t, folder)
		put(t, serve(t, e), key("E", "a"))
		closeAll(t, e)
		whole, err := os.ReadFile(journal(folder))
		if err != nil {
			t.Fatal(err)
		}
		whole[20] ^= 1
		if err := os.WriteFile(journal(folder), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := local.OpenEngine(folder); err == nil || !strings.Contains(err.Error(), "damaged at byte 0") {
			t.Errorf("got %v", err)
		}
	})
}

// flat spells an item the same way each time; maps print in order.
func flat(it row) map[string]string {
	all := map[string]string{}
	for name, v := range it {
		all[name] = fmt.Sprintf("%T", v)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			all[name] += v.Value
		case *types.AttributeValueMemberB:
			all[name] += string(v.Value)
		case *types.AttributeValueMemberM:
			all[name] += fmt.Sprint(flat(v.Value))
		case *types.AttributeValueMemberSS:
			all[name] += fmt.Sprint(v.Value)
		}
	}
	return all
}

// TestErasedDataLeavesTheDisk is about the journal, which remembers more than the table until it is compacted.
func TestErasedDataLeavesTheDisk(t *testing.T) {
	const address = "anna@example.dk"
	folder := t.TempDir()
	e := open(t, folder)
	c := serve(t, e)
	put(t, c, row{"PK": text("E"), "SK": text("replaced"), "Email": text(address)})
	put(t, c, row{"PK": text("E"), "SK": text("replaced")})
	put(t, c, row{"PK": text("E"), "SK": text("deleted"), "Email": text(address)})
	if !onDisk(t, folder, address) {
		t.Fatal("the journal is not where the test looks for it")
	}
	if _, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key("E", "deleted")}); err != nil {
		t.Fatal(err)
	}
	e.Tidy()
	if onDisk(t, folder, address) {
		t.Error("it is still there")
	}
	put(t, c, key("E", "after"))
	closeAll(t, e)
	e = open(t, folder)
	defer closeAll(t, e)
	c = serve(t, e)
	if get(t, c, key("E", "after")) == nil || get(t, c, key("E", "replaced")) == nil {
		t.Error("compacting lost something")
	}
}

func onDisk(t *testing.T, folder, what string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(what)) {
			return true
		}
	}
	return false
}

func BenchmarkEngine(b *testing.B) {
	for _, size := range []int{0, 5000} {
		b.Run(fmt.Sprintf("items=%d", size), func(b *testing.B) {
			e := open(b, b.TempDir())
			defer closeAll(b, e)
			c := serve(b, e)
			for n := range size {
				put(b, c, registration(n))
			}
			b.Run("SignUp", func(b *testing.B) { benchmarkSignUp(b, c) })
			b.Run("Due", func(b *testing.B) { benchmarkDue(b, c) })
		})
	}
}

func registration(n int) row {
	it := key("E", fmt.Sprintf("REG#%08d", n))
	it["GSI1PK"], it["GSI1SK"] = text("DUE"), text(fmt.Sprintf("%08d", n))
	it["Name"], it["Email"] = text("Anna Andersen"), text(fmt.Sprintf("anna-%d@example.dk", n))
	return it
}

func benchmarkSignUp(b *testing.B, c *dynamodb.Client) {
	run := rand.Text()
	var n atomic.Int64
	b.SetParallelism(8) // with 2 cores: 16 writers
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := fmt.Sprint(run, n.Add(1))
			_, err := c.TransactWriteItems(b.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: table, Item: key("B", "REG#"+id), ConditionExpression: aws.String("attribute_not_exists(PK)")}},
				{Put: &types.Put{TableName: table, Item: key("B", "MAIL#"+id), ConditionExpression: aws.String("attribute_not_exists(PK)")}},
			}})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func benchmarkDue(b *testing.B, c *dynamodb.Client) {
	for b.Loop() {
		_, err := c.Query(b.Context(), &dynamodb.QueryInput{
			TableName: table, IndexName: aws.String("GSI1"), Limit: aws.Int32(100), KeyConditionExpression: aws.String("GSI1PK = :d AND GSI1SK <= :now"),
			ExpressionAttributeValues: row{":d": text("DUE"), ":now": text("9")},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
