package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// recountItem is due once a day, and keeps what was found the last time.
type recountItem struct {
	PK, SK         string
	GSI1PK, GSI1SK string `dynamodbav:",omitempty"`
	At             string `dynamodbav:",omitempty"`
	Confirmed      int
	Waiting        int
	Cancelled      int
	Places         int
}

func (s *Store) putRecount(e deltag.Event, r deltag.Recount, next time.Time) types.TransactWriteItem {
	it := recountItem{
		PK: eventPK(e.ID), SK: recountSK, At: stamp(r.At), Confirmed: r.Drift.Confirmed, Waiting: r.Drift.Waiting,
		Cancelled: r.Drift.Cancelled, Places: r.Places,
	}
	if next.Before(e.ErasedAt()) {
		it.GSI1PK, it.GSI1SK = duePK, stamp(next)
	}
	return s.put(encode(it), "", nil)
}

// LastRecount is what the last one found. ErrNotFound when there was none.
func (s *Store) LastRecount(ctx context.Context, eventID string) (deltag.Recount, error) {
	it, err := s.get(ctx, eventPK(eventID), recountSK)
	if err != nil {
		return deltag.Recount{}, err
	}
	r, err := decode[recountItem](it)
	if r.At == "" {
		return deltag.Recount{}, deltag.ErrNotFound
	}
	return deltag.Recount{At: unstamp(r.At), Places: r.Places, Drift: deltag.Counts{
		Confirmed: r.Confirmed, Waiting: r.Waiting, Cancelled: r.Cancelled,
	}}, err
}

// Recount checks the tallies and the line of an event against its registrations, and mends what is off. It may run at
// any time: what it writes is refused if a tally has changed since the count began. ErrConflict: it was disturbed each time it tried.
func (s *Store) Recount(ctx context.Context, eventID string, now time.Time) (deltag.Recount, error) {
	e, err := s.Event(ctx, eventID)
	if isGone(err) {
		return deltag.Recount{}, s.removeAll(ctx, key(eventPK(eventID), recountSK))
	}
	if err != nil {
		return deltag.Recount{}, err
	}
	if !now.Before(e.ErasedAt()) { // with its people erased, the counts are all there is
		rest := s.update(key(eventPK(eventID), recountSK), "REMOVE GSI1PK, GSI1SK", present, nil, nil)
		return deltag.Recount{At: now}, ignoreConflict(s.write(ctx, rest))
	}
	for range recounts {
		r, err := s.recount(ctx, e, now)
		if err == nil {
			return r, s.write(ctx, s.putRecount(e, r, now.Add(deltag.RecountEvery)))
		}
		if !errors.Is(err, deltag.ErrConflict) {
			return deltag.Recount{}, err
		}
	}
	return deltag.Recount{}, deltag.ErrConflict
}

// recounts is how often a count that was disturbed begins anew.
const recounts = 3

func (s *Store) recount(ctx context.Context, e deltag.Event, now time.Time) (deltag.Recount, error) {
	before, err := s.tallies(ctx, e.ID)
	if err != nil {
		return deltag.Recount{}, err
	}
	found, waiting, err := s.countRegistrations(ctx, e.ID)
	if err != nil {
		return deltag.Recount{}, err
	}
	told := sum(before)
	found.Attended = told.Attended // it also counts people who have had themselves erased
	r := deltag.Recount{At: now, Drift: found.Minus(told)}
	if r.Drift != (deltag.Counts{}) {
		if err := s.write(ctx, s.correction(e, before, r.Drift, now)...); err != nil {
			return deltag.Recount{}, err
		}
	}
	r.Places, err = s.mendLine(ctx, e, waiting, now)
	return r, err
}

// countRegistrations counts them all, and returns those who wait, by the key of their place.
func (s *Store) countRegistrations(ctx context.Context, eventID string) (deltag.Counts, map[string]deltag.Registration, error) {
	var c deltag.Counts
	waiting := map[string]deltag.Registration{}
	for it, err := range s.all(ctx, query{pk: eventPK(eventID), prefix: regSK}) {
		if err != nil {
			return c, nil, err
		}
		r, err := decodeRegistration(it)
		if err != nil {
			return c, nil, err
		}
		c.Count(r)
		if r.Status == deltag.Waiting {
			waiting[waitKey(newRegistrationItem(r))] = r
		}
	}
	return c, waiting, nil
}

// correction adds drift to one tally, provided that none has changed since it was read.
func (s *Store) correction(e deltag.Event, read map[string]tallyItem, drift deltag.Counts, now time.Time) []types.TransactWriteItem {
	corrected := tally(e, string(idAlphabet[0]))
	var actions []types.TransactWriteItem
	for _, sk := range append([]string{seatsSK}, tallyKeys()...) {
		k, condition, values := key(eventPK(e.ID), sk), absent, item(nil)
		if t, ok := read[sk]; ok {
			condition, values = "Changes = :seen", item{":seen": num(t.Changes)}
		}
		if sk != text(corrected, "SK") {
			actions = append(actions, s.check(k, condition, values))
			continue
		}
		add := counted(drift)
		for name, v := range values {
			add[name] = v
		}
		actions = append(actions, s.update(k, addCounts, condition, nil, add))
	}
	if e.Seated {
		actions = append(actions, s.putPromote(e.ID, now))
	}
	return actions
}

// dropPlace removes a place in line if nobody waits in it.
func (s *Store) dropPlace(eventID, sk string) []types.TransactWriteItem {
	since, id := parseWaitKey(sk)
	return []types.TransactWriteItem{
		s.check(key(eventPK(eventID), regSK+id), "attribute_not_exists(WaitingSince) OR WaitingSince <> :since", item{":since": str(since)}),
		s.remove(key(eventPK(eventID), sk), "", nil),
	}
}

// mendLine gives those who wait the places that are missing, and removes places of nobody. It returns how many there were.
func (s *Store) mendLine(ctx context.Context, e deltag.Event, waiting map[string]deltag.Registration, now time.Time) (int, error) {
	var mends [][]types.TransactWriteItem
	for it, err := range s.all(ctx, query{pk: eventPK(e.ID), prefix: waitSK}) {
		if err != nil {
			return 0, err
		}
		sk := text(it, "SK")
		if _, ok := waiting[sk]; ok {
			delete(waiting, sk)
			continue
		}
		mends = append(mends, s.dropPlace(e.ID, sk))
	}
	for _, r := range waiting {
		mends = append(mends, []types.TransactWriteItem{
			s.check(key(eventPK(e.ID), regSK+r.ID), unchanged, was(r.Revision)), s.putPlace(r), s.putPromote(e.ID, now),
		})
	}
	mended := 0
	for _, actions := range mends {
		err := s.write(ctx, actions...)
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
