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

func TestTransactionConflicts(t *testing.T) {
	const takes = 20 * time.Millisecond
	a, b, other := key("E", "a"), key("E", "b"), key("E", "other")
	// underWay starts a transaction that writes a and checks b, and returns what it came to.
	underWay := func(c *dynamodb.Client) chan error {
		done := make(chan error, 1)
		go func() { done <- transact(context.Background(), c, putAction(a), checkAbsentAction(b)) }()
		synctest.Wait()
		return done
	}
	options := dynamoemu.Options{TransactionTime: takes}

	t.Run("AnotherTransactionIsCancelledAtOnce", func(t *testing.T) {
		inBubble(t, options, func(t *testing.T, c *dynamodb.Client) {
			began := time.Now()
			first := underWay(c)
			err := transact(t.Context(), c, putAction(other), putAction(a), putAction(b))
			checkReasons(t, err, "None", "TransactionConflict", "TransactionConflict")
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
			checkReasons(t, transact(t.Context(), c, putAction(a)), "TransactionConflict")
			checkReasons(t, <-first, "None", "ConditionalCheckFailed")
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
			if err := transact(t.Context(), c, putAction(a), checkAbsentAction(b)); err != nil || time.Since(began) != 0 {
				t.Errorf("got %v after %s", err, time.Since(began))
			}
		})
	})
}
