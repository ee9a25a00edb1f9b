package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"deltag/internal/deltag"
)

// SignUp stores a registration, its mail and its seat, or its waitlist entry when there is no seat, in one
// transaction. One that has to be verified is stored without either. A cancelled registration stays as it is, and its
// owner gets the mail to verify it; but it comes back with what the organiser signs it up with. Errors: ErrFull,
// ErrMailLimit, ErrSignUpLimit, each with nothing stored. Repeating it keeps the registration as it is, and sends its
// status again at most once in deltag.ResendCooldown.
func (s *Store) SignUp(
	ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return "", err
	}
	mustVerify, err := s.mustVerify(ctx, e, in, now)
	if err != nil {
		return "", err
	}
	r := deltag.NewRegistration(e, in, secret, now)
	limits, err := s.signUpLimits(ctx, r, in.Network, now)
	if err != nil {
		return "", err
	}
	n := newcomer{Registration: r, request: in, limits: limits, now: now, mustVerify: mustVerify}
	outcome, err := s.signUp(ctx, e, n)
	if mustVerify && err == nil {
		return deltag.OutcomeUnverified, nil // also if the address is signed up already
	}
	return outcome, err
}

// Rejoin gives a registration that is cancelled or unverified a seat, or a waitlist entry behind all others. It has no
// rate limit: the caller has a personal link, which verifies the address. Errors: ErrFull; ErrNotFound (erased since
// it was read). Repeating it changes nothing.
func (s *Store) Rejoin(
	ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time,
) (deltag.SignUpOutcome, error) {
	if r.Status != deltag.RegistrationCancelled && r.Status != deltag.RegistrationUnverified {
		return deltag.OutcomeAlreadyRegistered, nil
	}
	return s.signUp(ctx, e, newcomer{Registration: r.HasVerified(), now: now, isOwner: true})
}

// A newcomer is a registration, new, cancelled or unverified, that wants a seat.
type newcomer struct {
	deltag.Registration
	request    deltag.SignUpRequest
	limits     signUpLimits
	now        time.Time
	mustVerify bool
	isOwner    bool // has verified the address; request is empty
}

func (s *Store) signUp(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	outcome, err := s.reserveOrWaitlist(ctx, e, n)
	for attempt := 0; isConflict(err); attempt++ {
		if attempt == maxRetries {
			return "", fmt.Errorf("sign up again: %w", deltag.ErrUnavailable)
		}
		outcome, err = s.signUpExisting(ctx, e, n)
	}
	return outcome, err
}

// signUpExisting signs up an address that has a registration already, or had a moment ago. ErrConflict: that has
// changed since it was read.
func (s *Store) signUpExisting(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	storedEvent, stored, err := s.EventAndRegistration(ctx, e.ID, n.ID)
	switch {
	case isNotFound(err) && !n.isOwner: // erased a moment ago
		return s.reserveOrWaitlist(ctx, e, n)
	case err != nil:
		return "", err
	case stored.Status == deltag.RegistrationCancelled, stored.Status == deltag.RegistrationUnverified:
		return s.signUpWithoutSeat(ctx, storedEvent, stored, n)
	case n.isOwner:
		return deltag.OutcomeAlreadyRegistered, nil
	}
	full := s.fullWithoutWaitlist(ctx, storedEvent)
	if full != nil {
		n.limits.network = nil // as for a new address, which is refused and not counted
	}
	err = s.resend(ctx, storedEvent, stored, n.limits, n.now, deltag.Registration.ReplyToSignUp)
	switch {
	case isNotFound(err): // erased since it was read
		return "", deltag.ErrConflict
	case err != nil:
		return "", err
	}
	return deltag.OutcomeAlreadyRegistered, full
}

// fullWithoutWaitlist is the answer to a new address: any other would reveal that this one is signed up.
func (s *Store) fullWithoutWaitlist(ctx context.Context, e deltag.Event) error {
	if e.Capacity == nil || !e.HasSingleCounter || e.HasWaitlist {
		return nil
	}
	counts, err := s.Counts(ctx, e)
	if err == nil && counts.Confirmed >= *e.Capacity {
		return deltag.ErrFull
	}
	return err
}

// reserveOrWaitlist gives n a seat, or a waitlist entry when there is none. ErrConflict: the stored registration is
// not the one that n was made from.
func (s *Store) reserveOrWaitlist(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	if n.mustVerify {
		return s.putUnverified(ctx, e, n)
	}
	for range maxRetries {
		confirmed, err := s.confirm(ctx, e, n)
		if err != nil {
			return "", err
		}
		if confirmed {
			return deltag.OutcomeConfirmed, nil
		}
		if !e.HasSingleCounter { // it has got a capacity since it was read
			if e, err = s.Event(ctx, e.ID); err != nil {
				return "", err
			}
			continue
		}
		if !e.HasWaitlist {
			return "", deltag.ErrFull
		}
		waitlisted, err := s.waitlist(ctx, e, n)
		if err != nil {
			return "", err
		}
		if waitlisted {
			return deltag.OutcomeWaitlisted, nil
		}
		// A seat has become free since the first transaction.
	}
	return "", fmt.Errorf("sign up: %w", deltag.ErrUnavailable)
}

// confirm gives n a seat. It returns false if there is none.
func (s *Store) confirm(ctx context.Context, e deltag.Event, n newcomer) (bool, error) {
	next, mail := n.Confirm(n.now)
	tx := s.begin()
	seat := tx.takeSeat(e, n.ID, countChange(n.Registration, next))
	return tx.commitSignUp(ctx, n, next, mail, seat)
}

// waitlist adds n to the waitlist. It returns false if there is a seat.
func (s *Store) waitlist(ctx context.Context, e deltag.Event, n newcomer) (bool, error) {
	next, mail := n.JoinWaitlist(n.now)
	tx := s.begin()
	full := tx.joinWaitlist(e, countChange(n.Registration, next))
	entry := tx.putWaitlistEntry(next)
	return tx.commitSignUp(ctx, n, next, mail, full, entry)
}

// commitSignUp returns false if one of places, which tx has already, failed.
func (tx *transaction) commitSignUp(
	ctx context.Context, n newcomer, next deltag.Registration, mail deltag.Delivery, places ...*action,
) (bool, error) {
	registration, delivery := tx.putRegistration(next), tx.putDelivery(mail)
	mails, signUps := tx.checkLimits(n.limits, n.now)
	err := tx.Commit(ctx)
	switch {
	case mails.Failed(): // the limits first: it must not matter whether the address is signed up
		return false, deltag.ErrMailLimit
	case signUps.Failed():
		return false, deltag.ErrSignUpLimit
	case registration.Failed() || delivery.Failed():
		return false, deltag.ErrConflict
	case slices.ContainsFunc(places, (*action).Failed):
		return false, nil
	}
	return err == nil, err
}

// CancelRegistration cancels r, and gives its seat to the first on the waitlist. Errors: ErrNotFound. Repeating it
// changes nothing.
func (s *Store) CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		if r.Status == deltag.RegistrationCancelled {
			return
		}
		next, mail := r.Cancel(now)
		if r.Status == deltag.RegistrationUnverified { // which gets no other mail
			next.MailVersion, next.LastMailedAt = r.MailVersion, r.LastMailedAt
		} else {
			tx.putDelivery(mail)
		}
		tx.replaceRegistration(next)
		tx.releaseSeat(e, r, next, now)
	})
	if err != nil {
		return err
	}
	s.promoteNow(ctx, e, now)
	return nil
}
