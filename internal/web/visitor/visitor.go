// Package visitor is what visitors see: event pages with the sign-up form, the page of one's own registration, the
// join page, and the public JSON sign-up. GET never changes anything.
package visitor

import (
	"embed"
	"log/slog"
	"net/http"
	"time"

	"deltag/internal/address"
	"deltag/internal/web"
)

// Options are what the pages are made of. All but CheckDomain are needed.
type Options struct {
	Store   Store
	BaseURL string // scheme and host, as people reach it; no slash at the end
	Build   string // shown by /healthz
	Now     func() time.Time
	Log     *slog.Logger
	// CheckDomain is asked before an address is stored and mailed to.
	CheckDomain address.DomainCheck
	// MinResponseTime is how long answers about an address take at least; web.MinResponseTime outside of
	// tests.
	MinResponseTime time.Duration
	Metrics         *Metrics // nil: nothing is counted
}

type site struct{ Options }

// New makes the handler of everything that visitors reach.
func New(o Options) http.Handler {
	s := &site{o}
	return web.SecureHeaders(s.routes())
}

//go:embed templates
var files embed.FS

var templates = web.NewTemplates(files)
