package lambdaevent

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes in bytes.
const (
	// compressAbove is from where compressing pays: a smaller response fits one packet anyway.
	compressAbove = 1 << 10
	// maxJSON is Lambda's limit of 6 MB for a response, less some room for the headers. The body is a string in it.
	maxJSON  = 6<<20 - 64<<10
	maxPlain = maxJSON / 6     // as text: at worst, JSON makes six bytes of one (\u0000)
	maxBody  = maxJSON / 4 * 3 // in base64
)

var errTooLarge = errors.New("answer is larger than Lambda returns")

// A responseWriter builds the response of a handler with the guarantees of net/http's server: an implicit 200, one
// status, headers as they were when it was written, a type guessed from the content, no body where none is allowed, an
// error for more than the Content-Length said.
//
// The first bytes are held back until it is decided whether to compress. After that all bytes pass through gzip as they
// come, so that a long list is never in memory uncompressed.
type responseWriter struct {
	headOnly        bool // a HEAD request
	acceptsGzip     bool
	ifNoneMatchGzip bool // the client has a compressed response

	header             http.Header // as the handler sets it
	snapshot           http.Header // header when the status was written; nil before
	status             int
	declared           int64 // Content-Length, or -1
	written            int64 // by the handler
	typeKnown          bool  // the Content-Type is final
	body               bytes.Buffer
	compressionDecided bool
	zip                *gzip.Writer
	tooLarge           bool
}

func newResponseWriter(event httpRequest) *responseWriter {
	return &responseWriter{
		headOnly:        event.RequestContext.HTTP.Method == http.MethodHead,
		acceptsGzip:     acceptsGzip(event.Headers["accept-encoding"]),
		ifNoneMatchGzip: strings.Contains(event.Headers["if-none-match"], gzipTag),
		header:          http.Header{},
	}
}

func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader ignores informational statuses: API Gateway cannot send them.
func (w *responseWriter) WriteHeader(status int) {
	if w.snapshot != nil {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http does
	}
	if status < 200 {
		return
	}
	w.status, w.snapshot, w.declared = status, w.header.Clone(), -1
	if length := w.snapshot.Get("Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 {
			w.snapshot.Del("Content-Length")
			return
		}
		w.declared = n
	}
}

// Flush sends nothing, as the whole response goes at once. As in net/http, it ends the guessing of the type.
func (w *responseWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	w.sniff()
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.declared >= 0 && w.written > w.declared {
		return 0, http.ErrContentLength
	}
	if err := w.buffer(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *responseWriter) buffer(p []byte) error {
	if !w.compressionDecided {
		held := min(len(p), compressAbove+1-w.body.Len())
		w.body.Write(p[:held])
		if w.body.Len() <= compressAbove {
			return nil
		}
		w.decideCompression()
		p = p[held:]
	}
	switch {
	case w.tooLarge:
	case w.zip != nil:
		_, _ = w.zip.Write(p) // into memory
		w.tooLarge = w.body.Len() > maxBody
	case w.body.Len()+len(p) > maxBody:
		w.tooLarge = true
	default:
		w.body.Write(p)
	}
	if w.tooLarge {
		return errTooLarge
	}
	return nil
}

// sniff guesses the type from the beginning of the body, as net/http does.
func (w *responseWriter) sniff() {
	_, given := w.snapshot["Content-Type"]
	if !given && !w.typeKnown && w.body.Len() > 0 && w.snapshot.Get("Content-Encoding") == "" {
		w.snapshot.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	w.typeKnown = true
}

// decideCompression is called once the body is long enough.
func (w *responseWriter) decideCompression() {
	w.sniff()
	w.compressionDecided = true
	if !w.acceptsGzip || !compressible(w.status, w.snapshot) {
		return
	}
	start := bytes.Clone(w.body.Bytes())
	w.body.Reset()
	w.zip = acquireGzip(&w.body)
	_, _ = w.zip.Write(start)
}

// response completes the response, in the form that API Gateway expects.
func (w *responseWriter) response() (httpResponse, error) {
	w.WriteHeader(http.StatusOK)
	w.sniff()
	if w.zip != nil {
		releaseGzip(w.zip)
		w.tooLarge = w.tooLarge || w.body.Len() > maxBody
	}
	if w.tooLarge {
		return httpResponse{}, errTooLarge
	}
	if w.declared >= 0 && w.declared != w.written && !w.headOnly && bodyAllowed(w.status) {
		return httpResponse{}, fmt.Errorf("answer has %d bytes, and a Content-Length of %d", w.written, w.declared)
	}
	w.finish()
	res := httpResponse{
		StatusCode: w.status, Headers: singleValueHeaders(w.snapshot), Cookies: w.snapshot["Set-Cookie"],
	}
	for i, c := range res.Cookies {
		res.Cookies[i] = sanitizeHeaderValue(c)
	}
	if w.headOnly || w.body.Len() == 0 {
		return res, nil
	}
	b := w.body.Bytes()
	text := w.snapshot.Get("Content-Encoding") == "" && isText(w.snapshot.Get("Content-Type"))
	if !text || len(b) > maxPlain || !utf8.Valid(b) {
		res.Body, res.IsBase64Encoded = base64.StdEncoding.EncodeToString(b), true
	} else {
		res.Body = string(b)
	}
	return res, nil
}

// finish sets the headers that depend on the body.
func (w *responseWriter) finish() {
	if w.status == http.StatusNotModified {
		w.snapshot.Del("Content-Type")
	}
	if w.zip != nil || !bodyAllowed(w.status) {
		w.snapshot.Del("Content-Length")
	}
	// Without the body it is unknown whether the response would vary, so a 304 says so to be safe.
	if w.status == http.StatusNotModified || w.compressionDecided && compressible(w.status, w.snapshot) {
		varyByEncoding(w.snapshot)
	}
	if w.zip != nil {
		w.snapshot.Set("Content-Encoding", "gzip")
		w.snapshot.Del("Accept-Ranges") // ranges would be of the uncompressed body
	}
	if w.zip != nil || w.ifNoneMatchGzip && w.status == http.StatusNotModified {
		addGzipETag(w.snapshot)
	}
	if w.headOnly && w.written > 0 && w.snapshot.Get("Content-Length") == "" {
		w.snapshot.Set("Content-Length", strconv.Itoa(w.body.Len()))
	}
}

// singleValueHeaders joins repeated headers, as the payload has one value for each. It leaves out invalid names, and
// what is about the connection, which is API Gateway's.
func singleValueHeaders(h http.Header) map[string]string {
	one := make(map[string]string, len(h))
	for name, values := range h {
		switch {
		case len(values) == 0 || !isToken(name):
		case name == "Set-Cookie": // the payload has a field for cookies
		case isHopByHop(name):
		case isSingleton(name):
			one[name] = sanitizeHeaderValue(values[0])
		default:
			one[name] = sanitizeHeaderValue(strings.Join(values, ", "))
		}
	}
	return one
}

func isHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade":
		return true
	}
	return false
}

// isSingleton says whether a header is no list, so that two values must not be joined: the first one counts.
func isSingleton(name string) bool {
	switch name {
	case "Age", "Content-Disposition", "Content-Length", "Content-Location", "Content-Range", "Content-Type", "Date",
		"Etag", "Expires", "Last-Modified", "Location", "Retry-After", "Strict-Transport-Security", "X-Frame-Options":
		return true
	}
	return false
}

// sanitizeHeaderValue makes header injection harmless the way net/http does.
func sanitizeHeaderValue(value string) string {
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return textproto.TrimString(value)
}

// isToken says whether s may be the name of a header (RFC 9110, section 5.6.2). Names with http.TrailerPrefix may not.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
