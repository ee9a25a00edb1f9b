// Command organiser is the function of the organisers' pages and API.
package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"deltag/internal/account"
	"deltag/internal/api"
	"deltag/internal/config"
	"deltag/internal/dynamo"
	"deltag/internal/lambdaevent"
	"deltag/internal/maildomain"
	"deltag/internal/mailtmpl"
	"deltag/internal/oidc"
	"deltag/internal/organiser"
	"deltag/internal/ssm"
	"deltag/internal/web"
	"deltag/internal/web/console"
	"deltag/internal/web/visitor"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	if err := run(log); err != nil {
		log.Error("organiser does not start", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	var c config.Organiser
	if err := config.Read(&c, os.Environ()); err != nil {
		return err
	}
	owners, err := account.ParseOwners(c.Organisers)
	if err != nil {
		return err
	}
	client := dynamo.NewClient(c.Region, c.DynamoDBEndpoint, config.Credentials(os.Getenv))
	store := dynamo.New(client, c.Table, rand.Reader)
	service := &organiser.Service{
		Store: store, Random: rand.Reader, CheckDomain: maildomain.NewCheck(c.CheckDomains, time.Now, log),
	}
	domains, err := account.ParseDomains(c.OIDC.Domains)
	if err != nil {
		return err
	}
	accounts := &account.Service{Store: store, Owners: owners, Domains: domains, Random: rand.Reader}
	mux := http.NewServeMux()
	mux.Handle("/", api.New(api.Options{
		Organiser: service, Accounts: accounts, BaseURL: c.BaseURL, Now: time.Now, Log: log,
	}))
	pages := console.New(console.Options{
		Organiser: service, Accounts: accounts, BaseURL: c.BaseURL, Now: time.Now, Log: log,
		MinResponseTime: web.MinResponseTime, OIDC: newOIDC(c), OIDCName: c.OIDC.ProviderName,
		Previews: console.Previews{
			EventPage: visitor.Preview, Mail: (&mailtmpl.Renderer{BaseURL: c.BaseURL}).Preview, MailStyles: mailtmpl.Styles,
		},
	})
	mux.Handle("/organiser", pages)
	mux.Handle("/organiser/", pages)
	lambda.Start(lambdaevent.HTTPHandler(mux))
	return nil
}

// newOIDC is the provider of the organisation's accounts, nil for none. It reads and fetches nothing yet.
func newOIDC(c config.Organiser) *oidc.Provider {
	if c.OIDC.Issuer == "" {
		return nil
	}
	return oidc.New(oidc.Config{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, RedirectURL: c.BaseURL + console.OIDCCallback,
		Secret: ssm.NewSecret(c.Region, c.OIDC.SSMEndpoint, c.OIDC.SecretParameter, config.Credentials(os.Getenv)),
		Now:    time.Now, Random: rand.Reader,
	})
}
