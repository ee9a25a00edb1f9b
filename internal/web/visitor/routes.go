package visitor

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A handler answers a request, or returns an error before it has written anything.
type handler func(http.ResponseWriter, *http.Request) error

// methodHandlers are a path's endpoints.
type methodHandlers map[string]handler

func (s *site) routes() {
	pages := map[string]methodHandlers{
		"/{$}":                    {"GET": s.index},
		"/e/{slug}":               {"GET": s.event},
		"/e/{slug}/embed":         {"GET": s.event},
		"/e/{slug}/registrations": {"POST": s.withMinResponseTime(s.signUp)},
		"/e/{slug}/thanks":        {"GET": s.thanks},
		"/e/{slug}/calendar.ics":  {"GET": s.calendar},
		"/e/{slug}/link":          {"GET": s.askForLink, "POST": s.withMinResponseTime(s.sendLink)},

		"/r/{token}":              {"GET": s.registration, "POST": s.withMinResponseTime(s.change)},
		"/r/{token}/cancel":       {"POST": s.cancelRegistration},
		"/r/{token}/rejoin":       {"POST": s.rejoin},
		"/r/{token}/erase":        {"POST": s.erase},
		"/r/{token}/calendar.ics": {"GET": s.registrationCalendar},
		"/r/{token}/data.json":    {"GET": s.exportData},
		"/join/{token}":           {"GET": s.joinPage, "POST": s.join},
		"/unsubscribe/{token}":    {"GET": s.unsubscribePage, "POST": s.unsubscribe},

		"/healthz":    {"GET": s.health},
		"/robots.txt": {"GET": s.robots},
	}
	for path, ms := range pages {
		s.mux.Handle(path, s.methodMux(ms, s.renderError))
	}
	s.mux.Handle("/api/v1/public/events/{slug}/registrations", s.methodMux(methodHandlers{"POST": s.withMinResponseTime(s.publicSignUp), "OPTIONS": s.preflight}, s.problem))
	s.mux.Handle("/", s.methodMux(methodHandlers{"GET": notFound, "POST": notFound}, s.renderError))
}

// withMinResponseTime delays the answers that are about an address until Options.EvenAfter, for what the store does about one that is signed
// up takes longer than for any other, and nobody is to tell them apart.
func (s *site) withMinResponseTime(serve handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		enough := time.After(s.MinResponseTime)
		err := serve(w, r)
		select {
		case <-enough:
		case <-r.Context().Done():
		}
		return err
	}
}

// methodMux serves a path's methods, with HEAD as GET, and hands what goes wrong to fail.
func (s *site) methodMux(ms methodHandlers, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	allowed := slices.Collect(maps.Keys(ms))
	if ms["GET"] != nil {
		allowed = append(allowed, "HEAD")
	}
	slices.Sort(allowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == "HEAD" {
			method = "GET"
		}
		serve := ms[method]
		if serve == nil {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			fail(w, r, errMethod)
			return
		}
		if err := serve(w, r); err != nil {
			fail(w, r, err)
		}
	})
}
