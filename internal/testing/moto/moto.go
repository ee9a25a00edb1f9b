// Package moto runs moto for tests: another implementation of AWS's APIs, in Python. https://docs.getmoto.org
package moto

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"deltag/internal/testing/childprocess"
)

// startLimit is generous: moto answers within a second on an idle machine.
const startLimit = 60 * time.Second

// command is the variable with the path of moto_server.
const command = "DELTAG_MOTO"

// Start returns the endpoint of a moto of this test's own, which answers for all of AWS and ends with the test. It holds
// nothing but what the test puts there. Requests are handed to it one by one: a transaction that fails on moto takes back
// what others have written meanwhile.
//
// Without the variable, ok is false and the test's log says so; with CI=true the test fails instead.
func Start(tb testing.TB) (endpoint string, ok bool) {
	tb.Helper()
	if os.Getenv(command) == "" {
		const notRun = "not run: moto (make test installs it)"
		if os.Getenv("CI") == "true" {
			tb.Fatal(notRun)
		}
		tb.Log(notRun)
		return "", false
	}
	server, stop, err := start(os.Getenv(command))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	proxy := httptest.NewServer(oneByOne(server))
	tb.Cleanup(proxy.Close)
	return proxy.URL, true
}

// listening is in what moto says when it is ready.
var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

func start(path string) (server *url.URL, stop func(), err error) {
	process := exec.Command(path, "-p", "0") // any free port
	process.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
	output, writer := io.Pipe()
	process.Stdout, process.Stderr = writer, writer
	if err := process.Start(); err != nil {
		return nil, nil, fmt.Errorf("start moto: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // the output says why it ended
		_ = writer.Close()
	}()
	stop = func() {
		_ = process.Process.Kill() // it may have ended already
		<-ended
	}
	ready := make(chan string, 1)
	go readOutput(output, ready)
	err = childprocess.KillWithParent(process.Process.Pid)
	select {
	case text := <-ready:
		if found := listening.FindStringSubmatch(text); found != nil && err == nil {
			server, err = url.Parse(found[1])
		} else {
			err = errors.Join(err, errors.New(text))
		}
	case <-time.After(startLimit):
		err = fmt.Errorf("not ready within %s", startLimit)
	}
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("start moto: %w", err)
	}
	return server, stop, nil
}

// readOutput reads all that moto writes, and sends it once: when it is ready, or has ended.
func readOutput(output io.Reader, ready chan<- string) {
	text := ""
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if text += lines.Text() + "\n"; listening.MatchString(text) {
			break
		}
	}
	ready <- text
	_, _ = io.Copy(io.Discard, output) // its log of requests
}

// oneByOne forwards one request at a time.
func oneByOne(server *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{},
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(server) },
	}
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		proxy.ServeHTTP(w, r)
	})
}

// A Mail is a raw message that moto's SES has accepted.
type Mail struct {
	ID  string `json:"id"` // the message id that was answered
	Raw string `json:"raw_data"`
}

// Mails are all of them, oldest first.
func Mails(tb testing.TB, endpoint string) []Mail {
	tb.Helper()
	response, err := http.Get(endpoint + "/moto-api/data.json") // what moto's dashboard shows
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	var data struct {
		SES struct{ RawMessage []Mail }
	}
	if err := json.NewDecoder(response.Body).Decode(&data); err != nil {
		tb.Fatalf("moto's dashboard: %s: %v", response.Status, err)
	}
	return data.SES.RawMessage
}
