package storetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
)

// A Transport counts a client's requests, and makes some of them fail.
type Transport struct {
	sender http.RoundTripper
	count  atomic.Int64
	fault  atomic.Pointer[FaultFunc]
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
	send := func() (*http.Response, error) { return t.sender.RoundTrip(r) }
	if fault := t.fault.Load(); fault != nil && *fault != nil {
		return (*fault)(n, r, send)
	}
	return send()
}

// Reset counts from zero again.
func (t *Transport) Reset() { t.count.Store(0) }

// Count is the number of requests since the last Reset.
func (t *Transport) Count() int { return int(t.count.Load()) }

// A handlerTransport sends requests to a handler in the same process. Who cancels a request gets an error, as from
// http.Transport; whether it was carried out is open there as here.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if r.Body != nil {
		_ = r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}
