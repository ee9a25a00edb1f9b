// Package apigateway does what an API Gateway HTTP API does around a function, for make run and for tests: it turns a
// request into an event of payload version 2.0, and the function's response into one of net/http. No function links it.
package apigateway

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/net/http/httpguts"
)

// An Event is a request as a function gets it, and a Response is what it returns.
type (
	Event    = events.APIGatewayV2HTTPRequest
	Response = events.APIGatewayV2HTTPResponse
)

// NewEvent is the event that API Gateway would send for r with this body.
func NewEvent(r *http.Request, body []byte, now time.Time, requestID string) Event {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	path := decodedPath(r.URL)
	prefix, _, _ := strings.Cut(r.Host, ".")
	e := Event{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery,
		Cookies: cookies(r.Header), Headers: lowerCaseHeaders(r, len(body)),
		QueryStringParameters: queryParameters(r.URL),
		Body:                  string(body),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", RequestID: requestID,
			APIID: "local", DomainName: r.Host, DomainPrefix: prefix,
			Time: now.UTC().Format("02/Jan/2006:15:04:05 +0000"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if len(body) > 0 && !isPassedAsText(r.Header.Get("Content-Type"), body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// CheckPath is an error for a path that API Gateway answers 400 by itself, as it does /100%25. See decodedPath.
func CheckPath(u *url.URL) error {
	path, _, _ := strings.Cut(u.Path, "?")
	_, err := url.PathUnescape(path)
	return err
}

// decodedPath decodes a path as HTTP APIs do: once, cut at a question mark, and again if that can be done.
func decodedPath(u *url.URL) string {
	path, _, _ := strings.Cut(u.Path, "?")
	if again, err := url.PathUnescape(path); err == nil {
		return again
	}
	return path
}

func cookies(h http.Header) []string {
	var all []string
	for _, header := range h["Cookie"] {
		for c := range strings.SplitSeq(header, ";") {
			if c = strings.TrimSpace(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// lowerCaseHeaders joins repeated headers. Content-Length is always among them, even for a GET.
func lowerCaseHeaders(r *http.Request, length int) map[string]string {
	all := make(map[string]string, len(r.Header)+2)
	for name, values := range r.Header {
		if name != "Cookie" {
			all[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	all["host"], all["content-length"] = r.Host, strconv.Itoa(length)
	return all
}

func queryParameters(u *url.URL) map[string]string {
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

// isPassedAsText says whether a body is not sent in base64, as form posts and bodies without a type are.
func isPassedAsText(contentType string, body []byte) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch t = strings.ToLower(strings.TrimSpace(t)); t {
	case "application/json", "application/xml", "application/javascript":
	default:
		if !strings.HasPrefix(t, "text/") {
			return false
		}
	}
	return utf8.Valid(body) // JSON text is UTF-8
}

// WriteResponse sends a function's response to the client. For a response that API Gateway would not accept, the client
// gets a 500, and the caller an error. multiValueHeaders are ignored, as they are in payload version 2.0.
func WriteResponse(w http.ResponseWriter, res Response) error {
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
	if err == nil {
		err = checkHeaders(res)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"message":"Internal Server Error"}`)) // the client may be gone
		return fmt.Errorf("function's response: %w", err)
	}
	h := w.Header()
	h["Content-Type"] = nil // keeps net/http from guessing one
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

// MaxHeaders is how large a request line and headers may be together, in bytes. Nothing is documented for responses, so
// that they may be no larger here. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const MaxHeaders = 10_240

// checkHeaders refuses those that HTTP does not have, that net/http would mend silently, and two of one name, of which
// either may be sent.
func checkHeaders(res Response) error {
	size, seen := 0, map[string]bool{}
	for name, value := range res.Headers {
		lower := strings.ToLower(name)
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || seen[lower] {
			return fmt.Errorf("header %q twice, or not one of HTTP", name)
		}
		seen[lower] = true
		size += len(name) + len(value)
	}
	for _, cookie := range res.Cookies {
		if !httpguts.ValidHeaderFieldValue(cookie) {
			return errors.New("a cookie that is no header of HTTP")
		}
		size += len("Set-Cookie") + len(cookie)
	}
	if size > MaxHeaders {
		return fmt.Errorf("headers of %d bytes", size)
	}
	return nil
}
