package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// SignUp stores a registration, with a seat or a waitlist entry, and its mail. One that has to be verified is stored
// without either. A cancelled registration stays as it is, and its owner gets the mail to verify it; but it comes back
// with what the organiser signs it up with. Where the request asks for no mail, the ledger has a row that says so.
// Errors: ErrFull, ErrSignUpLimit, each with no registration stored. Repeating it keeps the registration as it is, and
// sends its status again at most once in deltag.ResendCooldown.
//
// It takes one request for an event without a capacity, two to get a seat of one with it, and three to be the first who
// waits, or to get a seat where nobody can wait; those that count sign-ups of a network, and the one that looks for a
// registration of the address, are sent at the same time.
func (s *Store) SignUp(
	ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time,
) (deltag.SignUpOutcome, error) {
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return "", err
	}
	counted, err := s.beginCountingSignUp(ctx, in.Network, now)
	if err != nil {
		return "", err
	}
	defer counted()
	verifier := s.verifier(ctx, e, in, now)
	r := deltag.NewRegistration(e, in, secret, now)
	outcome, err := s.signUp(ctx, e, newcomer{Registration: r, request: in, now: now, verifier: verifier})
	mustVerify, verifierErr := verifier.required()
	if verifierErr == nil && mustVerify && err == nil {
		return deltag.OutcomeUnverified, nil // also if the address is signed up already
	}
	return outcome, err
}

// Rejoin gives a registration that is cancelled or unverified a seat, or a waitlist entry behind all others. It has no
// rate limit: the caller has a personal link, which verifies the address. Errors: ErrFull; ErrNotFound (erased since
// it was read); ErrChangeLimit. Repeating it changes nothing. A tick for news by whoever signed the address up counts if
// newsShown says that the person was shown it.
func (s *Store) Rejoin(
	ctx context.Context, e deltag.Event, r deltag.Registration, newsShown bool, now time.Time,
) (deltag.SignUpOutcome, error) {
	if r.IsActive() {
		return deltag.OutcomeAlreadyRegistered, nil
	}
	r, err := r.HasVerified(newsShown).TakesSeatBack().CountChange(now)
	if err != nil {
		return "", err
	}
	return s.signUp(ctx, e, newcomer{Registration: r, now: now, isOwner: true, newsShown: newsShown})
}

// A newcomer is a registration, new, cancelled or unverified, that wants a seat.
type newcomer struct {
	deltag.Registration
	request  deltag.SignUpRequest
	now      time.Time
	verifier verifier
	isOwner  bool // has verified the address; request is empty

	newsShown bool // to its owner; see Registration.HasVerified
}

func (s *Store) signUp(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	outcome, err := s.confirmOrWaitlist(ctx, e, n)
	for attempt := 0; isConflict(err); attempt++ {
		if attempt == maxRetries {
			return "", fmt.Errorf("sign up again: %w", deltag.ErrUnavailable)
		}
		outcome, err = s.signUpExisting(ctx, e, n)
	}
	if errors.Is(err, deltag.ErrFull) && !n.isOwner && !n.request.WithoutMail {
		if replyErr := s.replyIfSignedUp(ctx, e, n); replyErr != nil {
			return "", replyErr
		}
	}
	return outcome, err
}

// replyIfSignedUp sends an address that has a seat its mail, though the answer is that to a new one: the event is full.
func (s *Store) replyIfSignedUp(ctx context.Context, e deltag.Event, n newcomer) error {
	_, stored, err := s.EventAndRegistration(ctx, e.ID, n.ID)
	if err != nil || stored.Status != deltag.RegistrationConfirmed {
		return ignoreNotFound(err)
	}
	return ignoreNotFound(s.resend(deltag.WithoutAudit(ctx), e, stored, n.now, replyToForm))
}

// signUpExisting signs up an address that has a registration already, or had a moment ago. ErrConflict: that has
// changed since it was read.
func (s *Store) signUpExisting(ctx context.Context, e deltag.Event, n newcomer) (deltag.SignUpOutcome, error) {
	storedEvent, stored, err := s.EventAndRegistration(ctx, e.ID, n.ID)
	switch {
	case isNotFound(err) && !n.isOwner: // erased a moment ago
		return s.confirmOrWaitlist(ctx, e, n)
	case err != nil:
		return "", err
	case stored.Status == deltag.RegistrationCancelled, stored.Status == deltag.RegistrationUnverified:
		return s.signUpWithoutSeat(ctx, storedEvent, stored, n)
	case n.isOwner:
		return deltag.OutcomeAlreadyRegistered, nil
	case n.request.WithoutMail:
		return deltag.OutcomeAlreadyRegistered, nil
	}
	err = s.resend(deltag.WithoutAudit(ctx), storedEvent, stored, n.now, replyToForm) // nobody is added
	if isNotFound(err) {                                                              // erased since it was read
		return "", deltag.ErrConflict
	}
	return deltag.OutcomeAlreadyRegistered, err
}

// Why a sign-up begins again.
var (
	errGotSeatCounter = errors.New("the event has got a seat counter, or was deleted, since it was read")
	errSeatReturned   = errors.New("the function was so slow that its seat was returned")
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
	if e.HasSeatCounter && !n.verifier.mustVerify {
		seat, err = s.takeSeatUnlessKnown(ctx, e, n)
	}
	mustVerify, verifierErr := n.verifier.required()
	if verifierErr != nil || mustVerify {
		s.returnUnusedSeat(ctx, e.ID, seat, n.now)
		if verifierErr == nil {
			verifierErr = s.putUnverified(ctx, e, n)
		}
		return deltag.OutcomeUnverified, verifierErr
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
		s.returnUnusedSeat(ctx, e.ID, seat, n.now)
	}
	return deltag.OutcomeConfirmed, err
}

// takeSeatUnlessKnown takes a seat for n, unless the address has a registration already. It looks for that beside taking
// the seat, and returns one that was taken in vain. Where nobody can wait, it looks before: a newcomer who came
// meanwhile would be told that the event is full. Errors: ErrConflict (the address has a registration); ErrFull and
// errMustWait, which an address gets whether it has one or not.
func (s *Store) takeSeatUnlessKnown(ctx context.Context, e deltag.Event, n newcomer) (string, error) {
	if n.Revision > 0 { // it was read
		return s.takeSeat(ctx, e, n.now)
	}
	var known bool
	var lookUpErr error
	lookUp := func() {
		_, lookUpErr = s.get(ctx, registrationKey(e.ID, n.ID))
		known, lookUpErr = lookUpErr == nil, ignoreNotFound(lookUpErr)
	}
	if !e.HasWaitlist {
		lookUp()
		switch {
		case lookUpErr != nil:
			return "", lookUpErr
		case !known:
			return s.takeSeat(ctx, e, n.now)
		}
		return "", cmp.Or(s.fullWithoutWaitlist(ctx, e), deltag.ErrConflict)
	}
	var lookingUp sync.WaitGroup
	lookingUp.Go(lookUp)
	seat, err := s.takeSeat(ctx, e, n.now)
	lookingUp.Wait()
	if known || lookUpErr != nil {
		s.returnUnusedSeat(ctx, e.ID, seat, n.now)
		return "", cmp.Or(lookUpErr, deltag.ErrConflict)
	}
	return seat, err
}

// returnUnusedSeat returns a seat that was taken in vain, and leaves it to the task to promote somebody: the answer to an
// address that is signed up must not take longer than to another. If it fails, CheckSeats finds the seat.
func (s *Store) returnUnusedSeat(ctx context.Context, eventID, seat string, now time.Time) {
	if seat != "" {
		_ = s.ReturnSeat(ctx, eventID, seat, now)
	}
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
	if n.request.WithoutMail {
		next, mail = next.WithoutMail(n.Registration, mail, n.now)
	}
	mail.ByForm = !n.isOwner && !n.request.ByOrganiser
	if mail.ByForm && n.request.Network != "" {
		var err error
		if mail.NetworkHash, err = tx.store.hash(ctx, n.request.Network); err != nil {
			return err
		}
	}
	registration, delivery := tx.putRegistration(next), tx.putDelivery(mail)
	counts := tx.addCounts(e, n.ID, countChange(n.Registration, next))
	err := tx.Commit(ctx)
	if isConflict(err) && counts.Failed() && !registration.Failed() && !delivery.Failed() {
		return errGotSeatCounter
	}
	return err
}

// CancelRegistration cancels r, and gives its seat to the first on the waitlist. An unverified registration, which has
// nothing to give up, is erased at once. Errors: ErrNotFound. Repeating it changes nothing.
func (s *Store) CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	var seat string
	err := s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		seat = ""
		switch r.Status {
		case deltag.RegistrationCancelled:
			return
		case deltag.RegistrationUnverified:
			tx.deleteRegistration(e, r, "", now)
			return
		}
		next, mail := r.Cancel(now)
		tx.putDelivery(mail)
		seat = tx.giveUpPlace(e, r, &next, now)
		tx.replaceRegistration(next)
	})
	if err != nil {
		return err
	}
	s.passOnSeat(ctx, e.ID, seat, now)
	return nil
}
