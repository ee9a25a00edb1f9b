package dynamo

import (
	"context"
	"errors"
	"time"

	"deltag/internal/deltag"
)

// updateWithRetry changes a registration from its latest state: first from the one that the caller has read, and
// after a conflict from the stored one. change adds no actions when there is nothing left to do, which makes every
// caller safe to repeat.
// Errors: ErrConflict (something else than the event or the registration failed), ErrNotFound (either is gone).
func (s *Store) updateWithRetry(
	ctx context.Context, e deltag.Event, r deltag.Registration,
	change func(*transaction, deltag.Event, deltag.Registration),
) error {
	for attempt := 1; ; attempt++ {
		tx := s.begin()
		change(tx, e, r)
		if len(tx.actions) == 0 {
			return nil
		}
		err := tx.Commit(ctx)
		if !isConflict(err) || attempt == maxRetries {
			return err
		}
		latestEvent, latest, readErr := s.EventAndRegistration(ctx, e.ID, r.ID)
		if readErr != nil {
			return readErr
		}
		if latestEvent.Revision == e.Revision && latest.Revision == r.Revision {
			return err
		}
		e, r = latestEvent, latest
	}
}

// MarkAttended stores that r attended. Errors: ErrNotFound. Repeating it keeps the first time.
func (s *Store) MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		if !r.AttendedAt.IsZero() {
			return
		}
		next := r.MarkAttended(now)
		tx.replaceRegistration(next)
		tx.addCounts(e, r.ID, countChange(r, next))
	})
}

// NoteAttended stores what the organiser has noted: that r attended, or did not.
// Errors: ErrNotFound. Repeating it keeps the first time.
func (s *Store) NoteAttended(
	ctx context.Context, e deltag.Event, r deltag.Registration, attended bool, now time.Time,
) error {
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		next, changed := r.NoteAttended(attended, now)
		if !changed {
			return
		}
		tx.replaceRegistration(next)
		tx.addCounts(e, r.ID, countChange(r, next))
	})
}

// Unsubscribe ends optional mail to r. Errors: ErrNotFound. Repeating it changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	return s.SetAddressStatus(ctx, e, r, deltag.AddressUnsubscribed, now)
}

// SetAddressStatus stores on r what is known of its address, unless that is something more severe already. A bounce makes
// GiveBack due, if the event is limited and r has a seat or a waitlist place.
// Errors: ErrNotFound. Repeating it changes nothing.
func (s *Store) SetAddressStatus(
	ctx context.Context, e deltag.Event, r deltag.Registration, status deltag.AddressStatus, now time.Time,
) error {
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		if !status.MoreSevereThan(r.AddressStatus) {
			return
		}
		next := r.SetAddressStatus(status)
		tx.replaceRegistration(next)
		if next.LosesPlace(e, now) {
			tx.putGiveBackTask(next, now)
		}
	})
}

// UpdateByAttendee stores what a person has changed about their registration. With a new address, the registration
// stays as it is until that address has verified the change: see ConfirmAddressChange. Saving it again with the old
// address drops the change. Errors: ErrConflict (r has changed since it was read; so also when it is repeated),
// ErrChangeLimit, and with a new address ErrSignUpLimit.
func (s *Store) UpdateByAttendee(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	r, err := r.CountChange(now)
	if err != nil {
		return err
	}
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.requestAddressChange(ctx, r, in, now)
	}
	r.AddressChange = nil
	return s.saveDetails(ctx, r, in)
}

// UpdateByOrganiser stores what an organiser has corrected. A new address gets a registration of its own in the place
// of the old one at once. It replaces what CorrectionReplaces allows. The old address gets no mail, for it is invalid or a
// stranger's.
// Errors: ErrConflict (r has changed since it was read; so also when it is repeated), AddressTakenError.
func (s *Store) UpdateByOrganiser(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	in.ByOrganiser = true
	if deltag.RegistrationID(e, in.Email) != r.ID {
		return s.changeAddress(ctx, e, r, in, now, "")
	}
	return s.saveDetails(ctx, r, in)
}

func (s *Store) saveDetails(ctx context.Context, r deltag.Registration, in deltag.SignUpRequest) error {
	next := r.WithDetails(in)
	next.Revision++
	tx := s.begin()
	tx.replaceRegistration(next)
	return tx.Commit(ctx)
}

// maxPreviousIDs is how many former addresses' deliveries are kept.
const maxPreviousIDs = 10

// maxMissed is how many missed mails are sent again, the latest of them: a transaction takes maxActions.
const maxMissed = 80

// errHasRegistration: the new address of a registration has one of its own.
var errHasRegistration = errors.New("address has a registration")

// changeAddress moves r to another address, and sends there what the old one has missed. It sends finalMail to the
// old one, or nothing when that is "".
func (s *Store) changeAddress(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
	finalMail deltag.MailKind,
) error {
	m := move{to: in, finalMail: finalMail, now: now}
	var err error
	if m.deliveries, err = s.DeliveriesOf(ctx, r.EventID, r.ID); err != nil {
		return err
	}
	if m.mailings, err = s.Mailings(ctx, r.EventID); err != nil {
		return err
	}
	for i := range m.mailings {
		if m.mailings[i], err = s.WithRecipients(ctx, m.mailings[i]); err != nil {
			return err
		}
	}
	err = s.moveRegistration(ctx, e, r, deltag.Registration{}, m)
	if !errors.Is(err, errHasRegistration) {
		return err
	}
	_, other, err := s.EventAndRegistration(ctx, r.EventID, deltag.RegistrationID(e, in.Email))
	switch {
	case isNotFound(err): // erased a moment ago
		return deltag.ErrConflict
	case err != nil:
		return err
	case in.ByOrganiser && !r.CorrectionReplaces(other):
		return deltag.AddressTakenError{RegistrationID: other.ID, Name: other.Name}
	case !r.TakesOver(other):
		return s.mergeRegistrations(ctx, e, r, other.Email, now, finalMail)
	}
	err = s.moveRegistration(ctx, e, r, other, m)
	if errors.Is(err, errHasRegistration) { // other has changed since it was read
		return deltag.ErrConflict
	}
	return err
}

// A move is what a registration gets at its new address: what was entered for it, and those of the mails that it has
// missed.
type move struct {
	to         deltag.SignUpRequest
	deliveries []deltag.Delivery // to the old address
	mailings   []deltag.Mailing
	finalMail  deltag.MailKind // to the old address; "" for none
	now        time.Time
}

// moveRegistration replaces other, the registration of the new address, as it was read; it is the zero value if there
// is none. If r's seat was given back, it gets another, or a waitlist place. errHasRegistration: there is another one.
func (s *Store) moveRegistration(
	ctx context.Context, e deltag.Event, r, other deltag.Registration, m move,
) error {
	now := m.now
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	hash, err := s.hash(ctx, r.Email.Normalized)
	if err != nil {
		return err
	}
	moved, err := s.comeBack(ctx, e, r, now)
	if err != nil {
		return err
	}
	next, mail := moved.ChangeAddress(e, other, m.to, secret, now)
	var forgotten []string
	forgotten, next.PreviousIDs = cutLast(next.PreviousIDs, maxPreviousIDs)

	tx := s.begin()
	switch {
	case r.Status == deltag.RegistrationConfirmed && e.HasSeatCounter:
		next.Seat = seatOf(r)
		tx.moveSeat(r, next)
	case next.Seat != "":
		tx.holdSeat(next)
	}
	replaced := condNotExists
	if other.ID != "" {
		replaced = condRevision(other.Revision)
	}
	created := tx.Put(encodeRegistration(next), replaced)
	deleted := tx.Delete(registrationKey(r.EventID, r.ID), condRevision(r.Revision))
	tx.putDelivery(mail)
	tx.moveCounts(e, r, other, next)
	if _, waits := r.EndsNext(); waits {
		tx.Delete(expireKey(r.EventID, r.ID), always)
	}
	tx.putExpireTask(next)
	for _, gone := range []deltag.Registration{r, other} {
		if gone.Status == deltag.RegistrationWaitlisted {
			tx.deleteWaitlistEntry(gone)
		}
	}
	if next.Status == deltag.RegistrationWaitlisted {
		tx.putWaitlistEntry(next)
	}
	tx.putPurgeTasks(r.EventID, forgotten, now)
	tx.forgetReceived(hash)
	tx.putFinalDelivery(e, r, m.finalMail, now)
	_, missed := cutLast(r.MissedDeliveries(next, m.deliveries, m.mailings), maxMissed)
	for _, d := range missed {
		tx.putDelivery(d)
	}
	err = tx.Commit(ctx)
	if isConflict(err) && r.WasGivenBack() { // after any other error it is unknown whether the seat is held: see CheckSeats
		s.passOnSeat(ctx, e.ID, moved.Seat, now)
	}
	if created.Failed() && !deleted.Failed() {
		return errHasRegistration
	}
	return err
}

// cutLast returns the last n of all apart from those before them.
func cutLast[T any](all []T, n int) (before, last []T) {
	i := max(0, len(all)-n)
	return all[:i], all[i:]
}

// mergeRegistrations removes r in favour of the registration that its new address already has.
func (s *Store) mergeRegistrations(
	ctx context.Context, e deltag.Event, r deltag.Registration, to deltag.Address, now time.Time,
	finalMail deltag.MailKind,
) error {
	if err := s.removeRegistration(ctx, e, r, finalMail, now); err != nil {
		return err
	}
	return s.resendTo(ctx, e, to, now, deltag.Registration.ResendStatus)
}

// ResendConfirmation sends the status of the registration of an address again, because a form asks for it. It sends
// nothing, and answers the same, when there is no registration. It counts for the network like a sign-up.
// Errors: ErrSignUpLimit. Repeating it sends at most once in deltag.ResendCooldown.
func (s *Store) ResendConfirmation(
	ctx context.Context, e deltag.Event, a deltag.Address, network string, now time.Time,
) error {
	counted, err := s.beginCountingSignUp(ctx, network, now)
	if err != nil {
		return err
	}
	defer counted()
	if network != "" {
		if network, err = s.hash(ctx, network); err != nil {
			return err
		}
	}
	return s.resendTo(ctx, e, a, now, byForm(deltag.Registration.ResendStatus, network))
}

// resendTo sends the registration of an address, if it has one, the mail of reply.
func (s *Store) resendTo(ctx context.Context, e deltag.Event, a deltag.Address, now time.Time, reply reply) error {
	e, r, err := s.EventAndRegistration(ctx, e.ID, deltag.RegistrationID(e, a))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return ignoreNotFound(s.resend(ctx, e, r, now, reply))
}

// A reply is a change of a registration together with the mail that tells it.
type reply func(deltag.Registration, time.Time) (deltag.Registration, deltag.Delivery)

// byForm is r, asked for by a form from a network, which counts for mail to those who have not been verified.
func byForm(r reply, network string) reply {
	return func(registration deltag.Registration, now time.Time) (deltag.Registration, deltag.Delivery) {
		next, mail := r(registration, now)
		mail.ByForm = true
		if next.Status == deltag.RegistrationUnverified {
			mail.NetworkHash = network
		}
		return next, mail
	}
}

// replyToForm answers to the sign-up of an address that has, or had, a seat or a waitlist place.
var replyToForm = byForm(deltag.Registration.ReplyToSignUp, "")

// resend sends r the mail of reply, unless r's last mail waits and says enough, or said the same within
// deltag.ResendCooldown. Errors: ErrNotFound, ErrConflict.
func (s *Store) resend(
	ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time, reply reply,
) error {
	isCancelled := r.Status == deltag.RegistrationCancelled
	if r.MailedJustNow(now) && !isCancelled { // its last mail said what this one would
		return nil
	}
	_, mail := reply(r, now)
	kinds := []deltag.MailKind{mail.Kind}
	if isCancelled {
		kinds = []deltag.MailKind{deltag.KindRegistrationCancelled, deltag.KindVerification}
	}
	last, err := s.lastMail(ctx, r, kinds...)
	if err != nil || waitsAndSaysEnough(last) || last.Kind == mail.Kind && r.MailedJustNow(now) {
		return err
	}
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, latest deltag.Registration) {
		if latest.MailVersion != r.MailVersion && latest.MailedJustNow(now) {
			return
		}
		next, mail := reply(latest, now)
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
	})
}

// lastMail is r's last mail if it is of one of the kinds, or the zero value.
func (s *Store) lastMail(
	ctx context.Context, r deltag.Registration, kinds ...deltag.MailKind,
) (last deltag.Delivery, err error) {
	var keys []item
	for _, k := range kinds {
		keys = append(keys, deliveryKey(deltag.DeliveryKey{
			EventID: r.EventID, RegistrationID: r.ID, Kind: k, Version: r.MailVersion,
		}))
	}
	found, err := s.batchGet(ctx, keys...)
	if err != nil {
		return last, err
	}
	for _, it := range found {
		return decodeDelivery(it)
	}
	return last, nil
}

// lastMailWaits says whether r's last mail makes another of its kind needless.
func (s *Store) lastMailWaits(ctx context.Context, r deltag.Registration, kind deltag.MailKind) (bool, error) {
	last, err := s.lastMail(ctx, r, kind)
	return waitsAndSaysEnough(last), err
}

// waitsAndSaysEnough says whether last makes another mail to its recipient needless: it waits for the next day, or is not
// out yet and takes the event out of the calendar, which a mail in its place would not.
func waitsAndSaysEnough(last deltag.Delivery) bool {
	saysMore := last.Kind.CalendarMethod() == deltag.CalendarCancel
	return last.IsActive() && (saysMore || last.Reason == deltag.ReasonDailyLimit)
}

// Resend sends a delivery again, at the organiser's request: a transactional mail as a new delivery with the status as
// it is now, any other as the same delivery.
// Errors: ErrConflict (d is still being sent, or has changed), ErrNotFound. Repeating it within deltag.ResendCooldown,
// with the d that was read, sends no second transactional mail, and is ErrConflict for any other.
func (s *Store) Resend(
	ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time,
) error {
	if d.IsActive() {
		return deltag.ErrConflict
	}
	if !d.Kind.IsTransactional() || d.DetachedRecipient != nil {
		return s.SaveDelivery(ctx, d.Resend(now))
	}
	return s.updateWithRetry(ctx, e, r, func(tx *transaction, _ deltag.Event, r deltag.Registration) {
		if r.MailVersion > d.Version && r.MailedJustNow(now) { // it is sent already
			return
		}
		next, mail := r.ResendStatus(now)
		tx.replaceRegistration(next)
		tx.putDelivery(mail)
	})
}
