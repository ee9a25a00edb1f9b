package lambdaevent

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkHTTP is the adapter alone, between the JSON of the event and that of the response.
func BenchmarkHTTP(b *testing.B) {
	page := strings.Repeat("<p>Samskabelse er at skabe noget sammen, på tværs af fag og sektorer.</p>\n", 120) // 9 kB
	short := strings.Repeat("a", compressAbove)
	for _, c := range []struct {
		name, event string
		handler     http.HandlerFunc
	}{
		{"ShortResponse", "http-get-event-page.json", respondWith("text/html; charset=utf-8", short)},
		{"Page", "http-head.json", respondWith("text/html; charset=utf-8", page)},
		{"PageCompressed", "http-get-event-page.json", respondWith("text/html; charset=utf-8", page)},
		{"FormPost", "http-post-form.json", func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || r.PostForm.Get("name") == "" {
				b.Fatalf("form: %v, %v", r.PostForm, err)
			}
			http.Redirect(w, r, "/e/samskabelse/thanks", http.StatusSeeOther)
		}},
		{"List100000", "http-get-api-list.json", listOf(100_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := httpEvent(b, c.event)
			if c.name == "Page" {
				e.RequestContext.HTTP.Method, e.Headers["accept-encoding"] = "GET", "identity"
			}
			f := HTTPHandler(c.handler)
			var res httpResponse
			b.ReportAllocs()
			for b.Loop() {
				res, _ = f(b.Context(), e)
			}
			b.ReportMetric(float64(len(res.Body)), "answer-B")
		})
	}
}
