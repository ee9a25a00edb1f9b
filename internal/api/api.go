// Package api is the organisers' JSON API. Its contract is openapi.yaml, from which types and routes are made. Its
// handlers read input and write answers; what they do is that of the packages organiser and account.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"deltag/internal/account"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

//go:generate go tool oapi-codegen -config generate.yaml -o contract.gen.go ../../openapi.yaml

// Options are what the API is made of. All are needed.
type Options struct {
	Organiser *organiser.Service
	Accounts  *account.Service
	BaseURL   string // scheme and host, without a slash at the end
	Now       func() time.Time
	Log       *slog.Logger
}

type server struct{ Options }

// New makes the handler of all of /api/v1 except its public part.
func New(o Options) http.Handler {
	s := &server{o}
	mux := http.NewServeMux()
	HandlerWithOptions(s, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: s.badParameter})
	return s.requireToken(s.withProblemFallback(mux))
}

// answer ends a handler: with err as a problem document if there is one, and otherwise with v as JSON, or no body if
// v is nil.
func (s *server) answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	switch {
	case err != nil:
		s.fail(w, r, err)
	case v == nil:
		w.WriteHeader(status)
	default:
		web.WriteJSON(w, status, v)
	}
}

// withProblemFallback answers a path or method that no route takes with a problem document too.
func (s *server) withProblemFallback(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isImport, _ := path.Match(importPath, r.URL.Path); isImport && r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost) // the mux takes "import" for the id of a registration
			s.fail(w, r, web.ErrMethod)
			return
		}
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		plain := headerRecorder{header: http.Header{}}
		handler.ServeHTTP(&plain, r)
		if allow := plain.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			s.fail(w, r, web.ErrMethod)
			return
		}
		s.fail(w, r, web.ErrNotFound)
	})
}

// headerRecorder takes the mux's own plain-text answer, of which only the header matters.
type headerRecorder struct{ header http.Header }

func (p *headerRecorder) Header() http.Header       { return p.header }
func (*headerRecorder) Write(b []byte) (int, error) { return len(b), nil }
func (*headerRecorder) WriteHeader(int)             {}

type callerKey struct{}

// callerOf is who sends a request that requireToken has let through, and when. The zero Caller may do nothing.
func callerOf(r *http.Request) organiser.Caller {
	c, _ := r.Context().Value(callerKey{}).(organiser.Caller)
	return c
}

// requireToken lets requests with a valid token through. Every other gets the same answer, whatever is wrong with it. A
// reader who asks for a change is refused here, before the body is looked at; the use cases check roles themselves.
func (s *server) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		c, err := s.authenticate(r)
		if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead && !c.MayEdit() {
			err = deltag.ErrForbidden
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// authenticate is the caller that a request's token names. ErrUnauthenticated.
func (s *server) authenticate(r *http.Request) (organiser.Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return organiser.Caller{}, deltag.ErrUnauthenticated
	}
	now := s.Now()
	p, err := s.Accounts.AuthenticateToken(r.Context(), token, now)
	return organiser.Caller{Principal: p, Now: now}, err
}

// readBody reads a JSON body. web.ErrMediaType, also when there is none.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Type") == "" {
		return nil, web.ErrMediaType
	}
	return web.ReadBody(w, r, "application/json", "application/merge-patch+json")
}

// readJSON reads the body into v. When that fails it answers why, and returns false.
func (s *server) readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	raw, err := readBody(w, r)
	if err == nil {
		err = web.DecodeJSON(raw, v)
	}
	if err != nil {
		s.fail(w, r, err)
	}
	return err == nil
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

// pagination reads the parameters of a list.
func pagination(limit *int, cursor *string) (int, string, error) {
	if limit == nil {
		return defaultLimit, deref(cursor), nil
	}
	if *limit < 1 || *limit > maxLimit {
		return 0, "", badRequest(deltag.ValidationErrors{{Field: "limit", Code: "out-of-range", Limit: maxLimit}})
	}
	return *limit, deref(cursor), nil
}

// convertAll makes the list of an answer. It is never nil, which JSON would show as null.
func convertAll[T, U any](items []T, convert func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = convert(item)
	}
	return out
}
