package dynamoemu

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
)

func (s *Server) createTable(d tableDefinition) (any, error) {
	t, err := newTable(d)
	if err != nil {
		return nil, err
	}
	if s.tables[d.TableName] != nil {
		return nil, &apiError{Type: "ResourceInUseException", Message: "Table already exists: " + d.TableName}
	}
	return t.describe(), s.commit(record{Create: &d})
}

type deleteTableInput struct{ TableName string }

func (s *Server) deleteTable(in deleteTableInput) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if len(s.kept) > 0 {
		return nil, &apiError{Type: "ResourceInUseException", Message: "A transaction is under way"}
	}
	return t.describe(), s.commit(record{Drop: in.TableName})
}

// A writeKind is one of the four actions of a transaction.
type writeKind string

const (
	putItem        writeKind = "Put"
	updateItem     writeKind = "Update"
	deleteItem     writeKind = "Delete"
	conditionCheck writeKind = "ConditionCheck"
)

// A writeInput is a PutItem, UpdateItem or DeleteItem, or an action of a transaction.
type writeInput struct {
	TableName                           string
	Item                                item    // of a put
	Key                                 item    // of all others
	UpdateExpression                    *string // of an update
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           item
	ReturnValues                        string // outside of transactions
	ReturnValuesOnConditionCheckFailure string
}

// check refuses what does not belong to the kind of write.
func (in writeInput) check(kind writeKind, inTransaction bool) error {
	allowed := map[string]bool{"": true, "NONE": true, "ALL_OLD": true}
	if !allowed[in.ReturnValuesOnConditionCheckFailure] {
		return invalid("ReturnValuesOnConditionCheckFailure can not be %s", in.ReturnValuesOnConditionCheckFailure)
	}
	if kind == updateItem {
		allowed["ALL_NEW"], allowed["UPDATED_NEW"] = true, true
	}
	switch {
	case !slices.Contains([]writeKind{putItem, updateItem, deleteItem, conditionCheck}, kind):
		return invalid("Not supported by dynamoemu: an action %s", kind)
	case (kind == putItem) != (in.Item != nil), (kind == putItem) == (in.Key != nil):
		return invalid("%s takes an Item if it is a put, and a Key if it is not", kind)
	case kind != updateItem && in.UpdateExpression != nil:
		return invalid("%s takes no UpdateExpression", kind)
	case kind == updateItem && inTransaction && in.UpdateExpression == nil:
		return invalid("Update must have an UpdateExpression in a transaction")
	case kind == conditionCheck && in.ConditionExpression == nil:
		return invalid("ConditionCheck must have a ConditionExpression")
	case inTransaction && in.ReturnValues != "":
		return invalid("A transaction returns no values")
	case !allowed[in.ReturnValues]:
		return invalid("ReturnValues can not be %s", in.ReturnValues)
	}
	return nil
}

// A change is what a write does to one item. It is not made before it is committed.
type change struct {
	kind     writeKind
	table    *table
	key      item
	old, new item // nil: not there
	update   update
	refused  *apiError // the condition does not hold; new is nil
}

func (c change) id() itemID {
	keys := c.table.primary.keys
	return itemID{c.table.definition.TableName, c.key.text(keys.partition), c.key.text(keys.sort)}
}

// prepare decides what a write would do.
func (s *Server) prepare(kind writeKind, in writeInput, inTransaction bool) (change, error) {
	if err := in.check(kind, inTransaction); err != nil {
		return change{}, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return change{}, err
	}
	c := change{kind: kind, table: t, key: in.Key}
	if kind == putItem {
		if err := t.checkItem(in.Item); err != nil {
			return change{}, err
		}
		c.key = t.primary.keys.of(in.Item)
	}
	if err := t.checkKey(c.key); err != nil {
		return change{}, err
	}
	condition, err := c.read(in)
	if err != nil {
		return change{}, err
	}
	c.old = t.get(c.key)
	if !condition.holds(c.old) {
		c.refused = &apiError{Type: "ConditionalCheckFailedException", Message: "The conditional request failed"}
		if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
			c.refused.Item = c.old
		}
		return c, nil
	}
	c.new, err = c.result(in)
	return c, err
}

// read reads all of a request's expressions, before any is used.
func (c *change) read(in writeInput) (condition *condition, err error) {
	p, err := newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if condition, err = p.condition(in.ConditionExpression); err != nil {
		return nil, err
	}
	if c.update, err = p.update(in.UpdateExpression); err != nil {
		return nil, err
	}
	for _, a := range c.update {
		if _, isKey := c.key[a.attribute]; isKey {
			return nil, invalid("One or more parameter values were invalid: Cannot update attribute %s. "+
				"This attribute is part of the key", a.attribute)
		}
	}
	return condition, p.checkUsed()
}

// result is what the item will be.
func (c *change) result(in writeInput) (item, error) {
	switch c.kind {
	case putItem:
		return in.Item, nil
	case deleteItem:
		return nil, nil
	case conditionCheck:
		return c.old, nil
	}
	old := c.old
	if old == nil {
		old = c.key
	}
	new, err := c.update.apply(old)
	if err != nil {
		return nil, err
	}
	return new, c.table.checkItem(new)
}

type writeOutput struct {
	Attributes item `json:",omitempty"`
}

// writeItem is an operation on one item.
func writeItem(kind writeKind) func(*Server, writeInput) (any, error) {
	return func(s *Server, in writeInput) (any, error) {
		c, err := s.prepare(kind, in, false)
		if err != nil {
			return nil, err
		}
		if s.kept[c.id()] {
			return nil, &apiError{Type: "TransactionConflictException", Message: "Transaction is ongoing for the item"}
		}
		if err := s.throughput.write(c, 1); err != nil {
			return nil, err
		}
		if c.refused != nil {
			return nil, c.refused
		}
		var out writeOutput
		switch in.ReturnValues {
		case "ALL_OLD":
			out.Attributes = c.old
		case "ALL_NEW":
			out.Attributes = c.new
		case "UPDATED_NEW":
			out.Attributes = c.update.touched(c.new)
		}
		return out, s.commit(recordOf(c))
	}
}

// One transaction has up to maxActions actions, in a request of up to maxTransaction bytes.
const (
	maxActions     = 100
	maxTransaction = 4 << 20
)

type transactWriteItemsInput struct {
	TransactItems      []map[writeKind]writeInput // one action each
	ClientRequestToken *string
}

// transactWriteItems makes all changes or none.
func (s *Server) transactWriteItems(in transactWriteItemsInput) (any, error) {
	if len(in.TransactItems) == 0 || len(in.TransactItems) > maxActions {
		return nil, invalid("Member must have length greater than or equal to 1 and less than or equal to %d", maxActions)
	}
	request, err := json.Marshal(in.TransactItems) // in one order, whatever the client's was
	if err != nil {
		return nil, err
	}
	if len(request) > maxTransaction {
		return nil, invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", len(request))
	}
	done, err := s.tokens.begin(in.ClientRequestToken, sha256.Sum256(request))
	if done || err != nil {
		return struct{}{}, err
	}
	err = s.transact(in)
	s.tokens.end(in.ClientRequestToken, err == nil)
	return struct{}{}, err
}

func (s *Server) transact(in transactWriteItemsInput) error {
	var changes []change
	seen := map[itemID]bool{}
	for _, actions := range in.TransactItems {
		if len(actions) != 1 {
			return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		for kind, action := range actions {
			c, err := s.prepare(kind, action, true)
			if err != nil {
				return err
			}
			if seen[c.id()] {
				return invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[c.id()] = true
			changes = append(changes, c)
		}
	}
	if err := cancelled(changes, s.conflict); err != nil {
		return err
	}
	if err := cancelled(changes, s.tooFast); err != nil {
		return err
	}
	s.keep(changes)
	if err := cancelled(changes, failedCondition); err != nil {
		return err
	}
	return s.commit(recordOf(changes...))
}

// A cancellationReason says why an action had its transaction cancelled.
type cancellationReason struct {
	Code    string // "None" if it did not
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

func (s *Server) conflict(c change) cancellationReason {
	if !s.kept[c.id()] {
		return cancellationReason{Code: "None"}
	}
	return cancellationReason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}
}

func (s *Server) tooFast(c change) cancellationReason {
	if err := s.throughput.write(c, 2); err == nil {
		return cancellationReason{Code: "None"}
	}
	return cancellationReason{Code: "ThrottlingError", Message: errThrottled.Message}
}

func failedCondition(c change) cancellationReason {
	if c.refused == nil {
		return cancellationReason{Code: "None"}
	}
	return cancellationReason{Code: "ConditionalCheckFailed", Message: c.refused.Message, Item: c.refused.Item}
}

// cancelled is the error of a transaction if there is a reason against any of its actions: it names them all.
func cancelled(changes []change, reason func(change) cancellationReason) error {
	reasons := make([]cancellationReason, len(changes))
	codes := make([]string, len(changes))
	none := true
	for i, c := range changes {
		reasons[i] = reason(c)
		codes[i] = reasons[i].Code
		none = none && codes[i] == "None"
	}
	if none {
		return nil
	}
	return &apiError{
		Type: "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" +
			strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// describe is the answer to CreateTable and DeleteTable.
func (t *table) describe() any {
	type description struct{ TableName, TableStatus string }
	return struct{ TableDescription description }{description{t.definition.TableName, "ACTIVE"}}
}

// recordOf is what the journal keeps of changes.
func recordOf(changes ...change) record {
	rec := record{Put: map[string][]item{}, Delete: map[string][]item{}}
	for _, c := range changes {
		name := c.table.definition.TableName
		switch {
		case c.kind == conditionCheck:
		case c.new != nil:
			rec.Put[name] = append(rec.Put[name], c.new)
		case c.old != nil:
			rec.Delete[name] = append(rec.Delete[name], c.key)
		}
	}
	return rec
}
