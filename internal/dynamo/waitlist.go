package dynamo

import (
	"context"

	"deltag/internal/deltag"
)

// WaitlistPosition is r's position on the waitlist, from 1.
func (s *Store) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	pk, sk := waitlistKey(r)
	q := query{pk: pk, from: waitlistSK, to: sk, count: true}
	position := 0
	for {
		out, err := s.queryPage(ctx, q)
		if err != nil {
			return 0, err
		}
		position += int(out.Count)
		if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
			return position, nil
		}
	}
}

// putWaitlistEntry adds r to the waitlist, at r.WaitlistedAt.
func (tx *transaction) putWaitlistEntry(r deltag.Registration) *action {
	entry := key(waitlistKey(r))
	entry["ID"] = avString(r.ID)
	return tx.Put(entry, condNotExists)
}

func (tx *transaction) deleteWaitlistEntry(r deltag.Registration) {
	tx.Delete(key(waitlistKey(r)), always)
}

// deleteStaleWaitlistEntry is for an entry whose registration is gone or does not wait since then.
func (tx *transaction) deleteStaleWaitlistEntry(eventID, sk string) {
	joinedAt, registrationID := parseWaitlistKey(sk)
	tx.Check(registrationKey(eventID, registrationID), condition{
		expr:   "attribute_not_exists(WaitlistedAt) OR WaitlistedAt <> :joined",
		values: item{":joined": avString(joinedAt)},
	})
	tx.Delete(key(eventPK(eventID), sk), always)
}
