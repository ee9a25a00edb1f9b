// Package organiserhttp is all that function organiser serves: the organisers' pages and the JSON API.
package organiserhttp

import (
	"log/slog"
	"net/http"
	"time"

	"deltag/internal/account"
	"deltag/internal/api"
	"deltag/internal/mailtmpl"
	"deltag/internal/oidc"
	"deltag/internal/organiser"
	"deltag/internal/web"
	"deltag/internal/web/console"
	"deltag/internal/web/visitor"
)

// Options are what pages and API share.
type Options struct {
	Organiser *organiser.Service
	Accounts  *account.Service
	BaseURL   string // scheme and host, as people reach it; no slash at the end
	Now       func() time.Time
	Log       *slog.Logger
	OIDC      *oidc.Provider // of the organisation's accounts; nil for none
	OIDCName  string         // what people call it; "" for the organisation's account
}

// New makes the handler of /organiser, /api/v1 and everything below them. The public part of the API is the visitors'.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api.New(api.Options{
		Organiser: o.Organiser, Accounts: o.Accounts, BaseURL: o.BaseURL, Now: o.Now, Log: o.Log,
	}))
	pages := console.New(console.Options{
		Organiser: o.Organiser, Accounts: o.Accounts, BaseURL: o.BaseURL, Now: o.Now, Log: o.Log,
		MinResponseTime: web.MinResponseTime, OIDC: o.OIDC, OIDCName: o.OIDCName,
		Previews: console.Previews{
			EventPage: visitor.Preview, Mail: (&mailtmpl.Renderer{BaseURL: o.BaseURL}).Preview, MailStyles: mailtmpl.Styles,
		},
	})
	mux.Handle("/organiser", pages)
	mux.Handle("/organiser/", pages)
	return mux
}
