package dynamoemu

import (
	"errors"
	"reflect"
	"slices"
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
	if err := t.checkKey(in.Key); err != nil {
		return nil, err
	}
	it := t.get(in.Key)
	return it, s.throughput.read(t.primary, in.Key.text(t.primary.keys.partition), it.size(), in.ConsistentRead)
}

// One BatchGetItem reads up to maxBatchKeys items of up to maxBatchBytes. What is more than the latter, or comes too
// fast for its partition, stays unprocessed.
const (
	maxBatchKeys  = 100
	maxBatchBytes = 16 << 20
)

type keysAndAttributes struct {
	Keys           []item
	ConsistentRead bool
}

type batchGetItemInput struct {
	RequestItems map[string]keysAndAttributes // by table
}

type batchGetItemOutput struct {
	Responses       map[string][]item
	UnprocessedKeys map[string]keysAndAttributes
}

func (s *Server) batchGetItem(in batchGetItemInput) (any, error) {
	keys, size := 0, 0
	out := batchGetItemOutput{Responses: map[string][]item{}, UnprocessedKeys: map[string]keysAndAttributes{}}
	for name, asked := range in.RequestItems {
		if len(asked.Keys) == 0 {
			return nil, invalid("The list of keys in RequestItems is required: %s has empty list", name)
		}
		out.Responses[name] = []item{}
		var left []item
		for i, key := range asked.Keys {
			if keys++; keys > maxBatchKeys {
				return nil, invalid("Too many items requested for the BatchGetItem call")
			}
			if slices.ContainsFunc(asked.Keys[:i], func(k item) bool { return reflect.DeepEqual(k, key) }) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			it, err := s.readItem(getItemInput{name, key, asked.ConsistentRead})
			switch size += it.size(); {
			case size > maxBatchBytes, errors.Is(err, errThrottled):
				left = append(left, key)
			case err != nil:
				return nil, err
			case it != nil:
				out.Responses[name] = append(out.Responses[name], it)
			}
		}
		if len(left) > 0 {
			out.UnprocessedKeys[name] = keysAndAttributes{left, asked.ConsistentRead}
		}
	}
	if keys == 0 {
		return nil, invalid("BatchGetItem must have some requests set")
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
	Limit                     *int
	Select                    string
	ConsistentRead            bool
}

func (s *Server) query(in queryInput) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	x, err := t.index(in)
	if err != nil {
		return nil, err
	}
	p, err := newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	condition, err := p.keyCondition(in.KeyConditionExpression, x.keys)
	if err != nil {
		return nil, err
	}
	if err := p.checkUsed(); err != nil {
		return nil, err
	}
	if len(in.ExclusiveStartKey) > 0 {
		if err := x.checkCursor(in.ExclusiveStartKey, condition); err != nil {
			return nil, err
		}
	}
	out := x.page(x.within(condition), in.ExclusiveStartKey, in.Limit)
	if in.Select == "COUNT" {
		out.Items = nil
	}
	return out, s.throughput.read(x, condition.partition, out.size, in.ConsistentRead)
}

// index is the table itself or one of its indexes, if the rest of the request suits it.
func (t *table) index(in queryInput) (*index, error) {
	if in.Limit != nil && *in.Limit < 1 {
		return nil, invalid("Limit must be greater than or equal to 1")
	}
	if in.Select != "" && in.Select != "COUNT" {
		return nil, invalid("Select %s is not supported", in.Select)
	}
	if in.IndexName == nil {
		return t.primary, nil
	}
	x, ok := t.indexes[*in.IndexName]
	switch {
	case !ok || x == t.primary:
		return nil, invalid("The table does not have the specified index: %s", *in.IndexName)
	case in.ConsistentRead:
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	return x, nil
}

type scanInput struct {
	TableName         string
	ExclusiveStartKey item
	ConsistentRead    bool
}

// scan goes through the table partition by partition. It is for tests: nothing counts what it reads.
func (s *Server) scan(in scanInput) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if start := in.ExclusiveStartKey; len(start) > 0 {
		anywhere := keyCondition{partition: start.text(t.primary.keys.partition)}
		if err := t.primary.checkCursor(start, anywhere); err != nil {
			return nil, err
		}
	}
	return t.primary.page(t.primary.everything(), in.ExclusiveStartKey, nil), nil
}
