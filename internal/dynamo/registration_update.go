package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// updateWithRetry writes a change of a registration that is made from its latest state: first of the one the
// caller has read, and after a conflict of the one that is stored. change returns no actions when there is
// nothing left to do, which makes every caller safe to repeat.
func (s *Store) updateWithRetry(ctx context.Context, e deltag.Event, r deltag.Registration, change func(deltag.Event, deltag.Registration) []types.TransactWriteItem) error {
	for attempt := 1; ; attempt++ {
		actions := change(e, r)
		if len(actions) == 0 {
			return nil
		}
		err := s.transact(ctx, actions...)
		if !errors.Is(err, deltag.ErrConflict) || attempt == maxRetries {
			return err
		}
		event, latest, visitErr := s.EventAndRegistration(ctx, e.ID, r.ID)
		if visitErr != nil {
			return visitErr
		}
		if event.Revision == e.Revision && latest.Revision == r.Revision {
			return err // it was something else than what the change is made from
		}
		e, r = event, latest
	}
}

// MarkAttended notes that r came, the first time; later presses change nothing.
func (s *Store) MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.updateWithRetry(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if !r.AttendedAt.IsZero() {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(r.MarkAttended(now)), s.addCounts(e, r.ID, deltag.Counts{Attended: 1})}
	})
}

// Unsubscribe ends optional mail to r.
func (s *Store) Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, _ time.Time) error {
	return s.setAddressStatus(ctx, e, r, deltag.AddressUnsubscribed)
}

// setAddressStatus notes a state of the address; a worse one that is known already stays.
func (s *Store) setAddressStatus(ctx context.Context, e deltag.Event, r deltag.Registration, state deltag.AddressStatus) error {
	return s.updateWithRetry(ctx, e, r, func(_ deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if !state.MoreSevereThan(r.AddressStatus) {
			return nil
		}
		return []types.TransactWriteItem{s.putIfUnchanged(r.SetAddressStatus(state))}
	})
}

// UpdateByAttendee stores what a person changed about their registration. ErrConflict: it was changed in the meantime. A new address
// gets a registration of its own in the place of the old one, with new links and a confirmation; the links sent to the old
// address die, and it gets a note. If the new address is signed up already, the old registration is given up in its
// favour, and the answer is the same.
func (s *Store) UpdateByAttendee(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time) error {
	return s.updateRegistration(ctx, e, r, in, now, deltag.KindAddressChanged)
}

// UpdateByOrganiser is Change by an organiser. The old address gets no note: it is dead, or a stranger's.
func (s *Store) UpdateByOrganiser(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time) error {
	return s.updateRegistration(ctx, e, r, in, now, "")
}

func (s *Store) updateRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time, farewell deltag.MailKind) error {
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.changeAddress(ctx, e, r, in, now, farewell)
	}
	next := r.WithDetails(in)
	next.Revision++
	return s.transact(ctx, s.putIfUnchanged(next))
}

// maxPreviousIDs bounds how many former addresses' ledger rows are kept.
const maxPreviousIDs = 10

// maxMissed bounds what one transaction sends again, the latest first.
const maxMissed = 80

// changeAddress moves a registration to another address, with what the old one has missed.
func (s *Store) changeAddress(ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time, farewell deltag.MailKind) error {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	rows, err := s.DeliveriesOf(ctx, r.EventID, r.ID)
	if err != nil {
		return err
	}
	ms, err := s.Mailings(ctx, r.EventID)
	if err != nil {
		return err
	}
	next, mail := r.ChangeAddress(e, in, secret, now)
	forgotten := next.PreviousIDs[:max(0, len(next.PreviousIDs)-maxPreviousIDs)]
	next.PreviousIDs = next.PreviousIDs[len(forgotten):]
	actions := []types.TransactWriteItem{
		s.putRegistration(next),
		s.delete(key(eventPK(r.EventID), registrationSK+r.ID), condRevision, revisionParam(r.Revision)),
		s.putDelivery(mail),
		s.addCounts(e, r.ID, deltag.Counts{}), // a recount may have seen the one and not the other
	}
	if r.Status == deltag.RegistrationWaitlisted { // the place in line is kept
		old := newRegistrationItem(r)
		actions = append(actions, s.delete(key(old.PK, waitlistKey(old)), "", nil), s.putWaitlistEntry(next))
	}
	actions = append(actions, s.putPurgeTasks(r.EventID, forgotten, now)...)
	if farewell != "" {
		actions = append(actions, s.putFinalDelivery(e, r, farewell, now))
	}
	missed := r.MissedDeliveries(next, rows, ms)
	for _, d := range missed[max(0, len(missed)-maxMissed):] {
		actions = append(actions, s.putDelivery(d))
	}
	err = s.transact(ctx, actions...)
	if failedAt(err, 0) && !failedAt(err, 1) {
		return s.mergeRegistrations(ctx, e, r, next.Email, now, farewell)
	}
	return err
}

// mergeRegistrations gives r up in favour of the registration that its new address already has.
func (s *Store) mergeRegistrations(ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time, farewell deltag.MailKind) error {
	if err := s.removeRegistration(ctx, e, r, farewell, now); err != nil {
		return err
	}
	return s.ResendConfirmation(ctx, e, to, now)
}
