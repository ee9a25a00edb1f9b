package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// SignUp stores a registration, its confirmation and its seat in one transaction; without a free
// seat, its place in line instead. Repeating it is harmless: an address that is signed up already stays as it is, and is
// told so again at most once in deltag.RepeatAfter. ErrFull: no seat and no waiting list, nothing stored.
func (s *Store) SignUp(ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error) {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return "", err
	}
	r := deltag.NewRegistration(e, in, secret, now)
	gate, err := s.rateLimitActions(ctx, r, in.Network, now)
	if err != nil {
		return "", err
	}
	outcome, err := s.reserveOrWaitlist(ctx, e, r, now, gate...)
	if !errors.Is(err, deltag.ErrConflict) {
		return outcome, err
	}
	return s.signUpExisting(ctx, e, r, now, gate...)
}

// signUpExisting is for an address that has a registration: one that was withdrawn comes back with
// what was typed now, any other stays.
func (s *Store) signUpExisting(ctx context.Context, e deltag.Event, typed deltag.Registration, now time.Time, gate ...types.TransactWriteItem) (deltag.SignUpOutcome, error) {
	for range maxRetries {
		stored, r, err := s.EventAndRegistration(ctx, e.ID, typed.ID)
		switch {
		case isNotFound(err): // erased a moment ago
			stored, r = e, typed
		case err != nil:
			return "", err
		case r.Status != deltag.RegistrationCancelled:
			outcome, err := s.outcomeForExisting(ctx, stored, r, now)
			if isNotFound(err) {
				continue
			}
			return outcome, err
		default:
			r = r.WithDetails(deltag.SignUpRequest{
				Name: typed.Name, Email: typed.Email, Organisation: typed.Organisation, Role: typed.Role,
				Answers: typed.Answers, Updates: typed.Updates, Language: typed.Language,
			})
		}
		outcome, err := s.reserveOrWaitlist(ctx, stored, r, now, gate...)
		if !errors.Is(err, deltag.ErrConflict) {
			return outcome, err
		}
	}
	return "", fmt.Errorf("sign up again: %w", deltag.ErrUnavailable)
}

// outcomeForExisting tells a person once more how they stand, and the caller what a stranger would hear: at a full event without
// a waiting list a known address must not stand out.
func (s *Store) outcomeForExisting(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.SignUpOutcome, error) {
	if err := s.resend(ctx, e, r, now); err != nil || !e.HasSeatCounter || e.HasWaitlist || e.Capacity == nil {
		return deltag.OutcomeAlreadyRegistered, err
	}
	c, err := s.Counts(ctx, e)
	if err == nil && c.Confirmed >= *e.Capacity {
		err = deltag.ErrFull
	}
	return deltag.OutcomeAlreadyRegistered, err
}

// Rejoin gives a withdrawn registration a seat again, or a place at the end of the line.
func (s *Store) Rejoin(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.SignUpOutcome, error) {
	if r.Status != deltag.RegistrationCancelled {
		return deltag.OutcomeAlreadyRegistered, nil
	}
	outcome, err := s.reserveOrWaitlist(ctx, e, r, now)
	if !errors.Is(err, deltag.ErrConflict) {
		return outcome, err
	}
	return s.signUpExisting(ctx, e, r, now)
}

// reserveOrWaitlist gives r a seat, or a place in line when there is none, if the gate is open. ErrConflict: the registration is not
// stored as r has it.
func (s *Store) reserveOrWaitlist(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time, gate ...types.TransactWriteItem) (deltag.SignUpOutcome, error) {
	left := 0
	if r.Status == deltag.RegistrationCancelled {
		left = -1
	}
	for range maxRetries {
		next, mail := r.Confirm(now)
		actions := []types.TransactWriteItem{s.putRegistration(next), s.putDelivery(mail), s.reserveSeat(e, r.ID, deltag.Counts{Confirmed: 1, Cancelled: left})}
		err := s.transact(ctx, append(actions, gate...)...)
		switch closed := rateLimitError(err, len(actions)); {
		case err == nil:
			return deltag.OutcomeConfirmed, nil
		case closed != nil:
			return "", closed
		case failedAt(err, 0) || failedAt(err, 1) || !errors.Is(err, deltag.ErrConflict):
			return "", err
		case !e.HasSeatCounter: // the shard is sealed: the event has a limit now
			if e, err = s.Event(ctx, e.ID); err != nil {
				return "", err
			}
			continue
		case !e.HasWaitlist:
			return "", deltag.ErrFull
		}
		next, mail = r.JoinWaitlist(now)
		actions = []types.TransactWriteItem{s.putRegistration(next), s.putDelivery(mail),
			s.updateCounter(counterKey(e, r.ID), deltag.Counts{Waitlisted: 1, Cancelled: left}, condNoSeat), s.putWaitlistEntry(next)}
		err = s.transact(ctx, append(actions, gate...)...)
		if err == nil {
			return deltag.OutcomeWaitlisted, nil
		}
		if closed := rateLimitError(err, len(actions)); closed != nil {
			return "", closed
		}
		if failedAt(err, 0) || failedAt(err, 1) || !errors.Is(err, deltag.ErrConflict) {
			return "", err
		}
		// A seat came free between the two transactions: try for it.
	}
	return "", fmt.Errorf("sign up: %w", deltag.ErrUnavailable)
}

// putRegistration writes a registration's first state if there is none, and any later one over the one before.
func (s *Store) putRegistration(r deltag.Registration) types.TransactWriteItem {
	if r.Revision == 1 {
		return s.put(encode(newRegistrationItem(r)), condNotExists, nil)
	}
	return s.putIfUnchanged(r)
}

// putWaitlistEntry takes the place at the end of the line.
func (s *Store) putWaitlistEntry(r deltag.Registration) types.TransactWriteItem {
	it := newRegistrationItem(r)
	return s.put(item{"PK": avString(it.PK), "SK": avString(waitlistKey(it)), "ID": avString(r.ID)}, condNotExists, nil)
}

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

// promoteNow fills a seat at once. Its failure is not the caller's: the note in the due index brings
// the repair back within a minute.
func (s *Store) promoteNow(ctx context.Context, e deltag.Event, now time.Time) error {
	if e.HasSeatCounter {
		_ = s.Promote(ctx, e.ID, now)
	}
	return nil
}
