package dynamo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// SignUp stores a registration, with a seat or a waitlist entry, and its mail. A cancelled registration comes back with
// what is signed up with now. Errors: ErrFull, ErrSignUpLimit, each with nothing stored. Repeating it keeps the
// registration as it is, and sends its status again at most once in deltag.ResendCooldown.
//
// It takes one request for an event without a capacity, two to get a seat of one with it, and three to be the first who
// waits.
func (s *Store) SignUp(
	ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	if s.networks.isBlocked(in.Network, now) {
		return "", deltag.ErrSignUpLimit
	}
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return "", err
	}
	var counting sync.WaitGroup
	counting.Go(func() { s.countSignUp(ctx, in.Network, now) })
	defer counting.Wait()
	return s.signUp(ctx, e, newcomer{deltag.NewRegistration(e, in, secret, now), now})
}

// Rejoin gives a cancelled registration a seat again, or a waitlist entry behind all others. It has no rate limit:
// the caller has the personal link. Errors: ErrFull. Repeating it changes nothing.
func (s *Store) Rejoin(
	ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time,
) (deltag.SignUpOutcome, error) {
	if r.Status != deltag.RegistrationCancelled {
		return deltag.OutcomeAlreadyRegistered, nil
	}
	return s.signUp(ctx, e, newcomer{r, now})
}

// A newcomer is a registration, new or cancelled, that wants a seat.
type newcomer struct {
	deltag.Registration
	now time.Time
}

func (s *Store) signUp(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	outcome, err := s.confirmOrWaitlist(ctx, e, n)
	for attempt := 0; isConflict(err); attempt++ {
		if attempt == maxRetries {
			return "", fmt.Errorf("sign up again: %w", deltag.ErrUnavailable)
		}
		outcome, err = s.signUpExisting(ctx, e, n)
	}
	if errors.Is(err, deltag.ErrFull) { // the same answer for an address that is signed up, which gets its mail
		if resendErr := s.ResendConfirmation(ctx, e, n.Email, n.now); resendErr != nil {
			return "", resendErr
		}
	}
	return outcome, err
}

// signUpExisting signs up an address that has a registration already, or had a moment ago. ErrConflict: that has
// changed since it was read.
func (s *Store) signUpExisting(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	storedEvent, stored, err := s.EventAndRegistration(ctx, e.ID, n.ID)
	switch {
	case isNotFound(err): // erased a moment ago
		return s.confirmOrWaitlist(ctx, e, n)
	case err != nil:
		return "", err
	case stored.Status == deltag.RegistrationCancelled:
		n.Registration = stored.WithDetails(deltag.SignUpRequest{
			Name: n.Name, Email: n.Email, Organisation: n.Organisation, JobTitle: n.JobTitle,
			Answers: n.Answers, AllowsNews: n.AllowsNews, Language: n.Language,
		})
		return s.confirmOrWaitlist(ctx, storedEvent, n)
	}
	err = s.resendStatus(ctx, storedEvent, stored, n.now)
	if isNotFound(err) { // erased since it was read
		return "", deltag.ErrConflict
	}
	return deltag.OutcomeAlreadyRegistered, err
}

// Why a sign-up begins again.
var (
	errGotSeatCounter = errors.New("the event has got a seat counter since it was read")
	errSeatReturned   = errors.New("the function was so slow that its seat was given back")
)

// confirmOrWaitlist gives n a seat, or a waitlist entry when there is none. ErrConflict: the stored registration is
// not the one that n was made from.
func (s *Store) confirmOrWaitlist(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	for range maxRetries {
		outcome, err := s.tryConfirmOrWaitlist(ctx, e, n)
		switch {
		case errors.Is(err, errSeatReturned):
			continue
		case errors.Is(err, errGotSeatCounter):
			if e, err = s.Event(ctx, e.ID); err != nil {
				return "", err
			}
			continue
		}
		return outcome, err
	}
	return "", fmt.Errorf("sign up: %w", deltag.ErrUnavailable)
}

func (s *Store) tryConfirmOrWaitlist(
	ctx context.Context, e deltag.Event, n newcomer,
) (outcome deltag.SignUpOutcome, err error) {
	seat := ""
	if e.HasSeatCounter {
		seat, err = s.takeSeat(ctx, e, n.now)
	}
	switch {
	case errors.Is(err, errMustWait) && !e.HasWaitlist:
		return "", deltag.ErrFull
	case errors.Is(err, errMustWait):
		return deltag.OutcomeWaitlisted, s.waitlist(ctx, e, n)
	case err != nil:
		return "", err
	}
	err = s.confirm(ctx, e, n, seat)
	if isConflict(err) { // after any other error it is unknown whether the seat is held: see CheckSeats
		s.passOnSeat(ctx, e.ID, seat, n.now)
	}
	return deltag.OutcomeConfirmed, err
}

// confirm stores n with a seat, "" where seats are not counted. Errors: ErrConflict, errSeatReturned, errGotSeatCounter.
func (s *Store) confirm(ctx context.Context, e deltag.Event, n newcomer, seat string) error {
	next, mail := n.Confirm(n.now)
	next.Seat = seat
	tx := s.begin()
	var held *action
	if seat != "" {
		held = tx.holdSeat(next)
	}
	err := tx.commitSignUp(ctx, e, n, next, mail)
	if isConflict(err) && held.Failed() {
		return errSeatReturned
	}
	return err
}

// waitlist adds n to the waitlist. Errors: ErrConflict.
func (s *Store) waitlist(ctx context.Context, e deltag.Event, n newcomer) error {
	next, mail := n.JoinWaitlist(n.now)
	tx := s.begin()
	tx.putWaitlistEntry(next)
	return tx.commitSignUp(ctx, e, n, next, mail)
}

func (tx *transaction) commitSignUp(
	ctx context.Context, e deltag.Event, n newcomer, next deltag.Registration, mail deltag.Delivery,
) error {
	registration, delivery := tx.putRegistration(next), tx.putDelivery(mail)
	counts := tx.addCounts(e, n.ID, countChange(n.Registration, next))
	err := tx.Commit(ctx)
	if isConflict(err) && counts.Failed() && !registration.Failed() && !delivery.Failed() {
		return errGotSeatCounter
	}
	return err
}

// CancelRegistration cancels r, and gives its seat to the first on the waitlist. Errors: ErrNotFound. Repeating it
// changes nothing.
func (s *Store) CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	var seat string
	err := s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		seat = ""
		if r.Status == deltag.RegistrationCancelled {
			return
		}
		next, mail := r.Cancel(now)
		seat = tx.giveUpPlace(e, r, &next, now)
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
	})
	if err != nil {
		return err
	}
	s.passOnSeat(ctx, e.ID, seat, now)
	return nil
}
