// Package dynamoemu is an emulator of DynamoDB, as far as Deltag uses it. README.md says what it promises.
package dynamoemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options make a server refuse what DynamoDB refuses under load. The zero value is a server that is never under load.
type Options struct {
	// TransactionTime is how long a transaction locks the items that it writes or checks. Meanwhile others that write
	// or check one of them fail at once: a transaction with the cancellation reason TransactionConflict, a plain write
	// with a TransactionConflictException. Reads return the items as they were before.
	TransactionTime time.Duration

	// LimitPartitions refuses what goes beyond the limits of a partition or a new table, in the
	// table and in each index: with a ThrottlingException, or the cancellation reason ThrottlingError.
	LimitPartitions bool
}

// A Server speaks DynamoDB's protocol, without authentication. A write is on the disk before it is answered, and a
// read returns nothing that is not on the disk. It is safe for concurrent use.
type Server struct {
	transactionTime time.Duration
	throughput      throughput

	mu     sync.RWMutex // guards the tables, tokens and locks
	tables map[string]*table
	tokens tokens
	locked map[itemID]bool // by transactions in progress

	journal    journal
	outdated   bool          // the journal holds items that are gone
	stop       chan struct{} // ends compacting
	compacting sync.WaitGroup
}

// New is a server in memory.
func New(o Options) *Server {
	return &Server{
		transactionTime: o.TransactionTime, tables: map[string]*table{}, locked: map[itemID]bool{},
		throughput: throughput{limited: o.LimitPartitions, limiters: map[partition]*rate.Limiter{}},
	}
}

const contentType = "application/x-amz-json-1.0"

// maxRequest is how large a request DynamoDB accepts, in bytes.
const maxRequest = 16 << 20

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body := s.answer(r)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// RoundTrip makes the server the transport of an http.Client, without sockets, so that a test can use it inside a
// testing/synctest bubble. As over a network, the operation goes on when the request's context ends.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	answered := make(chan *http.Response, 1)
	go func() {
		defer r.Body.Close()
		status, body := s.answer(r)
		answered <- &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Request: r,
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case response := <-answered:
		return response, nil
	}
}

func (s *Server) answer(r *http.Request) (status int, body []byte) {
	out, err := s.do(r)
	var known *apiError
	switch {
	case err == nil:
		return http.StatusOK, encode(out)
	case errors.As(err, &known):
		return http.StatusBadRequest, encode(known)
	}
	slog.Error("dynamoemu failed", "error", err)
	return http.StatusInternalServerError, encode(refused("InternalServerError", ""))
}

func (s *Server) do(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest {
		return nil, refused("SerializationException", "The request is incomplete or too large")
	}
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	run, ok := operations[name]
	if !ok {
		return nil, refused("UnknownOperationException", "Not supported by dynamoemu: %s", name)
	}
	return run(s, body)
}

type handler func(s *Server, body []byte) (any, error)

var operations = map[string]handler{
	"GetItem":            operation(shared, (*Server).getItem),
	"BatchGetItem":       operation(shared, (*Server).batchGetItem),
	"Query":              operation(shared, (*Server).query),
	"Scan":               operation(shared, (*Server).scan),
	"CreateTable":        operation(exclusive, (*Server).createTable),
	"DeleteTable":        operation(exclusive, (*Server).deleteTable),
	"PutItem":            operation(exclusive, writeItem(putItem)),
	"UpdateItem":         operation(exclusive, writeItem(updateItem)),
	"DeleteItem":         operation(exclusive, writeItem(deleteItem)),
	"TransactWriteItems": operation(exclusive, (*Server).transactWriteItems),
}

func shared(mu *sync.RWMutex) sync.Locker { return mu.RLocker() }

func exclusive(mu *sync.RWMutex) sync.Locker { return mu }

// operation decodes a request and runs it. Reads wait for the disk too: they must not return what a power cut could
// still undo.
func operation[In any](lock func(*sync.RWMutex) sync.Locker, run func(*Server, In) (any, error)) handler {
	return func(s *Server, body []byte) (any, error) {
		in, err := decode[In](body)
		if err != nil {
			return nil, err
		}
		locker := lock(&s.mu)
		locker.Lock()
		out, err := run(s, in)
		seen := s.journal.appended
		locker.Unlock()
		return out, errors.Join(err, s.journal.wait(seen))
	}
}

// decode refuses fields that are not supported.
func decode[In any](body []byte) (in In, err error) {
	if !json.Valid(body) {
		return in, refused("SerializationException", "The request is not JSON")
	}
	err = decodeExactly(body, &in)
	var known *apiError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil, errors.As(err, &known):
		return in, err
	case errors.As(err, &mismatch):
		return in, refused("SerializationException", "%v", err)
	}
	return in, invalid("Not supported by dynamoemu: %v", err)
}

// decodeExactly refuses fields that T does not have, or has by a name in other letters: encoding/json would take these.
func decodeExactly[T any](text []byte, v *T) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	for _, name := range namesOf(text) {
		if _, ok := reflect.TypeFor[T]().FieldByName(name); !ok {
			return invalid("Not supported by dynamoemu: a field %q", name)
		}
	}
	return nil
}

// namesOf are the names in a JSON object, as they are written. It leaves out those of objects in it.
func namesOf(object []byte) (names []string) {
	depth := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			begin := i + 1
			for i++; object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
			if rest := bytes.TrimLeft(object[i+1:], " \t\r\n"); depth == 1 && len(rest) > 0 && rest[0] == ':' {
				names = append(names, string(object[begin:i]))
			}
		}
	}
	return names
}

// encode is for types of this package, which can always be encoded.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}

// table returns a ResourceNotFoundException for a table that is not there.
func (s *Server) table(name string) (*table, error) {
	if !validName.MatchString(name) {
		return nil, invalid("Invalid table name %q", name)
	}
	t, ok := s.tables[name]
	if !ok {
		return nil, refused("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

// An apiError is DynamoDB's answer to what it refuses.
type apiError struct {
	Type    string               `json:"__type"`
	Message string               `json:"message"`
	Item    item                 `json:",omitempty"` // whose condition does not hold, if the request wants it
	Reasons []cancellationReason `json:"CancellationReasons,omitempty"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

func refused(kind, format string, args ...any) *apiError {
	return &apiError{Type: kind, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refused("ValidationException", format, args...)
}
