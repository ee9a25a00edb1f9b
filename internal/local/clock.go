package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Clock is the real time plus an offset, which is stored in a file.
type Clock struct {
	real func() time.Time
	path string

	mu     sync.RWMutex
	offset time.Duration
}

// OpenClock opens the clock of a folder. A start that is not zero sets it. real is time.Now outside tests.
func OpenClock(folder string, start time.Time, real func() time.Time) (*Clock, error) {
	c := &Clock{real: real, path: filepath.Join(folder, "clock.json")}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if !start.IsZero() {
		return c, c.Set(start)
	}
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = c.resume(text)
	}
	if err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	return c, nil
}

// clockFile is what is stored. Offset is a Go duration.
type clockFile struct {
	Offset string `json:"offset"`
}

func (c *Clock) resume(text []byte) error {
	var f clockFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	var err error
	if c.offset, err = time.ParseDuration(f.Offset); err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	return nil
}

// Now is the clock's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.real().Add(c.offset).UTC()
}

// Offset is how far ahead of the real time the clock is.
func (c *Clock) Offset() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.offset
}

// Set moves the clock to t, or returns ErrTooFar.
func (c *Clock) Set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.move(t.Sub(c.real()))
}

// Advance moves the clock by d, which may be negative, or returns ErrTooFar.
func (c *Clock) Advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.move(c.offset + d)
}

// ErrTooFar: the time is more than maxOffset from the real one, as only a typing error makes it.
var ErrTooFar = errors.New("more than 50 years from now")

// maxOffset is far below the 292 years of the largest time.Duration, so that the sum of two offsets never overflows.
const maxOffset = 50 * 366 * 24 * time.Hour

func (c *Clock) move(offset time.Duration) error {
	if offset.Abs() > maxOffset {
		return ErrTooFar
	}
	text, err := json.Marshal(clockFile{Offset: offset.String()})
	if err != nil {
		return err
	}
	if err := writeFile(c.path, text); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	c.offset = offset
	return nil
}
