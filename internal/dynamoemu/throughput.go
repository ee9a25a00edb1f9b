package dynamoemu

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one partition takes in a second. A write unit is a kilobyte written, a read unit four kilobytes read
// consistently; a transaction costs twice as much, and an eventually consistent read half as much.
const (
	maxWriteUnits = 1000
	maxReadUnits  = 3000
	writeUnit     = 1 << 10
	readUnit      = 4 << 10
)

var errThrottled = &apiError{
	Type:    "ThrottlingException",
	Message: "Throughput exceeds the current capacity of your table or index",
}

// A throughput limits what each partition takes. The zero value is without limits.
type throughput struct {
	mu       sync.Mutex
	limiters map[partition]*rate.Limiter // nil: no limits
}

// A partition is all items with one partition key, in a table or in an index, for reading or for writing. In truth
// several may share one partition, and a busy one may be split in time.
type partition struct {
	index  *index
	key    string
	writes bool
}

// take spends units of several partitions, or none. Those of reads are half units.
func (t *throughput) take(units map[partition]int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, n := range units {
		if t.limiters[p] == nil {
			limit := 2 * maxReadUnits
			if p.writes {
				limit = maxWriteUnits
			}
			t.limiters[p] = rate.NewLimiter(rate.Limit(limit), limit)
		}
		if t.limiters[p].Tokens() < float64(n) {
			return errThrottled
		}
	}
	for p, n := range units {
		t.limiters[p].AllowN(time.Now(), n)
	}
	return nil
}

// read counts size bytes of one partition as read.
func (t *throughput) read(x *index, key string, size int, consistent bool) error {
	if t.limiters == nil {
		return nil
	}
	units := max(1, (size+readUnit-1)/readUnit)
	if consistent {
		units *= 2
	}
	return t.take(map[partition]int{{index: x, key: key}: units})
}

// write counts a change as written, and its index entries where their keys change. factor is 2 in a transaction.
func (t *throughput) write(c change, factor int) error {
	if t.limiters == nil {
		return nil
	}
	units := map[partition]int{}
	for _, x := range c.table.indexes {
		switch size := max(1, c.old.size(), c.new.size()); {
		case x == c.table.primary:
			units[partition{x, c.key.text(x.keys.partition), true}] = factor * ((size + writeUnit - 1) / writeUnit)
		case x.keys.has(c.old) == x.keys.has(c.new) && x.compare(c.old, c.new) == 0:
		default:
			for _, it := range []item{c.old, c.new} {
				if x.keys.has(it) {
					units[partition{x, it.text(x.keys.partition), true}] += factor
				}
			}
		}
	}
	return t.take(units)
}
