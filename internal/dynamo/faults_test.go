package dynamo_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// A process is one function's: a store of its own, whose requests may be made to fail, or to be interrupted.
type process struct {
	store    *dynamo.Store
	requests int // since the fault was injected
	fault    fault
	from, to int    // the requests that fail, to excluded
	pauseAt  int    // the request before which pause is called
	pause    func() // an operation of another process
}

// A fault answers a request in the engine's place, or calls send and changes its answer.
type fault func(p *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// newProcess retries as often as NewClient does, and without waiting.
func newProcess(engine storetest.Engine) *process {
	p := &process{}
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 4
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.RateLimiter = ratelimit.None
	})
	client := dynamodb.New(engine.Client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient, o.Retryer = &http.Client{Transport: p}, retryer
	})
	p.store = dynamo.New(dynamo.ClientOf(client), engine.Table, rand.Reader)
	return p
}

// injectFault counts requests from 1, and makes some of them fail, beginning with the nth. A nil fault makes none fail.
func (p *process) injectFault(f fault, n, times int) {
	p.requests, p.fault, p.from, p.to, p.pause = 0, f, n, n+times, nil
}

// forever is how many requests fail after a crash.
const forever = 1 << 30

func (p *process) faultHit() bool { return p.fault != nil && p.requests >= p.from }

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	p.requests++
	if p.pause != nil && p.requests == p.pauseAt {
		p.pause()
	}
	send := func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(r) }
	if !p.faultHit() || p.requests >= p.to {
		return send()
	}
	return p.fault(p, r, send)
}

var errConnectionReset = errors.New("connection reset")

func loseRequest(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errConnectionReset
}

func loseResponse(_ *process, _ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if res, err := send(); err == nil {
		_ = res.Body.Close() // nobody reads it
	}
	return nil, errConnectionReset
}

func throttle(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return errorResponse("ProvisionedThroughputExceededException", ""), nil
}

// transactionConflict lets all requests but transactions through.
func transactionConflict(_ *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return send()
	}
	return errorResponse("TransactionCanceledException",
		`,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]`), nil
}

// crash keeps a process from reaching the engine, by an error that the SDK does not retry.
func crash(*process, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return errorResponse("AccessDeniedException", ""), nil
}

// crashBeforeResponse lets the first request be carried out, and no more.
func crashBeforeResponse(p *process, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if p.requests == p.from {
		_, _ = loseResponse(p, r, send)
	}
	return crash(p, r, send)
}

func errorResponse(kind, more string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + kind + `","message":"no"` + more + `}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
