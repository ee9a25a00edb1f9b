package lambdaevent

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plain is the body of a response as API Gateway sends it.
func plain(tb testing.TB, res httpResponse) string {
	tb.Helper()
	if !res.IsBase64Encoded {
		return res.Body
	}
	b, err := decodeBase64(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// unzip returns the uncompressed body, and whether it was compressed.
func unzip(tb testing.TB, res httpResponse) (zipped bool, body string) {
	tb.Helper()
	body = plain(tb, res)
	if res.Headers["Content-Encoding"] != "gzip" {
		return false, body
	}
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return true, string(b)
}

func respondWith(contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

func TestResponseBody(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		headers                 []string
		base64                  bool
	}{
		{name: "HTML", contentType: "text/html; charset=utf-8", body: "<p>æøå"},
		{name: "JSON", contentType: "Application/JSON", body: "{}"},
		{name: "Problem", contentType: "application/problem+json", body: "{}"},
		{name: "SVG", contentType: "image/svg+xml", body: "<svg/>"},
		{name: "Calendar", contentType: "text/calendar; charset=utf-8", body: "BEGIN:VCALENDAR\r\n"},
		{name: "Empty", contentType: "image/png", body: ""},
		{name: "PNG", contentType: "image/png", body: "\x89PNG", base64: true},
		{
			name: "Workbook", contentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			body: "PK", base64: true,
		},
		{name: "TextThatIsNotUTF8", contentType: "text/plain; charset=iso-8859-1", body: "bl\xe5b\xe6r", base64: true},
		{
			name: "CompressedByTheHandler", contentType: "text/html", body: "br",
			headers: []string{"Content-Encoding", "br"}, base64: true,
		},
		{
			name: "LongerThanItsEscapesAllow", contentType: "text/plain", body: strings.Repeat("\x00", maxPlain+1),
			base64: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := throughJSON(t, call(t, respondWith(c.contentType, c.body, c.headers...), get("/")))
			if res.IsBase64Encoded != c.base64 || plain(t, res) != c.body {
				t.Errorf("base64 %v, %d bytes", res.IsBase64Encoded, len(res.Body))
			}
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	res := call(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Vary"] = []string{"Accept", "Cookie"}
		h["Cache-Control"] = []string{"no-store"}
		h["Location"] = []string{"/first", "/second"}
		h["X-Injected"] = []string{"a\r\nSet-Cookie: b=c"}
		h["Set-Cookie"] = []string{"a=1; Path=/", "b=2\r\nX: y"}
		h["X-None"] = nil
		h["Not A Header"] = []string{"x"}
		h["Connection"] = []string{"close"}
		h[http.TrailerPrefix+"Checksum"] = []string{"x"}
		h.Set("Content-Length", "twelve")
	}, get("/"))
	want := httpResponse{
		StatusCode: 200,
		Headers: map[string]string{
			"Vary": "Accept, Cookie", "Cache-Control": "no-store", "Location": "/first",
			"X-Injected": "a  Set-Cookie: b=c",
		},
		Cookies: []string{"a=1; Path=/", "b=2  X: y"},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResponseWithoutBody(t *testing.T) {
	for status, want := range map[int]map[string]string{
		204: {"Content-Type": "text/html", "Etag": `"7"`},
		304: {"Vary": "Accept-Encoding", "Etag": `"7"`},
	} {
		res := call(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "9")
			w.Header().Set("ETag", `"7"`)
			w.WriteHeader(status)
			if _, err := io.WriteString(w, "no"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("%d: got %v", status, err)
			}
		}, get("/"))
		if diff := cmp.Diff(httpResponse{StatusCode: status, Headers: want}, res); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// lambdaTakes is the largest response in bytes, by the text of Lambda's own error.
const lambdaTakes = 6_291_556

func TestInvalidResponse(t *testing.T) {
	for _, c := range []struct {
		name, code, logs string
		handler          http.HandlerFunc
	}{
		{
			"ShorterThanItsContentLength", "internal", "4 bytes, and a Content-Length of 5",
			respondWith("text/plain", "half", "Content-Length", "5"),
		},
		{
			"LongerThanItsContentLength", "internal", "8 bytes, and a Content-Length of 5",
			respondWith("text/plain", "and half", "Content-Length", "5"),
		},
		{
			"LargerThanLambdaReturns", "answer-too-large", "larger",
			respondWith("text/csv", strings.Repeat("x", maxBody+1)),
		},
		{"LargerThanLambdaReturnsInPieces", "answer-too-large", "larger", func(w http.ResponseWriter, _ *http.Request) {
			var err error
			for range maxBody/1000 + 1 {
				_, err = w.Write(make([]byte, 1000))
			}
			if err == nil {
				t.Error("the handler got no error")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := captureLog(t)
			res := call(t, c.handler, get("/"))
			if p := decodeAs[struct{ Code string }](t, []byte(res.Body)); res.StatusCode != 500 || p.Code != c.code {
				t.Errorf("got %d %s", res.StatusCode, res.Body)
			}
			wantLog(t, out, 1, c.logs, "id-1")
		})
	}
	t.Run("ATooLargeResponseIsNotBuffered", func(t *testing.T) {
		for _, accept := range []string{"", "gzip"} {
			w := newResponseWriter(get("/", "accept-encoding", accept))
			w.Header().Set("Content-Type", "text/plain")
			random, piece := rand.NewChaCha8([32]byte{}), make([]byte, 50_000)
			for range 4 * maxBody / len(piece) {
				_, _ = random.Read(piece)
				_, _ = w.Write(piece) // and ignores the error
			}
			if _, err := w.response(); !errors.Is(err, errTooLarge) || w.body.Len() > maxBody+200_000 {
				t.Errorf("%q: %v, %d bytes buffered", accept, err, w.body.Len())
			}
		}
	})
	t.Run("WritingMoreThanTheContentLengthIsAnError", func(t *testing.T) {
		captureLog(t)
		call(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			if n, err := io.WriteString(w, "and half"); n != 0 || !errors.Is(err, http.ErrContentLength) {
				t.Errorf("got %d, %v", n, err)
			}
		}, get("/"))
	})
	t.Run("TheLargestResponseFits", func(t *testing.T) {
		for contentType, body := range map[string]string{
			"image/png": strings.Repeat("\xff", maxBody), "text/plain": strings.Repeat("\x00", maxPlain),
		} {
			res := call(t, respondWith(contentType, body), get("/"))
			if got := plain(t, res); got != body {
				t.Fatalf("%s: got %d bytes", contentType, len(got))
			}
			wire := encodedSize(t, res)
			if wire > lambdaTakes {
				t.Errorf("%s: %d bytes of JSON, Lambda takes %d", contentType, wire, lambdaTakes)
			}
		}
	})
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("Samskabelse er at skabe sammen. ", 200)
	type result struct {
		Zipped bool
		Vary   string
	}
	for _, c := range []struct {
		name    string
		accept  string
		handler http.HandlerFunc
		want    result
	}{
		{"LongText", "gzip, deflate, br", respondWith("text/html", long), result{true, "Accept-Encoding"}},
		{"LongJSON", "gzip", respondWith("application/json", `"`+long+`"`), result{true, "Accept-Encoding"}},
		{
			"TypeThatIsGuessed", "gzip",
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) },
			result{true, "Accept-Encoding"},
		},
		{"NotAccepted", "br", respondWith("text/html", long), result{false, "Accept-Encoding"}},
		{"NoHeader", "", respondWith("text/html", long), result{false, "Accept-Encoding"}},
		{"Refused", "gzip;q=0, *", respondWith("text/html", long), result{false, "Accept-Encoding"}},
		{"UpTo1KiB", "gzip", respondWith("text/html", long[:1024]), result{false, ""}},
		{"Above1KiB", "gzip", respondWith("text/html", long[:1025]), result{true, "Accept-Encoding"}},
		{"Image", "gzip", respondWith("image/png", long), result{false, ""}},
		{"EncodedByTheHandler", "gzip", respondWith("text/html", long, "Content-Encoding", "br"), result{false, ""}},
		{
			"VaryIsExtended", "gzip", respondWith("text/html", long, "Vary", "Cookie"),
			result{true, "Cookie, Accept-Encoding"},
		},
		{
			"VaryIsNotRepeated", "gzip", respondWith("text/html", long, "Vary", "Cookie, accept-encoding"),
			result{true, "Cookie, accept-encoding"},
		},
		{"VaryByAll", "gzip", respondWith("text/html", long, "Vary", "*"), result{true, "*"}},
		{"Part", "gzip", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			r.Header.Set("Range", "bytes=0-2000")
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(long))
		}, result{false, ""}},
		{
			"NotModified", "gzip",
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
			result{false, "Accept-Encoding"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			direct := call(t, c.handler, get("/"))
			res := call(t, c.handler, get("/", "accept-encoding", c.accept))
			zipped, body := unzip(t, res)
			if diff := cmp.Diff(c.want, result{zipped, res.Headers["Vary"]}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := plain(t, direct); body != want {
				t.Errorf("%d bytes became %d others", len(want), len(body))
			}
			if zipped && (!res.IsBase64Encoded || len(res.Body) >= len(body)) {
				t.Errorf("base64 %v, %d bytes for %d", res.IsBase64Encoded, len(res.Body), len(body))
			}
		})
	}
	t.Run("NoLengthAndNoRangesOfTheUncompressedBody", func(t *testing.T) {
		res := call(t, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(long))
		}, get("/", "accept-encoding", "gzip"))
		zipped, body := unzip(t, res)
		if !zipped || body != long || res.Headers["Content-Length"]+res.Headers["Accept-Ranges"] != "" {
			t.Errorf("got %v", res.Headers)
		}
	})
	t.Run("InPiecesOfAnySize", func(t *testing.T) {
		for _, size := range []int{1, 7, 1024, 1025, 3000} {
			res := call(t, func(w http.ResponseWriter, _ *http.Request) {
				for rest := []byte(long); len(rest) > 0; {
					n, err := w.Write(rest[:min(size, len(rest))])
					if err != nil || n != min(size, len(rest)) {
						t.Fatalf("wrote %d, %v", n, err)
					}
					rest = rest[n:]
				}
			}, get("/", "accept-encoding", "gzip"))
			if zipped, body := unzip(t, res); !zipped || body != long {
				t.Errorf("pieces of %d: %v, %d bytes", size, zipped, len(body))
			}
		}
	})
	t.Run("HEADHasTheHeadersOfGET", func(t *testing.T) {
		for _, accept := range []string{"", "gzip"} {
			e := get("/", "accept-encoding", accept)
			full := call(t, respondWith("text/html", long, "ETag", `"7"`), e)
			e.RequestContext.HTTP.Method = "HEAD"
			head := call(t, respondWith("text/html", long, "ETag", `"7"`), e)
			full.Headers["Content-Length"] = fmt.Sprint(len(plain(t, full)))
			full.Body, full.IsBase64Encoded = "", false
			if diff := cmp.Diff(full, head); diff != "" {
				t.Errorf("%q (-GET +HEAD):\n%s", accept, diff)
			}
		}
	})
}

func TestEntityTags(t *testing.T) {
	long := strings.Repeat("a", 5000)
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"7"`)
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(long))
	}
	tag := func(headers ...string) string {
		res := call(t, h, get("/", headers...))
		return fmt.Sprint(res.StatusCode, " ", res.Headers["Etag"])
	}
	for _, c := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"Plain", nil, `200 "7"`},
		{"Compressed", []string{"accept-encoding", "gzip"}, `200 "7-gzip"`},
		{
			"CompressedNotModified", []string{"accept-encoding", "gzip", "if-none-match", `"6-gzip", "7-gzip"`},
			`304 "7-gzip"`,
		},
		{"PlainNotModified", []string{"accept-encoding", "gzip", "if-none-match", `"7"`}, `304 "7"`},
		{"IfMatchOfCompressed", []string{"if-match", `"7-gzip"`}, `200 "7"`},
		{"IfMatchOfAnEarlierVersion", []string{"if-match", `"6-gzip"`}, `412 "7"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tag(c.headers...); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("WeakTagsAreKept", func(t *testing.T) {
		res := call(t, respondWith("text/html", long, "ETag", `W/"7"`), get("/", "accept-encoding", "gzip"))
		if res.Headers["Etag"] != `W/"7"` || res.Headers["Content-Encoding"] != "gzip" {
			t.Errorf("got %v", res.Headers)
		}
	})
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "br, gzip;q=0.5": true, "br,gzip ; q=1.0": true,
		"*": true, "*;q=0.1": true,
		"br": false, "gzip;q=0": false, "gzip;q=0.000": false, "gzip; Q=0": false, "*, gzip;q=0": false,
		"gzip;q=0, *": false, "*;q=0": false, "identity": false,
		"*;q=0, gzip": true, "gzip;q=": false, "gzip;q=NaN": false, "gzip;q=-1": false, "gzipped": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: got %v", header, got)
		}
	}
}

// listOf responds with a table of so many people, about 100 bytes each. It allocates nothing itself.
func listOf(people int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		var line []byte
		for i := range people {
			line = append(line[:0], "Deltager "...)
			line = strconv.AppendInt(line, int64(i), 10)
			line = append(line, ";deltager-"...)
			line = strconv.AppendInt(line, int64(i)*7919, 10)
			line = append(line, "@example.dk;Prøvekommune "...)
			line = strconv.AppendInt(line, int64(i%98), 10)
			line = append(line, ";Udviklingskonsulent;bekræftet;2026-11-23 10:00\r\n"...)
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}
}

func TestALongListIsNeverInMemory(t *testing.T) {
	const people = 50_000
	e, h := get("/", "accept-encoding", "gzip"), listOf(people)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res := call(t, h, e)
	runtime.ReadMemStats(&after)
	_, body := unzip(t, res)
	if lines := strings.Count(body, "\r\n"); lines != people {
		t.Errorf("%d lines", lines)
	}
	// All allocations, those of growing buffers too. To buffer the list would take three times its size.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > uint64(len(body)) {
		t.Errorf("%d bytes allocated for a list of %d, %d compressed", allocated, len(body), len(res.Body))
	}
}

func encodedSize(tb testing.TB, res httpResponse) int {
	tb.Helper()
	var b bytes.Buffer
	if err := lambdaEncode(&b, res); err != nil {
		tb.Fatal(err)
	}
	return b.Len()
}
