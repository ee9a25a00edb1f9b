// Command organiser is the function of the organisers' pages and API.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"deltag/internal/account"
	"deltag/internal/config"
	"deltag/internal/dynamo"
	"deltag/internal/functionlog"
	"deltag/internal/lambdaevent"
	"deltag/internal/maildomain"
	"deltag/internal/oidc"
	"deltag/internal/organiser"
	"deltag/internal/organiserhttp"
	"deltag/internal/ssm"
	"deltag/internal/web/console"
)

func main() {
	log := functionlog.New(os.Stderr, config.Build)
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
	handler := organiserhttp.New(organiserhttp.Options{
		Organiser: service, Accounts: accounts, BaseURL: c.BaseURL, Now: time.Now, Log: log,
		OIDC: newOIDC(c), OIDCName: c.OIDC.ProviderName,
	})
	lambda.Start(lambdaevent.HTTPHandler(handler))
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
