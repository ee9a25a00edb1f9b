// Package dynamolocal runs Amazon's DynamoDB Local for tests: one process for each test binary.
package dynamolocal

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// startLimit is generous: the engine answers within a second on an idle machine.
const startLimit = 30 * time.Second

// Start returns the endpoint of the test binary's DynamoDB Local. Tables are kept in memory and shared by all
// tests of the binary, so each makes its own. The engine ends with the test binary, however that ends.
//
// It needs Java 17 and DELTAG_DYNAMODB_LOCAL, the folder of the engine's jars; make test sees to both. Without the
// variable ok is false and the test's log says so; where CI is true the test fails instead.
func Start(tb testing.TB) (endpoint string, ok bool) {
	tb.Helper()
	jars := os.Getenv("DELTAG_DYNAMODB_LOCAL")
	if jars == "" {
		const left = "not run: DynamoDB Local (make test fetches it)"
		if os.Getenv("CI") == "true" {
			tb.Fatal(left)
		}
		tb.Log(left)
		return "", false
	}
	endpoint, err := shared(jars)
	if err != nil {
		tb.Fatal(err)
	}
	return endpoint, true
}

var (
	once    sync.Once
	running string
	failed  error
)

func shared(jars string) (string, error) {
	once.Do(func() {
		// Between asking for a free port and taking it, another process may have got it.
		for range 5 {
			if running, failed = start(jars); failed == nil {
				return
			}
		}
	})
	return running, failed
}

func start(jars string) (string, error) {
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	var output bytes.Buffer
	java := exec.Command("java", "-Djava.library.path="+jars, "-cp", filepath.Join(jars, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner",
		"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(address.Port))
	java.Stdout, java.Stderr = &output, &output
	if err := java.Start(); err != nil {
		return "", fmt.Errorf("start DynamoDB Local: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = java.Wait() // how it ended shows in the output
	}()

	endpoint := "http://" + address.String()
	err = errors.Join(killWithParent(java.Process.Pid), waitReady(endpoint, ended))
	if err != nil {
		_ = java.Process.Kill() // it may have ended already
		<-ended
		return "", fmt.Errorf("start DynamoDB Local: %w\n%s", err, &output)
	}
	return endpoint, nil
}

// freeAddress asks the kernel for a port; the engine cannot choose one itself.
func freeAddress() (*net.TCPAddr, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return l.Addr().(*net.TCPAddr), l.Close()
}

// killWithParent ends process pid once this process has ended, even by SIGKILL or a panic, when no clean-up of ours runs:
// the kernel then closes the pipe that a small watcher reads.
func killWithParent(pid int) error {
	watcher := exec.Command("sh", "-c", `cat; kill -9 "$1"`, "leash", strconv.Itoa(pid))
	if _, err := watcher.StdinPipe(); err != nil {
		return err
	}
	if err := watcher.Start(); err != nil {
		return err
	}
	go watcher.Wait() // holds the pipe open for as long as we live
	return nil
}

// waitReady waits until the endpoint answers anything at all.
func waitReady(endpoint string, ended <-chan struct{}) error {
	limit := time.After(startLimit)
	try := time.NewTicker(20 * time.Millisecond)
	defer try.Stop()
	for {
		select {
		case <-ended:
			return errors.New("ended at once")
		case <-limit:
			return fmt.Errorf("no answer within %s", startLimit)
		case <-try.C:
			answer, err := http.Get(endpoint)
			if err == nil {
				return answer.Body.Close()
			}
		}
	}
}
