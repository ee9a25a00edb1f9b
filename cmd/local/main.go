// Command local is the whole system in one process: the functions' own handlers, with stand-ins for API Gateway,
// DynamoDB, SES, EventBridge and the schedule. make run starts it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"deltag/internal/account"
	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/oidc"
	"deltag/internal/web/console"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	slog.SetDefault(log)
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken: is it running already? ADDR=127.0.0.1:0 takes any free port", s.addr)
	}
	if err != nil {
		return err
	}
	defer listener.Close()
	s.baseURL = baseURL(listener.Addr())
	a, err := newApp(ctx, s, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, banner, s.baseURL, demoSlug, s.folder)
	return errors.Join(a.run(ctx, listener), a.close())
}

const banner = `
  Deltag is running.

  Sign up        %[1]s/e/%[2]s
  Look inside    %[1]s/local      the mails, the clock, an access token for the API
  Data           %[3]s

  Ctrl-C stops it. The data is kept.

`

// baseURL is the address of a listener for a browser on this machine.
func baseURL(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + a.String()
}

// settings are read from the environment.
type settings struct {
	addr, folder   string
	dynamoEndpoint string    // "" for the embedded engine
	sesEndpoint    string    // "" for local.SESServer
	checkDomains   string    // "on" asks the DNS of this machine
	start          time.Time // of the clock; zero for the real or the stored time
	table          string
	baseURL        string
	owners         []deltag.Address // ORGANISERS
	oidc           config.OIDC      // the provider of the organisation's accounts, if there is an issuer
	oidcSecret     string           // OIDC_CLIENT_SECRET: there is no Parameter Store here
	domains        map[string]deltag.Role
}

func readSettings(getenv func(string) string) (settings, error) {
	or := func(name, fallback string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return fallback
	}
	s := settings{
		addr: or("ADDR", "127.0.0.1:8080"), folder: or("DATA_DIR", ".local"),
		dynamoEndpoint: getenv("DYNAMODB_ENDPOINT"), sesEndpoint: getenv("SES_ENDPOINT"), table: or("TABLE", "deltag"),
	}
	s.checkDomains = or("CHECK_DOMAINS", "off")
	var errs []error
	err := s.readProvider(getenv)
	if err != nil {
		errs = append(errs, err)
	}
	if s.owners, err = account.ParseOwners(strings.Split(or("ORGANISERS", demoOrganiser), ",")); err != nil {
		errs = append(errs, err)
	}
	if s.checkDomains != "on" && s.checkDomains != "off" {
		errs = append(errs, fmt.Errorf("CHECK_DOMAINS is %q: it has to be on or off", s.checkDomains))
	}
	endpoints := map[string]string{"DYNAMODB_ENDPOINT": s.dynamoEndpoint, "SES_ENDPOINT": s.sesEndpoint}
	for name, endpoint := range endpoints {
		if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Host == "") {
			errs = append(
				errs, fmt.Errorf("%s is %q: it has to be a URL such as http://127.0.0.1:8000", name, endpoint),
			)
		}
	}
	if now := getenv("LOCAL_NOW"); now != "" {
		if s.start, err = time.Parse(time.RFC3339, now); err != nil {
			errs = append(errs, fmt.Errorf("LOCAL_NOW is %q: it has to be a time such as 2026-11-30T10:00:00Z", now))
		}
	}
	return s, errors.Join(errs...)
}

// readProvider reads OIDC_… as functions/organiser does, but for the secret.
func (s *settings) readProvider(getenv func(string) string) error {
	s.oidcSecret = getenv("OIDC_CLIENT_SECRET")
	s.oidc = config.OIDC{
		Issuer: getenv("OIDC_ISSUER"), ClientID: getenv("OIDC_CLIENT_ID"), ProviderName: getenv("OIDC_NAME"),
	}
	if s.oidc.Issuer == "" {
		return nil
	}
	if list := getenv("OIDC_DOMAINS"); list != "" {
		s.oidc.Domains = strings.Split(list, ",")
	}
	s.oidc.SecretParameter = "/local"
	var err error
	s.domains, err = account.ParseDomains(s.oidc.Domains)
	return errors.Join(s.oidc.Validate(), err)
}

// provider is the provider of the organisation's accounts, nil for none. Its tokens expire by the real clock.
func (s settings) provider() *oidc.Provider {
	if s.oidc.Issuer == "" {
		return nil
	}
	return oidc.New(oidc.Config{
		Issuer: s.oidc.Issuer, ClientID: s.oidc.ClientID, RedirectURL: s.baseURL + console.OIDCCallback,
		Secret: func(context.Context) (string, error) { return s.oidcSecret, nil }, Now: time.Now, Random: rand.Reader,
	})
}
