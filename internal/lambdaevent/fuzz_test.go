package lambdaevent

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"deltag/internal/apigateway"

	"github.com/google/go-cmp/cmp"
)

// FuzzHTTPEvent: whatever the event, the handler gets a request that net/http could have made, and its response reaches
// the client.
func FuzzHTTPEvent(f *testing.F) {
	for _, name := range recordedNames(f, "http-*.json") {
		f.Add(reduced(f, httpEvent(f, name)))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var event httpRequest
		if json.Unmarshal(payload, &event) != nil {
			return
		}
		called, body := false, ""
		res, err := HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called, body = true, echo(t, w, r)
		}))(t.Context(), event)
		if (err != nil) != (event.RequestContext.HTTP.Method == "") {
			t.Fatalf("method %q: %v", event.RequestContext.HTTP.Method, err)
		}
		if err != nil {
			return
		}
		if !called {
			if res.StatusCode != http.StatusBadRequest {
				t.Fatalf("not called, but answered %d %s", res.StatusCode, res.Body)
			}
			return
		}
		w := httptest.NewRecorder()
		if err := apigateway.WriteResponse(w, throughJSON(t, res)); err != nil {
			t.Fatal(err)
		}
		got := w.Body.String()
		if w.Header().Get("Content-Encoding") == "gzip" && got != "" {
			_, got = unzip(t, httpResponse{Body: got, Headers: map[string]string{"Content-Encoding": "gzip"}})
		}
		if event.RequestContext.HTTP.Method == http.MethodHead {
			body = ""
		}
		if w.Code != http.StatusOK || got != body {
			t.Errorf("echoed %q, got %d %q", body, w.Code, got)
		}
	})
}

// reduced is an event with little more than what the adapter reads: the fuzzer spends minutes on making a long one
// shorter.
func reduced(tb testing.TB, e httpRequest) []byte {
	tb.Helper()
	b, err := json.Marshal(map[string]any{
		"rawPath": e.RawPath, "rawQueryString": e.RawQueryString, "cookies": e.Cookies,
		"body": e.Body, "isBase64Encoded": e.IsBase64Encoded,
		"headers": map[string]string{"content-type": e.Headers["content-type"], "accept-encoding": "gzip"},
		"requestContext": map[string]any{
			"stage": e.RequestContext.Stage, "http": map[string]string{"method": e.RequestContext.HTTP.Method},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// echo checks r and answers with its body and its type.
func echo(t *testing.T, w http.ResponseWriter, r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.ContentLength != int64(len(body)) {
		t.Errorf("%d bytes, ContentLength %d: %v", len(body), r.ContentLength, err)
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if decoded, err := url.PathUnescape(path); err != nil || decoded != r.URL.Path || !strings.HasPrefix(decoded, "/") {
		t.Errorf("request URI %q is of path %q: %v", r.RequestURI, r.URL.Path, err)
	}
	if r.Header.Get("Host") != "" {
		t.Errorf("header Host %q", r.Header.Get("Host"))
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	for _, piece := range [][]byte{body[:len(body)/2], body[len(body)/2:]} {
		if n, err := w.Write(piece); n != len(piece) || err != nil {
			t.Errorf("wrote %d of %d: %v", n, len(piece), err)
		}
	}
	return string(body)
}

// FuzzRoundTrip: a request that becomes an event and a request again is the same for the handler.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET", "/e/a%20b?x=1&x=%26&y", "a, b", "a=1; b=\"2\"", "", "")
	f.Add(
		"POST", "/e/samskabelse/registrations", "", "", "application/x-www-form-urlencoded",
		"name=Bodil+Pr%C3%B8ve&a=1",
	)
	f.Add("POST", "/", "", "", "application/json; charset=utf-8", `{"name":"Bodil Prøve"}`)
	f.Add("PUT", "//a/../b;c=d?%zz&a;b&=&+", "\t", ";;a=1;", "text/plain", "\xff\x00")
	f.Add("PATCH", "/%e6%f8?a=%e5", "æ", "a", "image/png", "\x89PNG")
	f.Fuzz(func(t *testing.T, method, target, header, cookie, contentType, body string) {
		sent := readRequest(method, target, header, cookie, contentType, len(body))
		if sent == nil {
			return // net/http itself would refuse it
		}
		event := throughJSON(t, apigateway.NewEvent(sent, []byte(body), noon, "id-1"))
		if strings.ContainsAny(sent.URL.Path, "%?") || !validUTF8(target, header, cookie, contentType, sent.URL.Path) {
			return // HTTP APIs change such paths, and JSON text is UTF-8
		}
		type view struct {
			Method, Path, Query, Host, Remote, Proto, Body string
			Header                                         http.Header
			Cookies                                        string
			Values                                         url.Values
		}
		viewOf := func(r *http.Request, body string) view {
			h := http.Header{}
			for name, values := range r.Header {
				if name != "Cookie" {
					h.Set(name, strings.Join(values, ","))
				}
			}
			h.Set("Content-Length", fmt.Sprint(len(body))) // API Gateway always sends it
			return view{
				r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, r.Proto, body,
				h, fmt.Sprint(r.Cookies()), r.URL.Query(),
			}
		}
		var got view
		res := call(t, func(_ http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil || r.ContentLength != int64(len(b)) {
				t.Errorf("length %d, %v", r.ContentLength, err)
			}
			got = viewOf(r, string(b))
		}, event)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("got %d %s", res.StatusCode, res.Body)
		}
		if diff := cmp.Diff(viewOf(sent, body), got); diff != "" {
			t.Errorf("%s (-sent +seen):\n%s", target, diff)
		}
	})
}

func validUTF8(all ...string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !utf8.ValidString(s) })
}

// readRequest is the request as net/http's server reads it, or nil if it would refuse it.
func readRequest(method, target, header, cookie, contentType string, length int) *http.Request {
	for _, line := range []string{method, target, header, cookie, contentType} {
		if strings.ContainsAny(line, "\r\n") {
			return nil
		}
	}
	lines := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: deltag.example.dk\r\nX-Fuzz: %s\r\nX-Fuzz: again\r\n"+
		"Cookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		method, target, header, cookie, contentType, length)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(lines)))
	if err != nil || !strings.HasPrefix(r.URL.Path, "/") || r.Host != "deltag.example.dk" {
		return nil
	}
	r.RemoteAddr = "192.0.2.1:0"
	return r
}

// FuzzResponse: whatever the order of a handler's calls, its response is the same through the adapter as from net/http.
func FuzzResponse(f *testing.F) {
	f.Add("GET", []byte("hsw"))
	f.Add("HEAD", []byte("wwww"))
	f.Add("GET", []byte("tWWf"))
	f.Add("GET", []byte("fWnwS"))
	f.Add("POST", []byte("eBlw"))
	f.Fuzz(func(t *testing.T, method string, script []byte) {
		if method != "GET" && method != "HEAD" && method != "POST" || len(script) > 30 {
			return
		}
		compareWithNetHTTP(t, func(w http.ResponseWriter, _ *http.Request) (observations []any) {
			for _, step := range script {
				observations = append(observations, perform(w, step)...)
			}
			return observations
		}, method, "")
	})
}

// perform does one step of a script.
func perform(w http.ResponseWriter, step byte) []any {
	h := w.Header()
	switch step {
	case 's':
		w.WriteHeader(http.StatusTeapot)
	case 'S':
		w.WriteHeader(http.StatusNoContent)
	case 'n':
		w.WriteHeader(http.StatusNotModified)
	case 'i':
		w.WriteHeader(http.StatusEarlyHints)
	case 'f':
		w.(http.Flusher).Flush()
	case 'w':
		return observed(io.WriteString(w, "<p>"))
	case 'W':
		return observed(io.WriteString(w, strings.Repeat("ord ", 500)))
	case 'B':
		return observed(w.Write([]byte("\x89PNG\r\n\x1a\n\xff")))
	case '0':
		return observed(w.Write(nil))
	case 't':
		h.Set("Content-Type", "text/plain; charset=iso-8859-1")
	case 'T':
		h["Content-Type"] = nil
	case 'e':
		h.Set("Content-Encoding", "br")
	case 'h':
		h.Add("X-Fuzz", "a")
	case 'v':
		h.Add("Vary", "Cookie")
	case 'c':
		h.Add("Set-Cookie", "a=1")
	case 'l':
		h.Del("X-Fuzz")
	}
	return nil
}
