package dynamoemu

import (
	"bytes"
	"cmp"
	"encoding/base64"
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
	B    *binary  `json:",omitempty"`
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
	set, name := 0, ""
	for field, value := range reflect.ValueOf(*v).Fields() {
		if !value.IsNil() {
			set++
			name = field.Name
		}
	}
	// The decoder takes a name in small letters too.
	spelled := bytes.HasPrefix(bytes.TrimLeft(text, "{ \t\r\n"), []byte(`"`+name+`"`))
	switch {
	case set != 1 || !spelled:
		return invalid("Supplied AttributeValue must contain exactly one of the supported datatypes")
	case v.NULL != nil && !*v.NULL:
		return invalid("Null attribute value types must have the value of true")
	case v.M != nil:
		return v.M.checkNames()
	}
	return nil
}

// maxName is how long the name of an attribute may be, in bytes.
const maxName = 64<<10 - 1

func (it item) checkNames() error {
	for name := range it {
		if name == "" || len(name) > maxName {
			return invalid("The name of an attribute must have 1 to %d bytes", maxName)
		}
	}
	return nil
}

// levels is how deeply a value is nested: 1 for one that holds no other.
func (v value) levels() int {
	inner := 0
	if v.M != nil {
		for _, element := range *v.M {
			inner = max(inner, element.levels())
		}
	}
	if v.L != nil {
		for _, element := range *v.L {
			inner = max(inner, element.levels())
		}
	}
	return 1 + inner
}

// A binary is a value of type B.
type binary []byte

// UnmarshalText takes base64 with its padding and no line breaks.
func (b *binary) UnmarshalText(text []byte) (err error) {
	*b, err = base64.StdEncoding.DecodeString(string(text))
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		return refused("SerializationException", "Not base64: %.20q", text)
	}
	return nil
}

func (b binary) MarshalText() ([]byte, error) { return base64.StdEncoding.AppendEncode(nil, b), nil }

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

// size is a byte for each two digits, one more, and one for the sign of a negative number. DynamoDB counts no zeros at
// the end.
func (n number) size() int {
	digits, sign := len(strconv.FormatInt(int64(n), 10)), 0
	switch {
	case n == 0:
		return 1
	case n < 0:
		digits, sign = digits-1, 1
	}
	return (digits+1)/2 + 1 + sign
}

// size is what DynamoDB counts against its limits, in bytes, or a little more.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
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
		return v.N.size()
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
