package visitor

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

func (s *site) routes() http.Handler {
	manage := func(serve personalHandler) web.Handler { return s.withToken(deltag.PurposeManage, serve) }
	join := func(serve personalHandler) web.Handler { return s.withToken(deltag.PurposeJoin, serve) }
	unsubscribe := func(serve personalHandler) web.Handler { return s.withToken(deltag.PurposeUnsubscribe, serve) }
	pages := map[string]web.Methods{
		"/{$}":            {"GET": s.index},
		"/e/{slug}":       {"GET": s.withEvent(s.event)},
		"/e/{slug}/{$}":   {"GET": s.redirectToEvent},
		"/e/{slug}/embed": {"GET": s.withEvent(s.event)},
		"/e/{slug}/registrations": {
			"GET": s.redirectToForm, "POST": s.withMinResponseTime(web.WithForm(web.MaxBody, s.withEvent(s.signUp))),
		},
		"/e/{slug}/thanks":       {"GET": s.withEvent(s.thanks)},
		"/e/{slug}/calendar.ics": {"GET": s.withEvent(s.eventCalendar)},
		"/e/{slug}/link": {
			"GET": s.withEvent(s.linkPage), "POST": s.withMinResponseTime(web.WithForm(web.MaxBody, s.withEvent(s.sendLink))),
		},

		"/r/{token}": {
			"GET": s.registrationOrVerification, "POST": s.withMinResponseTime(web.WithForm(web.MaxBody, manage(s.change))),
		},
		"/r/{token}/cancel":       {"GET": s.redirectToForm, "POST": web.WithForm(web.MaxBody, manage(s.cancelRegistration))},
		"/r/{token}/rejoin":       {"GET": s.redirectToForm, "POST": web.WithForm(web.MaxBody, manage(s.rejoin))},
		"/r/{token}/verify":       {"GET": s.redirectToForm, "POST": web.WithForm(web.MaxBody, s.verifyByLink)},
		"/r/{token}/erase":        {"GET": s.redirectToForm, "POST": web.WithForm(web.MaxBody, manage(s.erase))},
		"/r/{token}/calendar.ics": {"GET": manage(s.registrationCalendar)},
		"/r/{token}/data.json":    {"GET": manage(s.exportData)},
		"/join/{token}":           {"GET": join(s.joinPage), "POST": web.WithForm(web.MaxBody, join(s.join))},
		"/unsubscribe/{token}":    {"GET": unsubscribe(s.unsubscribePage), "POST": unsubscribe(s.unsubscribe)},

		"/healthz":    {"GET": s.health},
		"/robots.txt": {"GET": s.robots},
		"/embed.js":   {"GET": s.embedScript},

		"/": {"GET": notFound, "POST": notFound},
	}
	mux := http.NewServeMux()
	for path, methods := range pages {
		mux.Handle(path, methods.Handler(s.renderError))
	}
	signUp := web.Methods{"POST": s.withMinResponseTime(s.publicSignUp), "OPTIONS": s.preflight}
	mux.Handle("/api/v1/public/events/{slug}/registrations", signUp.Handler(s.renderProblem))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { s.renderProblem(w, r, deltag.ErrNotFound) })
	return mux
}

// withMinResponseTime holds answers about an address back until Options.MinResponseTime has passed. The store takes
// longer over an address that is signed up than over any other, and the time an answer takes must not tell which.
func (s *site) withMinResponseTime(serve web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		defer web.HoldFor(r.Context(), s.MinResponseTime)()
		return serve(w, r)
	}
}

// redirectToForm is for who opens the address that a form was posted to, as after a fault or in a restored tab: it sends
// them to the page with the form.
func (s *site) redirectToForm(w http.ResponseWriter, r *http.Request) error {
	return web.SeeOther(w, s.newPage(r, deltag.Languages[0]).Href(formPath(r)))
}

// redirectToEvent is for who typed the address of an event, from paper say, with a slash at the end or in capitals. It
// keeps what stands below the event.
func (s *site) redirectToEvent(w http.ResponseWriter, r *http.Request) error {
	path := eventPath(strings.ToLower(r.PathValue("slug")))
	if parts := strings.SplitN(r.URL.EscapedPath(), "/", 4); len(parts) == 4 && parts[3] != "" { // "/e/SLUG/thanks"
		path += "/" + parts[3]
	}
	return web.SeeOther(w, s.newPage(r, deltag.Languages[0]).Href(path))
}

func notFound(http.ResponseWriter, *http.Request) error { return deltag.ErrNotFound }

// health answers with the build, and whether it reaches its table.
func (s *site) health(w http.ResponseWriter, r *http.Request) error {
	status, table := http.StatusOK, "reachable"
	if err := s.Store.Ping(r.Context()); err != nil {
		status, table = web.BeginError(w, r, s.Log, err).Status, "unreachable"
	}
	web.WriteJSON(w, status, map[string]string{"build": s.Build, "table": table})
	return nil
}

// embedScript is for other sites' pages. Browsers keep it for an hour, so what it and the frame tell each other must
// stay understood for that long.
func (s *site) embedScript(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = io.WriteString(w, web.Asset(files, "embed.js"))
	return nil
}

// robots keeps crawlers from what is behind tokens, should they ever find one.
func (s *site) robots(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	web.AllowSharedCache(w)
	_, _ = fmt.Fprint(w, "User-agent: *\n"+
		"Disallow: /r/\nDisallow: /join/\nDisallow: /unsubscribe/\nDisallow: /api/\n")
	return nil
}
