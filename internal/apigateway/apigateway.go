// Package apigateway does what an API Gateway HTTP API does around a function, for make run and for tests: it turns a
// request into the event of payload version 2.0, and a function's answer into a response. No function links it.
package apigateway

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// NewEvent is the event that API Gateway would send for r with that body.
func NewEvent(r *http.Request, body []byte, now time.Time, requestID string) events.APIGatewayV2HTTPRequest {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	path := decodedPath(r.URL)
	prefix, _, _ := strings.Cut(r.Host, ".")
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery,
		Cookies: cookies(r.Header), Headers: lowered(r, len(body)), QueryStringParameters: parameters(r.URL),
		Body: string(body),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", RequestID: requestID, APIID: "local",
			DomainName: r.Host, DomainPrefix: prefix,
			Time: now.UTC().Format("02/Jan/2006:15:04:05 +0000"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if len(body) > 0 && !passedAsText(r.Header.Get("Content-Type"), body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// decodedPath does to a path what HTTP APIs do: they decode it, end it at a question mark, and decode it again. Where the
// second time fails, as on /100%25, the real one answers 400 by itself.
func decodedPath(u *url.URL) string {
	path, _, _ := strings.Cut(u.Path, "?")
	if again, err := url.PathUnescape(path); err == nil {
		return again
	}
	return path
}

func cookies(h http.Header) []string {
	var all []string
	for _, line := range h["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// lowered joins repeated headers. A Content-Length is always among them, even of a GET.
func lowered(r *http.Request, length int) map[string]string {
	all := make(map[string]string, len(r.Header)+2)
	for name, values := range r.Header {
		if name != "Cookie" {
			all[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	all["host"], all["content-length"] = r.Host, strconv.Itoa(length)
	return all
}

func parameters(u *url.URL) map[string]string {
	query := u.Query()
	if len(query) == 0 {
		return nil
	}
	all := make(map[string]string, len(query))
	for name, values := range query {
		all[name] = strings.Join(values, ",")
	}
	return all
}

// passedAsText says which bodies are not sent in base64. Form posts and bodies without a type are.
func passedAsText(contentType string, body []byte) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch t = strings.ToLower(strings.TrimSpace(t)); t {
	case "application/json", "application/xml", "application/javascript":
	default:
		if !strings.HasPrefix(t, "text/") {
			return false
		}
	}
	return utf8.Valid(body) // anything else could not stand in JSON
}

// WriteResponse sends a function's answer to the client. An answer that API Gateway would not take gives the client its 500, and
// an error. multiValueHeaders are not looked at: in payload version 2.0 nobody does.
func WriteResponse(w http.ResponseWriter, res events.APIGatewayV2HTTPResponse) error {
	body, err := []byte(res.Body), error(nil)
	if res.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(res.Body)
	}
	status := res.StatusCode
	if status == 0 {
		status = http.StatusOK
	}
	if err == nil && (status < 200 || status > 599) {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"message":"Internal Server Error"}`)) // the fault is told below
		return fmt.Errorf("function's answer: %w", err)
	}
	h := w.Header()
	h["Content-Type"] = nil // no guessing
	for name, value := range res.Headers {
		h.Set(name, value)
	}
	for _, c := range res.Cookies {
		h.Add("Set-Cookie", c)
	}
	if len(body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) == 0 {
		return nil
	}
	_, err = w.Write(body)
	return err
}
