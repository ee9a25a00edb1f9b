package dynamo

import (
	"sync"
	"time"
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
