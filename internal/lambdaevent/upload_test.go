package lambdaevent

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"

	"deltag/internal/apigateway"
)

// maxRequest, in bytes, is Lambda's limit less what an event holds beside the body.
const maxRequest = 6<<20 - 100<<10

// TestUploadedFile: a file of any bytes reaches the handler as it was sent, in base64 on the way, and the largest that
// is taken stays below Lambda's limit of a request.
func TestUploadedFile(t *testing.T) {
	content := make([]byte, 4<<20)
	for i := range content {
		content[i] = byte(i * i >> 3)
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", "liste æ.xlsx")
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/organiser/events/x/import", nil)
	r.Header.Set("Content-Type", form.FormDataContentType())
	e := apigateway.NewEvent(r, b.Bytes(), noon, "id")
	if !e.IsBase64Encoded || len(e.Body) > maxRequest {
		t.Errorf("base64 %v, %d bytes", e.IsBase64Encoded, len(e.Body))
	}
	got := handledRequest(t, e)
	file, header, err := got.FormFile("file")
	if err != nil {
		t.Fatal(err)
	}
	received, err := io.ReadAll(file)
	if err != nil || !bytes.Equal(received, content) || header.Filename != "liste æ.xlsx" {
		t.Errorf("%d bytes of %q, %v", len(received), header.Filename, err)
	}
	if got.ContentLength != int64(b.Len()) || got.Method != http.MethodPost {
		t.Errorf("%s of %d bytes, want %d", got.Method, got.ContentLength, b.Len())
	}
}
