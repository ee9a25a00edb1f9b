package dynamoemu_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/dynamoemu"
)

func TestPartitionLimits(t *testing.T) {
	limited := dynamoemu.Options{LimitPartitions: true}
	checkThrottled := func(t *testing.T, err error) {
		t.Helper()
		if throttled := (*types.ThrottlingException)(nil); !errors.As(err, &throttled) {
			t.Errorf("got %v", err)
		}
	}

	runInBubble(t, "WritesOfAPartition", limited, func(t *testing.T, c *dynamodb.Client) {
		for n := range 1000 {
			put(t, c, key("E", registrationSK(n)))
		}
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key("E", "more")})
		checkThrottled(t, err)
		err = transact(t.Context(), c, putAction(key("F", "a")), putAction(key("E", "b")))
		checkReasons(t, err, "None", "ThrottlingError")
		time.Sleep(time.Second)
		put(t, c, key("E", "more"))
	})

	runInBubble(t, "IndexEntriesOfAPartition", limited, func(t *testing.T, c *dynamodb.Client) {
		for n := range 500 { // of two units each
			if err := transact(t.Context(), c, putAction(dueRow(n))); err != nil {
				t.Fatal(n, err)
			}
		}
		checkReasons(t, transact(t.Context(), c, putAction(dueRow(500))), "ThrottlingError")
		unchanged := dueRow(0)
		unchanged["Name"] = text("Anna")
		put(t, c, unchanged)
	})

	runInBubble(t, "WritesOfANewTable", limited, func(t *testing.T, c *dynamodb.Client) {
		for n := range 4000 {
			put(t, c, key(registrationSK(n%8), registrationSK(n)))
		}
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key("fresh", "a")})
		checkThrottled(t, err)
		time.Sleep(time.Second)
		put(t, c, key("fresh", "a"))
	})

	runInBubble(t, "ReadsOfAPartition", limited, func(t *testing.T, c *dynamodb.Client) {
		for range 3000 {
			get(t, c, key("E", "a"))
		}
		_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key("E", "a")})
		checkThrottled(t, err)
		keys := map[string]types.KeysAndAttributes{*table: {Keys: []row{key("E", "a"), key("F", "a")}}}
		out, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: keys})
		if err != nil || len(out.UnprocessedKeys[*table].Keys) != 1 {
			t.Errorf("got %v, %v", out, err)
		}
	})
}
