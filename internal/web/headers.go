package web

import "net/http"

// SecureHeaders sets what every answer carries, whatever the handler adds: no framing, no caching, no use within other
// sites, none of the browser's devices, and no referrer, for there are tokens in URLs. A page replaces the content
// security policy with one that names its own style and script.
func SecureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Strict-Transport-Security", "max-age=31536000") // a year, in seconds
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// AllowSharedCache lets a shared cache in front of the function answer for 15 seconds, which takes the load of a rush.
// Browsers ask each time.
func AllowSharedCache(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "public, max-age=0, s-maxage=15")
}

// ForbidIndexing keeps an answer out of search engines.
func ForbidIndexing(w http.ResponseWriter) { w.Header().Set("X-Robots-Tag", "noindex, nofollow") }

// SeeOther redirects after a POST, so that reloading the next page repeats nothing. It returns nil, so that a Handler
// can end with it.
func SeeOther(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
