package visitor

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// health tells which build answers, and whether it reaches its table.
func (s *site) health(w http.ResponseWriter, r *http.Request) error {
	status, table := http.StatusOK, "reachable"
	if err := s.Store.Ping(r.Context()); err != nil {
		s.Log.ErrorContext(r.Context(), "table out of reach", "error", err)
		w.Header().Set("Retry-After", retryAfter)
		status, table = http.StatusServiceUnavailable, "unreachable"
	}
	body, err := json.Marshal(map[string]string{"build": s.Build, "table": table})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

// robots keeps crawlers from what is behind tokens, should they ever find one.
func (s *site) robots(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	allowSharedCache(w)
	_, _ = fmt.Fprint(w, "User-agent: *\nDisallow: /r/\nDisallow: /join/\nDisallow: /unsubscribe/\nDisallow: /api/\n")
	return nil
}
