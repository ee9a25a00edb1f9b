package local

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// A request is every request about one item or one stretch of a table; each operation uses its part of it.
type request struct {
	TableName string
	Key, Item item

	ConditionExpression, UpdateExpression, KeyConditionExpression, FilterExpression, ProjectionExpression string
	ExpressionAttributeNames                                                                              map[string]string
	ExpressionAttributeValues                                                                             item
	ReturnValues, ReturnValuesOnConditionCheckFailure                                                     string

	IndexName, Select string
	ConsistentRead    bool
	ScanIndexForward  *bool
	Limit             *int
	ExclusiveStartKey item

	ReturnConsumedCapacity, ReturnItemCollectionMetrics string // nothing is metered here
}

// decode refuses what the engine does not know, rather than to do half of it.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformed(err)
	}
	return nil
}

var reads = map[string]func(*Engine, []byte) (any, error){
	"ListTables": func(e *Engine, _ []byte) (any, error) {
		return map[string]any{"TableNames": slices.Sorted(maps.Keys(e.tables))}, nil
	},
	"DescribeTable": func(e *Engine, body []byte) (any, error) {
		t, err := e.named(body)
		if err != nil {
			return nil, err
		}
		return map[string]any{"Table": t.describe()}, nil
	},
	"GetItem":          one((*Engine).getItem),
	"Query":            one((*Engine).query),
	"Scan":             one((*Engine).scan),
	"BatchGetItem":     (*Engine).batchGet,
	"TransactGetItems": (*Engine).transactGet,
}

func one(operation func(*Engine, request) (any, error)) func(*Engine, []byte) (any, error) {
	return func(e *Engine, body []byte) (any, error) {
		var r request
		if err := decode(body, &r); err != nil {
			return nil, err
		}
		return operation(e, r)
	}
}

// named reads a request that names a table and nothing else.
func (e *Engine) named(body []byte) (*table, error) {
	var r struct{ TableName string }
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	return e.table(r.TableName)
}

func (e *Engine) table(name string) (*table, error) {
	t, ok := e.tables[name]
	if !ok {
		return nil, &fault{Type: "ResourceNotFoundException", Message: "Requested resource not found: Table: " + name + " not found"}
	}
	return t, nil
}

type found struct {
	Item item `json:",omitempty"`
}

func (e *Engine) getItem(r request) (any, error) {
	t, err := e.table(r.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.checkKey(r.Key); err != nil {
		return nil, err
	}
	p, err := newPlaceholders(r.ExpressionAttributeNames, nil)
	if err != nil {
		return nil, err
	}
	project, err := p.projection(r.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if err := p.allUsed(); err != nil {
		return nil, err
	}
	it, ok := t.get(r.Key)
	if !ok {
		return found{}, nil
	}
	return found{project(it)}, nil
}

// maxGets is how many items one BatchGetItem or TransactGetItems reads.
const maxGets = 100

func (e *Engine) batchGet(body []byte) (any, error) {
	var batch struct {
		RequestItems map[string]struct {
			Keys                     []item
			ConsistentRead           bool
			ProjectionExpression     string
			ExpressionAttributeNames map[string]string
		}
		ReturnConsumedCapacity string
	}
	if err := decode(body, &batch); err != nil {
		return nil, err
	}
	responses := map[string][]item{}
	n := 0
	for name, asked := range batch.RequestItems {
		responses[name] = []item{}
		for i, key := range asked.Keys {
			if n++; n > maxGets {
				return nil, invalid("Too many items requested for the BatchGetItem call")
			}
			if slices.ContainsFunc(asked.Keys[:i], func(other item) bool { return equalItems(other, key) }) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			out, err := e.getItem(request{
				TableName: name, Key: key,
				ProjectionExpression: asked.ProjectionExpression, ExpressionAttributeNames: asked.ExpressionAttributeNames,
			})
			if err != nil {
				return nil, err
			}
			if it := out.(found).Item; it != nil {
				responses[name] = append(responses[name], it)
			}
		}
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": struct{}{}}, nil
}

func (e *Engine) transactGet(body []byte) (any, error) {
	var batch struct {
		TransactItems          []struct{ Get request }
		ReturnConsumedCapacity string
	}
	if err := decode(body, &batch); err != nil {
		return nil, err
	}
	if len(batch.TransactItems) > maxGets {
		return nil, invalid("Too many items requested for the TransactGetItems call")
	}
	responses := make([]any, len(batch.TransactItems))
	for i, asked := range batch.TransactItems {
		var err error
		if responses[i], err = e.getItem(asked.Get); err != nil {
			return nil, err
		}
	}
	return map[string]any{"Responses": responses}, nil
}

// A page is what Query and Scan answer.
type page struct {
	Items            []item `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey item `json:",omitempty"`
}

func (e *Engine) query(r request) (any, error) {
	t, err := e.table(r.TableName)
	if err != nil {
		return nil, err
	}
	o, err := t.order(r)
	if err != nil {
		return nil, err
	}
	p, err := newPlaceholders(r.ExpressionAttributeNames, r.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	hash, stretch, err := p.keyCondition(r.KeyConditionExpression, o.keys)
	if err != nil {
		return nil, err
	}
	return r.page(p, o, o.within(hash, stretch), o.compare)
}

func (e *Engine) scan(r request) (any, error) {
	t, err := e.table(r.TableName)
	if err != nil {
		return nil, err
	}
	o, err := t.order(r)
	if err != nil {
		return nil, err
	}
	p, err := newPlaceholders(r.ExpressionAttributeNames, r.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	return r.page(p, o, o.everything(), o.compareAll)
}

// order is the table itself or one of its indexes.
func (t *table) order(r request) (*order, error) {
	if r.IndexName == "" {
		return t.primary, nil
	}
	o, ok := t.indexes[r.IndexName]
	if !ok {
		return nil, invalid("The table does not have the specified index: %s", r.IndexName)
	}
	if o.global && r.ConsistentRead {
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	return o, nil
}

// maxPage is where DynamoDB ends a page, in bytes.
const maxPage = 1 << 20

// page reads on from the request's start key. compare says how items lie in all.
func (r request) page(p *placeholders, o *order, all []item, compare func(a, b item) int) (any, error) {
	holds, err := p.condition(r.FilterExpression)
	if err != nil {
		return nil, err
	}
	project, err := p.projection(r.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if err := p.allUsed(); err != nil {
		return nil, err
	}
	if r.Limit != nil && *r.Limit < 1 {
		return nil, invalid("Limit must be greater than or equal to 1")
	}
	next, err := r.walk(o, all, compare)
	if err != nil {
		return nil, err
	}
	var out page
	if r.Select != "COUNT" {
		out.Items = []item{}
	}
	size := 0
	var last item
	for it := range next {
		if size >= maxPage {
			out.LastEvaluatedKey = o.cursor(last)
			break
		}
		last = it
		seen := o.show(it)
		out.ScannedCount++
		size += seen.size()
		if holds(seen) {
			out.Count++
			if out.Items != nil {
				out.Items = append(out.Items, project(seen))
			}
		}
		if r.Limit != nil && out.ScannedCount == *r.Limit {
			out.LastEvaluatedKey = o.cursor(it) // even if nothing lies behind it
			break
		}
	}
	return out, nil
}

// walk goes through all in the request's direction, from behind its start key. The item of that key may be gone.
func (r request) walk(o *order, all []item, compare func(a, b item) int) (func(func(item) bool), error) {
	forward := r.ScanIndexForward == nil || *r.ScanIndexForward
	if len(r.ExclusiveStartKey) > 0 {
		key := r.ExclusiveStartKey
		if err := key.check(); err != nil {
			return nil, err
		}
		if len(key) != len(o.cursor(key)) || !o.keys.complete(key) || !o.tableKeys.complete(key) {
			return nil, invalid("The provided starting key is invalid")
		}
		at, there := slices.BinarySearchFunc(all, key, compare)
		switch {
		case !forward:
			all = all[:at]
		case there:
			all = all[at+1:]
		default:
			all = all[at:]
		}
	}
	if forward {
		return slices.Values(all), nil
	}
	return func(yield func(item) bool) {
		for _, it := range slices.Backward(all) {
			if !yield(it) {
				return
			}
		}
	}, nil
}

// cursor is the key that a next page begins behind.
func (o *order) cursor(it item) item {
	key := o.tableKeys.of(it)
	maps.Copy(key, o.keys.of(it))
	return key
}
