package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/account"
	"deltag/internal/address"
	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/lambdaevent"
	"deltag/internal/local"
	"deltag/internal/maildomain"
	"deltag/internal/mailer"
	"deltag/internal/mailtmpl"
	"deltag/internal/organiser"
	"deltag/internal/organiserhttp"
	"deltag/internal/ses"
	"deltag/internal/web"
	"deltag/internal/web/console"
	"deltag/internal/web/visitor"
)

const (
	region   = "eu-north-1"
	mailFrom = "deltag@example.dk"
	mailRate = 500 // a second: local.SESServer has no limit

	configurationSet = "local"
)

// sesAccount is what local.SESServer needs for mail from mailFrom.
var sesAccount = local.SESAccount{
	Identities: []string{mailFrom}, ConfigurationSets: []string{configurationSet},
}

// An app is the whole system in one process.
type app struct {
	handler  http.Handler
	mailer   *mailer.Mailer
	ticker   *local.Ticker
	ses      *local.SESServer
	feedback local.FeedbackFunc
	closers  []io.Closer
}

// newApp wires the functions as their main packages do, with local parts in place of AWS's.
func newApp(ctx context.Context, s settings, log *slog.Logger) (*app, error) {
	a := &app{ticker: local.NewTicker()}
	if err := a.wire(ctx, s, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) wire(ctx context.Context, s settings, log *slog.Logger) error {
	if err := a.lock(s.folder); err != nil {
		return err
	}
	clock, err := local.OpenClock(s.folder, s.start, time.Now)
	if err != nil {
		return err
	}
	// One store for all functions, so that an edit shows at once; in AWS a function's cache may be seconds behind.
	table, err := a.openTable(ctx, s)
	if err != nil {
		return err
	}
	sender, err := a.openSES(s, clock.Now)
	if err != nil {
		return err
	}
	store := erasingStore{table, a.ses}
	if _, err := makeDemo(ctx, table, clock.Now()); err != nil {
		return err
	}
	a.mailer = mailer.New(
		store, &mailtmpl.Renderer{From: mailFrom, BaseURL: s.baseURL}, sender, clock.Now, log, mailRate,
	)
	a.feedback = lambdaevent.SESEventHandler((&mailer.Feedback{Store: store}).HandleSESEvent)
	// Mails that were accepted before a crash must not look unconfirmed to the mailer.
	if err := a.ses.PublishSendEvents(ctx, a.feedback); err != nil {
		return err
	}
	checkDomain := maildomain.NewCheck(s.checkDomains, time.Now, log)
	accounts := &account.Service{Store: store, Owners: s.owners, Domains: s.domains, Random: rand.Reader}
	service := &organiser.Service{Store: store, Random: rand.Reader, CheckDomain: checkDomain}
	organisers := organiserhttp.New(organiserhttp.Options{
		Organiser: service, Accounts: accounts, BaseURL: s.baseURL, Now: clock.Now, Log: log,
		OIDC: s.provider(), OIDCName: s.oidc.ProviderName,
	})
	gateway := &local.Gateway{
		Site: local.Lambda(local.SiteTimeout, lambdaevent.HTTPHandler(visitor.New(visitor.Options{
			Store: store, BaseURL: s.baseURL, Build: "local", Now: clock.Now, Log: log,
			MinResponseTime: web.MinResponseTime, CheckDomain: checkDomain,
		}))),
		Organiser: local.Lambda(local.OrganiserTimeout, lambdaevent.HTTPHandler(organisers)),
		Now:       clock.Now, NewID: rand.Text, Wake: a.ticker.Wake,
	}
	devPages := &local.DevConsole{
		SES: a.ses, Clock: clock, Wake: a.ticker.Wake, Feedback: a.feedback, BaseURL: s.baseURL,
		MailsElsewhere: s.sesEndpoint,
		Token:          func(ctx context.Context) (string, error) { return newToken(ctx, accounts, clock.Now()) },
		SignIn: func(ctx context.Context, email string) (*http.Cookie, error) {
			return signIn(ctx, accounts, s, email, clock.Now())
		},
		Demo: func(ctx context.Context) (local.Demo, error) { return demo(ctx, table) },
	}
	mux := http.NewServeMux()
	mux.Handle("/", gateway)
	mux.Handle("/local", devPages.Handler())
	mux.Handle("/local/", devPages.Handler())
	a.handler = mux
	return nil
}

// shutdownTimeout is how long requests may still take when the app is told to stop.
const shutdownTimeout = 3 * time.Second

// run serves requests, sends what is due and publishes SES events, until ctx is done and all of that has ended.
func (a *app) run(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: a.handler, ReadHeaderTimeout: readHeaderTimeout}
	var wg sync.WaitGroup
	wg.Go(func() { a.ses.RunPublisher(ctx, a.feedback) })
	wg.Go(func() { a.ticker.Run(ctx, a.mailer.RunDue) })
	wg.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		_ = server.Shutdown(grace) // requests that take longer are cut off
	})
	err := server.Serve(listener)
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// close is called after run.
func (a *app) close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// lock keeps other processes out of the folder. The lock ends with this process, however that ends.
func (a *app) lock(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, file)
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf(
			"%s is in use by another process: stop that one, or give this one a folder of its own with DATA_DIR",
			folder,
		)
	}
	return err
}

// openTable opens the table on the embedded engine or at DYNAMODB_ENDPOINT, and creates it if it does not exist.
func (a *app) openTable(ctx context.Context, s settings) (*dynamo.Store, error) {
	endpoint := s.dynamoEndpoint
	if endpoint == "" {
		engine, err := dynamoemu.Open(filepath.Join(s.folder, "table"))
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, engine)
		if endpoint, err = a.serve(engine); err != nil {
			return nil, err
		}
	}
	keys := config.Credentials(os.Getenv)
	admin := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys})
	var exists *types.ResourceInUseException
	if _, err := admin.CreateTable(ctx, dynamo.Schema(s.table)); err != nil && !errors.As(err, &exists) {
		return nil, fmt.Errorf("the table at %s: %w", endpoint, err)
	}
	return dynamo.New(dynamo.NewClient(region, endpoint, keys), s.table, rand.Reader), nil
}

// openSES opens the SES stand-in, and a sender that uses it or SES_ENDPOINT.
func (a *app) openSES(s settings, now func() time.Time) (*ses.Sender, error) {
	var err error
	if a.ses, err = local.OpenSESServer(filepath.Join(s.folder, "mails"), sesAccount, now); err != nil {
		return nil, err
	}
	endpoint := s.sesEndpoint
	if endpoint == "" {
		if endpoint, err = a.serve(a.ses); err != nil {
			return nil, err
		}
	}
	client := ses.NewClient(region, endpoint, config.Credentials(os.Getenv), ses.NewHTTPClient())
	return &ses.Sender{Client: client, From: mailFrom, ConfigurationSet: configurationSet}, nil
}

// readHeaderTimeout is how long a client may take to send its headers.
const readHeaderTimeout = 10 * time.Second

// serve serves a handler on a port of its own, so that the SDK reaches it by its real protocol.
func (a *app) serve(h http.Handler) (endpoint string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(listener) }()
	a.closers = append(a.closers, server)
	return "http://" + listener.Addr().String(), nil
}

// operator is who acts, in the audit log.
var operator = deltag.Operator("cmd/local")

func newToken(ctx context.Context, accounts *account.Service, now time.Time) (string, error) {
	expires := now.AddDate(100, 0, 0) // the clock moves by 50 years at most
	return accounts.CreateOperatorToken(ctx, operator, "local", expires, now)
}

// signIn is the cookie of a new session of an address, by default the first owner's.
func signIn(
	ctx context.Context, accounts *account.Service, s settings, email string, now time.Time,
) (*http.Cookie, error) {
	who := s.owners[0]
	if email != "" {
		var err error
		if who, err = address.Parse(email); err != nil {
			return nil, err
		}
	}
	link, err := accounts.IssueLink(ctx, operator, who, now)
	if err != nil {
		return nil, err
	}
	token, err := accounts.SignIn(ctx, link, deltag.LanguageDanish, now)
	return console.SessionCookie(s.baseURL, token), err
}
