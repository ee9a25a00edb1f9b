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
