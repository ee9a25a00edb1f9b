package dynamo

import (
	"sync"
	"time"

	"deltag/internal/deltag"
)

// cacheTTL is how long a page may show an old event. Whatever slips through in that time is put right
// when its mail is sent, which reads the event anew.
const cacheTTL = 3 * time.Second

// maxCached bounds the cache: a function serves few events at a time.
const maxCached = 256

// An eventCache keeps events by slug for cacheFor, so that a warm sign-up needs one round trip.
type eventCache struct {
	mu     sync.Mutex
	bySlug map[string]cachedEvent
}

type cachedEvent struct {
	event deltag.Event
	read  time.Time
}

// Age is measured by the machine's monotonic clock: it is about staleness, not about the time of the event.
func (c *eventCache) get(slug string) (deltag.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.bySlug[slug]
	return kept.event, ok && time.Since(kept.read) < cacheTTL
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
