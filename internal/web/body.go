package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxBody, in bytes, is far above the largest honest sign-up: twenty long answers of a few lines each.
const MaxBody = 64 << 10

// ReadBody reads a body of up to MaxBody of one of the media types, in UTF-8. ErrTooLarge, ErrMediaType, ErrMalformed. No body and no
// content type, which is what a bare button sends, is nil.
func ReadBody(w http.ResponseWriter, r *http.Request, mediaTypes ...string) ([]byte, error) {
	return readBody(w, r, MaxBody, mediaTypes...)
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64, mediaTypes ...string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, ErrTooLarge
	case err != nil:
		return nil, ErrMalformed
	case len(body) == 0 && r.Header.Get("Content-Type") == "":
		return nil, nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || !slices.Contains(mediaTypes, mediaType):
		return nil, ErrMediaType
	case !utf8.Valid(body):
		return nil, badBody("bad-characters")
	}
	return body, nil
}

// WithForm reads a posted form of up to limit bytes into r.PostForm before it calls serve. Errors as ReadBody.
func WithForm(limit int64, serve Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(w, r, limit, "application/x-www-form-urlencoded")
		if err != nil {
			return err
		}
		if r.PostForm, err = url.ParseQuery(string(body)); err != nil {
			return ErrMalformed
		}
		for name, values := range r.PostForm {
			if !utf8.ValidString(name + " " + strings.Join(values, " ")) {
				return ErrMalformed
			}
		}
		return serve(w, r)
	}
}
