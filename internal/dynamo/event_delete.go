package dynamo

import (
	"context"
	"fmt"
	"time"

	"deltag/internal/deltag"
)

// deletionDelay is how long it is remembered that an event was deleted: longer than a request may take, and than a
// function keeps an event that it has read, and then some for clocks that differ.
const deletionDelay = 10 * time.Minute

// DeleteEvent deletes an event that nobody ever signed up for: no registration of any status, no mail to anybody but the
// organiser, nobody who was erased. It takes two steps:
//
//	a transaction deletes the event, its slug and its seat counter, marks the counts of each shard as those of a deleted
//	event, and makes the task that erases an event due after deletionDelay
//	what else there is is deleted: mailings, tasks, statistics, the organiser's mails, seats that were returned
//
// Each sign-up takes a seat from the counter or changes the counts of its shard, and the transaction needs all of these
// as they were when nobody was found. So of a sign-up and a deletion at the same time one wins: either the counter or the
// counts have changed, and the event stays, or the sign-up finds neither, reads the event again, and there is none.
//
// A function that dies after the first step leaves the task, by which the tick does the second, and then deletes the
// marks and the task itself. Until then no event with the id can be created, so a form that is sent twice brings none
// back; and what a request writes that began before, such as a preview or a task, is deleted too.
//
// Errors: ErrHasSignUps (nothing was changed), ErrNotFound. Repeating it within deletionDelay goes on where it ended;
// later it is ErrNotFound.
func (s *Store) DeleteEvent(ctx context.Context, eventID string, now time.Time) error {
	for range maxRetries {
		err := s.deleteUnused(ctx, eventID, now)
		if isConflict(err) {
			continue // somebody has changed it, or begun to sign up
		}
		if err == nil {
			s.upcoming.invalidate("")
			_ = s.deleteAllOfEvent(ctx, eventID) // the task does it otherwise
		}
		return err
	}
	return fmt.Errorf("delete event: %w", deltag.ErrUnavailable)
}

// IsUnused says whether DeleteEvent would delete an event. It takes one request while somebody is signed up, and one for
// each shard otherwise. Errors: ErrNotFound.
func (s *Store) IsUnused(ctx context.Context, eventID string) (bool, error) {
	found, err := s.readMain(ctx, eventID)
	if err != nil {
		return false, err
	}
	if _, err := decodeFound(found, eventKey(eventID), decodeEvent); err != nil {
		return false, err
	}
	return s.isUnused(ctx, eventID, found)
}

// readMain reads what decides whether an event may be deleted, but for what belongs to its people.
func (s *Store) readMain(ctx context.Context, eventID string) (map[string]item, error) {
	keys := append(allCountsKeys(eventID), eventKey(eventID), seatCounterKey(eventID), statsKey(eventID))
	return s.batchGet(ctx, keys...)
}

// deleteUnused returns ErrConflict if something has changed since it was read.
func (s *Store) deleteUnused(ctx context.Context, eventID string, now time.Time) error {
	found, err := s.readMain(ctx, eventID)
	if err != nil {
		return err
	}
	e, err := decodeFound(found, eventKey(eventID), decodeEvent)
	if isNotFound(err) {
		mark, markErr := decodeFound(found, countsKey(eventID, 0), decode[countsItem])
		if markErr == nil && mark.EventDeleted {
			return nil
		}
	}
	if err != nil {
		return err
	}
	unused, err := s.isUnused(ctx, eventID, found)
	if err != nil {
		return err
	}
	if !unused {
		return deltag.ErrHasSignUps
	}
	tx := s.begin()
	tx.Delete(eventKey(e.ID), condRevision(e.Revision))
	tx.Delete(slugKey(e.Slug), condNotExistsOr("ID = :id", item{":id": avString(e.ID)}))
	if counter := found[keyText(seatCounterKey(e.ID))]; counter != nil {
		tx.Delete(seatCounterKey(e.ID), condAsRead(counter))
	}
	for _, key := range allCountsKeys(e.ID) {
		tx.Put(encode(key, countsItem{EventDeleted: true}), condAsRead(found[keyText(key)]))
	}
	tx.Put(dueKey(key(eventPK(e.ID), eraseSK), dueBulkPK, now.Add(deletionDelay)), always)
	s.events.invalidate(e.Slug)
	defer s.events.invalidate(e.Slug)
	return tx.Commit(ctx)
}

// condAsRead holds while counts or a seat counter, nil for none, are as they were read.
func condAsRead(it item) expression {
	if it == nil {
		return condNotExists
	}
	return expression{text: "Version = :version", values: item{":version": it["Version"]}}
}

// isUnused reads what belongs to an event's people, after its counts and its seat counter.
func (s *Store) isUnused(ctx context.Context, eventID string, found map[string]item) (bool, error) {
	counter, err := decodeFound(found, seatCounterKey(eventID), decode[seatCounter])
	if ignoreNotFound(err) != nil || counter.Taken != 0 {
		return false, ignoreNotFound(err)
	}
	stats, err := decodeFound(found, statsKey(eventID), decode[statsItem])
	if ignoreNotFound(err) != nil || stats.Erasures > 0 || len(stats.SignUpsByDay) > 0 {
		return false, ignoreNotFound(err)
	}
	var sum deltag.Counts
	for _, key := range allCountsKeys(eventID) {
		counts, err := decodeFound(found, key, decode[countsItem])
		if ignoreNotFound(err) != nil {
			return false, err
		}
		sum = sum.Plus(counts.counts())
	}
	if sum != (deltag.Counts{}) {
		return false, nil
	}
	return s.hasNoPeople(ctx, eventID)
}

// hasNoPeople says whether an event's shards hold nothing that belongs to anybody but the organiser.
func (s *Store) hasNoPeople(ctx context.Context, eventID string) (bool, error) {
	var queries []query
	for shard := range shards {
		queries = append(queries, allPersonal(eventID).of(shard))
	}
	ofShards, err := inParallel(queries, func(q query) (belongs bool, err error) {
		err = forEach(ctx, s, q, asItem, func(it item) { belongs = belongs || belongsToSomebody(it) })
		return belongs, err
	})
	for _, belongs := range ofShards {
		if belongs {
			return false, err
		}
	}
	return err == nil, err
}

// belongsToSomebody says whether an item of a shard is about a person who has signed up, or once did.
func belongsToSomebody(it item) bool {
	switch prefix, _ := cutSortKey(stringAttr(it, "SK")); prefix {
	case deliverySK:
		return !readableDelivery(it).IsToOrganiser()
	case seatSK:
		return it["Returned"] == nil // a function that took it died before it was used
	}
	return true
}

// deleteAllOfEvent deletes what is left of a deleted event, but for the marks and the task. Repeating it goes on where it
// ended.
func (s *Store) deleteAllOfEvent(ctx context.Context, eventID string) error {
	for {
		items, err := s.restOfEvent(ctx, eventID)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := s.deleteAll(ctx, items...); err != nil {
			return err
		}
	}
}

// restOfEvent reads up to maxActions items that are left of a deleted event.
func (s *Store) restOfEvent(ctx context.Context, eventID string) (items []item, err error) {
	main, err := s.readUpTo(ctx, query{pk: eventPK(eventID), limit: maxActions})
	if err != nil {
		return nil, err
	}
	for _, it := range main {
		if stringAttr(it, "SK") != eraseSK {
			items = append(items, it)
		}
	}
	if len(items) == 0 {
		items, err = s.readUpTo(ctx, query{pk: waitlistPK(eventID), limit: maxActions})
	}
	if err == nil && len(items) == 0 {
		items, _, err = s.readShards(ctx, allPersonal(eventID), nil, maxActions)
	}
	return items, err
}

// endDeletion completes the deletion of an event that is gone when its task is due, up to maxActions items a call. done is
// false while there is more to delete.
func (s *Store) endDeletion(ctx context.Context, eventID string, task item, now time.Time) (done bool, err error) {
	if due, err := dueTime(task); err != nil || now.Before(due) {
		return true, err
	}
	items, err := s.restOfEvent(ctx, eventID)
	if err != nil {
		return false, err
	}
	if len(items) > 0 {
		return false, s.deleteAll(ctx, items...)
	}
	return true, s.deleteAll(ctx, append(allCountsKeys(eventID), task)...) // in one transaction
}
