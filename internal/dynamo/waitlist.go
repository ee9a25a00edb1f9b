package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// WaitlistPosition is r's place in line, from 1.
func (s *Store) WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error) {
	q := query{pk: eventPK(r.EventID), from: waitlistSK, to: waitlistKey(newRegistrationItem(r)), count: true}
	place := 0
	for {
		out, err := s.queryPage(ctx, q)
		if err != nil {
			return 0, err
		}
		place += int(out.Count)
		if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
			return place, nil
		}
	}
}

// putWaitlistEntry takes the place at the end of the line.
func (s *Store) putWaitlistEntry(r deltag.Registration) types.TransactWriteItem {
	it := newRegistrationItem(r)
	return s.put(item{"PK": avString(it.PK), "SK": avString(waitlistKey(it)), "ID": avString(r.ID)}, condNotExists, nil)
}

// deleteStaleWaitlistEntry removes a place in line if nobody waits in it.
func (s *Store) deleteStaleWaitlistEntry(eventID, sk string) []types.TransactWriteItem {
	since, id := parseWaitlistKey(sk)
	return []types.TransactWriteItem{
		s.check(key(eventPK(eventID), registrationSK+id), "attribute_not_exists(WaitlistedAt) OR WaitlistedAt <> :since", item{":since": avString(since)}),
		s.delete(key(eventPK(eventID), sk), "", nil),
	}
}
