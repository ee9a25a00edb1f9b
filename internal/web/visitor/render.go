package visitor

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates
var files embed.FS

// render writes the page. The template is parsed when it is first asked for: a cold start pays for one.
func (s *site) render(w http.ResponseWriter, status int, name string, p *page) error {
	t, err := templates(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Language))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", p.contentSecurityPolicy())
	if p.Private {
		h.Set("X-Robots-Tag", "noindex, nofollow")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader is gone: nobody is left to tell
	return nil
}

// Style is the one style sheet, inlined so that a page is one request.
func (p *page) Style() template.CSS { return template.CSS(style().text) }

// JS is the page's script, if it has one.
func (p *page) JS() template.JS { return template.JS(p.Script) }

// allowSharedCache lets a shared cache in front take a rush, and has browsers ask each time.
func allowSharedCache(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "public, max-age=0, s-maxage=15")
}

func (p *page) contentSecurityPolicy() string {
	parts := []string{"default-src 'none'", "base-uri 'none'", "img-src data:", "style-src " + style().source}
	if p.Script != "" {
		parts = append(parts, "script-src "+hashed(p.Script).source)
	}
	if p.RedirectsOffsite {
		parts = append(parts, "form-action 'self' https:")
	} else {
		parts = append(parts, "form-action 'self'")
	}
	if p.Embedded {
		parts = append(parts, "frame-ancestors *")
	} else {
		parts = append(parts, "frame-ancestors 'none'")
	}
	return strings.Join(parts, "; ")
}

// An inlineAsset is a text within the page and its source expression in the content security policy.
type inlineAsset struct{ text, source string }

func hashed(text string) inlineAsset {
	sum := sha256.Sum256([]byte(text))
	return inlineAsset{text, "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}
}

var style = sync.OnceValue(func() inlineAsset { return hashed(file("style.css")) })

// file reads an embedded one, without the indentation that only its editors need.
func file(name string) string {
	raw, err := files.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // embedded and tested: cannot happen in a build that passed
	}
	lines := strings.Split(string(raw), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

var parsed sync.Map // template name → *template.Template

func templates(name string) (*template.Template, error) {
	if t, ok := parsed.Load(name); ok {
		return t.(*template.Template), nil
	}
	t, err := template.New("layout.html").ParseFS(files, "templates/layout.html", "templates/partials.html", "templates/"+name+".html")
	if err != nil {
		return nil, err
	}
	parsed.Store(name, t)
	return t, nil
}
