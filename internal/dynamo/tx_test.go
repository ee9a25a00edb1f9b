package dynamo_test

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

func TestATransactionThatConflictsIsTriedEightTimes(t *testing.T) {
	conflict := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("None")}, {Code: aws.String("TransactionConflict")},
	}}
	for conflicts, wanted := range map[int]error{0: nil, 1: nil, 7: nil, 8: deltag.ErrUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			client := dynamo.Client{TransactWriteItems: func(
				context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options),
			) (*dynamodb.TransactWriteItemsOutput, error) {
				if calls++; calls > conflicts {
					return &dynamodb.TransactWriteItemsOutput{}, nil
				}
				return nil, conflict
			}}
			s := dynamo.New(client, "table", rand.Reader)
			err := s.MarkAttended(ctx, deltag.Event{ID: "event"}, deltag.Registration{ID: "registration"}, now)
			wantError(t, err, wanted)
			want(t, calls, min(conflicts+1, 8))
		})
	}
}
