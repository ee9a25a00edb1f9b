package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is openapi.yaml, read strictly: an answer has the fields that it names, and no others.
var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../openapi.yaml")
	if err != nil {
		return nil, err
	}
	closed := false
	for _, schema := range doc.Components.Schemas {
		if s := schema.Value; len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = &closed
		}
	}
	return legacy.NewRouter(doc)
})

// checkContract fails the test if an answer is not what openapi.yaml promises. The body can be read again afterwards.
func checkContract(t *testing.T, r *http.Request, res *http.Response) {
	t.Helper()
	router, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	r = r.Clone(context.Background())
	r.URL.Scheme, r.URL.Host = "https", "deltag.example.dk" // as the contract names its server
	route, params, err := router.FindRoute(r)
	if err != nil {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %d, and is not in openapi.yaml", r.Method, r.URL.Path, res.StatusCode)
		}
		return
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(raw)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if strings.Contains(res.Header.Get("Content-Type"), "text/csv") {
		in.Options.ExcludeResponseBody = true // TestExportRegistrations reads it as Excel does
	}
	if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
		t.Errorf("%s %s answers %d, against openapi.yaml: %v", r.Method, r.URL.Path, res.StatusCode, err)
	}
}
