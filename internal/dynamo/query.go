package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// get reads one item, consistently. ErrNotFound.
func (s *Store) get(ctx context.Context, pk, sk string) (item, error) {
	if !fitsKey(pk, sk) {
		return nil, deltag.ErrNotFound
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, wrapError("get", err)
	}
	if len(out.Item) == 0 {
		return nil, deltag.ErrNotFound
	}
	return out.Item, nil
}

// fitsKey says whether an item can have the key: DynamoDB refuses longer ones, which come from requests' paths.
func fitsKey(pk, sk string) bool { return len(pk) <= 2048 && len(sk) <= 1024 }

// maxBatch is how many items one BatchGetItem reads.
const maxBatch = 100

// batchGet reads items, consistently, and returns those that exist by PK and SK, the one appended to the other. It
// takes one request for each maxBatch of keys.
func (s *Store) batchGet(ctx context.Context, keys ...item) (map[string]item, error) {
	keys = slices.DeleteFunc(keys, func(k item) bool { return !fitsKey(stringAttr(k, "PK"), stringAttr(k, "SK")) })
	found := make(map[string]item, len(keys))
	for batch := range slices.Chunk(keys, maxBatch) {
		if err := s.getBatch(ctx, batch, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// getBatch adds the items of one request to found. DynamoDB leaves keys unprocessed when it throttles: they are read
// again, maxRetries times at most.
func (s *Store) getBatch(ctx context.Context, keys []item, found map[string]item) error {
	pending := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	for attempt := 0; len(pending) > 0; attempt++ {
		if attempt > maxRetries {
			return fmt.Errorf("get: keys left unprocessed: %w", deltag.ErrUnavailable)
		}
		if attempt > 0 {
			if err := backoff(ctx, attempt); err != nil {
				return err
			}
		}
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: pending})
		if err != nil {
			return wrapError("get", err)
		}
		for _, it := range out.Responses[s.table] {
			found[stringAttr(it, "PK")+stringAttr(it, "SK")] = it
		}
		pending = out.UnprocessedKeys
	}
	return nil
}

// A query reads one partition in the order of its sort keys.
type query struct {
	index    string // "" for the table itself, read consistently
	pk       string
	prefix   string // sort keys that begin so
	from, to string // or lie between, both included
	after    item   // exclusive start
	limit    int    // 0: as much as one page holds, 1 MB
	count    bool   // only the number of items
}

// queryPage reads one page. A page may be shorter than the limit, or empty, and not be the last.
func (s *Store) queryPage(ctx context.Context, q query) (*dynamodb.QueryOutput, error) {
	pk, sk := "PK", "SK"
	in := &dynamodb.QueryInput{TableName: &s.table, ExclusiveStartKey: q.after, ConsistentRead: aws.Bool(q.index == "")}
	if q.index != "" {
		in.IndexName = &q.index
		pk, sk = q.index+"PK", q.index+"SK"
	}
	in.ExpressionAttributeValues = item{":pk": avString(q.pk)}
	condition := pk + " = :pk"
	switch {
	case q.prefix != "":
		condition += " AND begins_with(" + sk + ", :prefix)"
		in.ExpressionAttributeValues[":prefix"] = avString(q.prefix)
	case q.from != "" || q.to != "":
		condition += " AND " + sk + " BETWEEN :from AND :to"
		in.ExpressionAttributeValues[":from"], in.ExpressionAttributeValues[":to"] = avString(q.from), avString(q.to)
	}
	in.KeyConditionExpression = &condition
	if q.limit > 0 {
		in.Limit = aws.Int32(int32(q.limit))
	}
	if q.count {
		in.Select = types.SelectCount
	}
	out, err := s.client.Query(ctx, in)
	return out, wrapError("query", err)
}

// queryAll reads every page of q.
func (s *Store) queryAll(ctx context.Context, q query) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for {
			out, err := s.queryPage(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, it := range out.Items {
				if !yield(it, nil) {
					return
				}
			}
			if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
				return
			}
		}
	}
}

// decoded decodes what queryAll reads, until the first error.
func decoded[T any](items iter.Seq2[item, error], decode func(item) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for it, err := range items {
			var v T
			if err == nil {
				v, err = decode(it)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// collect is all of values, or the first error.
func collect[T any](values iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range values {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// decodePage reads and decodes one page. The next one begins behind the key last; there is none when last is empty.
func decodePage[T any](
	ctx context.Context, s *Store, q query, decode func(item) (T, error),
) (page []T, last item, err error) {
	out, err := s.queryPage(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	page = make([]T, len(out.Items))
	for i, it := range out.Items {
		if page[i], err = decode(it); err != nil {
			return nil, nil, err
		}
	}
	return page, out.LastEvaluatedKey, nil
}

// errBadCursor is the error for a cursor that no answer of ours has given.
var errBadCursor = deltag.ValidationErrors{{Field: "cursor", Code: "bad-cursor"}}

// writeCursor encodes a page's last key for the caller; "" when there is no next page.
func writeCursor(last item) string {
	if len(last) == 0 {
		return ""
	}
	plain := map[string]string{}
	for name := range last {
		plain[name] = stringAttr(last, name)
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		panic(err) // a map of strings always encodes
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// startAfter is q from a cursor on; "" is the beginning. Users of the API can change cursors, and DynamoDB refuses a key
// that q cannot have returned: errBadCursor.
func (q query) startAfter(cursor string) (query, error) {
	if cursor == "" {
		return q, nil
	}
	var plain map[string]string
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &plain)
	}
	keys := []string{"PK", "SK"}
	if q.index != "" {
		keys = append(keys, q.index+"PK", q.index+"SK")
	}
	if err != nil || len(plain) != len(keys) {
		return q, errBadCursor
	}
	after := item{}
	for _, name := range keys {
		if plain[name] == "" {
			return q, errBadCursor
		}
		after[name] = avString(plain[name])
	}
	if plain[q.index+"PK"] != q.pk || !strings.HasPrefix(plain[q.index+"SK"], q.prefix) ||
		!fitsKey(plain["PK"], plain["SK"]) || !fitsKey(q.pk, plain[q.index+"SK"]) {
		return q, errBadCursor
	}
	q.after = after
	return q, nil
}
