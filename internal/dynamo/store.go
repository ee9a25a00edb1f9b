// Package dynamo keeps events, registrations and the mail ledger in one DynamoDB table.
//
// Every change of state is a conditional write or a transaction; nothing is read and then written
// without a condition on what was read. Reads that decide something are consistent. The index is
// eventually consistent and only ever names candidates.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// A Client is what the store calls of DynamoDB.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// A Store is the table. It is safe for concurrent use.
type Store struct {
	client  Client
	table   string
	random  io.Reader
	events  eventCache
	hashKey hashKey
}

// New returns the store of a table. random makes the secrets of registrations.
func New(client Client, table string, random io.Reader) *Store {
	return &Store{client: client, table: table, random: random}
}

// Ping says whether the table can be reached.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.get(ctx, "PING", "-")
	if errors.Is(err, deltag.ErrNotFound) {
		return nil
	}
	return err
}

// get reads one item, consistently.
func (s *Store) get(ctx context.Context, pk, sk string) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, wrapError("get", err)
	}
	if len(out.Item) == 0 {
		return nil, deltag.ErrNotFound
	}
	return out.Item, nil
}

// maxBatch is how many items one BatchGetItem reads.
const maxBatch = 100

// batchGet reads up to maxBatch items in one call, consistently, and returns them by sort key. What is
// not there is missing from the answer.
func (s *Store) batchGet(ctx context.Context, keys ...item) (map[string]item, error) {
	found := make(map[string]item, len(keys))
	ask := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	for attempt := 0; len(ask) > 0; attempt++ {
		if attempt > 0 {
			if err := backoff(ctx, attempt); err != nil {
				return nil, err
			}
		}
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask})
		if err != nil {
			return nil, wrapError("get", err)
		}
		for _, it := range out.Responses[s.table] {
			found[stringAttr(it, "PK")+stringAttr(it, "SK")] = it
		}
		if ask = out.UnprocessedKeys; attempt == maxRetries && len(ask) > 0 {
			return nil, fmt.Errorf("get: keys left unprocessed: %w", deltag.ErrUnavailable)
		}
	}
	return found, nil
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

// wrapError turns what the SDK says into the domain's words: a failed condition is ErrConflict, and
// everything else means that the store did not do its work.
func wrapError(doing string, err error) error {
	var condition *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &condition):
		return deltag.ErrConflict
	}
	return fmt.Errorf("%s: %w: %w", doing, deltag.ErrUnavailable, err)
}

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

const (
	condNotExists = "attribute_not_exists(PK)"
	condExists    = "attribute_exists(PK)"
	condRevision  = "Revision = :was"
)

// revisionParam is the value of unchanged.
func revisionParam(revision int) item { return item{":was": avNumber(revision)} }

func stringOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func stringAttr(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// encode turns an item struct into what DynamoDB stores. The structs hold strings, numbers and lists
// only, which always encode.
func encode(v any) item {
	it, err := attributevalue.MarshalMap(v)
	if err != nil {
		panic(err)
	}
	return it
}

func decode[T any](it item) (T, error) {
	var v T
	if err := attributevalue.UnmarshalMap(it, &v); err != nil {
		return v, fmt.Errorf("item %s: %w", stringAttr(it, "SK"), err)
	}
	return v, nil
}
