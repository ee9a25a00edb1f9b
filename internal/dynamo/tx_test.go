package dynamo_test

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

// TestConflictsAreRepeated has transactions conflict for some time, and finds out when it is given up.
func TestConflictsAreRepeated(t *testing.T) {
	conflict := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("None")}, {Code: aws.String("TransactionConflict")},
	}}
	for conflicts, wanted := range map[time.Duration]error{
		0: nil, time.Second: nil, 7 * time.Second: nil, time.Minute: deltag.ErrUnavailable,
	} {
		synctest.Test(t, func(t *testing.T) {
			began, calls := time.Now(), 0
			client := dynamo.Client{TransactWriteItems: func(
				context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options),
			) (*dynamodb.TransactWriteItemsOutput, error) {
				calls++
				if time.Since(began) >= conflicts {
					return &dynamodb.TransactWriteItemsOutput{}, nil
				}
				return nil, conflict
			}}
			s := dynamo.New(client, "table", rand.Reader)
			err := s.MarkAttended(ctx, deltag.Event{ID: "event"}, deltag.Registration{ID: "registration"}, now)
			wantError(t, err, wanted)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if calls > 60 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}
