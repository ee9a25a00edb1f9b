// Command local is the whole system in one process: the functions' own handlers, with stand-ins for API Gateway, DynamoDB,
// SES, EventBridge and the schedule around them. make run starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	if err != nil {
		return fmt.Errorf("%w\nIs it running already? ADDR=127.0.0.1:0 takes any free port", err)
	}
	s.baseURL = "http://" + listener.Addr().String()
	m, err := assemble(ctx, s, log)
	if err != nil {
		return err
	}
	defer m.close()
	go m.work(ctx)
	server := &http.Server{Handler: m.handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	fmt.Fprintf(out, `
  Deltag is running.

  Sign up        %[1]s/e/%[2]s
  Look inside    %[1]s/local      mails, the clock, a token for the API
  Its data       %[3]s

  Ctrl-C stops it; what was done is kept.

`, s.baseURL, demoSlug, s.folder)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// settings come from the environment.
type settings struct {
	addr, folder   string
	dynamoEndpoint string // "" for the engine of our own
	sesEndpoint    string // "" for the recorder
	start          time.Time
	baseURL        string
}

func readSettings(getenv func(string) string) (settings, error) {
	or := func(name, usual string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return usual
	}
	s := settings{
		addr: or("ADDR", "127.0.0.1:8080"), folder: or("DATA_DIR", ".local"),
		dynamoEndpoint: getenv("DYNAMODB_ENDPOINT"), sesEndpoint: getenv("SES_ENDPOINT"),
	}
	if now := getenv("LOCAL_NOW"); now != "" {
		var err error
		if s.start, err = time.Parse(time.RFC3339, now); err != nil {
			return s, fmt.Errorf("LOCAL_NOW is %q: it has to be a time like 2026-11-30T10:00:00Z", now)
		}
	}
	return s, nil
}
