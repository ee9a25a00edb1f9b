package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

// maxBody, in bytes, is far above the largest honest form: twenty long answers of a few lines each.
const maxBody = 64 << 10

// ReadBody reads a body of the given media type, in UTF-8. ErrTooLarge, ErrMediaType, ErrMalformed. No body and no
// content type, which is what a bare button sends, is nil.
func ReadBody(w http.ResponseWriter, r *http.Request, mediaType string) ([]byte, error) {
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
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != mediaType {
		return nil, ErrMediaType
	}
	if !utf8.Valid(body) {
		return nil, ErrMalformed
	}
	return body, nil
}

// ReadForm reads a posted form into r.PostForm. Errors as ReadBody.
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	body, err := ReadBody(w, r, "application/x-www-form-urlencoded")
	if err != nil {
		return err
	}
	r.PostForm, err = parseForm(string(body))
	return err
}

// WithForm reads the posted form before it calls serve.
func WithForm(serve Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := ReadForm(w, r); err != nil {
			return err
		}
		return serve(w, r)
	}
}

func parseForm(body string) (url.Values, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, ErrMalformed
	}
	invalid := func(s string) bool { return !utf8.ValidString(s) }
	for name, values := range form {
		if invalid(name) || slices.ContainsFunc(values, invalid) {
			return nil, ErrMalformed
		}
	}
	return form, nil
}
