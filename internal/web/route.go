package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A Handler answers a request, or returns an error before it has written anything.
type Handler func(http.ResponseWriter, *http.Request) error

// Methods are the handlers of one path by method. GET answers HEAD too.
type Methods map[string]Handler

// Handler calls the request's method and passes its error, or ErrMethod, to fail.
func (m Methods) Handler(fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	methods := slices.Collect(maps.Keys(m))
	if m["GET"] != nil {
		methods = append(methods, "HEAD")
	}
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == "HEAD" {
			method = "GET"
		}
		serve := m[method]
		if serve == nil {
			w.Header().Set("Allow", allow)
			fail(w, r, ErrMethod)
			return
		}
		if err := serve(w, r); err != nil {
			fail(w, r, err)
		}
	})
}
