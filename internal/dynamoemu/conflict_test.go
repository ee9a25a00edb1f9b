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

	"deltag/internal/dynamoemu"
)

// runInBubble runs a test in a synctest bubble, with a client that reaches a server without sockets and does not retry.
func runInBubble(t *testing.T, name string, o dynamoemu.Options, test func(t *testing.T, c *dynamodb.Client)) {
	inBubble := func(t *testing.T) {
		c := dynamodb.New(dynamodb.Options{
			BaseEndpoint: aws.String("http://dynamoemu.invalid"), Region: "eu-north-1",
			Credentials: aws.CredentialsProviderFunc(credentials),
			HTTPClient:  &http.Client{Transport: dynamoemu.New(o)}, Retryer: aws.NopRetryer{},
		})
		if err := createTable(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		test(t, c)
	}
	t.Run(name, func(t *testing.T) { synctest.Test(t, inBubble) })
}

func TestTransactionConflicts(t *testing.T) {
	options := dynamoemu.Options{TransactionTime: 20 * time.Millisecond}
	a, b, other := key("E", "a"), key("E", "b"), key("E", "other")
	// begin starts a transaction that writes a and checks b, and returns its result.
	begin := func(c *dynamodb.Client) chan error {
		done := make(chan error, 1)
		go func() { done <- transact(context.Background(), c, putAction(a), checkAbsentAction(b)) }()
		synctest.Wait()
		return done
	}

	runInBubble(t, "AnotherTransactionIsCancelledAtOnce", options, func(t *testing.T, c *dynamodb.Client) {
		began := time.Now()
		first := begin(c)
		err := transact(t.Context(), c, putAction(other), putAction(a), putAction(b))
		checkReasons(t, err, "None", "TransactionConflict", "TransactionConflict")
		if took := time.Since(began); took != 0 {
			t.Errorf("it waited %s", took)
		}
		if err := <-first; err != nil || time.Since(began) != options.TransactionTime {
			t.Errorf("the first ended with %v after %s", err, time.Since(began))
		}
		if get(t, c, other) != nil || get(t, c, a) == nil {
			t.Error("not the first transaction alone was done")
		}
		if err := transact(t.Context(), c, putAction(other), putAction(a)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})

	runInBubble(t, "PlainWritesAreRefused", options, func(t *testing.T, c *dynamodb.Client) {
		first := begin(c)
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

	runInBubble(t, "ReadsReturnTheStateBefore", options, func(t *testing.T, c *dynamodb.Client) {
		first := begin(c)
		if get(t, c, a) != nil {
			t.Error("half of a transaction is visible")
		}
		if err := <-first; err != nil || get(t, c, a) == nil {
			t.Errorf("it is not visible afterwards: %v", err)
		}
	})

	runInBubble(t, "AFailedConditionLocksItemsToo", options, func(t *testing.T, c *dynamodb.Client) {
		put(t, c, b)
		first := begin(c)
		checkReasons(t, transact(t.Context(), c, putAction(a)), "TransactionConflict")
		checkReasons(t, <-first, "None", "ConditionalCheckFailed")
	})

	runInBubble(t, "TheSameTokenIsInProgress", options, func(t *testing.T, c *dynamodb.Client) {
		in := &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{putAction(a)},
		}
		ctx, giveUp := context.WithCancel(t.Context())
		go func() { _, _ = c.TransactWriteItems(ctx, in) }()
		synctest.Wait()
		giveUp() // the operation goes on all the same
		_, err := c.TransactWriteItems(t.Context(), in)
		if inProgress := (*types.TransactionInProgressException)(nil); !errors.As(err, &inProgress) {
			t.Errorf("got %v", err)
		}
		time.Sleep(options.TransactionTime)
		synctest.Wait()
		if _, err := c.TransactWriteItems(t.Context(), in); err != nil || get(t, c, a) == nil {
			t.Errorf("afterwards: %v", err)
		}
	})

	runInBubble(t, "OffByDefault", dynamoemu.Options{}, func(t *testing.T, c *dynamodb.Client) {
		began := time.Now()
		if err := transact(t.Context(), c, putAction(a), checkAbsentAction(b)); err != nil || time.Since(began) != 0 {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}
