package dynamo

import (
	"context"
	"errors"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// cacheTTL is how long a page may show what was read before. What happens to an event in that time is corrected when
// the mail about it is sent, which reads the event anew.
const cacheTTL = 3 * time.Second

// maxCached bounds a cache: a function serves few events at a time.
const maxCached = 256

// A cache keeps what was read for cacheTTL, so that a warm page or sign-up needs no reads. It measures by the machine's
// monotonic clock, whatever time the caller works with.
type cache[T any] struct {
	mu      sync.Mutex
	entries map[string]cached[T]
}

type cached[T any] struct {
	value  T
	readAt time.Time
}

func (c *cache[T]) get(key string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries[key]
	return entry.value, ok && time.Since(entry.readAt) < cacheTTL
}

func (c *cache[T]) put(key string, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxCached {
		c.entries = map[string]cached[T]{}
	}
	c.entries[key] = cached[T]{value, time.Now()}
}

func (c *cache[T]) invalidate(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// RecentFreeSeats are the FreeSeats of events that have a capacity, by event id, each up to cacheTTL old. Those that have to
// be read are read side by side, and those that can't be are missing.
func (s *Store) RecentFreeSeats(ctx context.Context, events ...deltag.Event) (map[string]int, error) {
	free, errs := make([]int, len(events)), make([]error, len(events))
	var reads sync.WaitGroup
	for i, e := range events {
		var ok bool
		if free[i], ok = s.freeSeats.get(e.ID); ok {
			continue
		}
		reads.Go(func() {
			if free[i], errs[i] = s.FreeSeats(ctx, e); errs[i] == nil {
				s.freeSeats.put(e.ID, free[i])
			}
		})
	}
	reads.Wait()
	byID := map[string]int{}
	for i, e := range events {
		if errs[i] == nil {
			byID[e.ID] = free[i]
		}
	}
	return byID, errors.Join(errs...)
}
