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
	"github.com/aws/smithy-go"

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

// Commit carries the transaction out. ErrConflict: a condition did not hold, nothing was written, and the action whose
// condition it was has Failed. It writes the audit log's entry that is to be written under ctx.
func (tx *transaction) Commit(ctx context.Context) error {
	writes := make([]types.TransactWriteItem, len(tx.actions))
	for i, a := range tx.actions {
		writes[i] = a.write
	}
	audit := deltag.AuditToWrite(ctx)
	if audit != nil {
		writes = append(writes, types.TransactWriteItem{
			Put: &types.Put{TableName: &tx.store.table, Item: encodeAudit(audit.AuditEntry)},
		})
	}
	err := retryContention(ctx, func() error {
		_, err := tx.store.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		var cancelled *types.TransactionCanceledException
		if errors.As(err, &cancelled) && tx.noteFailures(cancelled.CancellationReasons) {
			return deltag.ErrConflict
		}
		return wrapError("write", err)
	})
	if err == nil {
		audit.Written()
	}
	return err
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

// maxActions is how many actions DynamoDB takes in one transaction, without that for the audit log.
const maxActions = 100 - 1

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

// putItem writes one item, outside a transaction if it is all there is to write. ErrConflict: c did not hold.
func (s *Store) putItem(ctx context.Context, it item, c expression) error {
	if deltag.AuditToWrite(ctx) != nil {
		tx := s.begin()
		tx.Put(it, c)
		return tx.Commit(ctx)
	}
	return retryContention(ctx, func() error {
		_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: it, ConditionExpression: stringOrNil(c.text),
			ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		})
		return wrapError("put", err)
	})
}

// updateItem changes attributes of one item outside a transaction, and returns the whole item. ErrConflict: c did not
// hold; then it returns the item as it is.
func (s *Store) updateItem(ctx context.Context, key item, u, c expression) (stored item, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key, UpdateExpression: &u.text, ConditionExpression: stringOrNil(c.text),
		ExpressionAttributeNames: merge(u.names, c.names), ExpressionAttributeValues: merge(u.values, c.values),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	err = retryContention(ctx, func() error {
		out, err := s.client.UpdateItem(ctx, in)
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			stored = failed.Item
		} else if err == nil {
			stored = out.Attributes
		}
		return wrapError("update", err)
	})
	return stored, err
}

// retryTime is for how long a write is repeated that conflicts with others or is throttled: in a rush they queue up for
// some seconds, and the visitors' function has 9.5 s.
const retryTime = 9 * time.Second

// retryContention repeats a write until it does not fail for conflicts with other transactions, nor for throttling. The
// SDK repeats no transaction, and any other write three times at most.
func retryContention(ctx context.Context, write func() error) error {
	deadline := time.Now().Add(retryTime)
	for attempt := 1; ; attempt++ {
		err := write()
		timeLeft := time.Until(deadline)
		var ceiling time.Duration
		switch contentionOf(err) {
		case conflicting:
			ceiling = conflictBackoff(attempt)
		case throttled:
			ceiling = throttleBackoff
		default:
			return err
		}
		if timeLeft < minRetryTime {
			return err
		}
		if err := sleep(ctx, min(rand.N(ceiling), timeLeft/2)); err != nil { // near the end there is less and less of a rush
			return err
		}
	}
}

// A contention is why a write failed that will succeed when others are done.
type contention int

const (
	none contention = iota
	conflicting
	throttled
)

func contentionOf(err error) contention {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		found := none
		for _, reason := range cancelled.CancellationReasons {
			found = max(found, contentionCodes[aws.ToString(reason.Code)])
		}
		return found
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return contentionCodes[refused.ErrorCode()]
	}
	return none
}

// contentionCodes are the codes of errors, and of the reasons of cancelled transactions.
var contentionCodes = map[string]contention{
	"TransactionConflictException": conflicting, "TransactionInProgressException": conflicting,
	"TransactionConflict": conflicting,
	"ThrottlingException": throttled, "ThrottlingError": throttled, "RequestLimitExceeded": throttled,
	"ProvisionedThroughputExceededException": throttled, "ProvisionedThroughputExceeded": throttled,
}

// conflictBackoff is the longest wait before retry n of what lost against another write: about as long as that takes.
func conflictBackoff(n int) time.Duration { return 25 * time.Millisecond << min(n, 5) }

// throttleBackoff is the longest wait before what was throttled is repeated. It is long at once: cancelled transactions
// use up capacity, too, so a thousand that try again soon leave nothing for each other.
const throttleBackoff = 4 * time.Second

// minRetryTime is left for a last try: a write with less is given up.
const minRetryTime = 25 * time.Millisecond

// maxRetries of what lost against another write.
const maxRetries = 8

// backoff waits before retry n, with full jitter.
func backoff(ctx context.Context, n int) error { return sleep(ctx, rand.N(conflictBackoff(n))) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", deltag.ErrUnavailable, ctx.Err())
	case <-time.After(d):
		return nil
	}
}
