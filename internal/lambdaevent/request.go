package lambdaevent

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// request rebuilds the client's request. API Gateway joins repeated headers by commas; which commas were there before
// cannot be known, so they stay joined, as after any proxy.
func request(ctx context.Context, event httpRequest) (*http.Request, error) {
	body, err := body(event)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, "/", body)
	if err != nil {
		return nil, err
	}
	if r.URL, err = target(event); err != nil {
		return nil, err
	}
	r.RequestURI = r.URL.RequestURI()
	for name, value := range event.Headers {
		r.Header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	if r.ContentLength > 0 || r.Header.Get("Content-Length") != "" {
		r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = event.RequestContext.DomainName
	}
	r.Header.Del("Host")
	if major, minor, ok := http.ParseHTTPVersion(event.RequestContext.HTTP.Protocol); ok {
		r.Proto, r.ProtoMajor, r.ProtoMinor = event.RequestContext.HTTP.Protocol, major, minor
	}
	r.RemoteAddr = net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0") // the event has no port
	stripGzipETag(r.Header)
	return r, nil
}

func body(event httpRequest) (io.Reader, error) {
	if !event.IsBase64Encoded {
		return strings.NewReader(event.Body), nil
	}
	b, err := base64.StdEncoding.DecodeString(event.Body)
	return bytes.NewReader(b), err
}

// target is the URL of the request line, without the stage's name.
//
// Despite its name, HTTP APIs decode rawPath, even twice: /a%20b arrives as "/a b", and both /a%2Fb and /a%252Fb as
// "/a/b". Other senders of the same payload, such as function URLs, leave it encoded. So a path that is correctly
// encoded is taken as encoded, and any other as decoded. That is wrong only for a decoded path with a percent sign and
// two hexadecimal digits, for which a client has to encode three times.
func target(event httpRequest) (*url.URL, error) {
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
		return nil, errors.New("path does not begin with a slash")
	}
	u := &url.URL{Path: path, RawQuery: event.RawQueryString}
	if decoded, err := url.PathUnescape(path); err == nil {
		encoded := &url.URL{Path: decoded, RawPath: path, RawQuery: event.RawQueryString}
		if encoded.EscapedPath() == path { // not if path has characters that must be encoded
			u = encoded
		}
	}
	if plain := (&url.URL{Path: u.Path}); plain.EscapedPath() == u.RawPath {
		u.RawPath = "" // as net/url leaves it when it is the default encoding
	}
	return u, nil
}
