// Package config reads a function's environment at init. All errors in it are reported together, so that a bad
// deployment fails before the first request and is corrected in one go.
package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/caarlos0/env/v11"
)

// Build names the commit that a function was built from. The Makefile sets it; Lambda calls every deployment $LATEST.
var Build = "unknown"

// Base is what every function needs, and all that functions/feedback does.
type Base struct {
	Table            string `env:"TABLE"`
	Region           string `env:"AWS_REGION" envDefault:"eu-north-1"`
	DynamoDBEndpoint string `env:"DYNAMODB_ENDPOINT"` // "" in AWS
}

// Links is for those that link to the site.
type Links struct {
	Base
	BaseURL string `env:"BASE_URL"`
}

// Site is for functions/site, and for those that take registrations as it does.
type Site struct {
	Links
	CheckDomains string `env:"CHECK_DOMAINS"` // "on", or "off" and "": whether DNS is asked before the first mail
}

// Organiser is for functions/organiser.
type Organiser struct {
	Site
	Organisers []string `env:"ORGANISERS"` // addresses that are always owners; see account.ParseOwners
	OIDC
}

// OIDC is the organisation's OpenID Connect provider. Without an issuer nobody signs in with it.
type OIDC struct {
	Issuer          string   `env:"OIDC_ISSUER"`
	ClientID        string   `env:"OIDC_CLIENT_ID"`
	SecretParameter string   `env:"OIDC_CLIENT_SECRET_PARAMETER"` // name in Parameter Store
	Domains         []string `env:"OIDC_DOMAINS"`                 // who needs no invitation; see account.ParseDomains
	ProviderName    string   `env:"OIDC_NAME"`                    // on the button; "" for "the organisation's account"
	SSMEndpoint     string   `env:"SSM_ENDPOINT"`                 // "" in AWS
}

// Mailer is for functions/mailer.
type Mailer struct {
	Links
	MailFrom         string  `env:"MAIL_FROM"`
	MailRate         float64 `env:"MAIL_RATE" envDefault:"14"` // mails a second; what SES usually allows a new account
	ConfigurationSet string  `env:"CONFIGURATION_SET"`
	SESEndpoint      string  `env:"SES_ENDPOINT"` // "" in AWS
}

// A Validator is the configuration of a function. Validate returns all errors in it, joined.
type Validator interface{ Validate() error }

// Read fills c from environ, which has the form of os.Environ. Its error names every variable that is missing or
// invalid.
func Read(c Validator, environ []string) error {
	parseErr := env.ParseWithOptions(c, env.Options{Environment: env.ToMap(environ)})
	if err := errors.Join(c.Validate(), parseErr); err != nil {
		return fmt.Errorf("the environment is invalid:\n%w", err)
	}
	return nil
}

func (c *Base) Validate() error {
	isTableName, _ := regexp.MatchString(`^[a-zA-Z0-9_.-]{3,255}$`, c.Table) // DynamoDB's rule
	return errors.Join(
		check(isTableName, "TABLE", c.Table, "the name of the DynamoDB table", "deltag"),
		checkEndpoint("DYNAMODB_ENDPOINT", c.DynamoDBEndpoint, "http://127.0.0.1:8000"),
	)
}

func (c *Links) Validate() error { return errors.Join(c.Base.Validate(), checkBaseURL(c.BaseURL)) }

func (c *Site) Validate() error {
	isSwitch := slices.Contains([]string{"", "on", "off"}, c.CheckDomains)
	return errors.Join(c.Links.Validate(), check(isSwitch, "CHECK_DOMAINS", c.CheckDomains, "on or off", "on"))
}

func (c *Organiser) Validate() error {
	return errors.Join(c.Site.Validate(), checkAddresses("ORGANISERS", c.Organisers), c.OIDC.Validate())
}

func (c *OIDC) Validate() error {
	if c.Issuer == "" {
		isUnused := c.ClientID == "" && c.SecretParameter == "" && len(c.Domains) == 0
		return check(isUnused, "OIDC_ISSUER", "", "the provider's address where anything else of OIDC is set", issuerExample)
	}
	isParameter, _ := regexp.MatchString(`^/[a-zA-Z0-9_./-]+$`, c.SecretParameter) // as template.yaml
	return errors.Join(
		checkIssuer(c.Issuer),
		check(c.ClientID != "", "OIDC_CLIENT_ID", c.ClientID, "the id that the provider knows Deltag by", "0oa1b2c3"),
		check(isParameter, "OIDC_CLIENT_SECRET_PARAMETER", c.SecretParameter,
			"the name of a parameter", "/deltag/oidc-secret"),
		checkEndpoint("SSM_ENDPOINT", c.SSMEndpoint, "http://127.0.0.1:8002"),
	)
}

const issuerExample = "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0"

// Microsoft's issuers of one directory have its id in the path. "common", "organizations" and "consumers" stand for all
// directories, and so does the last one's id: who runs any directory could sign in with any address.
const (
	microsoftHosts     = `(^|\.)(microsoftonline\.(com|us|de)|chinacloudapi\.cn|windows\.net)$`
	microsoftDirectory = `^/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/v2\.0$`
	microsoftConsumers = "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
)

func checkIssuer(s string) error {
	u, err := url.Parse(s)
	ok := err == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
	if err := check(ok, "OIDC_ISSUER", s, "https and a host, without a query", issuerExample); err != nil {
		return err
	}
	isMicrosoft, _ := regexp.MatchString(microsoftHosts, strings.ToLower(u.Hostname()))
	isDirectory, _ := regexp.MatchString(microsoftDirectory, u.Path)
	return check(!isMicrosoft || isDirectory && u.Path != microsoftConsumers, "OIDC_ISSUER", s,
		"the issuer of one directory, version 2.0", issuerExample)
}

func (c *Mailer) Validate() error {
	_, err := mail.ParseAddress(c.MailFrom)
	isRate := c.MailRate > 0 && c.MailRate <= 10_000
	return errors.Join(
		c.Links.Validate(),
		check(err == nil, "MAIL_FROM", c.MailFrom, "an address that SES may send from", "deltag@example.dk"),
		check(isRate, "MAIL_RATE", fmt.Sprint(c.MailRate), "mails a second, above 0 and at most 10000", "14"),
		checkEndpoint("SES_ENDPOINT", c.SESEndpoint, "http://127.0.0.1:8001"),
	)
}

// checkAddresses takes an empty list: the feature is then off.
func checkAddresses(name string, addresses []string) error {
	invalid := slices.ContainsFunc(addresses, func(a string) bool {
		_, err := mail.ParseAddress(strings.TrimSpace(a))
		return err != nil
	})
	list := strings.Join(addresses, ",")
	return check(!invalid, name, list, "e-mail addresses, separated by commas", "anna@example.dk,bo@example.dk")
}

func checkBaseURL(s string) error {
	u, err := url.Parse(s)
	ok := err == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) && u.Host != "" &&
		u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
	return check(ok, "BASE_URL", s, "https and a host, without a slash at the end", "https://deltag.example.dk")
}

func checkEndpoint(name, s, example string) error {
	u, err := url.Parse(s)
	isURL := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
	return check(s == "" || isURL, name, s, "a URL, or empty in AWS", example)
}

func check(ok bool, name, value, wanted, example string) error {
	switch {
	case ok:
		return nil
	case value == "":
		return fmt.Errorf("%s is missing: it must be %s, e.g. %s", name, wanted, example)
	}
	return fmt.Errorf("%s is %q: it must be %s, e.g. %s", name, value, wanted, example)
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// Credentials are the AWS credentials that Lambda puts into the environment; they stay the same for the life of the
// execution environment. Outside AWS there are none, and DynamoDB Local and the emulator accept any.
func Credentials(getenv func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		id, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
		if id == "" {
			id, secret = "local", "local"
		}
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: getenv("AWS_SESSION_TOKEN")}, nil
	})
}
