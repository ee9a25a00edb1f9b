package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// reconciliationItem is due once a day, and keeps what was found the last time.
type reconciliationItem struct {
	PK, SK          string
	GSI1PK, GSI1SK  string `dynamodbav:",omitempty"`
	At              string `dynamodbav:",omitempty"`
	Confirmed       int
	Waitlisted      int
	Cancelled       int
	WaitlistRepairs int
}

func (s *Store) putReconcileTask(e deltag.Event, r deltag.Reconciliation, next time.Time) types.TransactWriteItem {
	it := reconciliationItem{
		PK: eventPK(e.ID), SK: reconcileSK, At: formatTime(r.At), Confirmed: r.Drift.Confirmed, Waitlisted: r.Drift.Waitlisted,
		Cancelled: r.Drift.Cancelled, WaitlistRepairs: r.WaitlistRepairs,
	}
	if next.Before(e.RetentionEndsAt()) {
		it.GSI1PK, it.GSI1SK = duePK, formatTime(next)
	}
	return s.put(encode(it), "", nil)
}

// LastReconciliation is what the last one found. ErrNotFound when there was none.
func (s *Store) LastReconciliation(ctx context.Context, eventID string) (deltag.Reconciliation, error) {
	it, err := s.get(ctx, eventPK(eventID), reconcileSK)
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	r, err := decode[reconciliationItem](it)
	if r.At == "" {
		return deltag.Reconciliation{}, deltag.ErrNotFound
	}
	return deltag.Reconciliation{At: parseTime(r.At), WaitlistRepairs: r.WaitlistRepairs, Drift: deltag.Counts{
		Confirmed: r.Confirmed, Waitlisted: r.Waitlisted, Cancelled: r.Cancelled,
	}}, err
}

// Reconcile checks the tallies and the line of an event against its registrations, and mends what is off. It may run at
// any time: what it writes is refused if a tally has changed since the count began. ErrConflict: it was disturbed each time it tried.
func (s *Store) Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error) {
	e, err := s.Event(ctx, eventID)
	if isNotFound(err) {
		return deltag.Reconciliation{}, s.deleteAll(ctx, key(eventPK(eventID), reconcileSK))
	}
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	if !now.Before(e.RetentionEndsAt()) { // with its people erased, the counts are all there is
		rest := s.update(key(eventPK(eventID), reconcileSK), "REMOVE GSI1PK, GSI1SK", condExists, nil, nil)
		return deltag.Reconciliation{At: now}, ignoreConflict(s.transact(ctx, rest))
	}
	for range maxReconcileAttempts {
		r, err := s.reconcile(ctx, e, now)
		if err == nil {
			return r, s.transact(ctx, s.putReconcileTask(e, r, now.Add(deltag.ReconcileInterval)))
		}
		if !errors.Is(err, deltag.ErrConflict) {
			return deltag.Reconciliation{}, err
		}
	}
	return deltag.Reconciliation{}, deltag.ErrConflict
}

// maxReconcileAttempts is how often a count that was disturbed begins anew.
const maxReconcileAttempts = 3

func (s *Store) reconcile(ctx context.Context, e deltag.Event, now time.Time) (deltag.Reconciliation, error) {
	before, err := s.readCounters(ctx, e.ID)
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	found, waiting, err := s.countRegistrations(ctx, e.ID)
	if err != nil {
		return deltag.Reconciliation{}, err
	}
	told := sumCounters(before)
	found.Attended = told.Attended // it also counts people who have had themselves erased
	r := deltag.Reconciliation{At: now, Drift: found.Sub(told)}
	if r.Drift != (deltag.Counts{}) {
		if err := s.transact(ctx, s.driftCorrection(e, before, r.Drift, now)...); err != nil {
			return deltag.Reconciliation{}, err
		}
	}
	r.WaitlistRepairs, err = s.repairWaitlist(ctx, e, waiting, now)
	return r, err
}

// countRegistrations counts them all, and returns those who wait, by the key of their place.
func (s *Store) countRegistrations(ctx context.Context, eventID string) (deltag.Counts, map[string]deltag.Registration, error) {
	var c deltag.Counts
	waiting := map[string]deltag.Registration{}
	for it, err := range s.queryAll(ctx, query{pk: eventPK(eventID), prefix: registrationSK}) {
		if err != nil {
			return c, nil, err
		}
		r, err := decodeRegistration(it)
		if err != nil {
			return c, nil, err
		}
		c.Add(r)
		if r.Status == deltag.RegistrationWaitlisted {
			waiting[waitlistKey(newRegistrationItem(r))] = r
		}
	}
	return c, waiting, nil
}

// driftCorrection adds drift to one tally, provided that none has changed since it was read.
func (s *Store) driftCorrection(e deltag.Event, read map[string]counterItem, drift deltag.Counts, now time.Time) []types.TransactWriteItem {
	corrected := counterKey(e, string(idAlphabet[0]))
	var actions []types.TransactWriteItem
	for _, sk := range append([]string{counterSK}, counterShardKeys()...) {
		k, condition, values := key(eventPK(e.ID), sk), condNotExists, item(nil)
		if t, ok := read[sk]; ok {
			condition, values = "Version = :seen", item{":seen": avNumber(t.Version)}
		}
		if sk != stringAttr(corrected, "SK") {
			actions = append(actions, s.check(k, condition, values))
			continue
		}
		add := countValues(drift)
		for name, v := range values {
			add[name] = v
		}
		actions = append(actions, s.update(k, countExpression, condition, nil, add))
	}
	if e.HasSeatCounter {
		actions = append(actions, s.putPromoteTask(e.ID, now))
	}
	return actions
}

// repairWaitlist gives those who wait the places that are missing, and removes places of nobody. It returns how many there were.
func (s *Store) repairWaitlist(ctx context.Context, e deltag.Event, waiting map[string]deltag.Registration, now time.Time) (int, error) {
	var mends [][]types.TransactWriteItem
	for it, err := range s.queryAll(ctx, query{pk: eventPK(e.ID), prefix: waitlistSK}) {
		if err != nil {
			return 0, err
		}
		sk := stringAttr(it, "SK")
		if _, ok := waiting[sk]; ok {
			delete(waiting, sk)
			continue
		}
		mends = append(mends, s.deleteStaleWaitlistEntry(e.ID, sk))
	}
	for _, r := range waiting {
		mends = append(mends, []types.TransactWriteItem{
			s.check(key(eventPK(e.ID), registrationSK+r.ID), condRevision, revisionParam(r.Revision)), s.putWaitlistEntry(r), s.putPromoteTask(e.ID, now),
		})
	}
	mended := 0
	for _, actions := range mends {
		err := s.transact(ctx, actions...)
		if errors.Is(err, deltag.ErrConflict) {
			continue // they have moved on
		}
		if err != nil {
			return mended, err
		}
		mended++
	}
	return mended, nil
}
