// Package trigger turns what wakes a Lambda function into plain Go: an HTTP request, a batch of the table's
// stream, the schedule's tick, a report of SES's.
package trigger

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// HTTP adapts a handler to API Gateway's HTTP API, payload version 2.0. The handler sees the request as the client
// sent it, and its answer reaches the client as net/http would have sent it, compressed where that helps.
func HTTP(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		id := event.RequestContext.RequestID
		r, err := request(context.WithValue(ctx, requestID{}, id), event)
		if err != nil {
			return problem(http.StatusBadRequest, "bad-request", "The request could not be read."), nil
		}
		w := newWriter(r)
		if !serve(h, w, r) {
			return problem(http.StatusInternalServerError, "internal", "Something went wrong here. Please try again."), nil
		}
		return w.response(), nil
	}
}

type requestID struct{}

// RequestID is API Gateway's id of the request that ctx belongs to; it is in its access log too.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}

// serve says false when the handler panicked. What it panicked with may quote input, so only the stack is logged.
func serve(h http.Handler, w *writer, r *http.Request) (ok bool) {
	defer func() {
		if recover() != nil {
			slog.ErrorContext(r.Context(), "handler panicked", "request", RequestID(r.Context()), "stack", string(debug.Stack()))
			ok = false
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

// request rebuilds the client's request. Header values that came several times arrive joined by commas; which commas
// were there before can't be known, so they stay joined, as any proxy on the way may do.
func request(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, err
		}
	}
	u, err := requestURL(event)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.URL, r.RequestURI = u, u.RequestURI()
	for name, value := range event.Headers {
		r.Header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = event.RequestContext.DomainName
	}
	r.Header.Del("Host")
	r.RemoteAddr = net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0")
	return r, nil
}

// requestURL takes the stage's name off the path. rawPath is percent-encoded as the client sent it, or decoded where API
// Gateway has matched a greedy path variable; a path that does not parse as encoded is taken as decoded.
func requestURL(event events.APIGatewayV2HTTPRequest) (*url.URL, error) {
	path := event.RawPath
	if stage := event.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		return nil, url.InvalidHostError(path)
	}
	u := &url.URL{Path: path, RawQuery: event.RawQueryString}
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
	return u, nil
}

func problem(status int, code, title string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
		Body:       `{"type":"about:blank","status":` + strconv.Itoa(status) + `,"code":"` + code + `","title":"` + title + `"}`,
	}
}

// compressFrom is the size in bytes from which compressing pays: below it, the answer fits one packet anyway.
const compressFrom = 1024

// A writer gathers the handler's answer. The first bytes are held back until it is clear whether to compress;
// from then on they pass through gzip as they come, so a long list never stands in memory uncompressed.
type writer struct {
	header  http.Header
	status  int
	sent    http.Header // as it was when the status was written
	body    bytes.Buffer
	zip     *gzip.Writer
	head    bool
	accepts bool
	written int64
}

func newWriter(r *http.Request) *writer {
	return &writer{header: http.Header{}, head: r.Method == http.MethodHead, accepts: acceptsGzip(r.Header.Get("Accept-Encoding"))}
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.sent != nil || status < 200 { // informational answers don't pass API Gateway
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.sent.Get("Content-Type") == "" && w.sent["Content-Type"] == nil && len(p) > 0 && w.body.Len() == 0 {
		w.sent.Set("Content-Type", http.DetectContentType(p))
	}
	if w.zip != nil {
		return w.zip.Write(p)
	}
	w.body.Write(p)
	if w.body.Len() >= compressFrom && w.compressible() {
		plain := bytes.Clone(w.body.Bytes())
		w.body.Reset()
		w.zip = gzip.NewWriter(&w.body)
		if _, err := w.zip.Write(plain); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *writer) compressible() bool {
	if !w.accepts || w.head || w.sent.Get("Content-Encoding") != "" {
		return false
	}
	return textual(w.sent.Get("Content-Type"))
}

// response is the answer as API Gateway takes it.
func (w *writer) response() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	if w.zip != nil {
		_ = w.zip.Close() // into memory
		w.sent.Set("Content-Encoding", "gzip")
		w.sent.Del("Content-Length")
	}
	if textual(w.sent.Get("Content-Type")) {
		w.sent.Add("Vary", "Accept-Encoding")
	}
	res := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent["Set-Cookie"]}
	for name, values := range w.sent {
		if name != "Set-Cookie" {
			res.Headers[name] = strings.Join(values, ", ")
		}
	}
	if w.head {
		if w.written > 0 && res.Headers["Content-Length"] == "" {
			res.Headers["Content-Length"] = strconv.FormatInt(w.written, 10)
		}
		return res
	}
	if w.zip != nil || !textual(w.sent.Get("Content-Type")) || w.sent.Get("Content-Encoding") != "" || !utf8.Valid(w.body.Bytes()) {
		res.Body, res.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), w.body.Len() > 0
		return res
	}
	res.Body = w.body.String()
	return res
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// textual says whether a body of that type is text, which may pass as it is and is worth compressing.
func textual(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch t {
	case "application/json", "application/problem+json", "application/javascript", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(t, "text/")
}

// acceptsGzip reads an Accept-Encoding header.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		weight, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !found || err == nil && q > 0
	}
	return false
}
