package dynamo

import (
	"context"
)

// A shardedQuery makes a query in all shards of an event: its items are in the order of the shards and, within one, in
// that of their sort keys.
type shardedQuery struct {
	eventID string
	query   // its pk is set for each shard
}

// inShards reads what belongs to the registrations of an event and has a sort key that begins with prefix.
func inShards(eventID, prefix string) shardedQuery {
	return shardedQuery{eventID, query{prefix: prefix}}
}

// allPersonal reads all that belongs to the registrations of an event. Counts, the sort key before these, do not.
func allPersonal(eventID string) shardedQuery {
	return shardedQuery{eventID, query{from: countsSK + "~", to: "~"}}
}

// maxParallelShards is how many shards are asked at once.
const maxParallelShards = 32

func (q shardedQuery) of(shard int) query {
	q.pk = shardPK(q.eventID, shard)
	return q.query
}

// readShards reads the page behind an item, nil for the first. It is shorter than limit only at the end of the list, and
// then last is empty. It asks one shard, and then, as long as the page is not full, twice as many at once.
func (s *Store) readShards(ctx context.Context, q shardedQuery, after item, limit int) (page []item, last item, err error) {
	first := 0
	if after != nil {
		first = q.shardOf(after)
	}
	for width := 1; first < shards; width = min(2*width, maxParallelShards) {
		var queries []query
		for shard := first; shard < min(first+width, shards); shard++ {
			of := q.of(shard)
			of.limit = limit - len(page)
			queries = append(queries, of)
		}
		queries[0].after = after
		pages, err := inParallel(queries, func(q query) ([]item, error) { return s.readUpTo(ctx, q) })
		if err != nil {
			return nil, nil, err
		}
		for _, items := range pages {
			page = append(page, items...)
		}
		if len(page) >= limit {
			page = page[:limit]
			return page, keyOf(page[limit-1]), nil
		}
		first, after = first+len(queries), nil
	}
	return page, nil, nil
}

// shardOf is the shard of an item that the query returned; shards if it cannot have returned it.
func (q shardedQuery) shardOf(it item) int {
	for shard := range shards {
		if stringAttr(it, "PK") == shardPK(q.eventID, shard) {
			return shard
		}
	}
	return shards
}

// decodeShards is readShards for decoded items.
func decodeShards[T any](
	ctx context.Context, s *Store, q shardedQuery, after item, limit int, decode func(item) (T, error),
) (page []T, last item, err error) {
	items, last, err := s.readShards(ctx, q, after, limit)
	if err != nil {
		return nil, nil, err
	}
	page, err = decodeAll(items, decode)
	return page, last, err
}

// listShards is list for a shardedQuery.
func listShards[T any](
	ctx context.Context, s *Store, q shardedQuery, cursor string, limit int, decode func(item) (T, error),
) (page []T, next string, err error) {
	var after item
	if cursor != "" {
		if after, err = parseCursor(cursor); err != nil {
			return nil, "", err
		}
		shard := q.shardOf(after)
		if shard == shards {
			return nil, "", errBadCursor
		}
		if !q.of(shard).canHaveReturned(after) {
			return nil, "", errBadCursor
		}
	}
	page, last, err := decodeShards(ctx, s, q, after, limit, decode)
	return page, formatCursor(last), err
}
