package trigger

import (
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Event is what API Gateway would send for r; Write is what it does with the answer. The machine of one and the
// tests stand in for it with these two.
func Event(r *http.Request, body []byte, now time.Time, id string) events.APIGatewayV2HTTPRequest {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "anonymous", Stage: "$default", RequestID: id, APIID: "local", DomainName: r.Host,
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: host, UserAgent: r.UserAgent(),
			},
		},
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, v := range values {
				e.Cookies = append(e.Cookies, strings.Split(v, "; ")...)
			}
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.QueryStringParameters = map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(query)) {
			e.QueryStringParameters[name] = strings.Join(query[name], ",")
		}
	}
	// API Gateway passes text and JSON on as they are, and encodes all else, form posts and untyped bodies among it.
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	plain := strings.HasPrefix(t, "text/") || strings.HasPrefix(t, "application/json")
	if e.IsBase64Encoded = len(body) > 0 && (!plain || !utf8.Valid(body)); e.IsBase64Encoded {
		e.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		e.Body = string(body)
	}
	return e
}

// Write sends a function's answer to the client.
func Write(w http.ResponseWriter, res events.APIGatewayV2HTTPResponse) error {
	body := []byte(res.Body)
	if res.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(res.Body); err != nil {
			return err
		}
	}
	for name, value := range res.Headers {
		w.Header().Set(name, value)
	}
	for _, c := range res.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(max(res.StatusCode, http.StatusOK))
	_, err := w.Write(body)
	return err
}
