package visitor

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"deltag/internal/web"
)

func BenchmarkEventPage(b *testing.B) {
	e := webinar()
	e.Questions = questions()
	v := newClient(b, e)
	for b.Loop() {
		w := httptest.NewRecorder()
		v.site.ServeHTTP(w, httptest.NewRequest("GET", "/e/samskabelse", nil))
		if w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
}

// BenchmarkFirstPage is what a cold start pays before its first answer, the words aside.
func BenchmarkFirstPage(b *testing.B) {
	v := newClient(b, webinar())
	for b.Loop() {
		templates = web.NewTemplates(files)
		w := httptest.NewRecorder()
		v.site.ServeHTTP(w, httptest.NewRequest("GET", "/e/samskabelse", nil))
		if w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
}
