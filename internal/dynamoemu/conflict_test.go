package dynamoemu_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/dynamoemu"
)

// inBubble runs test in a synctest bubble, with a client that reaches a server without sockets and retries nothing.
func inBubble(t *testing.T, o dynamoemu.Options, test func(t *testing.T, c *dynamodb.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := dynamodb.New(dynamodb.Options{
			BaseEndpoint: aws.String("http://dynamoemu.invalid"), Region: "eu-north-1",
			Credentials: aws.CredentialsProviderFunc(credentials),
			HTTPClient:  &http.Client{Transport: dynamoemu.New(o)}, Retryer: aws.NopRetryer{},
		})
		if err := createTable(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		test(t, c)
	})
}

func putAction(it row) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: it}}
}

func checkAction(k row) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: table, Key: k, ConditionExpression: aws.String("attribute_not_exists(PK)"),
	}}
}

func transact(ctx context.Context, c *dynamodb.Client, actions ...types.TransactWriteItem) error {
	return transactWith(ctx, c, func(*dynamodb.Options) {}, actions...)
}

func transactWith(
	ctx context.Context, c *dynamodb.Client, option func(*dynamodb.Options), actions ...types.TransactWriteItem,
) error {
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions}, option)
	return err
}

// reasons are the codes of a cancelled transaction, or nil.
func reasons(err error) []string {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil
	}
	codes := []string{}
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	return codes
}

func TestTransactionConflicts(t *testing.T) {
	const takes = 20 * time.Millisecond
	a, b, other := key("E", "a"), key("E", "b"), key("E", "other")
	// underWay starts a transaction that writes a and checks b, and returns what it came to.
	underWay := func(c *dynamodb.Client) chan error {
		done := make(chan error, 1)
		go func() { done <- transact(context.Background(), c, putAction(a), checkAction(b)) }()
		synctest.Wait()
		return done
	}
	options := dynamoemu.Options{TransactionTime: takes}

	t.Run("AnotherTransactionIsCancelledAtOnce", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			began := time.Now()
			first := underWay(c)
			err := transact(t.Context(), c, putAction(other), putAction(a), putAction(b))
			if diff := cmp.Diff([]string{"None", "TransactionConflict", "TransactionConflict"}, reasons(err)); diff != "" {
				t.Error(err, diff)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("it waited %s", took)
			}
			if err := <-first; err != nil || time.Since(began) != takes {
				t.Errorf("the first came to %v after %s", err, time.Since(began))
			}
			if get(t, c, other) != nil || get(t, c, a) == nil {
				t.Error("not the first transaction alone was done")
			}
			if err := transact(t.Context(), c, putAction(other), putAction(a)); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	})

	t.Run("PlainWritesAreRefused", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			first := underWay(c)
			_, onPut := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: a})
			_, onUpdate := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: table, Key: b})
			_, onDelete := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: a})
			for _, err := range []error{onPut, onUpdate, onDelete} {
				if conflict := (*types.TransactionConflictException)(nil); !errors.As(err, &conflict) {
					t.Errorf("got %v", err)
				}
			}
			put(t, c, other)
			if err := <-first; err != nil {
				t.Error(err)
			}
		})
	})

	t.Run("ReadsSeeTheStateBefore", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			first := underWay(c)
			if get(t, c, a) != nil {
				t.Error("half of a transaction shows")
			}
			if err := <-first; err != nil || get(t, c, a) == nil {
				t.Errorf("it does not show afterwards: %v", err)
			}
		})
	})

	t.Run("ARefusedConditionKeepsItemsToo", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			put(t, c, b)
			first := underWay(c)
			if got := reasons(transact(t.Context(), c, putAction(a))); !cmp.Equal(got, []string{"TransactionConflict"}) {
				t.Errorf("got %v", got)
			}
			if got := reasons(<-first); !cmp.Equal(got, []string{"None", "ConditionalCheckFailed"}) {
				t.Errorf("got %v", got)
			}
		})
	})

	t.Run("TheSameTokenIsInProgress", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			in := &dynamodb.TransactWriteItemsInput{
				ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{putAction(a)},
			}
			ctx, giveUp := context.WithCancel(t.Context())
			go func() { _, _ = c.TransactWriteItems(ctx, in) }()
			synctest.Wait()
			giveUp() // it goes on all the same
			_, err := c.TransactWriteItems(t.Context(), in)
			if inProgress := (*types.TransactionInProgressException)(nil); !errors.As(err, &inProgress) {
				t.Errorf("got %v", err)
			}
			time.Sleep(takes)
			synctest.Wait()
			if _, err := c.TransactWriteItems(t.Context(), in); err != nil || get(t, c, a) == nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	})

	t.Run("OffByDefault", func(t *testing.T) {
		inBubble(t, dynamoemu.Options{}, func(t *testing.T, c *dynamodb.Client) {
			began := time.Now()
			if err := transact(t.Context(), c, putAction(a), checkAction(b)); err != nil || time.Since(began) != 0 {
				t.Errorf("got %v after %s", err, time.Since(began))
			}
		})
	})
}

func TestPartitionLimits(t *testing.T) {
	limited := dynamoemu.Options{LimitPartitions: true}

	t.Run("WritesOfAPartition", func(t *testing.T) {
		inBubble(t, limited, func(t *testing.T, c *dynamodb.Client) {
			for n := range 1000 {
				put(t, c, key("E", registrationSK(n)))
			}
			_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key("E", "more")})
			if throttled := (*types.ThrottlingException)(nil); !errors.As(err, &throttled) {
				t.Errorf("got %v", err)
			}
			err = transact(t.Context(), c, putAction(key("F", "a")), putAction(key("E", "b")))
			if got := reasons(err); !cmp.Equal(got, []string{"None", "ThrottlingError"}) {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Second)
			put(t, c, key("E", "more"))
		})
	})

	t.Run("IndexEntriesOfAPartition", func(t *testing.T) {
		inBubble(t, limited, func(t *testing.T, c *dynamodb.Client) {
			for n := range 500 { // of two units each
				if err := transact(t.Context(), c, putAction(dueRow(n))); err != nil {
					t.Fatal(n, err)
				}
			}
			if got := reasons(transact(t.Context(), c, putAction(dueRow(500)))); !cmp.Equal(got, []string{"ThrottlingError"}) {
				t.Errorf("got %v", got)
			}
			unchanged := dueRow(0)
			unchanged["Name"] = text("Anna")
			put(t, c, unchanged)
		})
	})

	t.Run("ReadsOfAPartition", func(t *testing.T) {
		inBubble(t, limited, func(t *testing.T, c *dynamodb.Client) {
			for range 3000 {
				get(t, c, key("E", "a"))
			}
			_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key("E", "a")})
			if throttled := (*types.ThrottlingException)(nil); !errors.As(err, &throttled) {
				t.Errorf("got %v", err)
			}
			out, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				*table: {Keys: []map[string]types.AttributeValue{key("E", "a"), key("F", "a")}},
			}})
			if err != nil || len(out.UnprocessedKeys[*table].Keys) != 1 {
				t.Errorf("got %v, %v", out, err)
			}
		})
	})
}
