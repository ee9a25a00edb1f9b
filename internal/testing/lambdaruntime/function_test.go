package lambdaruntime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var hello string // the built testdata/hello

func TestMain(m *testing.M) { os.Exit(withHello(m)) }

func withHello(m *testing.M) int {
	folder, err := os.MkdirTemp("", "hello")
	if err == nil {
		defer os.RemoveAll(folder)
		hello, err = Build(folder, "./testdata/hello")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func start(tb testing.TB, env ...string) *Function {
	tb.Helper()
	f, err := Start(tb.Context(), hello, env)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Stop)
	return f
}

func payload(do, value string) []byte {
	return fmt.Appendf(nil, `{"Do":%q,"Value":%q}`, do, value)
}

// wantError checks that err contains the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want an error with %q", err, text)
		}
	}
}

func TestStart(t *testing.T) {
	t.Run("MeasuresExecToFirstPoll", func(t *testing.T) {
		if d := start(t).InitDuration(); d <= 0 || d > 5*time.Second {
			t.Errorf("init took %s", d)
		}
	})
	t.Run("AnEndDuringInitIsAnErrorWithTheOutput", func(t *testing.T) {
		_, err := Start(t.Context(), hello, []string{"BROKEN=1"})
		wantError(t, err, "TABLE is missing", "exit status 3")
	})
	t.Run("TheContextBoundsTheWaitForTheFirstPoll", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := Start(ctx, hello, []string{"SLOW=1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
	t.Run("AMissingBinaryIsAnError", func(t *testing.T) {
		if _, err := Start(t.Context(), "no/such/bootstrap", nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want os.ErrNotExist", err)
		}
	})
}

func TestInvoke(t *testing.T) {
	t.Run("OneAfterTheOther", func(t *testing.T) {
		f := start(t)
		for i := range 3 {
			value := fmt.Sprintf("æøå %d", i)
			got, err := f.Invoke(t.Context(), payload("echo", value))
			if want := fmt.Sprintf("%q", value); err != nil || string(got) != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
	})
	t.Run("ConcurrentInvocationsRunOneAfterTheOther", func(t *testing.T) {
		f := start(t)
		errs := make(chan error)
		for i := range 10 {
			go func() {
				value := fmt.Sprint(i)
				got, err := f.Invoke(t.Context(), payload("echo", value))
				if err == nil && string(got) != `"`+value+`"` {
					err = fmt.Errorf("got %s for %s", got, value)
				}
				errs <- err
			}()
		}
		for range 10 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("TheFunctionGetsDeadlineIDAndARN", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		got, err := start(t).Invoke(ctx, payload("context", ""))
		if err != nil {
			t.Fatal(err)
		}
		deadline, _ := ctx.Deadline()
		want := fmt.Sprintf(`{"arn":%q,"deadline":%d,"id":%q}`, arn, deadline.UnixMilli(), requestID(1))
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("TheEnvironmentIsOnlyLambdasAndTheCallers", func(t *testing.T) {
		t.Setenv("SECRET", "of the test")
		got, err := start(t, "TABLE=t1", "AWS_REGION=eu-west-1").Invoke(t.Context(), payload("environment", ""))
		if err != nil {
			t.Fatal(err)
		}
		var env []string
		if err := json.Unmarshal(got, &env); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"TABLE=t1", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=local"} {
			if !slices.Contains(env, want) {
				t.Errorf("no %s in %q", want, env)
			}
		}
		if slices.Contains(env, "SECRET=of the test") {
			t.Error("this process's environment is passed on")
		}
	})
	t.Run("AnErrorIsReturnedAndTheFunctionGoesOn", func(t *testing.T) {
		f := start(t)
		_, err := f.Invoke(t.Context(), payload("fail", "no table"))
		var reported *Error
		if !errors.As(err, &reported) || reported.Message != "no table" {
			t.Errorf("got %v, want the function's own error", err)
		}
		if _, err := f.Invoke(t.Context(), payload("echo", "still here")); err != nil {
			t.Error(err)
		}
	})
	t.Run("APanicIsReturnedAndEndsTheFunction", func(t *testing.T) {
		f := start(t)
		_, err := f.Invoke(t.Context(), payload("panic", "boom"))
		var reported *Error
		if !errors.As(err, &reported) || reported.Message != "boom" {
			t.Errorf("got %v, want the panic", err)
		}
		_, err = f.Invoke(t.Context(), payload("echo", "x"))
		wantError(t, err, "has ended")
	})
	t.Run("AnExitIsAnErrorWithTheOutput", func(t *testing.T) {
		_, err := start(t).Invoke(t.Context(), payload("exit", "out of luck"))
		wantError(t, err, "out of luck", "exit status 4")
	})
	t.Run("ATimeoutEndsTheFunction", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		f := start(t)
		if _, err := f.Invoke(ctx, payload("hang", "")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		_, err := f.Invoke(t.Context(), payload("echo", "x"))
		wantError(t, err, "has ended")
	})
	t.Run("StopDuringAnInvocationIsAKill", func(t *testing.T) {
		f := start(t)
		failed := make(chan error)
		go func() {
			_, err := f.Invoke(t.Context(), payload("hang", ""))
			failed <- err
		}()
		f.Stop()
		f.Stop()
		wantError(t, <-failed, "signal: killed")
	})
	t.Run("OutputIsKept", func(t *testing.T) {
		f := start(t)
		f.Stop()
		if got := f.Output(); got != "hello from init\n" {
			t.Errorf("output %q", got)
		}
	})
}

func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("not run: /proc exists on Linux only")
		return
	}
	f := start(t)
	before, err := f.PeakRSS()
	if err != nil {
		t.Fatal(err)
	}
	if before < 1<<20 || before > 64<<20 {
		t.Errorf("an empty function's peak is %d bytes", before)
	}
	if _, err := f.Invoke(t.Context(), payload("spend", "")); err != nil {
		t.Fatal(err)
	}
	if after, err := f.PeakRSS(); err != nil || after < before+64<<20 {
		t.Errorf("peak after holding 64 MiB more: %d bytes, before %d, %v", after, before, err)
	}
	if cpu, err := f.CPU(); err != nil || cpu <= 0 || cpu > time.Minute {
		t.Errorf("CPU time after some work: %s, %v", cpu, err)
	}
	f.Stop()
	if _, err := f.PeakRSS(); err == nil {
		t.Error("PeakRSS of a function that has ended: no error")
	}
}

func TestBuild(t *testing.T) {
	t.Run("TheFlagsAreThoseOfTheMakefile", func(t *testing.T) {
		makefile, err := os.ReadFile("../../../Makefile")
		if err != nil {
			t.Fatal(err)
		}
		want := `-tags lambda.norpc,nethttpomithttp2 -trimpath -buildvcs=false -ldflags="-s -w `
		if !strings.Contains(string(makefile), want) {
			t.Errorf("the Makefile does not build with %s", want)
		}
	})
	t.Run("AFailureHasTheCompilersOutput", func(t *testing.T) {
		_, err := Build(t.TempDir(), "./testdata/none")
		wantError(t, err, "testdata/none")
	})
}

func BenchmarkInvoke(b *testing.B) {
	f := start(b)
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), payload("echo", "x")); err != nil {
			b.Fatal(err)
		}
	}
}
