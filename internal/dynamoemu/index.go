package dynamoemu

import (
	"slices"
	"sort"
	"strings"
)

// An index holds items in the order of its key. The table itself is one, its primary.
type index struct {
	key       []keyAttribute // partition key and sort key, and in a secondary index those of the table
	secondary bool
	items     []item
}

// A keyAttribute is an attribute of type S, with a value of up to maxLength bytes.
type keyAttribute struct {
	name      string
	maxLength int
}

// newIndex takes the attributes of its key out of unused.
func newIndex(schema []keyElement, tableKey []keyAttribute, unused map[attributeDefinition]bool) (*index, error) {
	if len(schema) != 2 || schema[0].KeyType != "HASH" || schema[1].KeyType != "RANGE" {
		return nil, invalid("A KeySchema must be a HASH and a RANGE key: others are not supported")
	}
	x := &index{secondary: tableKey != nil}
	for i, maxLength := range []int{2048, 1024} {
		name := schema[i].AttributeName
		definition := attributeDefinition{name, "S"}
		if !unused[definition] {
			return nil, invalid("Attribute %s must be defined, of type S, and of one key: others are not supported", name)
		}
		delete(unused, definition)
		x.key = append(x.key, keyAttribute{name, maxLength})
	}
	x.key = append(x.key, tableKey...)
	return x, nil
}

func (x *index) partitionKey() string { return x.key[0].name }

func (x *index) sortKey() string { return x.key[1].name }

// maxLength is that of a key attribute, and 0 for others.
func (x *index) maxLength(attribute string) int {
	for _, k := range x.key {
		if k.name == attribute {
			return k.maxLength
		}
	}
	return 0
}

// keyOf is the key of an item, and the cursor behind which a next page begins.
func (x *index) keyOf(it item) item {
	key := item{}
	for _, k := range x.key {
		key[k.name] = it[k.name]
	}
	return key
}

// has says whether an item has a whole key, and so is in the index.
func (x *index) has(it item) bool {
	return !slices.ContainsFunc(x.key, func(k keyAttribute) bool { return it[k.name].S == nil })
}

// checkAttributes refuses key attributes of the wrong type or length. Absent ones pass.
func (x *index) checkAttributes(it item) error {
	for _, k := range x.key {
		v := it[k.name]
		if v != absent && (v.S == nil || *v.S == "" || len(*v.S) > k.maxLength) {
			return invalid("One or more parameter values are not valid: %s must be an S of 1 to %d bytes", k.name, k.maxLength)
		}
	}
	return nil
}

// checkKey accepts exactly a key.
func (x *index) checkKey(key item) error {
	if len(key) != len(x.key) || !x.has(key) {
		return invalid("The provided key does not match the schema")
	}
	return x.checkAttributes(key)
}

// compare orders two items. It needs no more of them than their keys.
func (x *index) compare(a, b item) int {
	for _, k := range x.key {
		if order := strings.Compare(a.text(k.name), b.text(k.name)); order != 0 {
			return order
		}
	}
	return 0
}

func (x *index) find(key item) (at int, found bool) {
	return slices.BinarySearchFunc(x.items, key, x.compare)
}

// A page is what Query and Scan answer.
type page struct {
	Items            []item `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey item `json:",omitempty"`

	size int // of what was read, in bytes
}

// maxPage is where DynamoDB ends a page, in bytes.
const maxPage = 1 << 20

// page is the first of the items that a condition selects, behind a cursor whose own item may be gone. With a limit it
// names a last key even if nothing lies behind it.
func (x *index) page(condition keyCondition, after item, limit *int32, backward bool) page {
	from, _ := x.find(condition.start)
	n := sort.Search(len(x.items)-from, func(i int) bool { return !condition.holds(x.items[from+i]) })
	items := x.items[from : from+n] // all that the condition holds for
	if len(after) > 0 {
		at, found := x.find(after)
		at -= from
		switch {
		case backward:
			items = items[:at]
		case found:
			items = items[at+1:]
		default:
			items = items[at:]
		}
	}
	out := page{Items: []item{}}
	for i := range items {
		if out.size >= maxPage || limit != nil && out.Count == int(*limit) {
			break
		}
		it := items[i]
		if backward {
			it = items[len(items)-1-i]
		}
		if x.secondary {
			it = x.keyOf(it) // all that it projects
		}
		out.Items = append(out.Items, it)
		out.Count++
		out.size += it.size()
	}
	if out.Count < len(items) || limit != nil && out.Count == int(*limit) {
		out.LastEvaluatedKey = x.keyOf(out.Items[out.Count-1])
	}
	out.ScannedCount = out.Count
	return out
}
