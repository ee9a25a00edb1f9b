package lambdaevent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/testing/golden"

	"github.com/google/go-cmp/cmp"
)

func decodeBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	return string(b), err
}

func httpEvent(tb testing.TB, name string) httpRequest {
	tb.Helper()
	return decodeAs[httpRequest](tb, recordedEvent(tb, name))
}

// get is the event of a GET with just the headers given as name, value, …
func get(path string, headers ...string) httpRequest {
	e := httpRequest{Version: "2.0", RawPath: path, Headers: map[string]string{}}
	e.RequestContext.RequestID = "id-1"
	e.RequestContext.HTTP.Method = "GET"
	for i := 0; i < len(headers); i += 2 {
		e.Headers[headers[i]] = headers[i+1]
	}
	return e
}

func call(tb testing.TB, h http.HandlerFunc, e httpRequest) httpResponse {
	tb.Helper()
	res, err := HTTPHandler(h)(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// handledRequest is the request that the handler gets for an event.
func handledRequest(t *testing.T, e httpRequest) *http.Request {
	t.Helper()
	var got *http.Request
	res := call(t, func(_ http.ResponseWriter, r *http.Request) { got = r }, e)
	if got == nil {
		t.Fatalf("handler was not called: %d %s", res.StatusCode, res.Body)
	}
	return got
}

// dump is everything about r that a handler can see.
func dump(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\nremote: %s\nhost: %s\npath: %s\nraw path: %q\n", r.Method, r.RequestURI, r.Proto,
		r.RemoteAddr, r.Host, r.URL.Path, r.URL.RawPath)
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		fmt.Fprintf(&b, "query: %s = %q\n", name, query[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "header: %s = %q\n", name, r.Header[name])
	}
	for _, c := range r.Cookies() {
		fmt.Fprintf(&b, "cookie: %s = %q\n", c.Name, c.Value)
	}
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(&b, "length: %d\nbody: %s (%v)\n", r.ContentLength, body, err)
	return b.String()
}

func TestHTTPRecordedRequests(t *testing.T) {
	for _, name := range recordedNames(t, "http-*.json") {
		t.Run(name, func(t *testing.T) {
			got := "the handler is not called\n"
			res := call(t, func(_ http.ResponseWriter, r *http.Request) { got = dump(r) }, httpEvent(t, name))
			if res.StatusCode != http.StatusOK {
				got += fmt.Sprintf("%d %v\n%s\n", res.StatusCode, res.Headers, res.Body)
			}
			golden.Compare(t, "requests/"+strings.TrimSuffix(name, ".json")+".txt", got)
		})
	}
}

func TestHTTPRequest(t *testing.T) {
	t.Run("ContextEndsHalfASecondBeforeTheInvocation", func(t *testing.T) {
		end := time.Now().Add(time.Hour)
		want := end.Add(-500 * time.Millisecond)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		defer cancel()
		_, err := HTTPHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got, ok := r.Context().Deadline(); !ok || !got.Equal(want) {
				t.Errorf("deadline %v, %v", got, ok)
			}
		}))(ctx, get("/"))
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("ProtocolIsOfTheClient", func(t *testing.T) {
		e := get("/")
		e.RequestContext.HTTP.Protocol = "HTTP/2.0"
		if r := handledRequest(t, e); r.Proto != "HTTP/2.0" || !r.ProtoAtLeast(2, 0) {
			t.Errorf("got %q, %d.%d", r.Proto, r.ProtoMajor, r.ProtoMinor)
		}
	})
	t.Run("HostFallsBackToTheDomain", func(t *testing.T) {
		e := get("/")
		e.RequestContext.DomainName = "deltag.example.dk"
		if r := handledRequest(t, e); r.Host != "deltag.example.dk" {
			t.Errorf("got %q", r.Host)
		}
	})
	t.Run("RemoteAddressHasHostAndPort", func(t *testing.T) {
		for _, ip := range []string{"192.0.2.1", "2001:db8::1", ""} {
			e := get("/")
			e.RequestContext.HTTP.SourceIP = ip
			host, port, err := net.SplitHostPort(handledRequest(t, e).RemoteAddr)
			if host != ip || port != "0" || err != nil {
				t.Errorf("%q: got %q, %q, %v", ip, host, port, err)
			}
		}
	})
	t.Run("ABodyWithoutContentLengthGetsOne", func(t *testing.T) {
		e := get("/")
		e.RequestContext.HTTP.Method, e.Body = "POST", "æ"
		if r := handledRequest(t, e); r.ContentLength != 2 || r.Header.Get("Content-Length") != "2" {
			t.Errorf("got %d, %q", r.ContentLength, r.Header.Get("Content-Length"))
		}
	})
	t.Run("ContentLengthIsOfTheDecodedBody", func(t *testing.T) {
		e := get("/", "content-length", "99")
		e.RequestContext.HTTP.Method, e.Body, e.IsBase64Encoded = "POST", "AAEC", true
		if r := handledRequest(t, e); r.ContentLength != 3 || r.Header.Get("Content-Length") != "3" {
			t.Errorf("got %d, %q", r.ContentLength, r.Header.Get("Content-Length"))
		}
	})
	t.Run("ALargeBodyIsPassedOn", func(t *testing.T) {
		e := get("/")
		e.RequestContext.HTTP.Method, e.Body = "POST", strings.Repeat("x", 7<<20)
		if r := handledRequest(t, e); r.ContentLength != 7<<20 {
			t.Errorf("got %d", r.ContentLength)
		}
	})
}

func TestHTTPPath(t *testing.T) {
	for _, c := range []struct{ name, stage, raw, path, rawPath, uri string }{
		{"Plain", "$default", "/e/a", "/e/a", "", "/e/a"},
		{"Empty", "$default", "", "/", "", "/"},
		{"DecodedSpace", "$default", "/a b", "/a b", "", "/a%20b"},
		{"DecodedLetters", "$default", "/e/fælles", "/e/fælles", "", "/e/f%C3%A6lles"},
		{"DecodedHash", "$default", "/a#b", "/a#b", "", "/a%23b"},
		{"DecodedQuestionMark", "$default", "/a?b", "/a?b", "", "/a%3Fb"},
		{"DecodedPercent", "$default", "/100%", "/100%", "", "/100%25"},
		{"DecodedWithWhatLooksEncoded", "$default", "/a b%2Fc", "/a b%2Fc", "", "/a%20b%252Fc"},
		{"Encoded", "$default", "/a%20b", "/a b", "", "/a%20b"},
		{"EncodedSlash", "$default", "/a%2Fb", "/a/b", "/a%2Fb", "/a%2Fb"},
		{"EncodedNeedlessly", "$default", "/%61", "/a", "/%61", "/%61"},
		{"PlainThatCouldBeEncoded", "$default", "/a!b", "/a!b", "/a!b", "/a!b"},
		{"TwoSlashes", "$default", "//a", "//a", "", "//a"},
		{"Stage", "test", "/test/e/a", "/e/a", "", "/e/a"},
		{"StageAlone", "test", "/test", "/", "", "/"},
		{"StageWithSlash", "test", "/test/", "/", "", "/"},
		{"StageOnceOnly", "test", "/test/test", "/test", "", "/test"},
		{"StageThatOnlyBegins", "test", "/tester", "/tester", "", "/tester"},
		{"StageLeftOutByACustomDomain", "test", "/e/a", "/e/a", "", "/e/a"},
		{"NoStage", "", "//a", "//a", "", "//a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := get(c.raw)
			e.RequestContext.Stage = c.stage
			r := handledRequest(t, e)
			got := []string{r.URL.Path, r.URL.RawPath, r.RequestURI}
			if diff := cmp.Diff([]string{c.path, c.rawPath, c.uri}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPMalformedEvent(t *testing.T) {
	malformed := map[string]func(*httpRequest){
		"Base64": func(e *httpRequest) { e.Body, e.IsBase64Encoded = "!", true },
		"Method": func(e *httpRequest) { e.RequestContext.HTTP.Method = "GET /" },
		"Path":   func(e *httpRequest) { e.RawPath = "e" },
	}
	for name, spoil := range malformed {
		t.Run(name+"IsABadRequest", func(t *testing.T) {
			e := get("/")
			spoil(&e)
			res := call(t, func(http.ResponseWriter, *http.Request) { t.Error("handler was called") }, e)
			if res.StatusCode != http.StatusBadRequest || res.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("got %d %v", res.StatusCode, res.Headers)
			}
			if p := decodeAs[struct{ Code string }](t, []byte(res.Body)); p.Code != "malformed" {
				t.Errorf("got %s", res.Body)
			}
		})
	}
	t.Run("EventsOfOtherKindsAreAnError", func(t *testing.T) {
		for _, name := range []string{"tick.json", "ses-send.json", "stream-insert-delivery.json"} {
			_, err := HTTPHandler(http.NotFoundHandler())(t.Context(), httpEvent(t, name))
			if err == nil || !strings.Contains(err.Error(), "payload version 2.0") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestHTTPPanic(t *testing.T) {
	var none map[string]string
	for _, c := range []struct {
		name   string
		panics http.HandlerFunc
		logs   string
	}{
		{
			"WithAValueThatMayBePersonal", func(http.ResponseWriter, *http.Request) { panic("secret@example.dk") },
			"panic: string",
		},
		{
			"WithAnError", func(http.ResponseWriter, *http.Request) { panic(errors.New("secret@example.dk")) },
			"panic: *errors.errorString",
		},
		{
			"OfTheRuntime", func(http.ResponseWriter, *http.Request) { none["a"] = "b" },
			"assignment to entry in nil map",
		},
		{"Abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "abort Handler"},
		{"AfterHalfAResponse", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("half a response", 1000))
			panic(0)
		}, "panic: int"},
		{"InvalidStatus", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) }, "panic: string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := captureLog(t)
			res := call(t, c.panics, get("/", "accept-encoding", "gzip"))
			want := `{"type":"about:blank","status":500,"code":"internal",` +
				`"title":"Something went wrong here. Please try again."}`
			if res.StatusCode != 500 || res.Body != want || res.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("got %d %v %s", res.StatusCode, res.Headers, res.Body)
			}
			wantLog(t, out, 1, c.logs, `"request":"id-1"`)
			if c.name != "Abort" && !strings.Contains(out.String(), "http_test.go") {
				t.Errorf("no stack in %s", out)
			}
		})
	}
	t.Run("OfAHEADRequestHasNoBody", func(t *testing.T) {
		captureLog(t)
		e := get("/")
		e.RequestContext.HTTP.Method = "HEAD"
		res := call(t, func(http.ResponseWriter, *http.Request) { panic(0) }, e)
		if res.StatusCode != 500 || res.Body != "" {
			t.Errorf("got %d %q", res.StatusCode, res.Body)
		}
	})
	t.Run("LeavesTheNextRequestAlone", func(t *testing.T) {
		captureLog(t)
		h := func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("a", 5000))
			if r.URL.Path == "/panic" {
				panic(0)
			}
		}
		for range 3 {
			call(t, h, get("/panic", "accept-encoding", "gzip"))
			if _, body := unzip(t, call(t, h, get("/", "accept-encoding", "gzip"))); len(body) != 5000 {
				t.Errorf("got %d bytes", len(body))
			}
		}
	})
}

// throughJSON encodes and decodes v, as happens between Lambda and its callers.
func throughJSON[T any](tb testing.TB, v T) T {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return decodeAs[T](tb, b)
}

// lambdaEncode writes JSON as aws-lambda-go does.
func lambdaEncode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
