package local

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

var writes = map[string]func(*Engine, []byte) (any, error){
	"CreateTable":        (*Engine).createTable,
	"DeleteTable":        (*Engine).deleteTable,
	"PutItem":            one((*Engine).putItem),
	"UpdateItem":         one((*Engine).updateItem),
	"DeleteItem":         one((*Engine).deleteItem),
	"BatchWriteItem":     (*Engine).batchWrite,
	"TransactWriteItems": (*Engine).transactWrite,
}

func (e *Engine) createTable(body []byte) (any, error) {
	d, err := definitionOf(body)
	if err != nil {
		return nil, err
	}
	if _, exists := e.tables[d.TableName]; exists {
		return nil, &fault{Type: "ResourceInUseException", Message: "Table already exists: " + d.TableName}
	}
	if _, err := newTable(d); err != nil {
		return nil, err
	}
	if err := e.commit(record{Create: &d}); err != nil {
		return nil, err
	}
	return map[string]any{"TableDescription": e.tables[d.TableName].describe()}, nil
}

func (e *Engine) deleteTable(body []byte) (any, error) {
	t, err := e.named(body)
	if err != nil {
		return nil, err
	}
	if err := e.commit(record{Drop: t.definition.TableName}); err != nil {
		return nil, err
	}
	return map[string]any{"TableDescription": t.describe()}, nil
}

// A change is what a write does to one item once its condition holds. It is made but not committed.
type change struct {
	table     *table
	key       item
	old, made item // nil: not there
	update    *update
	checked   bool // only looked at
}

type kindOfWrite int

const (
	put kindOfWrite = iota
	updating
	deleting
	checking
)

// plan decides what a write would do. A condition that does not hold is a ConditionalCheckFailedException.
func (e *Engine) plan(kind kindOfWrite, r request) (change, error) {
	t, err := e.table(r.TableName)
	if err != nil {
		return change{}, err
	}
	c := change{table: t, key: r.Key, checked: kind == checking}
	if kind == put {
		if err := t.checkItem(r.Item); err != nil {
			return c, err
		}
		c.key = t.primary.keys.of(r.Item)
	}
	if err := t.checkKey(c.key); err != nil {
		return c, err
	}
	holds, err := c.compile(r)
	if err != nil {
		return c, err
	}
	c.old, _ = t.get(c.key)
	if !holds(c.old) {
		return c, refusal(r, c.old)
	}
	c.made, err = c.make(kind, r)
	return c, err
}

// compile checks all of the request's expressions before any of them is used.
func (c *change) compile(r request) (predicate, error) {
	p, err := newPlaceholders(r.ExpressionAttributeNames, r.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	holds, err := p.condition(r.ConditionExpression)
	if err != nil {
		return nil, err
	}
	if c.update, err = p.update(r.UpdateExpression); err != nil {
		return nil, err
	}
	for _, target := range c.update.targets {
		if _, isKey := c.key[target.root()]; isKey {
			return nil, invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", target.root())
		}
	}
	return holds, p.allUsed()
}

func (c *change) make(kind kindOfWrite, r request) (item, error) {
	switch kind {
	case put:
		return r.Item, nil
	case deleting, checking:
		return nil, nil
	}
	before := c.old
	if before == nil {
		before = c.key
	}
	made, err := c.update.apply(before)
	if err != nil {
		return nil, err
	}
	return made, c.table.checkItem(made)
}

func refusal(r request, old item) error {
	f := &fault{Type: "ConditionalCheckFailedException", Message: "The conditional request failed"}
	if r.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
		f.Item = old
	}
	return f
}

// commitAll makes changes, all or none.
func (e *Engine) commitAll(changes ...change) error {
	rec := record{Put: map[string][]item{}, Delete: map[string][]item{}}
	for _, c := range changes {
		name := c.table.definition.TableName
		switch {
		case c.checked:
		case c.made != nil:
			rec.Put[name] = append(rec.Put[name], c.made)
		case c.old != nil:
			rec.Delete[name] = append(rec.Delete[name], c.key)
		}
	}
	if len(rec.Put)+len(rec.Delete) == 0 {
		return nil
	}
	return e.commit(rec)
}

type attributes struct {
	Attributes item `json:",omitempty"`
}

func (e *Engine) putItem(r request) (any, error)    { return e.writeOne(put, r) }
func (e *Engine) updateItem(r request) (any, error) { return e.writeOne(updating, r) }
func (e *Engine) deleteItem(r request) (any, error) { return e.writeOne(deleting, r) }

func (e *Engine) writeOne(kind kindOfWrite, r request) (any, error) {
	c, err := e.plan(kind, r)
	if err != nil {
		return nil, err
	}
	out, err := c.returned(kind, r.ReturnValues)
	if err != nil {
		return nil, err
	}
	return out, e.commitAll(c)
}

func (c change) returned(kind kindOfWrite, which string) (any, error) {
	switch which {
	case "", "NONE":
		return attributes{}, nil
	case "ALL_OLD":
		return attributes{c.old}, nil
	}
	if kind == updating {
		switch which {
		case "ALL_NEW":
			return attributes{c.made}, nil
		case "UPDATED_OLD":
			return attributes{c.update.touched(c.old)}, nil
		case "UPDATED_NEW":
			return attributes{c.update.touched(c.made)}, nil
		}
	}
	return nil, invalid("ReturnValues can not be %s", which)
}

// maxBatch is how many items one BatchWriteItem writes.
const maxBatch = 25

func (e *Engine) batchWrite(body []byte) (any, error) {
	var batch struct {
		RequestItems map[string][]struct {
			PutRequest    *struct{ Item item }
			DeleteRequest *struct{ Key item }
		}
		ReturnConsumedCapacity, ReturnItemCollectionMetrics string
	}
	if err := decode(body, &batch); err != nil {
		return nil, err
	}
	var changes changeSet
	for name, list := range batch.RequestItems {
		for _, asked := range list {
			kind, r := deleting, request{TableName: name}
			switch {
			case asked.PutRequest != nil:
				kind, r.Item = put, asked.PutRequest.Item
			case asked.DeleteRequest != nil:
				r.Key = asked.DeleteRequest.Key
			}
			c, err := e.plan(kind, r)
			if err != nil {
				return nil, err
			}
			if !changes.add(c) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
		}
	}
	if len(changes.list) > maxBatch {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	return map[string]any{"UnprocessedItems": struct{}{}}, e.commitAll(changes.list...)
}

// A changeSet concerns each item once.
type changeSet struct {
	list []change
	seen map[string]bool
}

func (s *changeSet) add(c change) bool {
	id := c.table.definition.TableName
	for _, name := range c.table.primary.keys.names() {
		id += fmt.Sprintf(" %q", spell(c.key[name]))
	}
	if s.seen[id] {
		return false
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[id] = true
	s.list = append(s.list, c)
	return true
}

const (
	// maxActions and maxTransaction, in bytes, bound one transaction.
	maxActions     = 100
	maxTransaction = 4 << 20
)

type transaction struct {
	TransactItems []struct{ Put, Update, Delete, ConditionCheck *request }

	ClientRequestToken                                  string
	ReturnConsumedCapacity, ReturnItemCollectionMetrics string
}

func (e *Engine) transactWrite(body []byte) (any, error) {
	var tx transaction
	if err := decode(body, &tx); err != nil {
		return nil, err
	}
	if len(tx.TransactItems) == 0 || len(tx.TransactItems) > maxActions || len(body) > maxTransaction {
		return nil, invalid("Member must have length less than or equal to %d", maxActions)
	}
	same, err := json.Marshal(tx.TransactItems) // in one order, whatever the client's was
	if err != nil {
		return nil, err
	}
	done, err := e.tokens.used(tx.ClientRequestToken, same)
	if done || err != nil {
		return struct{}{}, err
	}
	changes, err := e.planAll(tx)
	if err != nil {
		return nil, err
	}
	if err := e.commitAll(changes...); err != nil {
		return nil, err
	}
	e.tokens.use(tx.ClientRequestToken, same)
	return struct{}{}, nil
}

// planAll decides about every action of a transaction before any is made, so that all reasons are known.
func (e *Engine) planAll(tx transaction) ([]change, error) {
	var changes changeSet
	reasons := make([]any, len(tx.TransactItems))
	codes := make([]string, len(tx.TransactItems))
	refused := false
	for i, asked := range tx.TransactItems {
		var c change
		var err error
		switch {
		case asked.Put != nil:
			c, err = e.plan(put, *asked.Put)
		case asked.Update != nil:
			c, err = e.plan(updating, *asked.Update)
		case asked.Delete != nil:
			c, err = e.plan(deleting, *asked.Delete)
		case asked.ConditionCheck != nil:
			c, err = e.plan(checking, *asked.ConditionCheck)
		default:
			err = invalid("A transaction's item must hold one action")
		}
		f, failed := err.(*fault)
		if failed && f.Type != "ConditionalCheckFailedException" {
			return nil, f
		}
		if !changes.add(c) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		codes[i] = "None"
		reasons[i] = map[string]any{"Code": "None"}
		if failed {
			refused, codes[i] = true, "ConditionalCheckFailed"
			reasons[i] = struct {
				Code, Message string
				Item          item `json:",omitempty"`
			}{codes[i], f.Message, f.Item}
		}
	}
	if !refused {
		return changes.list, nil
	}
	return nil, &fault{
		Type:    "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// tokenLife is how long DynamoDB knows a ClientRequestToken again.
const tokenLife = 10 * time.Minute

// tokens are the transactions of the last tokenLife, by the caller's token.
type tokens struct {
	now           func() time.Time
	recent, older map[string][sha256.Size]byte
	since         time.Time
}

func newTokens(now func() time.Time) tokens {
	return tokens{now: now, recent: map[string][sha256.Size]byte{}, since: now()}
}

// used says whether the transaction was committed before under its token.
func (t *tokens) used(token string, request []byte) (bool, error) {
	if t.now().Sub(t.since) > tokenLife {
		t.recent, t.older, t.since = map[string][sha256.Size]byte{}, t.recent, t.now()
	}
	sum, known := t.recent[token]
	if !known {
		sum, known = t.older[token]
	}
	if known && sum != sha256.Sum256(request) {
		return false, &fault{Type: "IdempotentParameterMismatchException", Message: "Request has been seen before with other parameters"}
	}
	return known, nil
}

func (t *tokens) use(token string, request []byte) {
	if token != "" {
		t.recent[token] = sha256.Sum256(request)
	}
}
