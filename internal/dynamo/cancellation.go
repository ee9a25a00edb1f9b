package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// CancelRegistration gives r's seat or place in line back, and a seat to the first in line. Harmless to repeat.
func (s *Store) CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.updateWithRetry(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if r.Status == deltag.RegistrationCancelled {
			return nil
		}
		next, mail := r.Cancel(now)
		return append(s.releaseActions(e, r, deltag.Counts{Cancelled: 1}, now), s.putIfUnchanged(next), s.putDelivery(mail))
	})
	if err != nil {
		return err
	}
	return s.promoteNow(ctx, e, now)
}

// releaseActions takes r off the tally and out of the line, with what else is to be counted. How many came stays, also when one
// of them is erased.
func (s *Store) releaseActions(e deltag.Event, r deltag.Registration, by deltag.Counts, now time.Time) []types.TransactWriteItem {
	switch r.Status {
	case deltag.RegistrationConfirmed:
		by.Confirmed--
	case deltag.RegistrationWaitlisted:
		by.Waitlisted--
	case deltag.RegistrationCancelled:
		by.Cancelled--
	}
	actions := []types.TransactWriteItem{s.addCounts(e, r.ID, by)}
	if r.Status == deltag.RegistrationWaitlisted {
		it := newRegistrationItem(r)
		actions = append(actions, s.delete(key(it.PK, waitlistKey(it)), "", nil))
	}
	if e.HasSeatCounter && r.Status == deltag.RegistrationConfirmed {
		actions = append(actions, s.putPromoteTask(e.ID, now))
	}
	return actions
}
