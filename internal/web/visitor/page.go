package visitor

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/web"
)

// A page is what a template of ours is given.
type page struct {
	web.Page
	Event *deltag.Event // that the page is about, if any

	now time.Time
}

// newPage begins a page in the language that the reader has chosen, or in fallback.
func (s *site) newPage(r *http.Request, fallback deltag.Language) *page {
	p := &page{Page: web.NewPage(r, fallback), now: s.Now()}
	if p.Embedded = isEmbedded(r); p.Embedded {
		p.Script = web.Asset(files, "frame.js")
	}
	return p
}

// isEmbedded says whether the page is in another site's frame. Only pages that have to do with signing up may be:
// nothing on them is worth tricking somebody into pressing.
func isEmbedded(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/e/") {
		return false
	}
	return strings.HasSuffix(r.URL.Path, "/embed") || r.URL.Query().Has("embed") || r.PostForm.Has("embed")
}

func (p *page) withBody(body any) *page {
	p.Body = body
	return p
}

func (p *page) render(w http.ResponseWriter, status int, name string) error {
	return templates.Render(w, status, name, &p.Page, p)
}

// writeFile answers with a file to be saved. It returns nil, so that a handler can end with it.
func (p *page) writeFile(w http.ResponseWriter, contentType, name string, content []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	if p.Private {
		web.ForbidIndexing(w)
	}
	_, _ = w.Write(content)
	return nil
}
