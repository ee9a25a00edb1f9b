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

	"deltag/internal/testing/childprocess"
)

// startLimit is generous: the engine answers within a second on an idle machine.
const startLimit = 30 * time.Second

// jars is the variable with the folder of the engine's jars.
const jars = "DELTAG_DYNAMODB_LOCAL"

// Start returns the endpoint of the test binary's DynamoDB Local. Tables are kept in memory and shared by all
// tests of the binary, so each makes its own. The engine ends with the test binary, however that ends.
//
// It needs Java 17 and the jars; make test provides both. Without the variable, ok is false and the test's log says so;
// with CI=true the test fails instead.
func Start(tb testing.TB) (endpoint string, ok bool) {
	tb.Helper()
	if os.Getenv(jars) == "" {
		const notRun = "not run: DynamoDB Local (make test fetches it)"
		if os.Getenv("CI") == "true" {
			tb.Fatal(notRun)
		}
		tb.Log(notRun)
		return "", false
	}
	endpoint, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return endpoint, true
}

// shared starts the engine once.
var shared = sync.OnceValues(func() (endpoint string, err error) {
	for range 5 { // another process may take the free port before the engine does
		if endpoint, err = start(os.Getenv(jars)); err == nil {
			break
		}
	}
	return endpoint, err
})

func start(folder string) (string, error) {
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	var output bytes.Buffer
	java := exec.Command("java", "-Djava.library.path="+folder, "-cp", filepath.Join(folder, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner",
		"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(address.Port))
	java.Stdout, java.Stderr = &output, &output
	if err := java.Start(); err != nil {
		return "", fmt.Errorf("start DynamoDB Local: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = java.Wait() // the output says why it ended
	}()

	endpoint := "http://" + address.String()
	err = errors.Join(childprocess.KillWithParent(java.Process.Pid), waitReady(endpoint, ended))
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

// waitReady waits until the endpoint answers, whatever it answers.
func waitReady(endpoint string, ended <-chan struct{}) error {
	limit := time.After(startLimit)
	try := time.NewTicker(20 * time.Millisecond)
	defer try.Stop()
	for {
		select {
		case <-ended:
			return errors.New("it ended before it was ready")
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
