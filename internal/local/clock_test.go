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
	at := func(t *testing.T, c *local.Clock, want time.Time) {
		t.Helper()
		if got := c.Now(); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("it is %s, not %s", got, want)
		}
	}
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("IsTheRealTimeAtFirst", func(t *testing.T) { at(t, c, noon) })
	t.Run("GoesOnWhereItWasSet", func(t *testing.T) {
		check(t, c.Set(noon.AddDate(0, 0, 7)))
		real = real.Add(time.Minute)
		at(t, c, noon.AddDate(0, 0, 7).Add(time.Minute))
	})
	t.Run("AdvancesBothWays", func(t *testing.T) {
		check(t, c.Advance(24*time.Hour))
		check(t, c.Advance(-8*24*time.Hour))
		at(t, c, noon.Add(time.Minute))
	})
	t.Run("IsResumed", func(t *testing.T) {
		check(t, c.Advance(90*time.Minute))
		real = real.Add(time.Hour) // away for an hour
		at(t, clock(t, folder, time.Time{}, &real), noon.Add(time.Minute+90*time.Minute+time.Hour))
	})
	t.Run("StartsAnewIfToldSo", func(t *testing.T) {
		start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
		at(t, clock(t, folder, start, &real), start)
		at(t, clock(t, folder, time.Time{}, &real), start)
	})
	t.Run("RefusesAbsurdTimes", func(t *testing.T) {
		before := c.Now()
		for _, err := range []error{c.Set(noon.AddDate(9000, 0, 0)), c.Set(time.Time{}), c.Advance(1 << 62), c.Advance(-1 << 62)} {
			if !errors.Is(err, local.ErrTooFar) {
				t.Errorf("got %v", err)
			}
		}
		at(t, c, before)
	})
	t.Run("TellsOfABrokenFile", func(t *testing.T) {
		for _, text := range []string{"{", `{"offset":"much"}`} {
			check(t, os.WriteFile(filepath.Join(folder, "clock.json"), []byte(text), 0o600))
			if _, err := local.OpenClock(folder, time.Time{}, time.Now); err == nil {
				t.Errorf("%s was taken", text)
			}
		}
	})
}

func TestTicker(t *testing.T) {
	// run ticks for a while and returns when each tick began.
	run := func(t *testing.T, ticker *local.Ticker, long time.Duration, tick func(context.Context) error) []time.Duration {
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
	expect := func(t *testing.T, got []time.Duration, want ...time.Duration) {
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
			expect(t, run(t, local.NewTicker(), 3500*time.Millisecond, nothing), time.Second, 2*time.Second, 3*time.Second)
		})
	})
	t.Run("AtOnceWhenRung", func(t *testing.T) {
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
	t.Run("RungMeanwhileIsNotForgottenAndNothingOverlaps", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			ticker.Wake()
			busy := 0
			expect(t, run(t, ticker, 500*time.Millisecond, func(context.Context) error {
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
	t.Run("GoesOnAfterAFault", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			expect(t, run(t, local.NewTicker(), 2500*time.Millisecond, func(context.Context) error { return errors.New("broken") }), time.Second, 2*time.Second)
		})
	})
	t.Run("LastTickMayFinish", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ticker := local.NewTicker()
			ticker.Wake()
			run(t, ticker, time.Millisecond, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					t.Error("broken off")
				case <-time.After(2 * time.Second):
				}
				return nil
			})
		})
	})
	t.Run("ButNotForLong", func(t *testing.T) {
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
