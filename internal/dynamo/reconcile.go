package dynamo

import (
	"cmp"
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

// reconciliationItem is the daily task of checking the counters, and the result of the last time.
type reconciliationItem struct {
	At                               time.Time `dynamodbav:",omitempty"`
	Confirmed, Waitlisted, Cancelled int
	SeatDrift                        int
	Unverified                       int
	WaitlistRepairs                  int
}

// putReconciliation stores a result, and makes the next reconciliation due, unless the retention period ends first.
func (tx *transaction) putReconciliation(
	e deltag.Event, r deltag.Reconciliation, next time.Time, c expression,
) {
	k := key(eventPK(e.ID), reconcileSK)
	if next.Before(e.RetentionEndsAt()) {
		k = dueKey(k, dueBulkPK, next)
	}
	tx.Put(encode(k, reconciliationItem{
		At: r.At, SeatDrift: r.SeatDrift, WaitlistRepairs: r.WaitlistRepairs,
		Confirmed: r.Drift.Confirmed, Waitlisted: r.Drift.Waitlisted, Cancelled: r.Drift.Cancelled,
		Unverified: r.Drift.Unverified,
	}), c)
}

// LastReconciliation reads the result of the last reconciliation. Errors: ErrNotFound, when there was none.
func (s *Store) LastReconciliation(ctx context.Context, eventID string) (deltag.Reconciliation, error) {
	v, err := read(ctx, s, key(eventPK(eventID), reconcileSK), decode[reconciliationItem])
	if err == nil && v.At.IsZero() {
		err = deltag.ErrNotFound
	}
	drift := deltag.Counts{
		Confirmed: v.Confirmed, Waitlisted: v.Waitlisted, Cancelled: v.Cancelled, Unverified: v.Unverified,
	}
	r := deltag.Reconciliation{At: v.At, SeatDrift: v.SeatDrift, WaitlistRepairs: v.WaitlistRepairs, Drift: drift}
	return r, err
}

// Reconcile compares the counts, the seat counter and the waitlist of an event with its registrations, and corrects them.
// It may run at any time: it corrects each only if that has not changed since it was read.
// Errors: ErrConflict (something that was wrong changed meanwhile; what it returns was corrected before); UnreadableError
// (some registrations can't be read: waitlist entries of others are added, and nothing that they may count in is
// corrected). Repeating it finds nothing more to correct.
func (s *Store) Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error) {
	task, err := s.get(ctx, key(eventPK(eventID), reconcileSK)) // before all that it is about
	if ignoreNotFound(err) != nil {
		return deltag.Reconciliation{}, err
	}
	e, err := s.Event(ctx, eventID)
	if isNotFound(err) {
		return deltag.Reconciliation{}, s.deleteAll(ctx, key(eventPK(eventID), reconcileSK))
	}
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	if !now.Before(e.RetentionEndsAt()) { // there are no registrations to compare the counters with
		tx := s.begin()
		tx.Update(key(eventPK(eventID), reconcileSK), expression{text: "REMOVE GSI1PK, GSI1SK"}, condExists)
		return deltag.Reconciliation{At: now}, ignoreConflict(tx.Commit(ctx))
	}
	r, err := s.reconcile(ctx, e, now)
	if err != nil {
		return r, err
	}
	tx := s.begin()
	tx.Check(eventKey(e.ID), condExists) // it may have been deleted
	tx.putReconciliation(e, r, now.Add(deltag.ReconcileInterval), condSameDue(task))
	return r, tx.Commit(ctx)
}

// condSameDue holds while a task, nil for none, is due when it was when it was read.
func condSameDue(task item) expression {
	if due := task["GSI1SK"]; due != nil {
		return expression{text: "GSI1SK = :due", values: item{":due": due}}
	}
	return expression{text: "attribute_not_exists(GSI1SK)"}
}

func (s *Store) reconcile(ctx context.Context, e deltag.Event, now time.Time) (r deltag.Reconciliation, err error) {
	var before seatCounter
	if e.HasSeatCounter { // before what it counts
		if before, err = read(ctx, s, seatCounterKey(e.ID), decode[seatCounter]); err != nil {
			return r, err
		}
	}
	r.At = now
	all, err := s.readCounts(ctx, e.ID)
	if err != nil {
		return r, err
	}
	waiting, seats := map[string]deltag.Registration{}, map[string]bool{}
	var unreadable deltag.UnreadableError
	for shard, counts := range all {
		drift, people, err := s.reconcileCounts(ctx, e.ID, shard, counts)
		var ofShard deltag.UnreadableError
		switch {
		case errors.As(err, &ofShard):
			unreadable = append(unreadable, ofShard...)
		case err != nil:
			return r, err
		}
		r.Drift = r.Drift.Plus(drift)
		for _, p := range people {
			switch p.Status {
			case deltag.RegistrationWaitlisted:
				waiting[stringAttr(waitlistKey(p), "SK")] = p
			case deltag.RegistrationConfirmed:
				seats[seatOf(p)] = true
			}
		}
	}
	isComplete := len(unreadable) == 0
	if e.HasSeatCounter && isComplete {
		if r.SeatDrift, err = s.reconcileSeats(ctx, e, before, seats); err != nil {
			return r, err
		}
	}
	if r.WaitlistRepairs, err = s.repairWaitlist(ctx, e, waiting, isComplete, now); err != nil {
		return r, err
	}
	if r.HasDrift() && e.HasSeatCounter {
		tx := s.begin()
		tx.putPromoteTask(e.ID, now)
		if err := tx.Commit(ctx); err != nil {
			return r, err
		}
	}
	return r, unreadable.Err()
}

// reconcileCounts corrects the counts of a shard, which were read before, and returns its registrations. UnreadableError:
// some are left out, and the counts stay.
func (s *Store) reconcileCounts(
	ctx context.Context, eventID string, shard int, counts countsItem,
) (drift deltag.Counts, people []deltag.Registration, err error) {
	var unreadable deltag.UnreadableError
	err = forEach(ctx, s, inShards(eventID, registrationSK).of(shard), asItem, func(it item) {
		r, err := decodeRegistration(it)
		if err != nil {
			unreadable = append(unreadable, err)
			return
		}
		people = append(people, r)
	})
	if err != nil || len(unreadable) > 0 {
		return drift, people, cmp.Or(err, unreadable.Err())
	}
	actual := deltag.Counts{Attended: counts.Attended} // it includes people whose registrations are erased
	for _, r := range people {
		r.AttendedAt = time.Time{}
		actual.Add(r)
	}
	drift = actual.Sub(counts.counts())
	if drift == (deltag.Counts{}) {
		return drift, people, nil
	}
	unchanged := condVersion(counts.Version)
	if counts.Version == 0 {
		unchanged = condNotExists
	}
	_, err = s.updateItem(ctx, countsKey(eventID, shard), addToCounts(drift), unchanged)
	return drift, people, err
}

// reconcileSeats corrects the seat counter. seats are those of all who are confirmed, read after the counter. Those that
// are held or released, read after that, are counted too, unless they are the same: a cancellation in between has only
// made one of the other.
func (s *Store) reconcileSeats(
	ctx context.Context, e deltag.Event, before seatCounter, seats map[string]bool,
) (drift int, err error) {
	for shard := range shards {
		err := forEach(ctx, s, inShards(e.ID, seatSK).of(shard), asItem, func(it item) {
			if it["Returned"] == nil {
				_, seat := cutSortKey(stringAttr(it, "SK"))
				seats[seat] = true
			}
		})
		if err != nil {
			return 0, err
		}
	}
	drift = len(seats) - before.Taken
	if drift == 0 {
		return 0, nil
	}
	if before.Uncounted || before.Checked < before.Issued { // seats may be taken and not held yet: see CheckSeats
		return 0, deltag.ErrConflict
	}
	_, ok, err := s.updateSeatCounter(ctx, e.ID, expression{
		text:   "ADD Taken :drift, Version :one",
		values: item{":drift": avNumber(drift), ":one": avNumber(1)},
	}, condVersion(before.Version))
	if err == nil && !ok {
		err = deltag.ErrConflict
	}
	return drift, err
}

// repairWaitlist adds missing waitlist entries, deletes stale ones, unless waiting lacks some, and returns how many there
// were of both.
func (s *Store) repairWaitlist(
	ctx context.Context, e deltag.Event, waiting map[string]deltag.Registration, isComplete bool, now time.Time,
) (int, error) {
	var repairs []*transaction
	err := forEach(ctx, s, query{pk: waitlistPK(e.ID), prefix: waitlistSK}, asItem, func(entry item) {
		sk := stringAttr(entry, "SK")
		if _, ok := waiting[sk]; ok {
			delete(waiting, sk)
			return
		}
		if !isComplete {
			return
		}
		tx := s.begin()
		tx.deleteStaleWaitlistEntry(e.ID, sk)
		repairs = append(repairs, tx)
	})
	if err != nil {
		return 0, err
	}
	if len(waiting) > 0 && e.HasSeatCounter { // before they are added: a newcomer must not pass them
		if err := s.announceWaiting(ctx, e.ID, now); err != nil {
			return 0, err
		}
	}
	for _, r := range waiting {
		tx := s.begin()
		tx.Check(registrationKey(e.ID, r.ID), condRevision(r.Revision))
		tx.putWaitlistEntry(r)
		repairs = append(repairs, tx)
	}
	repaired := 0
	for _, tx := range repairs {
		err := tx.Commit(ctx)
		if isConflict(err) {
			continue // the registration has changed since: it was not wrong
		}
		if err != nil {
			return repaired, err
		}
		repaired++
	}
	return repaired, nil
}

// deleteStaleWaitlistEntry is for an entry whose registration is gone or does not wait since then.
func (tx *transaction) deleteStaleWaitlistEntry(eventID, sk string) {
	joinedAt, registrationID := parseWaitlistKey(sk)
	tx.Check(registrationKey(eventID, registrationID), expression{
		text:   "attribute_not_exists(WaitlistedAt) OR WaitlistedAt <> :joined",
		values: item{":joined": avString(joinedAt)},
	})
	tx.Delete(key(waitlistPK(eventID), sk), always)
}
