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
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options make a server behave worse, in ways that DynamoDB does under load. The zero value is a server without them.
type Options struct {
	// TransactionTime is how long a transaction keeps the items it touches, also those it only checks. Meanwhile
	// others that touch one of them are refused: transactions with the cancellation reason TransactionConflict, and
	// plain writes with a TransactionConflictException. Reads see the items as they were before.
	TransactionTime time.Duration

	// LimitPartitions refuses what goes beyond 1,000 write or 3,000 read units a second in one partition key of the
	// table or an index: with a ThrottlingException, or the cancellation reason ThrottlingError.
	LimitPartitions bool
}

// A Server speaks DynamoDB's protocol over tables of its own. A write is on the disk before it is answered, and a read
// shows nothing that is not on the disk. It is safe for concurrent use.
type Server struct {
	transactionTime time.Duration
	throughput      throughput

	mu     sync.RWMutex
	tables map[string]*table
	tokens tokens
	kept   map[itemID]bool // by transactions under way

	journal    *journal // nil: memory only
	compaction compaction
}

// New is a server in memory.
func New(o Options) *Server {
	s := &Server{
		transactionTime: o.TransactionTime, tables: map[string]*table{}, tokens: newTokens(), kept: map[itemID]bool{},
	}
	if o.LimitPartitions {
		s.throughput.limiters = map[partition]*rate.Limiter{}
	}
	return s
}

const contentType = "application/x-amz-json-1.0"

// maxRequest is what DynamoDB takes in one request, in bytes.
const maxRequest = 16 << 20

// ServeHTTP answers whoever asks: nobody has to prove who they are.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body := s.answer(r)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked may be gone
}

// RoundTrip makes the server an http.Client's transport, so that it is asked without sockets: a test can do so inside
// a testing/synctest bubble. Like a server's at the other end, its work goes on when the request's context ends.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	answered := make(chan *http.Response, 1)
	go func() {
		defer r.Body.Close()
		status, body := s.answer(r)
		answered <- &http.Response{
			Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {contentType}}, Request: r,
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
	status = http.StatusOK
	if err != nil {
		var known *apiError
		status = http.StatusBadRequest
		if !errors.As(err, &known) {
			slog.Error("dynamoemu failed", "error", err)
			status, known = http.StatusInternalServerError, &apiError{Type: "InternalServerError"}
		}
		out = known
	}
	body, err = json.Marshal(out)
	if err != nil {
		return http.StatusInternalServerError, []byte(`{"__type":"InternalServerError"}`)
	}
	return status, body
}

func (s *Server) do(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest {
		return nil, &apiError{Type: "SerializationException", Message: "The request did not arrive, or is too large"}
	}
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	run, ok := operations[name]
	if !ok {
		return nil, &apiError{Type: "UnknownOperationException", Message: "Not supported by dynamoemu: " + name}
	}
	return run(s, body)
}

type operation func(s *Server, body []byte) (any, error)

var operations = map[string]operation{
	"GetItem":            reading((*Server).getItem),
	"BatchGetItem":       reading((*Server).batchGetItem),
	"Query":              reading((*Server).query),
	"Scan":               reading((*Server).scan),
	"CreateTable":        writing((*Server).createTable),
	"DeleteTable":        writing((*Server).deleteTable),
	"PutItem":            writing(writeItem(putItem)),
	"UpdateItem":         writing(writeItem(updateItem)),
	"DeleteItem":         writing(writeItem(deleteItem)),
	"TransactWriteItems": writing((*Server).transactWriteItems),
}

// reading answers from the tables as they are. Readers do not wait for each other, but for the disk: they must not tell
// of a write that a power cut could still undo.
func reading[In any](run func(*Server, In) (any, error)) operation {
	return locked(run, func(s *Server) sync.Locker { return s.mu.RLocker() })
}

func writing[In any](run func(*Server, In) (any, error)) operation {
	return locked(run, func(s *Server) sync.Locker { return &s.mu })
}

func locked[In any](run func(*Server, In) (any, error), lockOf func(*Server) sync.Locker) operation {
	return func(s *Server, body []byte) (any, error) {
		in, err := decode[In](body)
		if err != nil {
			return nil, err
		}
		lock := lockOf(s)
		lock.Lock()
		out, err := run(s, in)
		seen := s.journal.last()
		lock.Unlock()
		return out, errors.Join(err, s.journal.wait(seen))
	}
}

// decode refuses what is not supported, rather than to do half of it.
func decode[In any](body []byte) (In, error) {
	var in In
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil && d.More() {
		err = errors.New("something follows the request")
	}
	var known *apiError
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return in, nil
	case errors.As(err, &known):
		return in, known
	case errors.As(err, &syntax), errors.As(err, &mismatch), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return in, &apiError{Type: "SerializationException", Message: err.Error()}
	}
	return in, invalid("Not supported by dynamoemu: %v", err)
}

// table returns a ResourceNotFoundException for a table that is not there.
func (s *Server) table(name string) (*table, error) {
	t, ok := s.tables[name]
	if !ok {
		return nil, &apiError{
			Type: "ResourceNotFoundException", Message: "Requested resource not found: Table: " + name + " not found",
		}
	}
	return t, nil
}

// An apiError is an answer other than the one asked for.
type apiError struct {
	Type    string               `json:"__type"`
	Message string               `json:"message"`
	Item    item                 `json:",omitempty"` // of a condition that does not hold, if asked for
	Reasons []cancellationReason `json:"CancellationReasons,omitempty"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

func invalid(format string, args ...any) error {
	return &apiError{Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}
