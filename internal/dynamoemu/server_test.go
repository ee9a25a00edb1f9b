package dynamoemu_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/dynamoemu"
)

func taken(t *testing.T, it row) string {
	t.Helper()
	n, ok := it["Taken"].(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("got %v", it)
	}
	return n.Value
}

func TestSDK(t *testing.T) {
	c := serve(t, dynamoemu.New(dynamoemu.Options{}))
	seats := key("E", "seats")
	put(t, c, row{"PK": text("E"), "SK": text("seats"), "Taken": number(50)})
	full := &dynamodb.UpdateItemInput{
		TableName: table, Key: seats, UpdateExpression: aws.String("ADD Taken :one"),
		ConditionExpression:                 aws.String("Taken < :limit"),
		ExpressionAttributeValues:           row{":one": number(1), ":limit": number(50)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}

	t.Run("CancelledTransactionNamesAllReasons", func(t *testing.T) {
		action := types.TransactWriteItem{Update: &types.Update{
			TableName: full.TableName, Key: full.Key, UpdateExpression: full.UpdateExpression,
			ConditionExpression:                 full.ConditionExpression,
			ExpressionAttributeValues:           full.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: full.ReturnValuesOnConditionCheckFailure,
		}}
		err := transact(t.Context(), c, putAction(key("E", "new")), action)
		checkReasons(t, err, "None", "ConditionalCheckFailed")
		var cancelled *types.TransactionCanceledException
		if errors.As(err, &cancelled) && taken(t, cancelled.CancellationReasons[1].Item) != "50" {
			t.Error("the item is not as it was")
		}
		if get(t, c, key("E", "new")) != nil {
			t.Error("half of the transaction was done")
		}
		checkReasons(t, transact(t.Context(), c, putNewAction(seats)), "ConditionalCheckFailed")
	})

	t.Run("FailedConditionIsTyped", func(t *testing.T) {
		_, err := c.UpdateItem(t.Context(), full)
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) || taken(t, failed.Item) != "50" {
			t.Errorf("got %v with %v", err, failed)
		}
	})

	t.Run("UpdateReturnsWhatItMade", func(t *testing.T) {
		in := *full
		in.ExpressionAttributeValues = row{":one": number(1), ":limit": number(51)}
		in.ReturnValues = types.ReturnValueAllNew
		out, err := c.UpdateItem(t.Context(), &in)
		if err != nil || len(out.Attributes) != 3 || taken(t, out.Attributes) != "51" {
			t.Errorf("got %v, %v", out, err)
		}
	})

	t.Run("AbsentTableIsTyped", func(t *testing.T) {
		_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("absent"), Key: seats})
		if absent := (*types.ResourceNotFoundException)(nil); !errors.As(err, &absent) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("TokenMakesARetrySafe", func(t *testing.T) {
		in := &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("once"),
			TransactItems:      []types.TransactWriteItem{countAction(key("E", "once"))},
		}
		for range 3 {
			if _, err := c.TransactWriteItems(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		if got := taken(t, get(t, c, key("E", "once"))); got != "1" {
			t.Errorf("done %s times", got)
		}
	})

	t.Run("PaginatorEnds", func(t *testing.T) {
		for n := range 5 {
			put(t, c, key("P", registrationSK(n)))
		}
		pages := dynamodb.NewQueryPaginator(c, &dynamodb.QueryInput{
			TableName: table, Limit: aws.Int32(1),
			KeyConditionExpression: aws.String("PK = :p AND SK BETWEEN :from AND :to"),
			ExpressionAttributeValues: row{
				":p": text("P"), ":from": text(registrationSK(1)), ":to": text(registrationSK(3)),
			},
		})
		rows := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rows += len(page.Items)
		}
		if rows != 3 {
			t.Errorf("%d rows", rows)
		}
	})

	t.Run("UnknownOperationIsRefused", func(t *testing.T) {
		_, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: table})
		if err == nil || !strings.Contains(err.Error(), "UnknownOperationException") {
			t.Errorf("got %v", err)
		}
	})
}

func TestConcurrentTransactions(t *testing.T) {
	const writers, each = 16, 25
	useFolder(t, t.TempDir(), func(_ *dynamoemu.Server, c *dynamodb.Client) {
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for n := range each {
					registration := key("E", fmt.Sprintf("REG#%d-%d", w, n))
					err := transact(t.Context(), c, putNewAction(registration), countAction(key("E", "seats")))
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if got := taken(t, get(t, c, key("E", "seats"))); got != strconv.Itoa(writers*each) {
			t.Errorf("counted %s", got)
		}
		rows := query(t, c, nil, "PK = :e AND begins_with(SK, :r)", row{":e": text("E"), ":r": text("REG#")})
		if len(rows) != writers*each {
			t.Errorf("found %d", len(rows))
		}
	})
}
