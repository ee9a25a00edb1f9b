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
func (s *Store) SignUp(ctx context.Context, e deltag.Event, in deltag.SignUp, now time.Time) (deltag.Outcome, error) {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return "", err
	}
	r := deltag.NewRegistration(e, in, secret, now)
	gate, err := s.gate(ctx, r, in.Network, now)
	if err != nil {
		return "", err
	}
	outcome, err := s.enter(ctx, e, r, now, gate...)
	if !errors.Is(err, deltag.ErrConflict) {
		return outcome, err
	}
	return s.signUpAgain(ctx, e, r, now, gate...)
}

// signUpAgain is for an address that has a registration: one that was withdrawn comes back with
// what was typed now, any other stays.
func (s *Store) signUpAgain(ctx context.Context, e deltag.Event, typed deltag.Registration, now time.Time, gate ...types.TransactWriteItem) (deltag.Outcome, error) {
	for range maxRetries {
		stored, r, err := s.Visit(ctx, e.ID, typed.ID)
		switch {
		case isGone(err): // erased a moment ago
			stored, r = e, typed
		case err != nil:
			return "", err
		case r.Status != deltag.Withdrawn:
			outcome, err := s.answerAgain(ctx, stored, r, now)
			if isGone(err) {
				continue
			}
			return outcome, err
		default:
			r = r.With(deltag.SignUp{
				Name: typed.Name, Email: typed.Email, Organisation: typed.Organisation, Role: typed.Role,
				Answers: typed.Answers, Updates: typed.Updates, Language: typed.Language,
			})
		}
		outcome, err := s.enter(ctx, stored, r, now, gate...)
		if !errors.Is(err, deltag.ErrConflict) {
			return outcome, err
		}
	}
	return "", fmt.Errorf("sign up again: %w", deltag.ErrUnavailable)
}

// answerAgain tells a person once more how they stand, and the caller what a stranger would hear: at a full event without
// a waiting list a known address must not stand out.
func (s *Store) answerAgain(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.Outcome, error) {
	if err := s.repeat(ctx, e, r, now); err != nil || !e.Seated || e.WaitingList || e.Capacity == nil {
		return deltag.OutcomeRepeated, err
	}
	c, err := s.Counts(ctx, e)
	if err == nil && c.Confirmed >= *e.Capacity {
		err = deltag.ErrFull
	}
	return deltag.OutcomeRepeated, err
}

// Rejoin gives a withdrawn registration a seat again, or a place at the end of the line.
func (s *Store) Rejoin(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) (deltag.Outcome, error) {
	if r.Status != deltag.Withdrawn {
		return deltag.OutcomeRepeated, nil
	}
	outcome, err := s.enter(ctx, e, r, now)
	if !errors.Is(err, deltag.ErrConflict) {
		return outcome, err
	}
	return s.signUpAgain(ctx, e, r, now)
}

// enter gives r a seat, or a place in line when there is none, if the gate is open. ErrConflict: the registration is not
// stored as r has it.
func (s *Store) enter(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time, gate ...types.TransactWriteItem) (deltag.Outcome, error) {
	left := 0
	if r.Status == deltag.Withdrawn {
		left = -1
	}
	for range maxRetries {
		next, mail := r.Confirm(now)
		actions := []types.TransactWriteItem{s.store(next), s.putDelivery(mail), s.take(e, r.ID, deltag.Counts{Confirmed: 1, Cancelled: left})}
		err := s.write(ctx, append(actions, gate...)...)
		switch closed := refusal(err, len(actions)); {
		case err == nil:
			return deltag.OutcomeConfirmed, nil
		case closed != nil:
			return "", closed
		case on(err, 0) || on(err, 1) || !errors.Is(err, deltag.ErrConflict):
			return "", err
		case !e.Seated: // the shard is sealed: the event has a limit now
			if e, err = s.Event(ctx, e.ID); err != nil {
				return "", err
			}
			continue
		case !e.WaitingList:
			return "", deltag.ErrFull
		}
		next, mail = r.Wait(now)
		actions = []types.TransactWriteItem{s.store(next), s.putDelivery(mail),
			s.add(tally(e, r.ID), deltag.Counts{Waiting: 1, Cancelled: left}, noSeat), s.putPlace(next)}
		err = s.write(ctx, append(actions, gate...)...)
		if err == nil {
			return deltag.OutcomeWaiting, nil
		}
		if closed := refusal(err, len(actions)); closed != nil {
			return "", closed
		}
		if on(err, 0) || on(err, 1) || !errors.Is(err, deltag.ErrConflict) {
			return "", err
		}
		// A seat came free between the two transactions: try for it.
	}
	return "", fmt.Errorf("sign up: %w", deltag.ErrUnavailable)
}

// store writes a registration's first state if there is none, and any later one over the one before.
func (s *Store) store(r deltag.Registration) types.TransactWriteItem {
	if r.Revision == 1 {
		return s.put(encode(newRegistrationItem(r)), absent, nil)
	}
	return s.save(r)
}

// putPlace takes the place at the end of the line.
func (s *Store) putPlace(r deltag.Registration) types.TransactWriteItem {
	it := newRegistrationItem(r)
	return s.put(item{"PK": str(it.PK), "SK": str(waitKey(it)), "ID": str(r.ID)}, absent, nil)
}

// Withdraw gives r's seat or place in line back, and a seat to the first in line. Harmless to repeat.
func (s *Store) Withdraw(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.revise(ctx, e, r, func(e deltag.Event, r deltag.Registration) []types.TransactWriteItem {
		if r.Status == deltag.Withdrawn {
			return nil
		}
		next, mail := r.Withdraw(now)
		return append(s.leave(e, r, deltag.Counts{Cancelled: 1}, now), s.save(next), s.putDelivery(mail))
	})
	if err != nil {
		return err
	}
	return s.promoteNow(ctx, e, now)
}

// leave takes r off the tally and out of the line, with what else is to be counted. How many came stays, also when one
// of them is erased.
func (s *Store) leave(e deltag.Event, r deltag.Registration, by deltag.Counts, now time.Time) []types.TransactWriteItem {
	switch r.Status {
	case deltag.Confirmed:
		by.Confirmed--
	case deltag.Waiting:
		by.Waiting--
	case deltag.Withdrawn:
		by.Cancelled--
	}
	actions := []types.TransactWriteItem{s.count(e, r.ID, by)}
	if r.Status == deltag.Waiting {
		it := newRegistrationItem(r)
		actions = append(actions, s.remove(key(it.PK, waitKey(it)), "", nil))
	}
	if e.Seated && r.Status == deltag.Confirmed {
		actions = append(actions, s.putPromote(e.ID, now))
	}
	return actions
}

// promoteNow fills a seat at once. Its failure is not the caller's: the note in the due index brings
// the repair back within a minute.
func (s *Store) promoteNow(ctx context.Context, e deltag.Event, now time.Time) error {
	if e.Seated {
		_ = s.Promote(ctx, e.ID, now)
	}
	return nil
}
