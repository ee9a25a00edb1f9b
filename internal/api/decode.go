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

	"deltag/internal/web"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 10

// readJSON decodes a JSON body into v, strictly. Its errors are answered with 400, 413 or 415.
func readJSON(r *http.Request, v any) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	return decode(raw, v)
}

// readBody reads a JSON body as it is.
func readBody(r *http.Request) ([]byte, error) {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || t != "application/json" && t != "application/merge-patch+json" {
		return nil, web.ErrMediaType
	}
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, web.ErrTooLarge
	case err != nil:
		return nil, badField("body", "bad-json")
	case !utf8.Valid(raw):
		return nil, badField("body", "bad-characters")
	}
	return raw, nil
}

// decode puts a JSON document onto v: what the document does not name stays. The error names a field.
func decode(raw []byte, v any) error {
	if err := decodeStrict(raw, v); err != nil {
		return fieldError(err, raw, v)
	}
	return nil
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

// fieldError names the field that err is about. Some of encoding/json's errors don't; then the fields are decoded one
// by one, to find the one that fails.
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

// unknownField takes the name out of the error's text: encoding/json has no type for this error.
func unknownField(err error) (string, bool) {
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	return strings.Trim(quoted, `"`), ok
}

// convertAll makes the list of an answer. It is never nil, which JSON would show as null.
func convertAll[T, U any](items []T, convert func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = convert(item)
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}
