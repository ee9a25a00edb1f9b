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
	"github.com/google/go-cmp/cmp"

	"deltag/internal/dynamoemu"
)

func TestSDK(t *testing.T) {
	c := serve(t, dynamoemu.New(dynamoemu.Options{}))
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

func TestConcurrentTransactions(t *testing.T) {
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
