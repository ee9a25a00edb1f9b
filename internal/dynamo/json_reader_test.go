package dynamo

import (
	"encoding/json"
	"testing"
)

// FuzzJSONReader: what encoding/json takes is read to its end, with the same texts in it, and nothing makes it panic or
// go on for ever.
func FuzzJSONReader(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"Items":[],"Count":0}`, ` { "a" : [ 1 , -2.5e3 , true , null , { } , [ ] ] , "b" : "\u00e5\n\"x\\" } `,
		`{"a":"\ud83d\ude00"}`, `{"a"`, `{"a":`, `{"a":"`, `{"a":"\`, `[`, ``, `{"a":[1,}`, `{"a":}`, `{,,}`, `"x"`, `{"a":tru`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &jsonReader{data: data}
		texts := map[string]string{}
		for r.begin('{'); r.more('}'); {
			name := string(r.name())
			delete(texts, name)
			if r.next() == '"' {
				texts[name] = r.text()
			} else {
				r.skip()
			}
		}
		var want map[string]any
		if json.Unmarshal(data, &want) != nil || want == nil {
			return
		}
		if r.err != nil {
			t.Fatalf("%q: %v", data, r.err)
		}
		for name, text := range texts {
			var decoded string
			if json.Unmarshal([]byte(`"`+name+`"`), &decoded) != nil || decoded != name {
				continue // escapes in names are not read: DynamoDB's names have none that we ask for
			}
			if value, ok := want[name].(string); ok && value != text && !hasInvalidUTF8(text) {
				t.Errorf("%q: %q is %q, want %q", data, name, text, value)
			}
		}
	})
}

// hasInvalidUTF8 says whether encoding/json would have replaced something.
func hasInvalidUTF8(s string) bool {
	for _, r := range s {
		if r == '\ufffd' {
			return true
		}
	}
	return false
}
