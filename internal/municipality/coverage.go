package municipality

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// A Group is how many people come from one organisation.
type Group struct {
	Name   string // as in the list, or as it was typed first; "" of those who typed none
	Region string // of a municipality
	People int
}

// Coverage says who of a List is there, and who else.
type Coverage struct {
	Expected []Group // in the order of the list; who is missing has no people
	Others   []Group // most people first
}

// Cover counts registrations, which are pairs of an organisation as it was typed and an address.
func (l *List) Cover(registrations iter.Seq2[string, string]) Coverage {
	c := l.NewCounter()
	for organisation, email := range registrations {
		c.Count(organisation, email)
	}
	return c.Coverage()
}

// A Counter counts registrations. It keeps each spelling of an organisation, and reads it once.
type Counter struct {
	list   *List
	people []int // of list.expected
	typed  map[string]typedName
	others map[otherKey]*Group
}

// A typedName is what one spelling of an organisation stands for.
type typedName struct {
	place      int // in the list, of an organisation that is no municipality
	isExpected bool
	reading    reading
	key        string
}

// An otherKey is a municipality, or nobody and an organisation's key.
type otherKey struct {
	id   int
	name string
}

// NewCounter has counted nobody.
func (l *List) NewCounter() *Counter {
	return &Counter{
		list:   l,
		people: make([]int, len(l.expected)),
		typed:  map[string]typedName{},
		others: map[otherKey]*Group{},
	}
}

// Count counts a registration: its organisation as it was typed, and its address. A municipality that is not in the list
// is one of the others, whichever way it is spelt.
func (c *Counter) Count(organisation, email string) {
	typed := c.read(organisation)
	if typed.isExpected {
		c.people[typed.place]++
		return
	}
	id := load().match(typed.reading, email)
	if place, ok := c.list.byMunicipality[id]; ok {
		c.people[place]++
		return
	}
	k, group := otherKey{id: id}, Group{}
	switch {
	case id != nobody:
		m := load().all[id]
		group = Group{Name: m.Name, Region: m.Region}
	case typed.key != "":
		k.name, group.Name = typed.key, organisation
	}
	if c.others[k] == nil {
		c.others[k] = &group
	}
	c.others[k].People++
}

func (c *Counter) read(organisation string) typedName {
	typed, known := c.typed[organisation]
	if !known {
		parts := fold(organisation)
		typed.place, typed.isExpected = c.list.find(parts)
		typed.reading = load().readOrganisation(parts)
		typed.key = key(flatten(parts))
		c.typed[organisation] = typed
	}
	return typed
}

// Coverage is of those who were counted so far.
func (c *Counter) Coverage() Coverage {
	r := Coverage{Expected: slices.Clone(c.list.expected)}
	for place, people := range c.people {
		r.Expected[place].People = people
	}
	for _, group := range c.others {
		r.Others = append(r.Others, *group)
	}
	slices.SortFunc(r.Others, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.People, a.People), strings.Compare(a.Name, b.Name))
	})
	return r
}
