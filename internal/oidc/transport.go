package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// newHTTPClient makes a client for which no answer takes long or is large, and that follows no redirects.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxHeaders
	transport.DisableKeepAlives = true // a function that was frozen would write to a connection that is gone
	return &http.Client{
		Timeout: callTimeout, Transport: limitedTransport{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A limitedTransport cuts answers off that are larger than maxAnswer, with an error.
type limitedTransport struct{ http.RoundTripper }

func (t limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &limitedBody{res.Body, maxAnswer}
	}
	return res, err
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errors.New("the answer is too large")
	}
	return n, err
}

// microsoftCode is the number of an error of Microsoft's.
var microsoftCode = regexp.MustCompile(`^AADSTS\d{1,9}`)

// unavailable is ErrUnavailable with its cause, as far as it fits into a line of the log. The causes quote answers.
func unavailable(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the browser is gone
	}
	return fmt.Errorf("%w: %s: %s", ErrUnavailable, what, clean(err.Error()))
}

// clean is the beginning of a text from elsewhere, in one line.
func clean(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s[:min(len(s), most)])
	return strings.ToValidUTF8(s, "")
}
