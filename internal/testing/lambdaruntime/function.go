// Package lambdaruntime runs a built Lambda function on one machine, for tests, benchmarks and make invoke: it starts
// the binary and serves the Runtime API that the binary polls. A function is one execution environment: it handles one
// event at a time.
package lambdaruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Timeout bounds an invocation whose context has no nearer deadline. It is the longest that template.yaml gives a
// function.
const Timeout = 60 * time.Second

// environment is what Lambda sets. The credentials are not real.
var environment = []string{
	"AWS_REGION=eu-north-1",
	"AWS_DEFAULT_REGION=eu-north-1",
	"AWS_ACCESS_KEY_ID=local",
	"AWS_SECRET_ACCESS_KEY=local",
	"AWS_SESSION_TOKEN=local",
	"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
	"AWS_LAMBDA_FUNCTION_NAME=function",
	"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
	"_HANDLER=bootstrap",
	"TZ=:UTC",
	"PATH=/usr/local/bin:/usr/bin:/bin",
}

// A Function is a running function. Its methods may be called from several goroutines.
type Function struct {
	process *exec.Cmd
	server  *http.Server
	began   time.Time
	output  output
	ended   chan struct{} // closed when the process has ended
	one     sync.Mutex    // held during an invocation
	api     *api
}

// Start runs the binary and waits for its first poll. env, of the form NAME=value, is added to what Lambda sets;
// nothing of this process's environment is passed on. If the function ends during its init, the error has its output.
// ctx bounds the wait, not the function's life: Stop ends that.
func Start(ctx context.Context, binary string, env []string) (*Function, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Function{process: exec.Command(binary), ended: make(chan struct{}), api: newAPI()}
	f.server = &http.Server{Handler: f.api.routes()}
	go f.server.Serve(listener)

	f.process.Dir = filepath.Dir(binary)
	f.process.Env = append(append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"LAMBDA_TASK_ROOT=" + f.process.Dir,
	}, environment...), env...)
	f.process.Stdout, f.process.Stderr = &f.output, &f.output
	f.began = time.Now()
	if err := f.process.Start(); err != nil {
		return nil, errors.Join(err, f.server.Close())
	}
	go func() {
		defer close(f.ended)
		_ = f.process.Wait() // ProcessState says how it ended
	}()
	if err := f.ready(ctx); err != nil {
		f.Stop()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(f.process.Dir), err)
	}
	return f, nil
}

func (f *Function) ready(ctx context.Context) error {
	select {
	case <-f.api.polled:
		return nil
	case <-f.ended:
		return f.exitError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Invoke sends the function an event and returns its response. An error that the function reports is an *Error. As in
// Lambda, a function that does not respond in time is killed; one that has ended takes no more events.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f.one.Lock()
	defer f.one.Unlock()
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()

	deadline, _ := ctx.Deadline()
	e := event{payload: payload, deadline: deadline, result: make(chan result, 1)}
	select {
	case f.api.events <- e:
	case <-f.ended:
		return nil, f.exitError()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-e.result:
		return r.payload, r.err
	case <-f.ended:
		return nil, f.exitError()
	case <-ctx.Done():
		f.Stop()
		return nil, fmt.Errorf("no response in time: %w", ctx.Err())
	}
}

func (f *Function) exitError() error {
	return fmt.Errorf("the function has ended (%s):\n%s", f.process.ProcessState, f.Output())
}

// InitDuration is the time from exec to the first poll.
func (f *Function) InitDuration() time.Duration { return f.api.firstPoll.Sub(f.began) }

// Output is what the function has written to standard output and standard error, complete after it has ended.
func (f *Function) Output() string { return f.output.String() }

// Stop kills the function and waits for its end. It may be repeated.
func (f *Function) Stop() {
	_ = f.process.Process.Kill() // it may have ended already
	<-f.ended
	_ = f.server.Close()
}

// output collects what two streams write.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
