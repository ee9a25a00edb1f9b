// Package config reads the functions' environment. Everything wrong with it is told at once, at init, so that a bad
// deployment stops before the first visitor and is mended in one go.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Base is what every function needs.
type Base struct {
	Table            string `env:"TABLE"`
	Region           string `env:"AWS_REGION" envDefault:"eu-north-1"`
	DynamoDBEndpoint string `env:"DYNAMODB_ENDPOINT"` // "" in AWS
}

// Site is functions/site.
type Site struct {
	Base
	BaseURL string `env:"BASE_URL"`
}

// Organiser is functions/organiser.
type Organiser struct {
	Base
	BaseURL    string   `env:"BASE_URL"`
	Organisers []string `env:"ORGANISERS"`
}

// Mailer is functions/mailer.
type Mailer struct {
	Base
	BaseURL          string  `env:"BASE_URL"`
	MailFrom         string  `env:"MAIL_FROM"`
	MailRate         float64 `env:"MAIL_RATE" envDefault:"14"` // a second: what SES usually gives a new account
	ConfigurationSet string  `env:"CONFIGURATION_SET"`
	SESEndpoint      string  `env:"SES_ENDPOINT"` // "" in AWS
}

// Feedback is functions/feedback.
type Feedback struct {
	Base
}

// A Validator configuration can say what is wrong with it.
type Validator interface{ validate() []error }

// Read fills c from environ, which is of the form of os.Environ. Its error names every variable that is missing or bad.
func Read(c Validator, environ []string) error {
	err := env.ParseWithOptions(c, env.Options{Environment: env.ToMap(environ)})
	if faults := c.validate(); err != nil || len(faults) > 0 {
		return fmt.Errorf("the environment is not right:\n%w", errors.Join(append(faults, err)...))
	}
	return nil
}

func (c *Base) validate() []error {
	return gather(
		invalid(isTableName(c.Table), "TABLE", c.Table, "the DynamoDB table's name", "deltag"),
		invalid(c.DynamoDBEndpoint == "" || isURL(c.DynamoDBEndpoint), "DYNAMODB_ENDPOINT", c.DynamoDBEndpoint, "a URL, or nothing in AWS", "http://127.0.0.1:8000"),
	)
}

func (c *Site) validate() []error { return append(c.Base.validate(), baseURL(c.BaseURL)...) }

func (c *Organiser) validate() []error {
	faults := append(c.Base.validate(), baseURL(c.BaseURL)...)
	if len(c.Organisers) == 0 {
		faults = append(faults, invalid(false, "ORGANISERS", "", "the organisers' addresses, with commas between", "anna@example.dk,bo@example.dk"))
	}
	for _, a := range c.Organisers {
		_, err := mail.ParseAddress(strings.TrimSpace(a))
		faults = append(faults, gather(invalid(err == nil, "ORGANISERS", a, "addresses with commas between", "anna@example.dk,bo@example.dk"))...)
	}
	return faults
}

func (c *Mailer) validate() []error {
	_, err := mail.ParseAddress(c.MailFrom)
	return append(append(c.Base.validate(), baseURL(c.BaseURL)...), gather(
		invalid(err == nil, "MAIL_FROM", c.MailFrom, "an address that SES may send from", "deltag@example.dk"),
		invalid(c.MailRate > 0 && c.MailRate <= 10_000, "MAIL_RATE", fmt.Sprint(c.MailRate), "mails a second, above 0", "14"),
		invalid(c.SESEndpoint == "" || isURL(c.SESEndpoint), "SES_ENDPOINT", c.SESEndpoint, "a URL, or nothing in AWS", "http://127.0.0.1:8001"),
	)...)
}

// isTableName is DynamoDB's own rule for names.
func isTableName(s string) bool {
	strange := strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
	return len(s) >= 3 && len(s) <= 255 && !strange
}

func baseURL(s string) []error {
	u, err := url.Parse(s)
	good := err == nil && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
	return gather(invalid(good, "BASE_URL", s, "https and the host, with no slash at the end", "https://deltag.example.dk"))
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func invalid(ok bool, name, value, wanted, example string) error {
	switch {
	case ok:
		return nil
	case value == "":
		return fmt.Errorf("%s is missing: %s, e.g. %s", name, wanted, example)
	}
	return fmt.Errorf("%s is %q: it has to be %s, e.g. %s", name, value, wanted, example)
}

func gather(errs ...error) []error {
	var faults []error
	for _, err := range errs {
		if err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}
