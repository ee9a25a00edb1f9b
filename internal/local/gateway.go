// Package local stands in for AWS around the functions of make run: an SES that keeps the mails, an API Gateway, the
// schedule, a clock that can be moved, and /local, the developer's console. No function links it.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"deltag/internal/apigateway"
)

// A Function is a Lambda function: it takes an event and returns a response, both as JSON.
type Function func(ctx context.Context, payload []byte) ([]byte, error)

// Timeouts of the functions, as in template.yaml.
const (
	SiteTimeout      = 10 * time.Second
	OrganiserTimeout = 29 * time.Second
)

// Lambda makes a Function of a handler, as Lambda's runtime does. A panic becomes an error, and so does an answer after the
// timeout, which the handler's context tells.
func Lambda[Event, Response any](
	timeout time.Duration, handle func(context.Context, Event) (Response, error),
) Function {
	return func(ctx context.Context, payload []byte) (response []byte, err error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		var event Event
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		out, err := handle(ctx, event)
		if err == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("timed out after %s", timeout)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// A Gateway stands in for API Gateway: it sends each request, as an event, to the function of its route.
type Gateway struct {
	Site, Organiser Function
	Now             func() time.Time
	NewID           func() string // makes request ids
	Wake            func()        // called after each request that may have changed something
}

// Limits of API Gateway and Lambda, in bytes and time.
const (
	maxPayload = 10 << 20
	maxEvent   = 6 << 20
	timeout    = 30 * time.Second
)

// sourceHeader sets the event's source address, so that a load test can come from many networks.
const sourceHeader = "X-Local-Source-IP"

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if headerSize(r) > apigateway.MaxHeaders {
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	if apigateway.CheckPath(r.URL) != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	id := g.NewID()
	payload, err := json.Marshal(apigateway.NewEvent(withProxyHeaders(r), body, g.Now(), id))
	if err != nil || len(payload) > maxEvent {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	response, err := g.function(r.URL.Path)(ctx, payload)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.Wake()
	}
	if err == nil {
		err = writeResponse(w, response)
	} else if r.Context().Err() == nil { // else the client is gone
		writeFailure(ctx, w)
	}
	if err != nil {
		slog.Error("function failed", "method", r.Method, "request", id, "error", err)
	}
}

// function is that of the route in template.yaml. A greedy {proxy+} does not match an empty rest.
func (g *Gateway) function(path string) Function {
	if rest, ok := strings.CutPrefix(path, "/api/"); ok && rest != "" {
		if public, ok := strings.CutPrefix(rest, "v1/public/"); ok && public != "" {
			return g.Site
		}
		return g.Organiser
	}
	if path == "/organiser" || strings.HasPrefix(path, "/organiser/") {
		return g.Organiser
	}
	return g.Site
}

// headerSize is what API Gateway limits: the request line and all header lines.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("Host: ") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// withProxyHeaders is the request as API Gateway passes it on: without the headers of the connection, and with those
// that proxies add.
func withProxyHeaders(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	if ip := net.ParseIP(r.Header.Get(sourceHeader)); ip != nil {
		source = ip.String()
	}
	r.RemoteAddr = net.JoinHostPort(source, "0")
	for _, name := range []string{sourceHeader, "Connection", "Keep-Alive", "Transfer-Encoding", "Te", "Upgrade"} {
		r.Header.Del(name)
	}
	if before := r.Header.Values("X-Forwarded-For"); len(before) > 0 {
		source = strings.Join(before, ", ") + ", " + source
	}
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	r.Header.Set("X-Forwarded-For", source)
	r.Header.Set("X-Forwarded-Port", port)
	r.Header.Set("X-Forwarded-Proto", "http")
	return r
}

// writeResponse sends a function's response to the client, or a 500 and an error.
func writeResponse(w http.ResponseWriter, payload []byte) error {
	var response apigateway.Response
	err := json.Unmarshal(payload, &response)
	if len(payload) > maxEvent {
		err = fmt.Errorf("a response of %d bytes is more than Lambda returns", len(payload))
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return err
	}
	return apigateway.WriteResponse(w, response)
}

func writeFailure(ctx context.Context, w http.ResponseWriter) {
	if ctx.Err() != nil {
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
		return
	}
	refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

// refuse responds in API Gateway's own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message}) // the client may be gone
}
