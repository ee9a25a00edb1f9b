package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

const (
	condNotExists = "attribute_not_exists(PK)"
	condExists    = "attribute_exists(PK)"
	condRevision  = "Revision = :was"
)

// revisionParam is the value of unchanged.
func revisionParam(revision int) item { return item{":was": avNumber(revision)} }

// put is a Put action; condition may be empty.
func (s *Store) put(it item, condition string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.table, Item: it, ConditionExpression: stringOrNil(condition), ExpressionAttributeValues: values,
	}}
}

// update is an Update action.
func (s *Store) update(k item, expression, condition string, names map[string]string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: k, UpdateExpression: &expression, ConditionExpression: stringOrNil(condition),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}

// delete is a Delete action.
func (s *Store) delete(k item, condition string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.table, Key: k, ConditionExpression: stringOrNil(condition), ExpressionAttributeValues: values,
	}}
}

// check is a ConditionCheck action.
func (s *Store) check(k item, condition string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: k, ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// transact runs a transaction. A condition that did not hold comes back as refused, naming the action;
// conflicts with other transactions are retried, which the SDK does not do. maxRetries conflicts in a
// row are ErrUnavailable.
func (s *Store) transact(ctx context.Context, actions ...types.TransactWriteItem) error {
	for attempt := 1; ; attempt++ {
		_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		var cancelled *types.TransactionCanceledException
		if err == nil || !errors.As(err, &cancelled) {
			return wrapError("write", err)
		}
		if r := failedConditions(cancelled); r != nil {
			return r
		}
		if attempt == maxRetries {
			return wrapError("write", err)
		}
		if err := backoff(ctx, attempt); err != nil {
			return err
		}
	}
}

// conditionFailed is a transaction whose conditions did not hold. It matches ErrConflict.
type conditionFailed map[int]bool // by the action's place

func (conditionFailed) Error() string { return "condition not met" }

func (conditionFailed) Is(target error) bool { return target == deltag.ErrConflict }

// failedAt says whether err is a transaction refused by its nth action.
func failedAt(err error, n int) bool {
	var r conditionFailed
	return errors.As(err, &r) && r[n]
}

func failedConditions(e *types.TransactionCanceledException) error {
	r := conditionFailed{}
	for i, reason := range e.CancellationReasons {
		if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
			r[i] = true
		}
	}
	if len(r) == 0 {
		return nil
	}
	return r
}

// maxRetries of a transaction that lost against another. With full jitter up to 1.6 s each, 8 tries
// outlast a rush on one seat counter and stay far below the 29 s of a request.
const maxRetries = 8

// backoff waits before retry n, with full jitter.
func backoff(ctx context.Context, n int) error {
	ceiling := 25 * time.Millisecond << min(n, 6)
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", deltag.ErrUnavailable, ctx.Err())
	case <-time.After(rand.N(ceiling)):
		return nil
	}
}

// maxActions is how many actions one transaction takes.
const maxActions = 100

// transactChunks runs actions in order, in as many transactions as they need.
func (s *Store) transactChunks(ctx context.Context, actions []types.TransactWriteItem) error {
	for chunk := range slices.Chunk(actions, maxActions) {
		if err := s.transact(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll deletes items, in order.
func (s *Store) deleteAll(ctx context.Context, keys ...item) error {
	var actions []types.TransactWriteItem
	for _, k := range keys {
		actions = append(actions, s.delete(k, "", nil))
	}
	return s.transactChunks(ctx, actions)
}
