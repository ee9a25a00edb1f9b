package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"deltag/internal/deltag"
)

// maxBody is what a request may send, in bytes.
const maxBody = 64 << 10

// read decodes a JSON body strictly. Its errors name what is wrong.
func read(r *http.Request, v any) error {
	raw, err := body(r)
	if err != nil {
		return err
	}
	return decode(raw, v)
}

// body reads a JSON body as it is.
func body(r *http.Request) ([]byte, error) {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || t != "application/json" && t != "application/merge-patch+json" {
		return nil, errMediaType
	}
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, badField("body", "bad-json")
	case !utf8.Valid(raw):
		return nil, badField("body", "bad-characters")
	}
	return raw, nil
}

// decode puts a JSON document onto v, which may hold what is to stay.
func decode(raw []byte, v any) error {
	if err := decodeStrict(raw, v); err != nil {
		return fieldError(err, raw, v)
	}
	return nil
}

func badField(field, code string) error {
	return badRequest{deltag.ValidationErrors{{Field: field, Code: code}}}
}

var errTrailing = errors.New("trailing data")

func decodeStrict(raw []byte, v any) error {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return &json.UnmarshalTypeError{Field: "body"}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// fieldError names the field that err is about. Some of encoding/json's errors don't, so the fields are tried one by one.
func fieldError(err error, raw []byte, v any) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errTrailing):
		return badField("body", "trailing-data")
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badField("body", "bad-json")
	case errors.As(err, &typ) && typ.Field != "":
		return badField(typ.Field, "wrong-type")
	}
	if name, ok := unknownField(err); ok {
		return badField(name, "unknown-field")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return badField("body", "wrong-type")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one, _ := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if decodeStrict(one, reflect.New(reflect.TypeOf(v).Elem()).Interface()) != nil {
			return badField(name, "wrong-type")
		}
	}
	return badField("body", "wrong-type")
}

// unknownField reads the name out of the only words in which encoding/json tells it.
func unknownField(err error) (string, bool) {
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	return strings.Trim(quoted, `"`), ok
}

// write answers v as JSON.
func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}
