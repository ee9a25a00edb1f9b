package lambdaevent

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/apigateway"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 375e6, time.UTC)

func TestGatewayEvent(t *testing.T) {
	t.Run("RecordedRequests", func(t *testing.T) {
		for _, name := range recordedNames(t, "http-*.json") {
			if name == "http-broken-base64.json" || name == "http-stage-prefix.json" {
				continue // no request makes the first one, and only another stage the second
			}
			want := httpEvent(t, name)
			r := handledRequest(t, want)
			if tag := want.Headers["if-none-match"]; tag != "" {
				r.Header.Set("If-None-Match", tag) // HTTPHandler removes gzipTag
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := apigateway.NewEvent(
				r, body, time.UnixMilli(want.RequestContext.TimeEpoch), want.RequestContext.RequestID,
			)
			// What depends on an account, an API or a route.
			ignored := cmp.Options{
				cmpopts.IgnoreFields(httpRequest{}, "RouteKey", "PathParameters"),
				cmpopts.IgnoreFields(events.APIGatewayV2HTTPRequestContext{}, "RouteKey", "AccountID", "APIID"),
			}
			if diff := cmp.Diff(want, got, ignored); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
	t.Run("PathIsDecodedTwice", func(t *testing.T) {
		// As observed of HTTP APIs; they refuse the last path.
		for sent, want := range map[string]string{
			"/plain": "/plain", "/a%20b": "/a b", "/a%3Fb": "/a", "/a%23b": "/a#b", "/a%2Fb": "/a/b",
			"/%CE%BB-%E4%B8%96%E7%95%8C": "/λ-世界",
			"/a%252Fb":                   "/a/b", "/a%253Fb": "/a?b", "/a%2525b": "/a%b", "/100%25": "/100%",
		} {
			e := apigateway.NewEvent(httptest.NewRequest("GET", sent+"?q=a%3Fb", nil), nil, noon, "id")
			if e.RawPath != want || e.RequestContext.HTTP.Path != want || e.RawQueryString != "q=a%3Fb" {
				t.Errorf("%s: got %q, %q, %q", sent, e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString)
			}
		}
	})
	t.Run("BodyIsInBase64UnlessItsTypeIsText", func(t *testing.T) {
		for contentType, want := range map[string]bool{
			"text/plain": false, "text/html; charset=utf-8": false, "application/json": false,
			"Application/JSON;charset=utf-8": false,
			"application/xml":                false, "application/javascript": false,
			"": true, "application/x-www-form-urlencoded": true, "multipart/form-data; boundary=x": true,
			"application/octet-stream": true,
			"application/problem+json": true, "image/png": true,
		} {
			r := httptest.NewRequest("POST", "/", nil)
			r.Header.Set("Content-Type", contentType)
			e := apigateway.NewEvent(r, []byte("æ=1"), noon, "id")
			body, err := e.Body, error(nil)
			if e.IsBase64Encoded {
				body, err = decodeBase64(e.Body)
			}
			if e.IsBase64Encoded != want || body != "æ=1" || err != nil {
				t.Errorf("%q: %v, %q, %v", contentType, e.IsBase64Encoded, body, err)
			}
		}
	})
	t.Run("TextThatIsNotUTF8IsInBase64", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", "text/plain")
		if e := apigateway.NewEvent(r, []byte("\xe6"), noon, "id"); !e.IsBase64Encoded {
			t.Errorf("got %q", e.Body)
		}
	})
	t.Run("NoBodyIsNotEncoded", func(t *testing.T) {
		e := apigateway.NewEvent(httptest.NewRequest("POST", "/", nil), nil, noon, "id")
		if e.IsBase64Encoded || e.Body != "" {
			t.Errorf("got %q", e.Body)
		}
	})
	t.Run("RepeatedHeadersAndValuesAreJoined", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/?a=1&a=2&b=3%2C4", nil)
		r.Header = http.Header{"X-Two": {"1", "2"}, "Cookie": {"a=1; b=2", "c=3"}}
		e := apigateway.NewEvent(r, nil, noon, "id")
		got := []any{e.Headers, e.QueryStringParameters, e.Cookies}
		want := []any{
			map[string]string{"x-two": "1,2", "host": "example.com", "content-length": "0"},
			map[string]string{"a": "1,2", "b": "3,4"},
			[]string{"a=1", "b=2", "c=3"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("SourceWithoutAPort", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "2001:db8::1"
		if got := apigateway.NewEvent(r, nil, noon, "id").RequestContext.HTTP.SourceIP; got != "2001:db8::1" {
			t.Errorf("got %q", got)
		}
	})
}

func TestGatewayResponse(t *testing.T) {
	write := func(res httpResponse) (*http.Response, string, error) {
		w := httptest.NewRecorder()
		err := apigateway.WriteResponse(w, res)
		return w.Result(), w.Body.String(), err
	}
	t.Run("AllFields", func(t *testing.T) {
		res, body, err := write(httpResponse{
			StatusCode: 201, Headers: map[string]string{"content-type": "image/png"}, Cookies: []string{"a=1", "b=2"},
			Body: "AAEC", IsBase64Encoded: true, MultiValueHeaders: map[string][]string{"X-Unused": {"x"}},
		})
		want := http.Header{"Content-Type": {"image/png"}, "Content-Length": {"3"}, "Set-Cookie": {"a=1", "b=2"}}
		if res.StatusCode != 201 || body != "\x00\x01\x02" || err != nil || !cmp.Equal(want, res.Header) {
			t.Errorf("got %d %v %q, %v", res.StatusCode, res.Header, body, err)
		}
	})
	t.Run("StatusDefaultsTo200", func(t *testing.T) {
		if res, body, err := write(httpResponse{Body: "x"}); res.StatusCode != 200 || body != "x" || err != nil {
			t.Errorf("got %d %q, %v", res.StatusCode, body, err)
		}
	})
	t.Run("HeadersAsLargeAsTheyMayBe", func(t *testing.T) {
		large := map[string]string{"X-Note": strings.Repeat("a", 10_240-len("X-Note"))}
		if res, _, err := write(httpResponse{Headers: large}); res.StatusCode != 200 || err != nil {
			t.Errorf("got %d, %v", res.StatusCode, err)
		}
	})
	for name, res := range map[string]httpResponse{
		"BrokenBase64": {StatusCode: 200, Body: "!", IsBase64Encoded: true, Cookies: []string{"a=1"}},
		"StatusTooLow": {StatusCode: 99}, "StatusTooHigh": {StatusCode: 600}, "Informational": {StatusCode: 101},
		"LineBreakInAHeader": {Headers: map[string]string{"Location": "/\r\nX-Other: a"}},
		"SpaceInAName":       {Headers: map[string]string{"X Note": "a"}},
		"HeaderTwice":        {Headers: map[string]string{"Location": "/a", "location": "/b"}},
		"LineBreakInACookie": {Cookies: []string{"a=1", "b=2\nX-Other: a"}},
		"HeadersTooLarge":    {Headers: map[string]string{"X-Note": strings.Repeat("a", 10_240-len("X-Note")+1)}},
		"CookiesTooLarge":    {Cookies: []string{strings.Repeat("a", 10_240)}},
	} {
		t.Run(name+"IsA500AndAnError", func(t *testing.T) {
			got, body, err := write(res)
			is500 := got.StatusCode == 500 && body == `{"message":"Internal Server Error"}`
			if !is500 || err == nil || got.Header["Set-Cookie"] != nil {
				t.Errorf("got %d %v %q, %v", got.StatusCode, got.Header, body, err)
			}
		})
	}
}

// throughGateway serves h behind the gateway: each request becomes an event in JSON, and so does the response.
func throughGateway(h http.Handler) http.Handler {
	function := HTTPHandler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		var event httpRequest
		var response httpResponse
		if err := recode(apigateway.NewEvent(r, body, noon, "id-1"), &event); err != nil {
			panic(err)
		}
		res, err := function(r.Context(), event)
		if err != nil {
			panic(err)
		}
		if err := recode(res, &response); err != nil {
			panic(err)
		}
		if err := apigateway.WriteResponse(w, response); err != nil {
			panic(err)
		}
	})
}

func recode(from, to any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

// An edgeCaseHandler does something that net/http corrects. It returns what it observes.
type edgeCaseHandler func(http.ResponseWriter, *http.Request) []any

func observed(values ...any) []any {
	for i, v := range values {
		if err, ok := v.(error); ok {
			values[i] = err.Error()
		}
	}
	return values
}

// writer sets headers, given as name, value, …, sets the status unless it is 0, and writes pieces of a body.
func writer(status int, headers []string, pieces ...string) edgeCaseHandler {
	return func(w http.ResponseWriter, _ *http.Request) (observations []any) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		if status != 0 {
			w.WriteHeader(status)
		}
		for _, p := range pieces {
			observations = append(observations, observed(io.WriteString(w, p))...)
		}
		return observations
	}
}

// handler observes nothing.
func handler(h http.HandlerFunc) edgeCaseHandler {
	return func(w http.ResponseWriter, r *http.Request) []any {
		h(w, r)
		return nil
	}
}

func TestResponsesAreThoseOfNetHTTP(t *testing.T) {
	style := strings.Repeat("a{}", 2000)
	for name, h := range map[string]edgeCaseHandler{
		"Nothing":       writer(0, nil),
		"NothingTwice":  writer(0, nil, "", ""),
		"BodyOnly":      writer(0, nil, "hej"),
		"StatusOnly":    writer(202, nil),
		"StatusAndBody": writer(418, nil, "hej"),
		"StatusTwice": handler(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.WriteHeader(200)
		}),
		"StatusTooLate": handler(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hej")
			w.WriteHeader(500)
		}),
		"InvalidStatusTooLate": handler(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.WriteHeader(7)
		}),
		"EarlyHints": handler(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "hej")
		}),
		"HeaderTooLate": handler(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-A", "1")
			w.WriteHeader(200)
			w.Header().Set("X-A", "2")
			w.Header().Set("X-B", "2")
		}),
		"HeaderAfterBody": handler(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hej")
			w.Header().Set("X-A", "1")
		}),

		"GuessedHTML":       writer(0, nil, "<!DOCTYPE html><p>æ"),
		"GuessedFromPieces": writer(0, nil, "<!DOC", "TYPE html>"),
		"GuessedPNG":        writer(0, nil, "\x89PNG\r\n\x1a\n"),
		"GuessedBeforeFlush": func(w http.ResponseWriter, _ *http.Request) []any {
			_, _ = io.WriteString(w, "<!DOC")
			w.(http.Flusher).Flush()
			return observed(io.WriteString(w, "TYPE html>"))
		},
		"FlushedFirst": func(w http.ResponseWriter, _ *http.Request) []any {
			w.(http.Flusher).Flush()
			w.Header().Set("X-A", "1")
			return observed(io.WriteString(w, "<!DOCTYPE html>"))
		},
		"FlushedByController": func(w http.ResponseWriter, _ *http.Request) []any {
			return observed(http.NewResponseController(w).Flush())
		},
		"TypeSwitchedOff": func(w http.ResponseWriter, _ *http.Request) []any {
			w.Header()["Content-Type"] = nil
			return observed(io.WriteString(w, "<p>"))
		},
		"TypeEmpty":       writer(0, []string{"Content-Type", ""}, "<p>"),
		"EncodedByItself": writer(0, []string{"Content-Encoding", "br"}, "<p>"),

		"204WithBody":   writer(204, nil, "hej"),
		"204WithLength": writer(204, []string{"Content-Length", "9"}),
		"304WithBody": writer(
			304, []string{"Content-Type", "text/html", "ETag", `"7"`, "Content-Length", "9"}, "hej",
		),
		"LengthRight": writer(0, []string{"Content-Length", "3"}, "hej"),
		"LengthForHEAD": func(w http.ResponseWriter, r *http.Request) []any {
			w.Header().Set("Content-Length", "3")
			if r.Method == http.MethodHead {
				return nil
			}
			return observed(io.WriteString(w, "hej"))
		},

		"Cookies": handler(func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/", HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", Expires: noon})
		}),
		"RepeatedHeaders": writer(
			0, []string{"Cache-Control", "no-store", "Cache-Control", "private", "Vary", "Cookie", "Vary", "Accept"},
		),
		"InjectedHeader": writer(0, []string{"X-A", "a\r\nX-B: b"}),
		"HeaderOfNoName": writer(0, []string{"X A", "a"}),
		"Trailer":        writer(0, []string{http.TrailerPrefix + "A", "1"}, "hej"),

		"Redirect": handler(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/e/å", http.StatusSeeOther)
		}),
		"Error":    handler(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "nej", http.StatusTeapot) }),
		"NotFound": handler(http.NotFound),
		"File": handler(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.css", noon, strings.NewReader(style))
		}),
		"PartOfAFile": handler(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Range", "bytes=10-2000")
			http.ServeContent(w, r, "a.css", noon, strings.NewReader(style))
		}),
		"PartsOfAFile": handler(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Range", "bytes=8000-9000")
			http.ServeContent(w, r, "a.css", noon, strings.NewReader(style))
		}),

		"NotText":    writer(0, nil, "\xff\xfe\x00\x01"),
		"LatinText":  writer(0, []string{"Content-Type", "text/plain; charset=iso-8859-1"}, "bl\xe5b\xe6r"),
		"LongText":   writer(0, nil, strings.Repeat("æøå ", 30_000)),
		"LongBinary": writer(0, nil, strings.Repeat("\x00\xff", 30_000)),
		"Pieces":     writer(0, nil, slices.Repeat([]string{"abcdefg"}, 1000)...),

		"SeesTheRequest": func(_ http.ResponseWriter, r *http.Request) []any {
			return observed(r.Method, r.URL.Path, r.URL.Query(), r.Header.Get("X-Extra"), r.ContentLength)
		},
		"ReadsTheBody": func(_ http.ResponseWriter, r *http.Request) []any {
			b, err := io.ReadAll(r.Body)
			return observed(string(b), err)
		},
		"ParsesTheForm": func(_ http.ResponseWriter, r *http.Request) []any {
			return observed(r.ParseForm(), r.PostForm, r.Form)
		},
		"LimitsTheBody": func(w http.ResponseWriter, r *http.Request) []any {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 3))
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return observed(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				for _, accept := range []string{"", "gzip"} {
					compareWithNetHTTP(t, h, method, accept)
				}
			}
		})
	}
}

// compareWithNetHTTP sends h the same request directly and through the gateway.
func compareWithNetHTTP(t *testing.T, h edgeCaseHandler, method, accept string) {
	t.Helper()
	var observations []any
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { observations = h(w, r) })
	want, wantBody := roundTrip(t, handler, method, accept)
	wantObservations := observations
	got, gotBody := roundTrip(t, throughGateway(handler), method, accept)
	where := strings.TrimSpace(method + " " + accept)
	if diff := cmp.Diff(wantObservations, observations, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("%s: observed (-net/http +ours):\n%s", where, diff)
	}
	if want.StatusCode != got.StatusCode || wantBody != gotBody {
		t.Errorf(
			"%s: got %d with %d bytes, want %d with %d", where, got.StatusCode, len(gotBody), want.StatusCode,
			len(wantBody),
		)
	}
	if diff := cmp.Diff(headersOf(want, want, got), headersOf(got, want, got)); diff != "" {
		t.Errorf("%s (-net/http +ours):\n%s", where, diff)
	}
}

func roundTrip(t *testing.T, h http.Handler, method, accept string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs what these handlers do wrong
	server.Start()
	defer server.Close()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader("name=Bodil+Pr%C3%B8ve&a=1&a=2")
	}
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/e/a%20b?x=1&x=%26", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"X-Extra": {"a, b"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Accept-Encoding": {accept},
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Encoding") != "gzip" || len(b) == 0 {
		return res, string(b)
	}
	_, unzipped := unzip(t, httpResponse{Body: string(b), Headers: map[string]string{"Content-Encoding": "gzip"}})
	return res, unzipped
}

// headersOf are a response's headers without those that may differ: those that depend on compression, where ours was
// compressed; the length, where net/http had to send the beginning before it knew; and Vary, which depends on the
// length.
func headersOf(res, theirs, ours *http.Response) map[string]string {
	h := map[string]string{}
	for name, values := range res.Header {
		h[name] = strings.Join(values, ", ")
	}
	mayDiffer := []string{"Date", "Connection"}
	if ours.Header.Get("Content-Encoding") == "gzip" {
		mayDiffer = append(mayDiffer, "Content-Encoding", "Content-Length", "Accept-Ranges")
	}
	if theirs.Header.Get("Content-Length") == "" {
		mayDiffer = append(mayDiffer, "Content-Length")
	}
	if h["Vary"] = strings.TrimSuffix(strings.TrimSuffix(h["Vary"], "Accept-Encoding"), ", "); h["Vary"] == "" {
		mayDiffer = append(mayDiffer, "Vary")
	}
	for _, name := range mayDiffer {
		delete(h, name)
	}
	return h
}

func TestServeMuxRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /e/{slug}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.PathValue("slug"))
	})
	mux.HandleFunc("GET /tree/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	for path, want := range map[string]string{
		"/e/a b": "200 a b", "/e/fælles": "200 fælles", "/tree": "307 /tree/", "//e/a": "307 /e/a",
		"/e/../e/a": "307 /e/a", "/e/a/b": "404 404 page not found\n",
	} {
		res := call(t, mux.ServeHTTP, get(path))
		got := fmt.Sprint(res.StatusCode, " ", res.Headers["Location"]+plain(t, res))
		if res.StatusCode == 307 || res.StatusCode == 301 {
			got = fmt.Sprint(res.StatusCode, " ", res.Headers["Location"])
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	headers := call(t, mux.ServeHTTP, get("/e/a")).Headers
	if names := slices.Sorted(maps.Keys(headers)); !slices.Equal(names, []string{"Content-Type"}) {
		t.Errorf("got %v", names)
	}
}
