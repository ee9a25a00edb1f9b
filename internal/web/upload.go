package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// uploadOverhead, in bytes, is for what a browser sends around a file: boundaries, headers and small fields.
const uploadOverhead = 16 << 10

// IsUpload says whether a request holds files, as a form with enctype="multipart/form-data" sends them.
func IsUpload(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "multipart/form-data"
}

// ReadUpload reads the file of up to limit bytes that a form sends in a field, into memory. Whatever else the form has
// is passed over. A form without the file, or whose file has no bytes, is nil. ErrTooLarge, ErrMediaType, ErrMalformed.
func ReadUpload(w http.ResponseWriter, r *http.Request, field string, limit int64) ([]byte, error) {
	if !IsUpload(r) {
		return nil, ErrMediaType
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit+uploadOverhead)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, ErrMalformed
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, uploadError(err)
		}
		if part.FormName() != field {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(part, limit+1))
		switch {
		case err != nil:
			return nil, uploadError(err)
		case int64(len(content)) > limit:
			return nil, ErrTooLarge
		}
		return content, nil
	}
}

func uploadError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return ErrTooLarge
	}
	return ErrMalformed
}
