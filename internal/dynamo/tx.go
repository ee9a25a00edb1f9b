package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// An expression is a condition on the stored item, or an update of it, with the names and values of its placeholders.
// As a condition, the zero value always holds.
type expression struct {
	text   string
	names  map[string]string
	values item
}

var (
	always        = expression{}
	condNotExists = expression{text: "attribute_not_exists(PK)"}
	condExists    = expression{text: "attribute_exists(PK)"}
)

// condRevision holds while the item has the revision that was read.
func condRevision(revision int) expression {
	return expression{text: "Revision = :revision", values: item{":revision": avNumber(revision)}}
}

// condNotExistsOr holds if there is no item, or if the one there is satisfies text.
func condNotExistsOr(text string, values item) expression {
	return expression{text: condNotExists.text + " OR " + text, values: values}
}

// A transaction is a TransactWriteItems call being built: all of its actions are carried out, or none.
type transaction struct {
	store   *Store
	actions []*action
}

// An action is one write or check of a transaction.
type action struct {
	write  types.TransactWriteItem
	failed bool
}

// Failed reports whether Commit failed because a's condition did not hold. A nil action, which was not added, never
// fails.
func (a *action) Failed() bool { return a != nil && a.failed }

func (s *Store) begin() *transaction { return &transaction{store: s} }

// Put writes a whole item.
func (tx *transaction) Put(it item, c expression) *action {
	return tx.add(types.TransactWriteItem{Put: &types.Put{
		TableName: &tx.store.table, Item: it, ConditionExpression: stringOrNil(c.text),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}})
}

// Update changes attributes of an item. The placeholders of u must differ from those of c.
func (tx *transaction) Update(key item, u, c expression) *action {
	return tx.add(types.TransactWriteItem{Update: &types.Update{
		TableName: &tx.store.table, Key: key, UpdateExpression: &u.text, ConditionExpression: stringOrNil(c.text),
		ExpressionAttributeNames: merge(u.names, c.names), ExpressionAttributeValues: merge(u.values, c.values),
	}})
}

// Delete removes an item, if it is there.
func (tx *transaction) Delete(key item, c expression) *action {
	return tx.add(types.TransactWriteItem{Delete: &types.Delete{
		TableName: &tx.store.table, Key: key, ConditionExpression: stringOrNil(c.text),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}})
}

// Check writes nothing: it only makes the transaction depend on an item.
func (tx *transaction) Check(key item, c expression) *action {
	return tx.add(types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &tx.store.table, Key: key, ConditionExpression: &c.text,
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}})
}

func (tx *transaction) add(write types.TransactWriteItem) *action {
	a := &action{write: write}
	tx.actions = append(tx.actions, a)
	return a
}

// merge returns nil for two empty maps, since DynamoDB refuses an empty one.
func merge[V any](a, b map[string]V) map[string]V {
	if len(b) == 0 {
		return a
	}
	merged := maps.Clone(b)
	maps.Copy(merged, a)
	return merged
}

// Commit carries the transaction out. It retries conflicts with other transactions, which the SDK does not do;
// maxRetries of them in a row are ErrUnavailable. ErrConflict: a condition did not hold, nothing was written, and the
// action whose condition it was has Failed.
func (tx *transaction) Commit(ctx context.Context) error {
	writes := make([]types.TransactWriteItem, len(tx.actions))
	for i, a := range tx.actions {
		writes[i] = a.write
	}
	for attempt := 1; ; attempt++ {
		_, err := tx.store.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		var cancelled *types.TransactionCanceledException
		if err == nil || !errors.As(err, &cancelled) {
			return wrapError("write", err)
		}
		if tx.noteFailures(cancelled.CancellationReasons) {
			return deltag.ErrConflict
		}
		if attempt == maxRetries {
			return wrapError("write", err)
		}
		if err := backoff(ctx, attempt); err != nil {
			return err
		}
	}
}

// noteFailures reports whether any condition did not hold. DynamoDB gives one reason for each action, in order.
func (tx *transaction) noteFailures(reasons []types.CancellationReason) bool {
	failed := false
	for i, reason := range reasons {
		if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
			tx.actions[i].failed, failed = true, true
		}
	}
	return failed
}

// maxActions is how many actions DynamoDB takes in one transaction.
const maxActions = 100

// CommitInChunks carries the actions out in order, in as many transactions as they need. An error leaves those before
// it done.
func (tx *transaction) CommitInChunks(ctx context.Context) error {
	for chunk := range slices.Chunk(tx.actions, maxActions) {
		part := transaction{store: tx.store, actions: chunk}
		if err := part.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll deletes items, or keys of them, in order, not all or nothing.
func (s *Store) deleteAll(ctx context.Context, items ...item) error {
	tx := s.begin()
	for _, it := range items {
		tx.Delete(keyOf(it), always)
	}
	return tx.CommitInChunks(ctx)
}

// putItem writes one item outside a transaction. ErrConflict: c did not hold.
func (s *Store) putItem(ctx context.Context, it item, c expression) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: it, ConditionExpression: stringOrNil(c.text),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	})
	return wrapError("put", err)
}

// updateItem changes attributes of one item outside a transaction; it creates the item if c allows that. A transaction
// that has the item is waited for. The placeholders of u must differ from those of c. ErrConflict: c did not hold.
func (s *Store) updateItem(ctx context.Context, key item, u, c expression) error {
	for attempt := 1; ; attempt++ {
		_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: key, UpdateExpression: &u.text, ConditionExpression: stringOrNil(c.text),
			ExpressionAttributeNames: merge(u.names, c.names), ExpressionAttributeValues: merge(u.values, c.values),
		})
		var inTransaction *types.TransactionConflictException
		if !errors.As(err, &inTransaction) || attempt == maxRetries {
			return wrapError("update", err)
		}
		if err := backoff(ctx, attempt); err != nil {
			return err
		}
	}
}

// maxRetries of a transaction that lost against another. With full jitter up to 1.6 s each, 8 tries outlast a rush on
// one seat counter and stay far below the 29 s of a request.
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
