package site

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An endpoint answers a request, or returns an error before it has written anything.
type endpoint func(http.ResponseWriter, *http.Request) error

// methods are a path's endpoints.
type methods map[string]endpoint

func (s *site) routes() {
	pages := map[string]methods{
		"/{$}":                    {"GET": s.index},
		"/e/{slug}":               {"GET": s.event},
		"/e/{slug}/embed":         {"GET": s.event},
		"/e/{slug}/registrations": {"POST": s.even(s.signUp)},
		"/e/{slug}/thanks":        {"GET": s.thanks},
		"/e/{slug}/calendar.ics":  {"GET": s.calendar},
		"/e/{slug}/link":          {"GET": s.askForLink, "POST": s.even(s.sendLink)},

		"/r/{token}":              {"GET": s.registration, "POST": s.even(s.change)},
		"/r/{token}/cancel":       {"POST": s.withdraw},
		"/r/{token}/rejoin":       {"POST": s.rejoin},
		"/r/{token}/erase":        {"POST": s.erase},
		"/r/{token}/calendar.ics": {"GET": s.ownCalendar},
		"/r/{token}/data.json":    {"GET": s.ownData},
		"/join/{token}":           {"GET": s.door, "POST": s.join},
		"/unsubscribe/{token}":    {"GET": s.unsubscribing, "POST": s.unsubscribe},

		"/healthz":    {"GET": s.health},
		"/robots.txt": {"GET": s.robots},
	}
	for path, ms := range pages {
		s.mux.Handle(path, s.on(ms, s.fail))
	}
	s.mux.Handle("/api/v1/public/events/{slug}/registrations", s.on(methods{"POST": s.even(s.publicSignUp), "OPTIONS": s.preflight}, s.problem))
	s.mux.Handle("/", s.on(methods{"GET": notFound, "POST": notFound}, s.fail))
}

// even delays the answers that are about an address until Options.EvenAfter, for what the store does about one that is signed
// up takes longer than for any other, and nobody is to tell them apart.
func (s *site) even(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		enough := time.After(s.EvenAfter)
		err := serve(w, r)
		select {
		case <-enough:
		case <-r.Context().Done():
		}
		return err
	}
}

// on serves a path's methods, with HEAD as GET, and hands what goes wrong to fail.
func (s *site) on(ms methods, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
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
