package internal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/apigateway"
	"deltag/internal/testing/storetest"
)

// TestTableDoesNotAnswer: a visitor gets an answer while the table's connections hang, and what was typed back.
func TestTableDoesNotAnswer(t *testing.T) {
	engine := storetest.Embedded(t)
	d := newDeployment(t, engine)
	var hang atomic.Int32 // requests that get no answer
	proxy := d.proxyTo(engine.Endpoint())
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hang.Add(-1) >= 0 {
			_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client goes
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(table.Close)
	d.env = append(d.env, "DYNAMODB_ENDPOINT="+table.URL)
	d.newEvent()
	site := d.start("site")
	form := url.Values{"name": {"Mette Østergård"}, "email": {"mette@example.dk"}, "language": {"da"}}
	event := request("POST", "/e/samskabelse/registrations", []byte(form.Encode()),
		"Content-Type: application/x-www-form-urlencoded")
	signUp := func(timeout time.Duration) apigateway.Response {
		t.Helper()
		return callWithin[apigateway.Response](t, timeout, site, event)
	}
	httpCall(t, site, request("GET", "/e/samskabelse", nil)) // the event is in the function's cache

	hang.Store(1000)
	if got := signUp(2 * time.Second); got.StatusCode != 503 || !strings.Contains(got.Body, "Mette Østergård") {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	hang.Store(1)
	if got := signUp(10 * time.Second); got.StatusCode != 303 { // as long as in template.yaml
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
}
