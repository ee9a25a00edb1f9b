package local

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
)

// A table keeps its items in order: once for its own key, and once for the key of each index.
type table struct {
	definition tableDefinition
	primary    *order
	indexes    map[string]*order
	items      int
}

// A tableDefinition is what CreateTable takes and DescribeTable answers, as far as the engine cares.
type tableDefinition struct {
	TableName            string
	AttributeDefinitions []struct{ AttributeName, AttributeType string }
	KeySchema            []struct{ AttributeName, KeyType string }

	GlobalSecondaryIndexes []indexDefinition `json:",omitempty"`
	LocalSecondaryIndexes  []indexDefinition `json:",omitempty"`
}

type indexDefinition struct {
	IndexName  string
	KeySchema  []struct{ AttributeName, KeyType string }
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
}

// A keyAttribute is part of a key. A key without a sort part has the zero value there.
type keyAttribute struct{ name, kind string }

type keySchema struct{ hash, sort keyAttribute }

func newTable(d tableDefinition) (*table, error) {
	if d.TableName == "" {
		return nil, invalid("TableName must not be null")
	}
	keys, err := d.keys(d.KeySchema)
	if err != nil {
		return nil, err
	}
	t := &table{definition: d, primary: newCommand(keys, keys), indexes: map[string]*order{}}
	for _, i := range slices.Concat(d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes) {
		indexKeys, err := d.keys(i.KeySchema)
		if err != nil {
			return nil, err
		}
		t.indexes[i.IndexName] = newCommand(indexKeys, keys)
		t.indexes[i.IndexName].projected = i.projected(keys, indexKeys)
	}
	for _, i := range d.GlobalSecondaryIndexes {
		t.indexes[i.IndexName].global = true
	}
	return t, nil
}

func (d tableDefinition) keys(schema []struct{ AttributeName, KeyType string }) (keySchema, error) {
	var keys keySchema
	for _, element := range schema {
		attribute := keyAttribute{name: element.AttributeName, kind: d.kind(element.AttributeName)}
		if !slices.Contains([]string{"S", "N", "B"}, attribute.kind) {
			return keys, invalid("Some index key attributes are not defined in AttributeDefinitions: %s", element.AttributeName)
		}
		if element.KeyType == "HASH" {
			keys.hash = attribute
		} else {
			keys.sort = attribute
		}
	}
	if keys.hash.name == "" {
		return keys, invalid("No Hash Key specified in schema. All Dynamo DB Tables must have exactly one hash key")
	}
	return keys, nil
}

func (d tableDefinition) kind(attribute string) string {
	for _, a := range d.AttributeDefinitions {
		if a.AttributeName == attribute {
			return a.AttributeType
		}
	}
	return ""
}

// projected are the attributes that an index shows; nil is all of them.
func (i indexDefinition) projected(tableKeys, indexKeys keySchema) []string {
	if i.Projection.ProjectionType == "ALL" {
		return nil
	}
	return append(slices.Concat(tableKeys.names(), indexKeys.names()), i.Projection.NonKeyAttributes...)
}

func (k keySchema) names() []string {
	if k.sort.name == "" {
		return []string{k.hash.name}
	}
	return []string{k.hash.name, k.sort.name}
}

// of is the key part of an item.
func (k keySchema) of(it item) item {
	key := item{}
	for _, name := range k.names() {
		if v, ok := it[name]; ok {
			key[name] = v
		}
	}
	return key
}

// complete says whether an item has all of the key; an item that has not is not in that index.
func (k keySchema) complete(it item) bool { return len(k.of(it)) == len(k.names()) }

// check refuses a key attribute of the wrong type or without a value. Absent ones pass.
func (k keySchema) check(it item) error {
	for _, a := range []keyAttribute{k.hash, k.sort} {
		v, ok := it[a.name]
		if !ok {
			continue
		}
		if v.kind() != a.kind {
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.kind())
		}
		if length, ok := v.length(); ok && length == 0 {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", a.name)
		}
	}
	return nil
}

// checkKey accepts exactly a key of the table.
func (t *table) checkKey(key item) error {
	if err := key.check(); err != nil {
		return err
	}
	if len(key) != len(t.primary.keys.names()) || !t.primary.keys.complete(key) {
		return invalid("The provided key element does not match the schema")
	}
	return t.primary.keys.check(key)
}

// maxItem is what one item may weigh.
const maxItem = 400 << 10

// checkItem accepts an item that can be stored in the table and its indexes.
func (t *table) checkItem(it item) error {
	if err := it.check(); err != nil {
		return err
	}
	if !t.primary.keys.complete(it) {
		return invalid("One or more parameter values were invalid: Missing the key %s in the item", strings.Join(t.primary.keys.names(), " or "))
	}
	if it.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	if err := t.primary.keys.check(it); err != nil {
		return err
	}
	for _, i := range t.indexes {
		if err := i.keys.check(it); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) get(key item) (item, bool) {
	at, found := t.primary.find(key)
	if !found {
		return nil, false
	}
	return t.primary.partition(key)[at], true
}

// replace puts an item where old was; either may be nil.
func (t *table) replace(old, made item) {
	if old != nil {
		t.items--
	}
	if made != nil {
		t.items++
	}
	for _, o := range append(slices.Collect(maps.Values(t.indexes)), t.primary) {
		if old != nil && o.keys.complete(old) {
			o.remove(old)
		}
		if made != nil && o.keys.complete(made) {
			o.insert(made)
		}
	}
}

// An order holds items by partition, in the order of their sort key and then of the table's own key.
type order struct {
	keys, tableKeys keySchema
	partitions      map[string][]item
	projected       []string
	global          bool
}

func newCommand(keys, tableKeys keySchema) *order {
	return &order{keys: keys, tableKeys: tableKeys, partitions: map[string][]item{}}
}

// spell makes equal key values the same string.
func spell(v value) string {
	switch {
	case v.N != nil:
		return plain(number(*v.N))
	case v.B != nil:
		return string(*v.B)
	}
	return *v.S
}

func (o *order) partition(key item) []item { return o.partitions[spell(key[o.keys.hash.name])] }

// compare orders two items of one partition. It needs no more of them than their keys.
func (o *order) compare(a, b item) int {
	for _, name := range []string{o.keys.sort.name, o.tableKeys.hash.name, o.tableKeys.sort.name} {
		if name == "" {
			continue
		}
		if order, _ := compare(a[name], b[name]); order != 0 {
			return order
		}
	}
	return 0
}

// compareAll orders items of any partitions, as everything does.
func (o *order) compareAll(a, b item) int {
	if order := strings.Compare(spell(a[o.keys.hash.name]), spell(b[o.keys.hash.name])); order != 0 {
		return order
	}
	return o.compare(a, b)
}

func (o *order) find(key item) (int, bool) {
	return slices.BinarySearchFunc(o.partition(key), key, o.compare)
}

func (o *order) insert(it item) {
	hash := spell(it[o.keys.hash.name])
	at, _ := o.find(it)
	o.partitions[hash] = slices.Insert(o.partitions[hash], at, it)
}

func (o *order) remove(it item) {
	hash := spell(it[o.keys.hash.name])
	at, found := o.find(it)
	if !found {
		return
	}
	o.partitions[hash] = slices.Delete(o.partitions[hash], at, at+1)
	if len(o.partitions[hash]) == 0 {
		delete(o.partitions, hash)
	}
}

// within is the stretch of a partition that lies in an interval.
func (o *order) within(hash value, in interval) []item {
	all := o.partitions[spell(hash)]
	if o.keys.sort.name == "" {
		return all
	}
	place := func(i int) int { return in(all[i][o.keys.sort.name]) }
	from := sort.Search(len(all), func(i int) bool { return place(i) >= 0 })
	to := sort.Search(len(all), func(i int) bool { return place(i) > 0 })
	return all[from:to]
}

// everything is all items, partition by partition: the order of a scan.
func (o *order) everything() []item {
	var all []item
	for _, hash := range slices.Sorted(maps.Keys(o.partitions)) {
		all = append(all, o.partitions[hash]...)
	}
	return all
}

// show is what a reader of the order sees of an item.
func (o *order) show(it item) item {
	if o.projected == nil {
		return it
	}
	part := make(item, len(o.projected))
	for _, name := range o.projected {
		if v, ok := it[name]; ok {
			part[name] = v
		}
	}
	return part
}

// describe is the answer to DescribeTable.
func (t *table) describe() any {
	type described struct {
		indexDefinition
		IndexStatus string
	}
	var global []described
	for _, i := range t.definition.GlobalSecondaryIndexes {
		global = append(global, described{i, "ACTIVE"})
	}
	return struct {
		tableDefinition
		GlobalSecondaryIndexes []described `json:",omitempty"`
		TableStatus            string
		TableArn               string
		ItemCount              int
	}{t.definition, global, "ACTIVE", "arn:aws:dynamodb:local:000000000000:table/" + t.definition.TableName, t.items}
}

// definitionOf reads a CreateTable request; most of what it may say concerns AWS alone.
func definitionOf(body []byte) (tableDefinition, error) {
	var d tableDefinition
	if err := json.Unmarshal(body, &d); err != nil {
		return d, malformed(err)
	}
	return d, nil
}
