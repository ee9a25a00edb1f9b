package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"deltag/internal/deltag"
)

// DecodeJSON puts a JSON object onto v, a pointer to a struct whose fields all have json tags. What the object does not
// name stays, and null makes a field its zero value. Unlike encoding/json it refuses members that are unknown, spelt in
// other letters, or there twice, and null in a list. Its errors are ErrMalformed for what is not one
// object, and otherwise an Error with the code unknown-field, twice or wrong-type; both wrap deltag.ValidationErrors with the one field that is to blame.
func DecodeJSON(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	var object json.RawMessage
	if dec.Decode(&object) != nil {
		return badBody("bad-json")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badBody("trailing-data")
	}
	if object[0] != '{' {
		return badBody("wrong-type")
	}
	return decodeValue("", object, reflect.ValueOf(v).Elem())
}

func badBody(code string) error { return badField(ErrMalformed, "body", code) }

func badMember(path, code string) error {
	return badField(Error{Status: http.StatusBadRequest, Code: code}, path, code)
}

func badField(answer Error, path, code string) error {
	return fmt.Errorf("%w: %w", answer, deltag.ValidationErrors{{Field: path, Code: code}})
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decodeValue puts valid JSON into a value. path is its field's, with the names around it: "organiser.email".
func decodeValue(path string, raw json.RawMessage, into reflect.Value) error {
	t := into.Type()
	switch first := raw[0]; {
	case first == 'n': // null
		into.SetZero()
		return nil
	case reflect.PointerTo(t).Implements(unmarshaler): // reads itself
	case t.Kind() == reflect.Pointer:
		if into.IsNil() {
			into.Set(reflect.New(t.Elem()))
		}
		return decodeValue(path, raw, into.Elem())
	case t.Kind() == reflect.Struct && first == '{':
		return decodeStruct(path, raw, into)
	case t.Kind() == reflect.Map && first == '{':
		return decodeMap(path, raw, into)
	case t.Kind() == reflect.Slice && first == '[':
		return decodeSlice(path, raw, into)
	}
	if json.Unmarshal(raw, into.Addr().Interface()) != nil {
		return badMember(path, "wrong-type")
	}
	return nil
}

func decodeStruct(path string, raw json.RawMessage, into reflect.Value) error {
	fields := map[string]reflect.Value{}
	for i := range into.NumField() {
		name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = into.Field(i)
	}
	return eachMember(path, raw, func(name, path string, value json.RawMessage) error {
		field, known := fields[name]
		if !known {
			return badMember(path, "unknown-field")
		}
		return decodeValue(path, value, field)
	})
}

func decodeMap(path string, raw json.RawMessage, into reflect.Value) error {
	into.Set(reflect.MakeMap(into.Type()))
	return eachMember(path, raw, func(name, path string, value json.RawMessage) error {
		element := reflect.New(into.Type().Elem()).Elem()
		err := decodeValue(path, value, element)
		into.SetMapIndex(reflect.ValueOf(name), element)
		return err
	})
}

func decodeSlice(path string, raw json.RawMessage, into reflect.Value) error {
	var items []json.RawMessage
	_ = json.Unmarshal(raw, &items) // valid by now
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		if item[0] == 'n' {
			return badMember(path, "wrong-type")
		}
		if err := decodeValue(path, item, into.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// eachMember calls decode for the members of a valid object, until one has an error.
func eachMember(path string, raw json.RawMessage, decode func(name, path string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the opening brace
	seen := map[string]bool{}
	for dec.More() {
		token, _ := dec.Token()
		name := token.(string)
		memberPath := strings.TrimPrefix(path+"."+name, ".")
		if seen[name] {
			return badMember(memberPath, "twice")
		}
		seen[name] = true
		var value json.RawMessage
		_ = dec.Decode(&value) // valid by now
		if err := decode(name, memberPath, value); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) { writeJSON(w, "application/json", status, v) }

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client is gone
}
