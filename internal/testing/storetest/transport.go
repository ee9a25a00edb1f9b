package storetest

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// A Transport counts a client's requests, and makes some of them fail.
type Transport struct {
	count atomic.Int64
	fault atomic.Pointer[FaultFunc]
}

// A FaultFunc answers the nth request, counted from 1. To let it through, or to change its answer, it calls send.
type FaultFunc func(n int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// InjectFault has f answer the requests from now on, counted anew; nil lets all through.
func (t *Transport) InjectFault(f FaultFunc) {
	t.Reset()
	t.fault.Store(&f)
}

// IsWrite says whether a request to DynamoDB may change something.
func IsWrite(r *http.Request) bool {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "GetItem", "BatchGetItem", "Query":
		return false
	}
	return true
}

func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	n := int(t.count.Add(1))
	send := func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(r) }
	if fault := t.fault.Load(); fault != nil && *fault != nil {
		return (*fault)(n, r, send)
	}
	return send()
}

// Reset counts from zero again.
func (t *Transport) Reset() { t.count.Store(0) }

// Count is the number of requests since the last Reset.
func (t *Transport) Count() int { return int(t.count.Load()) }
