package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
)

// A jsonReader reads JSON from its beginning to its end, without making values of what nobody asks for. Its first error
// stays, and ends every list. It takes what is well formed, and may take some that is not: DynamoDB wrote it.
type jsonReader struct {
	data []byte
	at   int
	err  error
}

var errBadJSON = errors.New("bad JSON")

// next is the byte behind white space that a value, or what ends one, begins with. 0 at the end.
func (r *jsonReader) next() byte {
	for r.err == nil && r.at < len(r.data) {
		switch c := r.data[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) take(c byte) {
	if r.next() != c {
		r.fail()
		return
	}
	r.at++
}

func (r *jsonReader) fail() {
	if r.err == nil {
		r.err = errBadJSON
	}
}

// begin reads the beginning of an object or array.
func (r *jsonReader) begin(bracket byte) { r.take(bracket) }

// more says whether the object or array has another member. If not, it reads the end.
func (r *jsonReader) more(bracket byte) bool {
	c := r.next()
	if c == ',' {
		r.at++
		c = r.next()
	}
	switch c {
	case 0:
		r.fail()
	case bracket:
		r.at++
		return false
	}
	return r.err == nil
}

// name reads the name of an object's member. It is valid until data changes.
func (r *jsonReader) name() []byte {
	quoted := r.quoted()
	r.take(':')
	if r.err != nil {
		return nil
	}
	return quoted[1 : len(quoted)-1]
}

// text reads a string.
func (r *jsonReader) text() string {
	quoted := r.quoted()
	switch {
	case r.err != nil:
		return ""
	case bytes.IndexByte(quoted, '\\') < 0:
		return string(quoted[1 : len(quoted)-1])
	}
	var unescaped string // is on the heap, unlike the others
	r.err = json.Unmarshal(quoted, &unescaped)
	return unescaped
}

// quoted is a string as it is written.
func (r *jsonReader) quoted() []byte {
	r.take('"')
	start := r.at - 1
	for at := r.at; r.err == nil && at < len(r.data); at++ {
		length := bytes.IndexByte(r.data[at:], '"')
		if length < 0 {
			break
		}
		end := at + length
		if escape := bytes.IndexByte(r.data[at:end], '\\'); escape >= 0 {
			at += escape + 1 // what is escaped ends nothing
			continue
		}
		r.at = end + 1
		return r.data[start:r.at]
	}
	r.fail()
	return nil
}

// skip passes over a value.
func (r *jsonReader) skip() {
	depth := 0
	for r.err == nil {
		switch c := r.next(); c {
		case '"':
			r.quoted()
		case '{', '[':
			depth++
			r.at++
		case '}', ']':
			depth--
			r.at++
		case ',', ':':
			r.at++
			continue
		case 0:
			r.fail()
		default: // a number, true, false or null
			r.at++
			for r.at < len(r.data) && !isDelimiter(r.data[r.at]) {
				r.at++
			}
		}
		if depth <= 0 {
			return
		}
	}
}

func isDelimiter(c byte) bool { return c == ',' || c == ']' || c == '}' || c <= ' ' }
