package dynamoemu

import "slices"

func (s *Server) createTable(d tableDefinition) (any, error) {
	if _, err := newTable(d); err != nil {
		return nil, err
	}
	if s.tables[d.TableName] != nil {
		return nil, refused("ResourceInUseException", "Table already exists: %s", d.TableName)
	}
	return struct{}{}, s.commit(record{Create: &d})
}

type deleteTableInput struct{ TableName string }

func (s *Server) deleteTable(in deleteTableInput) (any, error) {
	if _, err := s.table(in.TableName); err != nil {
		return nil, err
	}
	if len(s.locked) > 0 {
		return nil, refused("ResourceInUseException", "A transaction is in progress")
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

// UnmarshalJSON refuses what an action of a transaction does not have.
func (in *writeInput) UnmarshalJSON(text []byte) error {
	type fields writeInput // has no UnmarshalJSON
	return decodeExactly(text, (*fields)(in))
}

// check refuses what the kind of write does not have.
func (in writeInput) check(kind writeKind) error {
	returned := []string{"", "NONE", "ALL_OLD"}
	onFailure := slices.Contains(returned, in.ReturnValuesOnConditionCheckFailure)
	if kind == updateItem {
		returned = append(returned, "ALL_NEW")
	}
	switch {
	case !slices.Contains([]writeKind{putItem, updateItem, deleteItem, conditionCheck}, kind):
		return invalid("Not supported by dynamoemu: an action %s", kind)
	case (kind == putItem) != (in.Item != nil), (kind == putItem) == (in.Key != nil):
		return invalid("%s takes an Item if it is a put, and a Key if it is not", kind)
	case kind != updateItem && in.UpdateExpression != nil, kind == conditionCheck && in.ConditionExpression == nil:
		return invalid("%s takes no UpdateExpression, or needs a ConditionExpression", kind)
	case !onFailure, !slices.Contains(returned, in.ReturnValues):
		return invalid("%s can not return that: %q, %q", kind, in.ReturnValues, in.ReturnValuesOnConditionCheckFailure)
	}
	return nil
}

// An itemID names one item of all tables.
type itemID struct{ table, partition, sort string }

// A change is what a write does to one item. It is not made before it is committed.
type change struct {
	kind            writeKind
	table           *table
	key             item
	old, new        item  // nil: not there
	failedCondition error // then new is old
}

func (c change) id() itemID {
	x := c.table.primary
	return itemID{c.table.definition.TableName, c.key.text(x.partitionKey()), c.key.text(x.sortKey())}
}

// prepare decides what a write would do.
func (s *Server) prepare(kind writeKind, in writeInput) (c change, err error) {
	if err := in.check(kind); err != nil {
		return c, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return c, err
	}
	c = change{kind: kind, table: t, key: in.Key}
	if kind == putItem {
		if err := t.checkItem(in.Item); err != nil {
			return c, err
		}
		c.key = t.primary.keyOf(in.Item)
	}
	if err := t.primary.checkKey(c.key); err != nil {
		return c, err
	}
	p := newParser(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	condition := read(p, "ConditionExpression", in.ConditionExpression, (*parser).or)
	update := read(p, "UpdateExpression", in.UpdateExpression, (*parser).update)
	if err := p.finish(); err != nil {
		return c, err
	}
	for name := range c.key {
		if _, changed := update[name]; changed {
			return c, invalid("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	c.old = t.get(c.key)
	c.new = c.old
	if !condition.holds(c.old) {
		failed := refused("ConditionalCheckFailedException", "The conditional request failed")
		if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
			failed.Item = c.old
		}
		c.failedCondition = failed
		return c, nil
	}
	switch kind {
	case putItem:
		c.new = in.Item
	case deleteItem:
		c.new = nil
	case updateItem:
		if c.old == nil {
			c.new = c.key
		}
		if c.new, err = update.apply(c.new); err == nil {
			err = t.checkItem(c.new)
		}
	}
	return c, err
}

type writeOutput struct {
	Attributes item `json:",omitempty"`
}

// admit refuses a change while a transaction locks the item, or when its partition takes no more.
func (s *Server) admit(c change, costFactor int) error {
	if s.locked[c.id()] {
		return refused("TransactionConflictException", "Transaction is ongoing for the item")
	}
	return s.throughput.write(c, costFactor)
}

// writeItem is an operation on one item.
func writeItem(kind writeKind) func(*Server, writeInput) (any, error) {
	return func(s *Server, in writeInput) (any, error) {
		c, err := s.prepare(kind, in)
		if err != nil {
			return nil, err
		}
		if err := s.admit(c, 1); err != nil {
			return nil, err
		}
		if c.failedCondition != nil {
			return nil, c.failedCondition
		}
		var out writeOutput
		switch in.ReturnValues {
		case "ALL_OLD":
			out.Attributes = c.old
		case "ALL_NEW":
			out.Attributes = c.new
		}
		return out, s.commit(recordOf(c))
	}
}

// recordOf is what the journal stores of changes.
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
