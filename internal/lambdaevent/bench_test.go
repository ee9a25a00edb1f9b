package lambdaevent

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// BenchmarkHTTP is the adapter alone: from the event as Lambda's runtime has decoded it to the answer as it will encode it.
func BenchmarkHTTP(b *testing.B) {
	page := strings.Repeat("<p>Samskabelse er at skabe noget sammen, på tværs af fag og sektorer.</p>\n", 120) // 9 kB
	note := strings.Repeat("a", compressAbove)
	for _, c := range []struct {
		name, event string
		handler     http.HandlerFunc
	}{
		{"ShortAnswer", "http-get-event-page.json", answers("text/html; charset=utf-8", note)},
		{"Page", "http-head.json", answers("text/html; charset=utf-8", page)},
		{"PageCompressed", "http-get-event-page.json", answers("text/html; charset=utf-8", page)},
		{"FormPost", "http-post-form.json", func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || r.PostForm.Get("name") == "" {
				b.Fatalf("form: %v, %v", r.PostForm, err)
			}
			http.Redirect(w, r, "/e/samskabelse/thanks", http.StatusSeeOther)
		}},
		{"List100000", "http-get-api-list.json", list(100_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := httpEvent(b, c.event)
			if c.name == "Page" {
				e.RequestContext.HTTP.Method, e.Headers["accept-encoding"] = "GET", "identity"
			}
			f := HTTPHandler(c.handler)
			var res events.APIGatewayV2HTTPResponse
			b.ReportAllocs()
			for b.Loop() {
				res, _ = f(b.Context(), e)
			}
			b.ReportMetric(float64(len(res.Body)), "answer-B")
		})
	}
}
