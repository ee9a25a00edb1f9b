package dynamo

import (
	"sync"
	"time"

	"deltag/internal/deltag"
)

// cacheTTL is how long a page may show an old event. What happens in that time is corrected when the mail about it is
// sent, which reads the event anew.
const cacheTTL = 3 * time.Second

// maxCached bounds the cache: a function serves few events at a time.
const maxCached = 256

// An eventCache keeps events by slug for cacheTTL, so that a warm sign-up needs one round trip. It measures by the
// machine's monotonic clock, whatever time the caller works with.
type eventCache struct {
	mu     sync.Mutex
	bySlug map[string]cachedEvent
}

type cachedEvent struct {
	event  deltag.Event
	readAt time.Time
}

func (c *eventCache) get(slug string) (deltag.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.bySlug[slug]
	return cached.event, ok && time.Since(cached.readAt) < cacheTTL
}

func (c *eventCache) put(slug string, e deltag.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bySlug == nil || len(c.bySlug) >= maxCached {
		c.bySlug = map[string]cachedEvent{}
	}
	c.bySlug[slug] = cachedEvent{e, time.Now()}
}

func (c *eventCache) invalidate(slug string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.bySlug, slug)
}
