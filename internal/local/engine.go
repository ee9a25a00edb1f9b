package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An Engine speaks DynamoDB's protocol over tables of its own, as far as Deltag uses it. A write is on the disk before
// it is answered, and a read shows nothing that is not on the disk.
//
// Everything is consistent at once, its indexes too; nothing is metered, throttled or expired, and transactions never
// conflict. Limits on sizes and pages are DynamoDB's. What the engine does not know it refuses.
type Engine struct {
	mu      sync.RWMutex
	tables  map[string]*table
	tokens  tokens
	journal *journal // nil: memory only

	stale    bool // the journal tells of items that are gone
	tidying  bool // and is about to be compacted
	tidyTook time.Duration
	tidy     sync.WaitGroup
	stop     chan struct{}
}

// NewEngine is an engine in memory.
func NewEngine() *Engine {
	return &Engine{tables: map[string]*table{}, tokens: newTokens(time.Now), stop: make(chan struct{})}
}

// OpenEngine is an engine that keeps its tables in a folder, or in memory if the folder is "". One process at a time may
// have the folder.
func OpenEngine(folder string) (*Engine, error) {
	e := NewEngine()
	if folder == "" {
		return e, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	j, err := openJournal(filepath.Join(folder, "tables.journal"), e.replay)
	if err != nil {
		return nil, err
	}
	e.journal = j
	return e, e.compact()
}

// Close writes what is left to write. It is called once; requests that come later fail.
func (e *Engine) Close() error {
	if e.journal == nil {
		return nil
	}
	close(e.stop)
	e.tidy.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(e.compact(), e.journal.close())
}

// maxRequest is what DynamoDB takes in one request.
const maxRequest = 16 << 20

func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		answer(w, nil, malformed(err))
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := e.do(operation, body)
	answer(w, out, err)
}

func (e *Engine) do(operation string, body []byte) (any, error) {
	if read, ok := reads[operation]; ok {
		return e.read(read, body)
	}
	if write, ok := writes[operation]; ok {
		return e.write(write, body)
	}
	return nil, &fault{Type: "UnknownOperationException", Message: "the local engine does not know " + operation}
}

// A fault is an answer other than the one asked for.
type fault struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	Item    item   `json:",omitempty"` // of a failed condition, if asked for
	Reasons []any  `json:"CancellationReasons,omitempty"`
}

func (f *fault) Error() string { return f.Type + ": " + f.Message }

func invalid(format string, args ...any) error {
	return &fault{Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func malformed(err error) error {
	return &fault{Type: "SerializationException", Message: err.Error()}
}

func answer(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		var f *fault
		status = http.StatusBadRequest
		if !errors.As(err, &f) {
			slog.Error("the local engine failed", "error", err)
			status, f = http.StatusInternalServerError, &fault{Type: "InternalServerError", Message: "Internal server error"}
		}
		out = f
	}
	body, err := json.Marshal(out)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalServerError"}`)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked may be gone
}

// read answers from the tables as they are. Readers do not wait for each other, but for the disk: they must not tell of
// a write that a power cut could still undo.
func (e *Engine) read(operation func(*Engine, []byte) (any, error), body []byte) (any, error) {
	e.mu.RLock()
	out, err := operation(e, body)
	seen := e.committed()
	e.mu.RUnlock()
	return out, errors.Join(err, e.settle(seen))
}

func (e *Engine) write(operation func(*Engine, []byte) (any, error), body []byte) (any, error) {
	e.mu.Lock()
	out, err := operation(e, body)
	mine := e.committed()
	e.mu.Unlock()
	return out, errors.Join(err, e.settle(mine))
}

func (e *Engine) committed() int64 {
	if e.journal == nil {
		return 0
	}
	return e.journal.last()
}

func (e *Engine) settle(n int64) error {
	if e.journal == nil {
		return nil
	}
	return e.journal.wait(n)
}

// commit makes a change, in memory and in the journal.
func (e *Engine) commit(rec record) error {
	if e.journal != nil {
		if _, err := e.journal.append(rec); err != nil {
			return err
		}
	}
	if err := e.replay(rec); err != nil {
		return err
	}
	e.tidyLater()
	return nil
}

// replay makes a change in memory.
func (e *Engine) replay(rec record) error {
	if rec.Create != nil {
		t, err := newTable(*rec.Create)
		if err != nil {
			return err
		}
		e.tables[rec.Create.TableName] = t
	}
	if rec.Drop != "" {
		delete(e.tables, rec.Drop)
		e.stale = true
	}
	for name, keys := range rec.Delete {
		for _, key := range keys {
			e.replace(name, key, nil)
		}
	}
	for name, items := range rec.Put {
		for _, it := range items {
			e.replace(name, it, it)
		}
	}
	return nil
}

func (e *Engine) replace(name string, key, made item) {
	t := e.tables[name]
	old, found := t.get(key)
	t.replace(old, made)
	e.stale = e.stale || found
}

// compact leaves nothing in the journal but what is in the tables now.
func (e *Engine) compact() error {
	if !e.stale {
		return nil
	}
	e.stale = false
	return e.journal.rewrite(func(yield func(record) error) error {
		for name, t := range e.tables {
			if err := yield(record{Create: &t.definition}); err != nil {
				return err
			}
			for _, it := range t.primary.everything() {
				if err := yield(record{Put: map[string][]item{name: {it}}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

const (
	// tidyAfter is how long the journal may go on telling of what was deleted or replaced: personal data that is erased
	// leaves the disk too.
	tidyAfter = 2 * time.Second
	// tidyShare keeps a big table from being written all the time: at most one part in so many.
	tidyShare = 20
)

// tidyLater has the journal compacted soon. The caller holds the lock.
func (e *Engine) tidyLater() {
	if e.journal == nil || e.tidying || !e.stale {
		return
	}
	e.tidying = true
	wait := max(tidyAfter, tidyShare*e.tidyTook)
	e.tidy.Go(func() {
		select {
		case <-e.stop:
		case <-time.After(wait):
			e.tidyNow()
		}
	})
}

func (e *Engine) tidyNow() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tidying = false
	began := time.Now()
	if err := e.compact(); err != nil {
		slog.Error("the local engine could not tidy its journal", "error", err)
	}
	e.tidyTook = time.Since(began)
}
