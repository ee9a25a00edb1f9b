package dynamo

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
)

// parallelReaders is how many shards are read at once by what reads all of an event. A page of each is in memory: 1 MB
// as it is stored, some 10 MB when it is decoded.
const parallelReaders = 8

// EachRegistration calls do with every registration of an event, one at a time and in no order. It ends with the first
// error, which may be do's.
func (s *Store) EachRegistration(
	ctx context.Context, eventID string, do func(deltag.Registration) error,
) error {
	return eachInShards(ctx, s, inShards(eventID, registrationSK), decodeRegistration, do)
}

// RegistrationsByID reads the registrations of an event that have one of the ids, in no order. UnreadableError: those are
// left out.
func (s *Store) RegistrationsByID(
	ctx context.Context, eventID string, ids []string,
) ([]deltag.Registration, error) {
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = registrationKey(eventID, id)
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return nil, err
	}
	return readableRegistrations(slices.Collect(maps.Values(found)))
}

// EachDelivery calls do with every delivery of an event, one at a time and in no order. It ends with the first error,
// which may be do's.
func (s *Store) EachDelivery(ctx context.Context, eventID string, do func(deltag.Delivery) error) error {
	return eachInShards(ctx, s, inShards(eventID, deliverySK), decodeDelivery, do)
}

// eachInShards reads the shards side by side, and keeps no page longer than it takes to call do.
func eachInShards[T any](
	ctx context.Context, s *Store, q shardedQuery, decode func(item) (T, error), do func(T) error,
) error {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(parallelReaders)
	var doing sync.Mutex
	doAll := func(page []T) error {
		doing.Lock()
		defer doing.Unlock()
		for _, v := range page {
			if err := do(v); err != nil {
				return err
			}
		}
		return nil
	}
	for shard := range shards {
		readers.Go(func() error { return eachPage(ctx, s, q.of(shard), decode, doAll) })
	}
	return readers.Wait()
}

// eachPage calls do with the items of one page after the other.
func eachPage[T any](
	ctx context.Context, s *Store, q query, decode func(item) (T, error), do func([]T) error,
) error {
	for {
		page, last, err := decodePage(ctx, s, q, decode)
		if err == nil {
			err = do(page)
		}
		if q.after = last; err != nil || len(last) == 0 {
			return err
		}
	}
}
