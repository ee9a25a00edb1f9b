package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// get reads one item, consistently. ErrNotFound.
func (s *Store) get(ctx context.Context, key item) (item, error) {
	if !fitsKey(key) {
		return nil, deltag.ErrNotFound
	}
	in := &dynamodb.GetItemInput{TableName: &s.table, Key: key, ConsistentRead: aws.Bool(true)}
	out, err := s.client.GetItem(ctx, in)
	if err != nil {
		return nil, wrapError("get", err)
	}
	if len(out.Item) == 0 {
		return nil, deltag.ErrNotFound
	}
	return out.Item, nil
}

// read gets and decodes one item. ErrNotFound.
func read[T any](ctx context.Context, s *Store, key item, decode func(item) (T, error)) (v T, err error) {
	it, err := s.get(ctx, key)
	if err != nil {
		return v, err
	}
	return decode(it)
}

// maxBatch is how many items one BatchGetItem reads.
const maxBatch = 100

// batchGet reads items, consistently, and returns those that exist by keyText. It takes one request for each maxBatch
// of keys.
func (s *Store) batchGet(ctx context.Context, keys ...item) (map[string]item, error) {
	keys = slices.DeleteFunc(keys, func(key item) bool { return !fitsKey(key) })
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
			found[keyText(it)] = it
		}
		pending = out.UnprocessedKeys
	}
	return nil
}

// decodeFound decodes the item with a key among those that batchGet has found. ErrNotFound.
func decodeFound[T any](found map[string]item, key item, decode func(item) (T, error)) (v T, err error) {
	it, ok := found[keyText(key)]
	if !ok {
		return v, deltag.ErrNotFound
	}
	return decode(it)
}

// A query reads one partition in the order of its sort keys.
type query struct {
	index    string // "" for the table itself, read consistently
	pk       string
	prefix   string // sort keys that begin so
	from, to string // or lie between, both included
	after    item   // exclusive start
	backward bool   // from the highest sort key to the lowest
	limit    int    // 0: as much as one page holds, 1 MB
	count    bool   // only the number of items
}

// queryPage reads one page. A page may be shorter than the limit, or empty, and not be the last.
func (s *Store) queryPage(
	ctx context.Context, q query, options ...func(*dynamodb.Options),
) (*dynamodb.QueryOutput, error) {
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
	if q.backward {
		in.ScanIndexForward = aws.Bool(false)
	}
	if q.limit > 0 {
		in.Limit = aws.Int32(int32(q.limit))
	}
	if q.count {
		in.Select = types.SelectCount
	}
	out, err := s.client.Query(ctx, in, options...)
	return out, wrapError("query", err)
}

// decodePage reads and decodes one page. The next one begins behind the key last; there is none when last is empty.
func decodePage[T any](
	ctx context.Context, s *Store, q query, decode func(item) (T, error),
) (page []T, last item, err error) {
	out, err := s.queryPage(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	page, err = decodeAll(out.Items, decode)
	return page, out.LastEvaluatedKey, err
}

func decodeAll[T any](items []item, decode func(item) (T, error)) (all []T, err error) {
	all = make([]T, len(items))
	for i, it := range items {
		if all[i], err = decode(it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// forEach calls do with every item of q, page by page.
func forEach[T any](ctx context.Context, s *Store, q query, decode func(item) (T, error), do func(T)) error {
	for {
		page, last, err := decodePage(ctx, s, q, decode)
		if err != nil {
			return err
		}
		for _, v := range page {
			do(v)
		}
		if q.after = last; len(last) == 0 {
			return nil
		}
	}
}

// readAll reads every item of q.
func readAll[T any](ctx context.Context, s *Store, q query, decode func(item) (T, error)) (all []T, err error) {
	err = forEach(ctx, s, q, decode, func(v T) { all = append(all, v) })
	return all, err
}

// readUpTo reads up to q.limit items, of as many pages as they take.
func (s *Store) readUpTo(ctx context.Context, q query) (items []item, err error) {
	limit := q.limit
	for {
		q.limit = limit - len(items)
		page, last, err := decodePage(ctx, s, q, asItem)
		if err != nil {
			return nil, err
		}
		if items, q.after = append(items, page...), last; len(last) == 0 || len(items) >= limit {
			return items, nil
		}
	}
}

// inParallel calls do for each of in, all at once, and returns the results in order, or any of the errors.
func inParallel[In, Out any](in []In, do func(In) (Out, error)) ([]Out, error) {
	var group errgroup.Group
	out := make([]Out, len(in))
	for i, v := range in {
		group.Go(func() (err error) {
			out[i], err = do(v)
			return err
		})
	}
	return out, group.Wait()
}

// asItem is for the callers of forEach that need no more than some attributes.
func asItem(it item) (item, error) { return it, nil }

// list reads the page behind a cursor, "" for the first, and the cursor of the next page, "" at the end.
func list[T any](
	ctx context.Context, s *Store, q query, cursor string, decode func(item) (T, error),
) (page []T, next string, err error) {
	if cursor != "" {
		if q.after, err = parseCursor(cursor); err != nil || !q.canHaveReturned(q.after) {
			return nil, "", errBadCursor
		}
	}
	page, last, err := decodePage(ctx, s, q, decode)
	return page, formatCursor(last), err
}

// errBadCursor is the error for a cursor that no answer of ours has given.
var errBadCursor = deltag.ValidationErrors{{Field: "cursor", Code: "bad-cursor"}}

// formatCursor encodes a page's last key for the caller; "" when there is no next page.
func formatCursor(last item) string {
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

// parseCursor is the inverse of formatCursor. errBadCursor.
func parseCursor(cursor string) (item, error) {
	var plain map[string]string
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &plain)
	}
	if err != nil {
		return nil, errBadCursor
	}
	after := item{}
	for name, value := range plain {
		after[name] = avString(value)
	}
	return after, nil
}

// canHaveReturned says whether q may have returned an item with such a key. DynamoDB refuses to start behind any other,
// and users of the API can change cursors.
func (q query) canHaveReturned(key item) bool {
	names := []string{"PK", "SK"}
	if q.index != "" {
		names = append(names, q.index+"PK", q.index+"SK")
	}
	for _, name := range names {
		if value := stringAttr(key, name); value == "" {
			return false
		}
	}
	pk, sk := stringAttr(key, q.index+"PK"), stringAttr(key, q.index+"SK")
	return len(key) == len(names) && pk == q.pk && strings.HasPrefix(sk, q.prefix) &&
		sk >= q.from && (q.to == "" || sk <= q.to) &&
		fitsKey(key) && fitsKey(item{"PK": avString(pk), "SK": avString(sk)})
}
