package dynamoemu

import (
	"regexp"
	"slices"
)

// A table holds its items once by their own key, and once by the key of each index.
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

var validName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func newTable(d tableDefinition) (*table, error) {
	if !validName.MatchString(d.TableName) || d.BillingMode != "PAY_PER_REQUEST" {
		return nil, invalid("Invalid table name %q, or a BillingMode other than PAY_PER_REQUEST", d.TableName)
	}
	unused := map[attributeDefinition]bool{}
	for _, a := range d.AttributeDefinitions {
		unused[a] = true
	}
	primary, err := newIndex(d.KeySchema, nil, unused)
	if err != nil {
		return nil, err
	}
	t := &table{definition: d, primary: primary, indexes: map[string]*index{"": primary}}
	for _, i := range d.GlobalSecondaryIndexes {
		name := i.IndexName
		if !validName.MatchString(name) || t.indexes[name] != nil || i.Projection.ProjectionType != "KEYS_ONLY" {
			return nil, invalid("Invalid or duplicate index name %q, or a ProjectionType other than KEYS_ONLY", name)
		}
		if t.indexes[name], err = newIndex(i.KeySchema, primary.key, unused); err != nil {
			return nil, err
		}
	}
	if len(unused) > 0 {
		return nil, invalid("Some AttributeDefinitions are of no key: %v", unused)
	}
	return t, nil
}

// maxItem is how large one item may be, in bytes, and maxLevels how deeply its values may be nested.
const (
	maxItem   = 400 << 10
	maxLevels = 32
)

// checkItem accepts an item that can be stored in the table and its indexes.
func (t *table) checkItem(it item) error {
	if it.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	if (value{M: &it}).levels() > maxLevels+1 {
		return invalid("Attributes in the item have nested levels beyond supported limit")
	}
	if !t.primary.has(it) {
		return invalid("One or more parameter values were invalid: Missing a key attribute in the item")
	}
	for _, x := range t.indexes {
		if err := x.checkAttributes(it); err != nil {
			return err
		}
	}
	return it.checkNames()
}

// get returns nil for what is not there.
func (t *table) get(key item) item {
	at, found := t.primary.find(key)
	if !found {
		return nil
	}
	return t.primary.items[at]
}

// replace puts a new item, or nil, in place of the one with that key, which it returns.
func (t *table) replace(key, new item) (old item) {
	old = t.get(key)
	for _, x := range t.indexes {
		if x.has(old) {
			at, _ := x.find(old)
			x.items = slices.Delete(x.items, at, at+1)
		}
		if x.has(new) {
			at, _ := x.find(new)
			x.items = slices.Insert(x.items, at, new)
		}
	}
	return old
}
