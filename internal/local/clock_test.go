package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"deltag/internal/local"
)

func clock(t *testing.T, folder string, start time.Time, real *time.Time) *local.Clock {
	t.Helper()
	c, err := local.OpenClock(folder, start, func() time.Time { return *real })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClock(t *testing.T) {
	folder, real := t.TempDir(), noon
	c := clock(t, folder, time.Time{}, &real)
	wantNow := func(t *testing.T, c *local.Clock, want time.Time) {
		t.Helper()
		if got := c.Now(); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("it is %s, not %s", got, want)
		}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("IsTheRealTimeAtFirst", func(t *testing.T) { wantNow(t, c, noon) })
	t.Run("RunsOnFromTheTimeThatWasSet", func(t *testing.T) {
		must(t, c.Set(noon.AddDate(0, 0, 7)))
		real = real.Add(time.Minute)
		wantNow(t, c, noon.AddDate(0, 0, 7).Add(time.Minute))
	})
	t.Run("AdvancesBothWays", func(t *testing.T) {
		must(t, c.Advance(24*time.Hour))
		must(t, c.Advance(-8*24*time.Hour))
		wantNow(t, c, noon.Add(time.Minute))
	})
	t.Run("IsResumedByTheNextProcess", func(t *testing.T) {
		must(t, c.Advance(90*time.Minute))
		real = real.Add(time.Hour) // no process runs for an hour
		wantNow(t, clock(t, folder, time.Time{}, &real), noon.Add(time.Minute+90*time.Minute+time.Hour))
	})
	t.Run("CanBeOpenedAtAnotherTime", func(t *testing.T) {
		start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
		wantNow(t, clock(t, folder, start, &real), start)
		wantNow(t, clock(t, folder, time.Time{}, &real), start)
	})
	t.Run("RefusesAbsurdTimes", func(t *testing.T) {
		before := c.Now()
		for _, err := range []error{
			c.Set(noon.AddDate(9000, 0, 0)), c.Set(time.Time{}), c.Advance(1 << 62), c.Advance(-1 << 62),
		} {
			if !errors.Is(err, local.ErrTooFar) {
				t.Errorf("got %v", err)
			}
		}
		wantNow(t, c, before)
	})
	t.Run("ABrokenFileIsAnError", func(t *testing.T) {
		for _, text := range []string{"{", `{"offset":"much"}`} {
			must(t, os.WriteFile(filepath.Join(folder, "clock.json"), []byte(text), 0o600))
			if _, err := local.OpenClock(folder, time.Time{}, time.Now); err == nil {
				t.Errorf("%s was accepted", text)
			}
		}
	})
}

func TestTicker(t *testing.T) {
	// run lets the ticker run for a while and returns when each tick began.
	run := func(
		t *testing.T, ticker *local.Ticker, long time.Duration, tick func(context.Context) error,
	) []time.Duration {
		t.Helper()
		began := time.Now()
		var at []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		ticker.Run(ctx, func(ctx context.Context) error {
			at = append(at, time.Since(began))
			return tick(ctx)
		})
		return at
	}
	nothing := func(context.Context) error { return nil }
	wantTicks := func(t *testing.T, got []time.Duration, want ...time.Duration) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("ticked at %v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("ticked at %v", got)
			}
		}
	}

	t.Run("EverySecond", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			wantTicks(
				t, run(t, local.NewTicker(), 3500*time.Millisecond, nothing), time.Second, 2*time.Second, 3*time.Second,
			)
		})
	})
	t.Run("AtOnceAfterWake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			for range 5 {
				time.AfterFunc(300*time.Millisecond, ticker.Wake)
			}
			got := run(t, ticker, 1500*time.Millisecond, nothing)
			if len(got) < 2 || got[0] != 300*time.Millisecond || got[len(got)-1] != time.Second {
				t.Errorf("ticked at %v", got)
			}
		})
	})
	t.Run("WakeDuringATickIsRememberedAndTicksDoNotOverlap", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			ticker.Wake()
			busy := 0
			wantTicks(t, run(t, ticker, 500*time.Millisecond, func(context.Context) error {
				if busy++; busy != 1 {
					t.Error("two at once")
				}
				time.AfterFunc(100*time.Millisecond, ticker.Wake)
				time.Sleep(200 * time.Millisecond)
				busy--
				return nil
			}), 0, 200*time.Millisecond, 400*time.Millisecond)
		})
	})
	t.Run("GoesOnAfterAFailure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fail := func(context.Context) error { return errors.New("broken") }
			wantTicks(t, run(t, local.NewTicker(), 2500*time.Millisecond, fail), time.Second, 2*time.Second)
		})
	})
	t.Run("TheLastTickMayFinish", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			ticker.Wake()
			run(t, ticker, time.Millisecond, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					t.Error("cancelled")
				case <-time.After(2 * time.Second):
				}
				return nil
			})
		})
	})
	t.Run("TheLastTickIsCancelledAfterTheGrace", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			ticker.Wake()
			began := time.Now()
			run(t, ticker, time.Millisecond, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			if took := time.Since(began); took != time.Millisecond+3*time.Second {
				t.Errorf("took %s", took)
			}
		})
	})
}
