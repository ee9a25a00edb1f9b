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

// A Function is a Lambda function as AWS sees it: an event goes in as JSON, an answer comes out as JSON.
type Function func(ctx context.Context, payload []byte) ([]byte, error)

// Lambda makes a Function of a handler, as the Lambda runtime does.
func Lambda[Event, Answer any](handle func(context.Context, Event) (Answer, error)) Function {
	return func(ctx context.Context, payload []byte) (answer []byte, err error) {
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
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// A Gateway stands in for API Gateway: it hands each request to the function of its route, as the event that AWS would
// send.
type Gateway struct {
	Site, Organiser Function
	Now             func() time.Time
	NewID           func() string // of a request
	Wake            func()        // called after each request that may have changed something
}

// Limits of API Gateway and Lambda, in bytes and time.
const (
	maxHeader  = 10_240
	maxPayload = 10 << 20
	maxEvent   = 6 << 20
	maxWait    = 30 * time.Second
)

// sourceHeader of a request becomes the event's source address, so that a load can come from many places.
const sourceHeader = "X-Local-Source-IP"

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if headerSize(r) > maxHeader {
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
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
	ctx, cancel := context.WithTimeout(r.Context(), maxWait)
	defer cancel()
	answer, err := g.function(r.URL.Path)(ctx, payload)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.Wake()
	}
	if err == nil {
		err = writeResponse(w, answer, apigateway.WriteResponse)
	} else if r.Context().Err() == nil { // or nobody waits for an answer
		fail(ctx, w)
	}
	if err != nil {
		slog.Error("function failed", "method", r.Method, "request", id, "error", err)
	}
}

// function is the one that template.yaml's routes name. A greedy {proxy+} needs something to take.
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

// headerSize is what API Gateway counts: the request line and all header lines.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("Host: ") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// withProxyHeaders is the request as API Gateway sees it: with what the proxies in front add, and without what ends at them.
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

// writeResponse gives the client a function's answer, whose type is trigger's matter. It has answered also if it fails.
func writeResponse[Answer any](w http.ResponseWriter, answer []byte, write func(http.ResponseWriter, Answer) error) error {
	var out Answer
	err := json.Unmarshal(answer, &out)
	if len(answer) > maxEvent {
		err = fmt.Errorf("an answer of %d bytes is more than Lambda passes on", len(answer))
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return err
	}
	return write(w, out)
}

func fail(ctx context.Context, w http.ResponseWriter) {
	if ctx.Err() != nil {
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
		return
	}
	refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

// refuse answers in API Gateway's own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message}) // who asked may be gone
}
