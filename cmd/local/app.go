package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
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

	"deltag/internal/api"
	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/lambdaevent"
	"deltag/internal/local"
	"deltag/internal/mailer"
	"deltag/internal/mailtmpl"
	"deltag/internal/organiser"
	"deltag/internal/ses"
	"deltag/internal/web/visitor"
)

const (
	region   = "eu-north-1"
	mailFrom = "deltag@example.dk"
	mailRate = 500 // a second: the recorder takes what comes
)

// An app is everything that runs.
type app struct {
	handler  http.Handler
	mailer   *mailer.Mailer
	ticker   *local.Ticker
	ses      *local.SESServer
	feedback func(context.Context, json.RawMessage) error
	closers  []io.Closer
}

// assemble wires the functions as their main packages do, with this machine's parts in place of AWS's.
func assemble(ctx context.Context, s settings, log *slog.Logger) (*app, error) {
	m := &app{ticker: local.NewTicker()}
	if err := m.assemble(ctx, s, log); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *app) assemble(ctx context.Context, s settings, log *slog.Logger) error {
	if err := m.lock(s.folder); err != nil {
		return err
	}
	clock, err := local.OpenClock(s.folder, s.start, time.Now)
	if err != nil {
		return err
	}
	// One store for all, so that an organiser's edit shows at once; in AWS a page may be some seconds behind.
	table, err := m.openTable(ctx, s)
	if err != nil {
		return err
	}
	sender, err := m.sender(s, clock.Now)
	if err != nil {
		return err
	}
	store := erasingStore{table, m.ses}
	if _, err := makeDemo(ctx, table, clock.Now()); err != nil {
		return err
	}
	m.mailer = mailer.New(store, &mailtmpl.Renderer{From: mailFrom, BaseURL: s.baseURL}, sender, clock.Now, log, mailRate)
	m.feedback = lambdaevent.SESEventHandler((&mailer.Feedback{Store: store}).HandleSESEvent)
	// EventBridge would have told while this machine was off: what SES took must not look lost.
	if err := m.ses.PublishSendEvents(ctx, m.feedback); err != nil {
		return err
	}
	gateway := &local.Gateway{
		Site: local.Lambda(lambdaevent.HTTPHandler(visitor.New(visitor.Options{
			Store: store, BaseURL: s.baseURL, Build: "local", Now: clock.Now, Log: log,
			MinResponseTime: visitor.MinResponseTime,
		}))),
		Organiser: local.Lambda(lambdaevent.HTTPHandler(api.New(api.Options{
			Organiser: &organiser.Service{Store: store, Random: rand.Reader}, Tokens: store,
			BaseURL: s.baseURL, Now: clock.Now, Log: log,
		}))),
		Now: clock.Now, NewID: rand.Text, Wake: m.ticker.Wake,
	}
	window := &local.DevConsole{
		SES: m.ses, Clock: clock, Wake: m.ticker.Wake, Feedback: m.feedback, BaseURL: s.baseURL, MailsElsewhere: s.sesEndpoint,
		Token: func(ctx context.Context) (string, error) { return newToken(ctx, table, clock.Now()) },
		Demo:  func(ctx context.Context) (local.Demo, error) { return demo(ctx, table) },
	}
	mux := http.NewServeMux()
	mux.Handle("/", gateway)
	mux.Handle("/local", window.Handler())
	mux.Handle("/local/", window.Handler())
	m.handler = mux
	return nil
}

// shutdownTimeout is how long the requests under way may take once the machine is told to stop.
const shutdownTimeout = 3 * time.Second

// run serves, sends what is due and hands over SES's events, until ctx is done and all of that has come to rest.
func (m *app) run(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: m.handler, ReadHeaderTimeout: readHeaderTimeout}
	var working sync.WaitGroup
	working.Go(func() { m.ses.PublishSendEvent(ctx, m.feedback) })
	working.Go(func() { m.ticker.Run(ctx, m.mailer.RunDue) })
	working.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		_ = server.Shutdown(grace) // who is not done by then is cut off
	})
	err := server.Serve(listener)
	stop()
	working.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// close is called when nothing runs any more.
func (m *app) close() error {
	var errs []error
	for _, c := range slices.Backward(m.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// lock keeps a second process out of the folder. It ends with this process, however that ends.
func (m *app) lock(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, file)
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%s is in use by another process: stop that one, or give this one a folder of its own with DATA_DIR", folder)
	}
	return err
}

// openTable opens the table on the engine of our own or on another, and makes it if it is not there.
func (m *app) openTable(ctx context.Context, s settings) (*dynamo.Store, error) {
	endpoint := s.dynamoEndpoint
	if endpoint == "" {
		engine, err := dynamoemu.Open(filepath.Join(s.folder, "table"))
		if err != nil {
			return nil, err
		}
		m.closers = append(m.closers, engine)
		if endpoint, err = m.serve(engine); err != nil {
			return nil, err
		}
	}
	keys := config.Credentials(os.Getenv)
	admin := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys})
	var there *types.ResourceInUseException
	if _, err := admin.CreateTable(ctx, dynamo.Schema(s.table)); err != nil && !errors.As(err, &there) {
		return nil, fmt.Errorf("the table at %s: %w", endpoint, err)
	}
	return dynamo.New(dynamo.NewClient(region, endpoint, keys), s.table, rand.Reader), nil
}

// sender is SES at another endpoint, or the recorder.
func (m *app) sender(s settings, now func() time.Time) (*ses.Sender, error) {
	var err error
	if m.ses, err = local.OpenSESServer(filepath.Join(s.folder, "mails"), now); err != nil {
		return nil, err
	}
	endpoint := s.sesEndpoint
	if endpoint == "" {
		if endpoint, err = m.serve(m.ses); err != nil {
			return nil, err
		}
	}
	client := ses.NewClient(region, endpoint, config.Credentials(os.Getenv))
	return &ses.Sender{Client: client, From: mailFrom, ConfigurationSet: "local"}, nil
}

// readHeaderTimeout bounds how long a client may take over its header.
const readHeaderTimeout = 10 * time.Second

// serve puts a handler behind a port of its own, so that the SDK speaks its real protocol to it.
func (m *app) serve(h http.Handler) (endpoint string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = server.Serve(listener) }()
	m.closers = append(m.closers, server)
	return "http://" + listener.Addr().String(), nil
}

func newToken(ctx context.Context, store *dynamo.Store, now time.Time) (string, error) {
	token, hash, err := deltag.NewAccessToken(rand.Reader)
	if err != nil {
		return "", err
	}
	// Long enough for every jump of the clock.
	return token, store.PutToken(ctx, hash, deltag.AccessToken{Name: "local", Role: deltag.RoleOwner, CreatedAt: now, ExpiresAt: now.AddDate(100, 0, 0)})
}
