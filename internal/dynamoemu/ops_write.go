package dynamoemu

import (
	"slices"
)

func (s *Server) createTable(d tableDefinition) (any, error) {
	if _, err := newTable(d); err != nil {
		return nil, err
	}
	if s.tables[d.TableName] != nil {
		return nil, &apiError{Type: "ResourceInUseException", Message: "Table already exists: " + d.TableName}
	}
	return struct{}{}, s.commit(record{Create: &d})
}

type deleteTableInput struct{ TableName string }

func (s *Server) deleteTable(in deleteTableInput) (any, error) {
	if _, err := s.table(in.TableName); err != nil {
		return nil, err
	}
	if len(s.kept) > 0 {
		return nil, &apiError{Type: "ResourceInUseException", Message: "A transaction is under way"}
	}
	return struct{}{}, s.commit(record{Drop: in.TableName})
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

// An itemID names one item of all tables.
type itemID struct{ table, partition, sort string }

// A change is what a write does to one item. It is not made before it is committed.
type change struct {
	kind     writeKind
	table    *table
	key      item
	old, new item // nil: not there
	update   update
	refused  *apiError // the condition does not hold
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
		c.new = c.old
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
