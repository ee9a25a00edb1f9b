package dynamo

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// reconciliationItem is the daily task of checking the counters, and the result of the last time.
type reconciliationItem struct {
	At                               time.Time `dynamodbav:",omitempty"`
	Confirmed, Waitlisted, Cancelled int
	Unverified                       int
	WaitlistRepairs                  int
}

// putReconciliation stores a result, and makes the next reconciliation due, unless the retention period ends first.
func (tx *transaction) putReconciliation(e deltag.Event, r deltag.Reconciliation, next time.Time) {
	k := key(eventPK(e.ID), reconcileSK)
	if next.Before(e.RetentionEndsAt()) {
		k = dueKey(k, next)
	}
	tx.Put(encode(k, reconciliationItem{
		At: r.At, WaitlistRepairs: r.WaitlistRepairs,
		Confirmed: r.Drift.Confirmed, Waitlisted: r.Drift.Waitlisted, Cancelled: r.Drift.Cancelled,
		Unverified: r.Drift.Unverified,
	}), always)
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
	return deltag.Reconciliation{At: v.At, WaitlistRepairs: v.WaitlistRepairs, Drift: drift}, err
}

// maxReconcileAttempts is how often a reconciliation begins again when the counters change meanwhile.
const maxReconcileAttempts = 3

// Reconcile compares the counters and the waitlist of an event with its registrations, and corrects them. It may run
// at any time: it writes only if no counter has changed since it began to count.
// Errors: ErrConflict (the counters changed each time it tried). Repeating it finds nothing more to correct.
func (s *Store) Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error) {
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
	for range maxReconcileAttempts {
		r, err := s.reconcile(ctx, e, now)
		if err == nil {
			tx := s.begin()
			tx.putReconciliation(e, r, now.Add(deltag.ReconcileInterval))
			return r, tx.Commit(ctx)
		}
		if !isConflict(err) {
			return deltag.Reconciliation{}, err
		}
	}
	return deltag.Reconciliation{}, deltag.ErrConflict
}

func (s *Store) reconcile(ctx context.Context, e deltag.Event, now time.Time) (deltag.Reconciliation, error) {
	counters, err := s.readCounters(ctx, e.ID)
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	actual, waiting, err := s.countRegistrations(ctx, e.ID)
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	counted := sumCounters(counters)
	actual.Attended = counted.Attended // it includes people whose registrations are erased
	r := deltag.Reconciliation{At: now, Drift: actual.Sub(counted)}
	if r.Drift != (deltag.Counts{}) {
		tx := s.begin()
		tx.correctDrift(e, counters, r.Drift, now)
		if err := tx.Commit(ctx); err != nil {
			return deltag.Reconciliation{}, err
		}
	}
	r.WaitlistRepairs, err = s.repairWaitlist(ctx, e, waiting, now)
	return r, err
}

// countRegistrations also returns the registrations that wait, by the sort key of their waitlist entry.
func (s *Store) countRegistrations(
	ctx context.Context, eventID string,
) (counts deltag.Counts, waiting map[string]deltag.Registration, err error) {
	waiting = map[string]deltag.Registration{}
	q := query{pk: eventPK(eventID), prefix: registrationSK}
	err = forEach(ctx, s, q, decodeRegistration, func(r deltag.Registration) {
		counts.Add(r)
		if r.Status == deltag.RegistrationWaitlisted {
			waiting[stringAttr(waitlistKey(r), "SK")] = r
		}
	})
	return counts, waiting, err
}

// correctDrift adds drift to one of the counters, provided that all of them are as they were read.
func (tx *transaction) correctDrift(
	e deltag.Event, counters map[string]counterItem, drift deltag.Counts, now time.Time,
) {
	shardSKs := counterShardKeys()
	corrected := shardSKs[0]
	if e.HasSingleCounter {
		corrected = counterSK
	}
	for _, sk := range append(shardSKs, counterSK) {
		k, unchanged := key(eventPK(e.ID), sk), condCounterUnchanged(counters, sk)
		if sk == corrected {
			tx.Update(k, addToCounter(drift), unchanged)
		} else {
			tx.Check(k, unchanged)
		}
	}
	if e.HasSingleCounter {
		tx.putPromoteTask(e.ID, now)
	}
}

// repairWaitlist adds missing waitlist entries, deletes stale ones, and returns how many there were of both.
func (s *Store) repairWaitlist(
	ctx context.Context, e deltag.Event, waiting map[string]deltag.Registration, now time.Time,
) (int, error) {
	var repairs []*transaction
	err := forEach(ctx, s, query{pk: eventPK(e.ID), prefix: waitlistSK}, asItem, func(entry item) {
		sk := stringAttr(entry, "SK")
		if _, ok := waiting[sk]; ok {
			delete(waiting, sk)
			return
		}
		tx := s.begin()
		tx.deleteStaleWaitlistEntry(e.ID, sk)
		repairs = append(repairs, tx)
	})
	if err != nil {
		return 0, err
	}
	for _, r := range waiting {
		tx := s.begin()
		tx.Check(registrationKey(e.ID, r.ID), condRevision(r.Revision))
		tx.putWaitlistEntry(r)
		tx.putPromoteTask(e.ID, now)
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
