package dynamoemu

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// An index holds items by partition, in the order of their sort key and then of the table's own key. The table itself
// is one, its primary.
type index struct {
	keys, tableKeys keySchema
	order           []string // the attributes that order all items
	partitions      map[string][]item
}

func newIndex(keys, tableKeys keySchema) *index {
	order := []string{keys.partition, keys.sort, tableKeys.partition, tableKeys.sort}
	if keys == tableKeys {
		order = order[:2]
	}
	return &index{keys: keys, tableKeys: tableKeys, order: order, partitions: map[string][]item{}}
}

// items are those of the partition that an item or its key belongs to.
func (x *index) items(key item) []item { return x.partitions[key.text(x.keys.partition)] }

// compare orders two items. It needs no more of them than their keys.
func (x *index) compare(a, b item) int {
	for _, name := range x.order {
		if order := strings.Compare(a.text(name), b.text(name)); order != 0 {
			return order
		}
	}
	return 0
}

func (x *index) find(key item) (at int, found bool) {
	return slices.BinarySearchFunc(x.items(key), key, x.compare)
}

func (x *index) insert(it item) {
	at, _ := x.find(it)
	x.partitions[it.text(x.keys.partition)] = slices.Insert(x.items(it), at, it)
}

func (x *index) remove(it item) {
	at, found := x.find(it)
	if !found {
		return
	}
	partition := it.text(x.keys.partition)
	x.partitions[partition] = slices.Delete(x.items(it), at, at+1)
	if len(x.partitions[partition]) == 0 {
		delete(x.partitions, partition)
	}
}

// within are the items that a condition asks for.
func (x *index) within(condition keyCondition) []item {
	all := x.partitions[condition.partition]
	from := sort.Search(len(all), func(i int) bool { return condition.place(all[i]) >= 0 })
	to := sort.Search(len(all), func(i int) bool { return condition.place(all[i]) > 0 })
	return all[from:to]
}

// everything is all items, partition by partition.
func (x *index) everything() []item {
	var all []item
	for _, partition := range slices.Sorted(maps.Keys(x.partitions)) {
		all = append(all, x.partitions[partition]...)
	}
	return all
}

// projected is what a reader of the index sees of an item: a secondary index has the keys only.
func (x *index) projected(it item) item {
	if x.keys == x.tableKeys {
		return it
	}
	return x.cursor(it)
}

// cursor is the key that a next page begins behind: that of the index and that of the table.
func (x *index) cursor(it item) item {
	key := x.keys.of(it)
	maps.Copy(key, x.tableKeys.of(it))
	return key
}

// checkCursor accepts exactly such a key, if the condition asks for it.
func (x *index) checkCursor(key item, condition keyCondition) error {
	const reason = "The provided starting key is invalid"
	if err := key.check(); err != nil {
		return err
	}
	for _, keys := range []keySchema{x.keys, x.tableKeys} {
		if err := keys.check(key); err != nil {
			return invalid(reason+": %v", err)
		}
		if !keys.has(key) {
			return invalid(reason)
		}
	}
	if len(key) != len(x.cursor(key)) {
		return invalid(reason + ": Exclusive Start Key must have same size as table's key schema")
	}
	if key.text(x.keys.partition) != condition.partition || condition.place(key) != 0 {
		return invalid("The provided starting key does not match the range key predicate")
	}
	return nil
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

// page is the first of items that lie behind a cursor, whose own item may be gone. With a limit it names a last key
// even if nothing lies behind it.
func (x *index) page(items []item, after item, limit *int) page {
	if len(after) > 0 {
		at, there := slices.BinarySearchFunc(items, after, x.compare)
		if there {
			at++
		}
		items = items[at:]
	}
	out := page{Items: []item{}}
	for _, it := range items {
		if out.size >= maxPage || limit != nil && len(out.Items) == *limit {
			break
		}
		seen := x.projected(it)
		out.Items = append(out.Items, seen)
		out.size += seen.size()
	}
	n := len(out.Items)
	out.Count, out.ScannedCount = n, n
	if n < len(items) || limit != nil && n == *limit {
		out.LastEvaluatedKey = x.cursor(items[n-1])
	}
	return out
}
