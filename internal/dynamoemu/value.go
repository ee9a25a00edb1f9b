package dynamoemu

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// An item is a row as DynamoDB's protocol spells it. Items are never changed once they are in a table.
type item map[string]value

// A value is one attribute; exactly one field is set, or none in the value of an attribute that is not there. The
// fields are pointers to tell an empty list from none. Sets are not supported.
type value struct {
	S    *string  `json:",omitempty"`
	N    *number  `json:",omitempty"`
	B    *[]byte  `json:",omitempty"`
	BOOL *bool    `json:",omitempty"`
	NULL *bool    `json:",omitempty"`
	L    *[]value `json:",omitempty"`
	M    *item    `json:",omitempty"`
}

var absent value

// UnmarshalJSON refuses what DynamoDB would not store.
func (v *value) UnmarshalJSON(text []byte) error {
	type fields value // has no UnmarshalJSON
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode((*fields)(v)); err != nil {
		return err
	}
	set := 0
	for _, field := range reflect.ValueOf(*v).Fields() {
		if !field.IsNil() {
			set++
		}
	}
	switch {
	case set != 1:
		return invalid("Supplied AttributeValue must contain exactly one of the supported datatypes")
	case v.NULL != nil && !*v.NULL:
		return invalid("Null attribute value types must have the value of true")
	case v.M != nil:
		return v.M.checkNames()
	}
	return nil
}

func (it item) checkNames() error {
	if it[""] != absent {
		return invalid("Empty attribute name")
	}
	return nil
}

// A number is a whole number of 64 bits. DynamoDB has 38 digits and fractions, which are refused here.
type number int64

func (n *number) UnmarshalText(text []byte) error {
	parsed, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return invalid("The parameter is no whole number of 64 bits, all that dynamoemu supports: %s", text)
	}
	*n = number(parsed)
	return nil
}

func (n number) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(n), 10), nil }

// size is what DynamoDB counts against its limits, in bytes. It is close, but not exact.
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
		return len(strconv.FormatInt(int64(*v.N), 10))/2 + 1
	case v.B != nil:
		return len(*v.B)
	case v.M != nil:
		return v.M.size() + 3 + len(*v.M)
	case v.L != nil:
		n := 3
		for _, element := range *v.L {
			n += element.size() + 1
		}
		return n
	}
	return 1
}

// text is an attribute of type S, or "" if there is none.
func (it item) text(name string) string {
	if s := it[name].S; s != nil {
		return *s
	}
	return ""
}

// compare orders two values of one ordered type. ok is false for all others.
func compare(a, b value) (order int, ok bool) {
	switch {
	case a.S != nil && b.S != nil:
		return strings.Compare(*a.S, *b.S), true
	case a.N != nil && b.N != nil:
		return cmp.Compare(*a.N, *b.N), true
	case a.B != nil && b.B != nil:
		return bytes.Compare(*a.B, *b.B), true
	}
	return 0, false
}

func equal(a, b value) bool { return a != absent && reflect.DeepEqual(a, b) }

func hasPrefix(v, prefix value) bool {
	switch {
	case v.S != nil && prefix.S != nil:
		return strings.HasPrefix(*v.S, *prefix.S)
	case v.B != nil && prefix.B != nil:
		return bytes.HasPrefix(*v.B, *prefix.B)
	}
	return false
}
