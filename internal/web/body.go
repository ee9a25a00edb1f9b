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

// maxBody, in bytes, is far above the largest honest form: twenty long answers of a few lines each.
const maxBody = 64 << 10

// ReadBody reads a body of one of the media types, in UTF-8. ErrTooLarge, ErrMediaType, ErrMalformed. No body and no
// content type, which is what a bare button sends, is nil.
func ReadBody(w http.ResponseWriter, r *http.Request, mediaTypes ...string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
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

// WithForm reads a posted form into r.PostForm before it calls serve. Errors as ReadBody.
func WithForm(serve Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := ReadBody(w, r, "application/x-www-form-urlencoded")
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
