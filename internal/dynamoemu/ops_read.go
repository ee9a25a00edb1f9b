package dynamoemu

import (
	"errors"
)

type getItemInput struct {
	TableName      string
	Key            item
	ConsistentRead bool
}

type getItemOutput struct {
	Item item `json:",omitempty"`
}

func (s *Server) getItem(in getItemInput) (any, error) {
	it, err := s.readItem(in)
	return getItemOutput{it}, err
}

func (s *Server) readItem(in getItemInput) (item, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.primary.checkKey(in.Key); err != nil {
		return nil, err
	}
	it := t.get(in.Key)
	return it, s.throughput.read(t.primary, in.Key.text(t.primary.partitionKey()), it.size(), in.ConsistentRead)
}

// One BatchGetItem reads up to maxBatchKeys items of up to maxBatchBytes. What is more than the latter, or exceeds the
// limit of its partition, stays unprocessed.
const (
	maxBatchKeys  = 100
	maxBatchBytes = 16 << 20
)

type keysAndAttributes struct {
	Keys           []item
	ConsistentRead bool
}

// UnmarshalJSON refuses what is not supported.
func (k *keysAndAttributes) UnmarshalJSON(text []byte) error {
	type fields keysAndAttributes // has no UnmarshalJSON
	return decodeExactly(text, (*fields)(k))
}

type batchGetItemInput struct {
	RequestItems map[string]keysAndAttributes // by table
}

type batchGetItemOutput struct {
	Responses       map[string][]item
	UnprocessedKeys map[string]keysAndAttributes
}

func (s *Server) batchGetItem(in batchGetItemInput) (any, error) {
	if len(in.RequestItems) == 0 {
		return nil, invalid("BatchGetItem must have some RequestItems")
	}
	keys, size := 0, 0
	out := batchGetItemOutput{Responses: map[string][]item{}, UnprocessedKeys: map[string]keysAndAttributes{}}
	for name, wanted := range in.RequestItems {
		if keys += len(wanted.Keys); len(wanted.Keys) == 0 || keys > maxBatchKeys {
			return nil, invalid("BatchGetItem takes up to %d keys, and at least one for each table", maxBatchKeys)
		}
		t, err := s.table(name)
		if err != nil {
			return nil, err
		}
		found, left := []item{}, []item(nil)
		distinct := map[[2]string]bool{}
		for _, key := range wanted.Keys {
			distinct[[2]string{key.text(t.primary.partitionKey()), key.text(t.primary.sortKey())}] = true
			it, err := s.readItem(getItemInput{name, key, wanted.ConsistentRead})
			switch size += it.size(); {
			case size > maxBatchBytes, errors.Is(err, errThrottled):
				left = append(left, key)
			case err != nil:
				return nil, err
			case it != nil:
				found = append(found, it)
			}
		}
		if len(distinct) < len(wanted.Keys) {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		out.Responses[name] = found
		if left != nil {
			out.UnprocessedKeys[name] = keysAndAttributes{left, wanted.ConsistentRead}
		}
	}
	return out, nil
}

type queryInput struct {
	TableName                 string
	IndexName                 *string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	ExclusiveStartKey         item
	ScanIndexForward          *bool
	Limit                     *int32
	Select                    string
	ConsistentRead            bool
}

func (s *Server) query(in queryInput) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	x := t.primary
	if in.IndexName != nil {
		if x = t.indexes[*in.IndexName]; x == nil || x == t.primary || in.ConsistentRead {
			return nil, invalid("There is no index %s, or it can not be read consistently", *in.IndexName)
		}
	}
	if in.Limit != nil && *in.Limit < 1 || in.Select != "" && in.Select != "COUNT" {
		return nil, invalid("Limit must be at least 1, and Select %q can not be other than COUNT", in.Select)
	}
	condition, err := newParser(in.ExpressionAttributeNames, in.ExpressionAttributeValues).
		keyCondition(in.KeyConditionExpression, x)
	if err != nil {
		return nil, err
	}
	if len(in.ExclusiveStartKey) > 0 {
		if err := x.checkKey(in.ExclusiveStartKey); err != nil {
			return nil, err
		}
		if !condition.holds(in.ExclusiveStartKey) {
			return nil, invalid("The provided starting key does not match the range key predicate")
		}
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	out := x.page(condition, in.ExclusiveStartKey, in.Limit, backward)
	if in.Select == "COUNT" {
		out.Items = nil
	}
	return out, s.throughput.read(x, condition.start.text(x.partitionKey()), out.size, in.ConsistentRead)
}

type scanInput struct {
	TableName      string
	ConsistentRead bool
}

// scan is for tests: it returns the whole table as one page, and no partition's limit counts it.
func (s *Server) scan(in scanInput) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	n := len(t.primary.items)
	return page{Items: append([]item{}, t.primary.items...), Count: n, ScannedCount: n}, nil
}
