package dynamoemu

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one partition takes in a second, and how many partitions a new table or index has: it takes 4,000 write or 12,000
// read units a second, whatever its keys. A write unit is a kilobyte written; a transaction costs twice as much. Reads
// are counted in half units: four kilobytes read eventually consistently.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
const (
	maxWriteUnits     = 1000
	maxHalfReadUnits  = 2 * 3000
	initialPartitions = 4
	writeUnit         = 1 << 10
	readUnit          = 4 << 10
)

var errThrottled = refused("ThrottlingException", "Throughput exceeds the current capacity of your table or index")

// A throughput limits what each partition and each new table and index takes, if it is limited.
type throughput struct {
	limited  bool
	mu       sync.Mutex
	limiters map[partition]*rate.Limiter
}

// A partition is all items with one partition key, in a table or in an index, for reading or for writing. In AWS
// several may share one partition, and a busy one may be split in time. With the key "" it is all partitions together.
type partition struct {
	index *index
	key   string
	limit int // of units a second: maxWriteUnits or maxHalfReadUnits, or as many times that as it has partitions
}

// take spends units of several partitions, or none.
func (t *throughput) take(ofPartitions map[partition]int) error {
	if !t.limited {
		return nil
	}
	units := maps.Clone(ofPartitions)
	for p, n := range ofPartitions {
		units[partition{p.index, "", initialPartitions * p.limit}] += n
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
	return t.take(map[partition]int{{x, key, maxHalfReadUnits}: units})
}

// write counts a change as written, and its index entries where their keys change. factor is 2 in a transaction.
func (t *throughput) write(c change, factor int) error {
	units := map[partition]int{}
	for _, x := range c.table.indexes {
		switch {
		case x == c.table.primary:
			size := max(c.old.size(), c.new.size())
			units[partition{x, c.key.text(x.partitionKey()), maxWriteUnits}] = factor * unitsOf(size, writeUnit)
		case x.has(c.old) != x.has(c.new) || x.compare(c.old, c.new) != 0:
			for _, it := range []item{c.old, c.new} {
				if x.has(it) {
					units[partition{x, it.text(x.partitionKey()), maxWriteUnits}] += factor
				}
			}
		}
	}
	return t.take(units)
}
