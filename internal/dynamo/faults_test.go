package dynamo_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// A process is one function's: a store of its own, whose requests may be made to fail, or to be interrupted.
type process struct {
	*storetest.Transport // counts the requests since the fault was injected
	store                *dynamo.Store
	fault                storetest.FaultFunc
	from, to             int    // the requests that fail, to excluded
	pauseAt              int    // the request before which pause is called
	pause                func() // an operation of another process
}

func newProcess(engine storetest.Engine) *process {
	client := engine.NewClient()
	p := &process{Transport: client.Transport, store: client.Store()}
	p.InjectFault(p.answer)
	return p
}

// crashed is a process that crashes before its nth request.
func crashed(engine storetest.Engine, n int) *dynamo.Store {
	p := newProcess(engine)
	p.injectFault(crash, n, forever)
	return p.store
}

// interrupted is a process that is interrupted before its nth request.
func interrupted(engine storetest.Engine, n int, by func()) *process {
	p := newProcess(engine)
	p.pauseAt, p.pause = n, by
	return p
}

// injectFault counts requests from 1, and makes some of them fail, beginning with the nth. A nil fault makes none fail.
func (p *process) injectFault(f storetest.FaultFunc, n, times int) {
	p.fault, p.from, p.to, p.pause = f, n, n+times, nil
	p.Reset()
}

// forever is how many requests fail after a crash.
const forever = 1 << 30

func (p *process) faultHit() bool { return p.fault != nil && p.Count() >= p.from }

// answer tells a fault how many requests have failed with this one.
func (p *process) answer(n int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if p.pause != nil && n == p.pauseAt {
		p.pause()
	}
	if p.fault == nil || n < p.from || n >= p.to {
		return send()
	}
	return p.fault(n-p.from+1, r, send)
}

var errConnectionReset = errors.New("connection reset")

func loseRequest(int, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errConnectionReset
}

func loseResponse(_ int, _ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if res, err := send(); err == nil {
		_ = res.Body.Close() // nobody reads it
	}
	return nil, errConnectionReset
}

func throttle(int, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return errorResponse("ProvisionedThroughputExceededException", ""), nil
}

// transactionConflict lets all requests but transactions through.
func transactionConflict(_ int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return send()
	}
	return errorResponse("TransactionCanceledException",
		`,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]`), nil
}

// crash keeps a process from reaching the engine, by an error that the SDK does not retry.
func crash(int, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return errorResponse("AccessDeniedException", ""), nil
}

// crashBeforeResponse lets the first request be carried out, and no more.
func crashBeforeResponse(n int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if n == 1 {
		_, _ = loseResponse(n, r, send)
	}
	return crash(n, r, send)
}

// crashAfterWrite lets n writes be carried out, the last without a response, and no request after it. It counts them in
// written.
func crashAfterWrite(n int32, written *atomic.Int32) storetest.FaultFunc {
	return func(i int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		switch {
		case written.Load() >= n:
			return crash(i, r, send)
		case !storetest.IsWrite(r):
			return send()
		}
		if nth := written.Add(1); nth < n {
			return send()
		} else {
			return crashBeforeResponse(int(nth-n)+1, r, send)
		}
	}
}

func errorResponse(kind, more string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + kind + `","message":"no"` + more + `}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
