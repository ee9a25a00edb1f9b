package dynamoemu

import (
	"regexp"
	"slices"
)

// A table keeps its items in order: once by its own key, and once by the key of each index.
type table struct {
	definition tableDefinition
	primary    *index
	indexes    map[string]*index // by name; the primary has none
}

// A tableDefinition is what CreateTable takes. Every key is a partition key and a sort key of type S, and an index
// projects keys only; anything else is refused.
type tableDefinition struct {
	TableName              string
	BillingMode            string
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keyElement
	GlobalSecondaryIndexes []indexDefinition `json:",omitempty"`
}

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type indexDefinition struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct{ ProjectionType string }
}

// A keySchema names the two attributes of a key.
type keySchema struct{ partition, sort string }

var validName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func newTable(d tableDefinition) (*table, error) {
	if !validName.MatchString(d.TableName) {
		return nil, invalid("Invalid table/index name. Table/index names must be between 3 and 255 characters long, " +
			"and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	if d.BillingMode != "PAY_PER_REQUEST" {
		return nil, invalid("BillingMode must be PAY_PER_REQUEST: others are not supported")
	}
	keys, err := d.keys(d.KeySchema)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{keys.partition: true, keys.sort: true}
	primary := newIndex(keys, keys)
	t := &table{definition: d, primary: primary, indexes: map[string]*index{"": primary}}
	for _, i := range d.GlobalSecondaryIndexes {
		indexKeys, err := d.keys(i.KeySchema)
		if err != nil {
			return nil, err
		}
		if !validName.MatchString(i.IndexName) || t.indexes[i.IndexName] != nil {
			return nil, invalid("Invalid or duplicate index name: %q", i.IndexName)
		}
		if i.Projection.ProjectionType != "KEYS_ONLY" {
			return nil, invalid("ProjectionType must be KEYS_ONLY: others are not supported")
		}
		used[indexKeys.partition], used[indexKeys.sort] = true, true
		t.indexes[i.IndexName] = newIndex(indexKeys, keys)
	}
	if len(used) != len(d.AttributeDefinitions) {
		return nil, invalid("The number of attributes in key schema must match the number of attributes defined in " +
			"attribute definitions.")
	}
	return t, nil
}

func (d tableDefinition) keys(schema []keyElement) (keySchema, error) {
	if len(schema) != 2 || schema[0].KeyType != "HASH" || schema[1].KeyType != "RANGE" ||
		schema[0].AttributeName == schema[1].AttributeName {
		return keySchema{}, invalid("A KeySchema must be a HASH and a RANGE key: others are not supported")
	}
	for _, element := range schema {
		if !slices.Contains(d.AttributeDefinitions, attributeDefinition{element.AttributeName, "S"}) {
			return keySchema{}, invalid("Key attribute %s must be defined, and of type S: others are not supported",
				element.AttributeName)
		}
	}
	return keySchema{schema[0].AttributeName, schema[1].AttributeName}, nil
}

// has says whether an item has both attributes of the key.
func (k keySchema) has(it item) bool { return it[k.partition].S != nil && it[k.sort].S != nil }

// of is the key of an item.
func (k keySchema) of(it item) item {
	return item{k.partition: it[k.partition], k.sort: it[k.sort]}
}

// maxPartitionKey and maxSortKey are how long the values of a key may be, in bytes.
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// check refuses a key attribute of the wrong type or length. Absent ones pass.
func (k keySchema) check(it item) error {
	if err := checkKeyAttribute(it, k.partition, maxPartitionKey); err != nil {
		return err
	}
	return checkKeyAttribute(it, k.sort, maxSortKey)
}

func checkKeyAttribute(it item, name string, maxLength int) error {
	v, ok := it[name]
	switch {
	case !ok:
		return nil
	case v.S == nil:
		return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: S", name)
	case *v.S == "":
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot "+
			"contain an empty string value. Key: %s", name)
	case len(*v.S) > maxLength:
		return invalid("One or more parameter values were invalid: Size limit exceeded: key %s has more than %d bytes",
			name, maxLength)
	}
	return nil
}

// checkKey accepts exactly a key of the table.
func (t *table) checkKey(key item) error {
	if err := key.check(); err != nil {
		return err
	}
	if err := t.primary.keys.check(key); err != nil {
		return err
	}
	if len(key) != 2 || !t.primary.keys.has(key) {
		return invalid("The provided key element does not match the schema")
	}
	return nil
}

// maxItem is how large one item may be, in bytes.
const maxItem = 400 << 10

// checkItem accepts an item that can be stored in the table and its indexes.
func (t *table) checkItem(it item) error {
	if err := it.check(); err != nil {
		return err
	}
	if it.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	for _, i := range t.indexes {
		if err := i.keys.check(it); err != nil {
			return err
		}
	}
	if !t.primary.keys.has(it) {
		return invalid("One or more parameter values were invalid: Missing the key %s or %s in the item",
			t.primary.keys.partition, t.primary.keys.sort)
	}
	return nil
}

// get returns nil for what is not there.
func (t *table) get(key item) item {
	at, found := t.primary.find(key)
	if !found {
		return nil
	}
	return t.primary.items(key)[at]
}

// replace puts an item where old was; either may be nil.
func (t *table) replace(old, new item) {
	for _, i := range t.indexes {
		if i.keys.has(old) {
			i.remove(old)
		}
		if i.keys.has(new) {
			i.insert(new)
		}
	}
}
