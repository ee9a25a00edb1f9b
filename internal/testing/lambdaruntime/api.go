package lambdaruntime

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// arn has AWS's form; the account does not exist.
const arn = "arn:aws:lambda:eu-north-1:000000000000:function:function"

// An Error is what a function reported instead of a response.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

type event struct {
	payload  []byte
	deadline time.Time
	result   chan result // has room for one
}

// A result is a response or an error.
type result struct {
	payload []byte
	err     error
}

// api is the Runtime API, version 2018-06-01, of one execution environment: the three calls that aws-lambda-go makes.
type api struct {
	events    chan event // received by the poll that waits
	polled    chan struct{}
	firstPoll time.Time // set when polled closes

	first   sync.Once
	mu      sync.Mutex
	count   int   // events sent to the function; the number of an event is its request id
	current event // the last one sent
}

func newAPI() *api {
	return &api{events: make(chan event), polled: make(chan struct{})}
}

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failure)
	return mux
}

func (a *api) next(w http.ResponseWriter, r *http.Request) {
	a.first.Do(func() {
		a.firstPoll = time.Now()
		close(a.polled)
	})
	select {
	case e := <-a.events:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", a.setCurrent(e))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", arn)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(e.payload)
	case <-r.Context().Done():
	}
}

// setCurrent makes e the current event and returns its request id, which is a UUID like Lambda's.
func (a *api) setCurrent(e event) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	a.current = e
	return requestID(a.count)
}

func requestID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func (a *api) response(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	a.finish(w, r, result{payload, err})
}

func (a *api) failure(w http.ResponseWriter, r *http.Request) {
	a.finish(w, r, result{err: reportedError(r)})
}

// finish ends the current event. Like Lambda, it refuses the result of any other.
func (a *api) finish(w http.ResponseWriter, r *http.Request, res result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.PathValue("id") != requestID(a.count) || a.current.result == nil {
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"not the current event"}`, http.StatusBadRequest)
		return
	}
	a.current.result <- res
	a.current.result = nil
	w.WriteHeader(http.StatusAccepted)
}

func reportedError(r *http.Request) error {
	e := &Error{}
	if err := json.NewDecoder(r.Body).Decode(e); err != nil {
		return fmt.Errorf("the function reported an error that cannot be read: %w", err)
	}
	return e
}
