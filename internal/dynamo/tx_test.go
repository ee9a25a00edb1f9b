package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

// A conflicting client answers the first calls of TransactWriteItems with a conflict.
type conflicting struct {
	dynamo.Client
	conflicts, calls int
}

func (c *conflicting) TransactWriteItems(
	context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options),
) (*dynamodb.TransactWriteItemsOutput, error) {
	if c.calls++; c.calls > c.conflicts {
		return &dynamodb.TransactWriteItemsOutput{}, nil
	}
	return nil, &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("None")}, {Code: aws.String("TransactionConflict")},
	}}
}

func TestATransactionThatConflictsIsTriedEightTimes(t *testing.T) {
	for conflicts, wanted := range map[int]error{0: nil, 1: nil, 7: nil, 8: deltag.ErrUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			client := &conflicting{conflicts: conflicts}
			s := dynamo.New(client, "table", rand.Reader)
			err := s.MarkAttended(ctx, deltag.Event{ID: "event"}, deltag.Registration{ID: "registration"}, now)
			if !errors.Is(err, wanted) {
				t.Errorf("after %d conflicts: got %v", conflicts, err)
			}
			want(t, client.calls, min(conflicts+1, 8))
		})
	}
}
