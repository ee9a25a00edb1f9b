package local

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// An item is a row as DynamoDB's protocol spells it. Items are never changed once they are in a table.
type item map[string]value

// A value is one attribute; exactly one field is set. They are pointers to keep an empty list apart from none.
type value struct {
	S    *string   `json:"S,omitempty"`
	N    *string   `json:"N,omitempty"`
	B    *[]byte   `json:"B,omitempty"`
	BOOL *bool     `json:"BOOL,omitempty"`
	NULL *bool     `json:"NULL,omitempty"`
	L    *[]value  `json:"L,omitempty"`
	M    *item     `json:"M,omitempty"`
	SS   *[]string `json:"SS,omitempty"`
	NS   *[]string `json:"NS,omitempty"`
	BS   *[][]byte `json:"BS,omitempty"`
}

// kinds are the type's names that are set: one, unless the value is malformed.
func (v value) kinds() []string {
	var set []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"S", v.S != nil}, {"N", v.N != nil}, {"B", v.B != nil}, {"BOOL", v.BOOL != nil}, {"NULL", v.NULL != nil},
		{"L", v.L != nil}, {"M", v.M != nil}, {"SS", v.SS != nil}, {"NS", v.NS != nil}, {"BS", v.BS != nil},
	} {
		if f.set {
			set = append(set, f.name)
		}
	}
	return set
}

func (v value) kind() string {
	switch {
	case v.S != nil:
		return "S"
	case v.N != nil:
		return "N"
	}
	return v.kinds()[0]
}

var decimal = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$`)

// check refuses what DynamoDB would not store, and spells numbers as it does.
func (v value) check() error {
	if len(v.kinds()) != 1 {
		return invalid("Supplied AttributeValue must contain exactly one of the supported datatypes")
	}
	switch {
	case v.N != nil:
		return spellNumber(v.N)
	case v.L != nil:
		for _, e := range *v.L {
			if err := e.check(); err != nil {
				return err
			}
		}
	case v.M != nil:
		return v.M.check()
	case v.NS != nil:
		for i := range *v.NS {
			if err := spellNumber(&(*v.NS)[i]); err != nil {
				return err
			}
		}
	}
	if members, isSet := v.members(); isSet {
		return checkSet(members)
	}
	return nil
}

func spellNumber(n *string) error {
	if !decimal.MatchString(*n) {
		return invalid("The parameter cannot be converted to a numeric value: %s", *n)
	}
	if spelled := plain(number(*n)); spelled != *n { // never written once it is in a table, where others read it
		*n = spelled
	}
	return nil
}

func checkSet(members []string) error {
	if len(members) == 0 {
		return invalid("One or more parameter values were invalid: An set may not be empty")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(members)))) < len(members) {
		return invalid("One or more parameter values were invalid: Input collection contains duplicates")
	}
	return nil
}

func (it item) check() error {
	for _, v := range it {
		if err := v.check(); err != nil {
			return err
		}
	}
	return nil
}

// size is what DynamoDB counts against its limits, in bytes and near enough.
func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

func (v value) size() int {
	switch {
	case v.S != nil:
		return len(*v.S)
	case v.N != nil:
		return len(*v.N)/2 + 1
	case v.B != nil:
		return len(*v.B)
	case v.M != nil:
		return v.M.size() + 3 + len(*v.M)
	case v.L != nil:
		n := 3
		for _, e := range *v.L {
			n += e.size() + 1
		}
		return n
	}
	n := 1
	members, _ := v.members()
	for _, m := range members {
		n += len(m)
	}
	return n
}

// length is what the function size() of an expression answers. Only some types have one.
func (v value) length() (int, bool) {
	switch {
	case v.S != nil:
		return utf8.RuneCountInString(*v.S), true
	case v.B != nil:
		return len(*v.B), true
	case v.L != nil:
		return len(*v.L), true
	case v.M != nil:
		return len(*v.M), true
	}
	members, isSet := v.members()
	return len(members), isSet
}

// members spells a set's members so that equal ones are the same string.
func (v value) members() ([]string, bool) {
	switch {
	case v.SS != nil:
		return *v.SS, true
	case v.NS != nil:
		return *v.NS, true
	case v.BS != nil:
		all := make([]string, len(*v.BS))
		for i, b := range *v.BS {
			all[i] = base64.StdEncoding.EncodeToString(b)
		}
		return all, true
	}
	return nil, false
}

// setOf is the set of v's type with these members.
func (v value) setOf(members []string) value {
	switch {
	case v.SS != nil:
		return value{SS: &members}
	case v.NS != nil:
		return value{NS: &members}
	}
	all := make([][]byte, len(members))
	for i, m := range members {
		all[i], _ = base64.StdEncoding.DecodeString(m) // members wrote it
	}
	return value{BS: &all}
}

func number(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat) // check has refused it already
	}
	return r
}

// places of a number behind the point: DynamoDB keeps 38 digits in all.
const places = 38

// plain writes a number as DynamoDB does, without superfluous zeros.
func plain(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(places), "0")
}

// compare orders two values of one type that has an order. ok is false for all others.
func compare(a, b value) (order int, ok bool) {
	switch {
	case a.S != nil && b.S != nil:
		return strings.Compare(*a.S, *b.S), true
	case a.N != nil && b.N != nil:
		return number(*a.N).Cmp(number(*b.N)), true
	case a.B != nil && b.B != nil:
		return bytes.Compare(*a.B, *b.B), true
	}
	return 0, false
}

func equal(a, b value) bool {
	if a.kind() != b.kind() {
		return false
	}
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	switch {
	case a.BOOL != nil:
		return *a.BOOL == *b.BOOL
	case a.NULL != nil:
		return true
	case a.L != nil:
		return slices.EqualFunc(*a.L, *b.L, equal)
	case a.M != nil:
		return equalItems(*a.M, *b.M)
	}
	mine, _ := a.members()
	others, _ := b.members()
	return slices.Equal(slices.Sorted(slices.Values(mine)), slices.Sorted(slices.Values(others)))
}

func equalItems(a, b item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		other, ok := b[name]
		if !ok || !equal(v, other) {
			return false
		}
	}
	return true
}
