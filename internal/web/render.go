package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates
var files embed.FS

// Templates are the pages of one package. Its files hold templates/<page>.html, which defines "main", and
// templates/partials*.html, which define "head" and "footer", and may define "nav", for the layout of this package. The
// "form" is a Form.
type Templates struct {
	files  fs.FS
	parsed sync.Map // page → *template.Template
}

// NewTemplates are the pages of a package's embedded files.
func NewTemplates(files fs.FS) *Templates { return &Templates{files: files} }

// Parse parses a page within the layout when it is first asked for: a cold start pays for one page only.
func (t *Templates) Parse(page string) (*template.Template, error) {
	if known, ok := t.parsed.Load(page); ok {
		return known.(*template.Template), nil
	}
	parsed, err := template.ParseFS(files, "templates/layout.html", "templates/form.html")
	if err != nil {
		return nil, err
	}
	if parsed, err = parsed.ParseFS(t.files, "templates/partials*.html", "templates/"+page+".html"); err != nil {
		return nil, err
	}
	t.parsed.Store(page, parsed)
	return parsed, nil
}

// HTML is a page. data is what its templates see.
func (t *Templates) HTML(page string, data any) ([]byte, error) {
	parsed, err := t.Parse(page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("template %s: %w", page, err)
	}
	return b.Bytes(), nil
}

// Render writes a page. data is what its templates see: p, or the caller's own page type around it. Nothing has been
// written when it returns an error.
func (t *Templates) Render(w http.ResponseWriter, status int, page string, p *Page, data any) error {
	html, err := t.HTML(page, data)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Language))
	h.Set("Content-Length", strconv.Itoa(len(html)))
	h.Set("Content-Security-Policy", p.contentSecurityPolicy())
	if p.Private {
		ForbidIndexing(w)
	}
	if p.Embedded {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	w.WriteHeader(status)
	_, _ = w.Write(html) // an error means that the reader is gone
	return nil
}

// An inlineAsset is a text within a page, and the hash by which the content security policy allows it.
type inlineAsset struct{ text, hash string }

func newInlineAsset(text string) inlineAsset {
	sum := sha256.Sum256([]byte(text))
	return inlineAsset{text, "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}
}

var styleSheet = sync.OnceValue(func() inlineAsset { return newInlineAsset(Asset(files, "style.css")) })

// Asset reads a file of templates/ to be inlined, without its indentation.
func Asset(files fs.FS, name string) string {
	raw, err := fs.ReadFile(files, "templates/"+name)
	if err != nil {
		panic(err) // embedded and tested: cannot happen in a build that passed
	}
	lines := strings.Split(string(raw), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
