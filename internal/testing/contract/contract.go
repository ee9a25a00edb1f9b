// Package contract holds what tests send and are answered against openapi.yaml.
package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// load reads openapi.yaml, which lies beside go.mod.
func load() (*openapi3.T, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; filepath.Dir(folder) != folder; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(folder, "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
}

// Schema is one of those under components.
func Schema(t testing.TB, name string) *openapi3.Schema {
	t.Helper()
	doc, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	found := doc.Components.Schemas[name]
	if found == nil {
		t.Fatalf("openapi.yaml has no schema %s", name)
	}
	return found.Value
}

// Parameter is one of those under components.
func Parameter(t testing.TB, name string) *openapi3.Parameter {
	t.Helper()
	doc, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	found := doc.Components.Parameters[name]
	if found == nil {
		t.Fatalf("openapi.yaml has no parameter %s", name)
	}
	return found.Value
}

// Operation is the one with that id.
func Operation(t testing.TB, id string) *openapi3.Operation {
	t.Helper()
	doc, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			if operation.OperationID == id {
				return operation
			}
		}
	}
	t.Fatalf("openapi.yaml has no operation %s", id)
	return nil
}

var loaded = sync.OnceValues(load)

// strictRouter knows the contract read strictly: an answer has the fields that it names, and no others.
var strictRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := load()
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

// CheckResponse fails the test if an answer is not what openapi.yaml promises. The body can be read again afterwards.
func CheckResponse(t testing.TB, r *http.Request, res *http.Response) {
	t.Helper()
	router, err := strictRouter()
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
