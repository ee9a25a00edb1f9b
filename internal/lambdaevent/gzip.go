package lambdaevent

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gzipPool keeps gzip writers between requests: each holds 800 kB, more than all else that a request needs.
var gzipPool sync.Pool

func acquireGzip(to io.Writer) *gzip.Writer {
	z, ok := gzipPool.Get().(*gzip.Writer)
	if !ok {
		return gzip.NewWriter(to)
	}
	z.Reset(to)
	return z
}

func releaseGzip(z *gzip.Writer) {
	_ = z.Close() // into memory
	z.Reset(io.Discard)
	gzipPool.Put(z)
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	wildcard := false
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return hasWeight(weight)
		case "*":
			wildcard = hasWeight(weight)
		}
	}
	return wildcard
}

// hasWeight reads "q=0.5" and says whether it is above 0. No weight means 1; one that cannot be read means 0.
func hasWeight(weight string) bool {
	weight = strings.ToLower(strings.TrimSpace(weight))
	if weight == "" {
		return true
	}
	q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
	return err == nil && q > 0
}

// compressible says whether a response may be compressed: it is text, whole, and not encoded by the handler.
func compressible(status int, h http.Header) bool {
	whole := status != http.StatusPartialContent && h.Get("Content-Range") == ""
	return whole && h.Get("Content-Encoding") == "" && isText(h.Get("Content-Type"))
}

// isText says whether a body of that type is text, which needs no base64 and is worth compressing.
func isText(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch t {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// varyByEncoding tells caches that another client may get another body.
func varyByEncoding(h http.Header) {
	for _, value := range h["Vary"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Accept-Encoding") {
				return
			}
		}
	}
	h.Add("Vary", "Accept-Encoding")
}

// gzipTag ends the entity tag of a compressed response. A strong tag promises the same bytes, so the compressed body
// needs its own; a weak tag would fail every If-Match.
const gzipTag = `-gzip"`

func addGzipETag(h http.Header) {
	if tag := h.Get("Etag"); len(tag) > 1 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		h.Set("Etag", tag[:len(tag)-1]+gzipTag)
	}
}

// stripGzipETag restores the tags that the handler gave, in what a client sends back.
func stripGzipETag(h http.Header) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if tags := h.Get(name); strings.Contains(tags, gzipTag) {
			h.Set(name, strings.ReplaceAll(tags, gzipTag, `"`))
		}
	}
}
