package dynamoemu

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one partition takes in a second. A write unit is a kilobyte written; a transaction costs twice as much. A read
// unit is four kilobytes read eventually consistently; consistently costs twice as much. (AWS calls this half a unit.)
const (
	maxWriteUnits = 1000
	maxReadUnits  = 2 * 3000
	writeUnit     = 1 << 10
	readUnit      = 4 << 10
)

var errThrottled = refused("ThrottlingException", "Throughput exceeds the current capacity of your table or index")

// A throughput limits what each partition takes, or nothing.
type throughput struct {
	limited  bool
	mu       sync.Mutex
	limiters map[partition]*rate.Limiter
}

// A partition is all items with one partition key, in a table or in an index, for reading or for writing. In AWS
// several may share one partition, and a busy one may be split in time.
type partition struct {
	index *index
	key   string
	limit int // of units a second: maxWriteUnits or maxReadUnits
}

// take spends units of several partitions, or none.
func (t *throughput) take(units map[partition]int) error {
	if !t.limited {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, n := range units {
		if t.limiters[p] == nil {
			t.limiters[p] = rate.NewLimiter(rate.Limit(p.limit), p.limit)
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

// unitsOf rounds up. Nothing costs a unit too.
func unitsOf(size, unit int) int { return max(1, (size+unit-1)/unit) }

// read counts size bytes of one partition as read.
func (t *throughput) read(x *index, key string, size int, consistent bool) error {
	units := unitsOf(size, readUnit)
	if consistent {
		units *= 2
	}
	return t.take(map[partition]int{{x, key, maxReadUnits}: units})
}

// write counts a change as written, and its index entries where their keys change. factor is 2 in a transaction.
func (t *throughput) write(c change, factor int) error {
	primary := c.table.primary
	size := max(c.old.size(), c.new.size())
	units := map[partition]int{{primary, c.key.text(primary.partitionKey()), maxWriteUnits}: factor * unitsOf(size, writeUnit)}
	for _, x := range c.table.indexes {
		if x == primary || x.has(c.old) == x.has(c.new) && x.compare(c.old, c.new) == 0 {
			continue
		}
		for _, it := range []item{c.old, c.new} {
			if x.has(it) {
				units[partition{x, it.text(x.partitionKey()), maxWriteUnits}] += factor
			}
		}
	}
	return t.take(units)
}
