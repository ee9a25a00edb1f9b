package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// A verifier decides whether a sign-up has to be verified.
type verifier struct {
	mustVerify bool
	ask        func() (bool, error) // nil: the table need not be asked
}

// required waits for the table's answer, which does not change.
func (v verifier) required() (bool, error) {
	if v.ask == nil {
		return v.mustVerify, nil
	}
	return v.ask()
}

// verifier begins to count the sign-up for its network's share, whether or not the address is signed up already, so that
// the answer depends on event and network alone. It does so beside the call that takes a seat, which is returned if
// there is nothing left of the share; the function then remembers that for a while, and takes no further seats.
func (s *Store) verifier(ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time) verifier {
	switch {
	case in.ByOrganiser || e.Verify == deltag.VerifyNever:
		return verifier{}
	case e.Verify == deltag.VerifyAlways:
		return verifier{mustVerify: true}
	}
	share, isLimited := e.NetworkShare()
	if !isLimited || in.Network == "" {
		return verifier{}
	}
	ofEvent := e.ID + " " + in.Network
	if s.shares.isBlocked(ofEvent, now) {
		return verifier{mustVerify: true}
	}
	var (
		taken bool
		err   error
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		var hash string
		if hash, err = s.hash(ctx, ofEvent); err != nil {
			return
		}
		taken, err = s.takeShare(ctx, key("RATE#SHARE#"+hash, "-"), share, now)
		if err == nil && !taken {
			s.shares.block(ofEvent, now)
		}
	}()
	return verifier{ask: func() (bool, error) {
		<-done
		return err == nil && !taken, err
	}}
}

// A network's share of an event is counted in slots of ten minutes, in one item: that of the current slot, and the six
// before it. These are never less than the last hour, so no network gets more than its share within any hour.
const (
	shareSlot  = deltag.ShareWindow / 6
	shareSlots = 7
	shareTTL   = 2 * deltag.ShareWindow
)

// shareUse is what an item of a network's share holds.
type shareUse struct {
	slot    int // of time, the latest that anything was counted in
	counted int // in this slot and the shareSlots-1 before it
	inSlot  [shareSlots]int
}

func slotAttr(slot int) string { return "S" + strconv.Itoa(slot%shareSlots) }

// takeShare counts a sign-up, or returns false if share is used up. It is one conditional update, however many sign up
// at the same time, and a few calls when a slot begins. If the process dies, one sign-up more is counted than was made;
// so also if it is repeated.
func (s *Store) takeShare(ctx context.Context, key item, share int, now time.Time) (bool, error) {
	slot := int(now.Unix() / int64(shareSlot/time.Second))
	for range maxRetries {
		_, err := s.updateItem(ctx, key, expression{
			text: "SET Slot = :slot, expiresAt = :expires ADD Counted :one, " + slotAttr(slot) + " :one",
			values: item{
				":slot": avNumber(slot), ":one": avNumber(1), ":expires": avNumber(int(now.Add(shareTTL).Unix())),
			},
		}, condNotExistsOr("(Slot = :slot AND Counted < :share)", item{":slot": avNumber(slot), ":share": avNumber(share)}))
		if !isConflict(err) {
			return err == nil, err
		}
		used, err := read(ctx, s, key, decodeShareUse)
		switch {
		case isNotFound(err):
			continue // it has just expired
		case err != nil:
			return false, err
		case used.slot == slot && used.counted >= share:
			return false, nil
		case used.slot >= slot:
			slot = used.slot // another machine's clock is ahead
		default:
			if err := ignoreConflict(s.beginShareSlot(ctx, key, used, slot, now)); err != nil {
				return false, err
			}
		}
	}
	return false, fmt.Errorf("network share: %w", deltag.ErrUnavailable)
}

// beginShareSlot drops what was counted before the window that ends with slot. ErrConflict: another call was quicker.
func (s *Store) beginShareSlot(ctx context.Context, key item, used shareUse, slot int, now time.Time) error {
	next := item{
		"PK": key["PK"], "SK": key["SK"], "Slot": avNumber(slot), "expiresAt": avNumber(int(now.Add(shareTTL).Unix())),
	}
	counted := 0
	for old := slot - shareSlots + 1; old <= used.slot; old++ {
		if n := used.inSlot[old%shareSlots]; n > 0 {
			next[slotAttr(old)] = avNumber(n)
			counted += n
		}
	}
	next["Counted"] = avNumber(counted)
	return s.putItem(ctx, next, expression{
		text:   "Slot = :slot AND Counted = :counted",
		values: item{":slot": avNumber(used.slot), ":counted": avNumber(used.counted)},
	})
}

func decodeShareUse(it item) (u shareUse, err error) {
	number := func(name string) (n int) {
		if v, ok := it[name].(*types.AttributeValueMemberN); ok && err == nil {
			n, err = strconv.Atoi(v.Value)
		}
		return n
	}
	u.slot, u.counted = number("Slot"), number("Counted")
	for i := range u.inSlot {
		u.inSlot[i] = number(slotAttr(i))
	}
	return u, err
}

// signUpWithoutSeat signs up an address whose registration, as it is stored, has neither a seat nor a waitlist place.
func (s *Store) signUpWithoutSeat(
	ctx context.Context, e deltag.Event, stored deltag.Registration, n newcomer,
) (deltag.SignUpOutcome, error) {
	isOwners := stored.Status == deltag.RegistrationCancelled // the address has given up a seat
	switch {
	case n.isOwner:
		counted, err := stored.HasVerified(n.newsShown).TakesSeatBack().CountChange(n.now)
		if err != nil {
			return "", err
		}
		n.Registration = counted
	case isOwners && !n.request.ByOrganiser:
		return s.askToVerify(ctx, e, stored, n)
	default:
		n.Registration = stored.WithSignUp(n.request)
	}
	return s.confirmOrWaitlist(ctx, e, n)
}

// askToVerify sends the owner of a cancelled registration a mail whose button takes the seat again. What is stored
// stays as it is, for a stranger may have signed the address up. The answer is that to a new address.
func (s *Store) askToVerify(
	ctx context.Context, e deltag.Event, stored deltag.Registration, n newcomer,
) (deltag.SignUpOutcome, error) {
	if err := s.fullWithoutWaitlist(ctx, e); err != nil {
		return "", err
	}
	err := s.resend(ctx, e, stored, n.now, replyToForm)
	if isNotFound(err) { // erased since it was read
		return "", deltag.ErrConflict
	}
	return deltag.OutcomeAlreadyRegistered, err
}

// putUnverified stores n with the mail to verify its address, and without a seat. Errors: ErrConflict (the stored
// registration is not the one that n was made from), ErrFull, errGotSeatCounter.
func (s *Store) putUnverified(ctx context.Context, e deltag.Event, n newcomer) error {
	if err := s.fullWithoutWaitlist(ctx, e); err != nil {
		return err
	}
	waits := n.MailedJustNow(n.now)
	if n.Status == deltag.RegistrationUnverified && !waits {
		var err error
		if waits, err = s.lastMailWaits(ctx, n.Registration, deltag.KindVerification); err != nil {
			return err
		}
	}
	tx := s.begin()
	if n.Status == deltag.RegistrationUnverified && waits { // repeated: the latest form counts
		next := n.Registration
		next.Revision++
		tx.replaceRegistration(next)
		return tx.Commit(ctx)
	}
	next, mail := n.AwaitVerification(n.now)
	tx.putExpireTask(next)
	return tx.commitSignUp(ctx, e, n, next, mail)
}

// fullWithoutWaitlist is ErrFull if no newcomer gets a seat, or a waitlist place.
func (s *Store) fullWithoutWaitlist(ctx context.Context, e deltag.Event) error {
	if e.Capacity == nil || e.HasWaitlist {
		return nil
	}
	free, err := s.FreeSeats(ctx, e)
	if err == nil && free == 0 {
		return deltag.ErrFull
	}
	return err
}

// putExpireTask is due when the next thing that waits for r's owner to verify an address ends.
func (tx *transaction) putExpireTask(r deltag.Registration) {
	if end, waits := r.EndsNext(); waits {
		tx.Put(dueKey(expireKey(r.EventID, r.ID), personDuePK(r.ID), end), always)
	}
}

// maxExpireSteps is how often Expire looks at a registration that is being changed.
const maxExpireSteps = 4

// Expire erases what was not verified in time about a registration: an unverified one as a whole, with its mails, or
// the change of address that waits. It does nothing before then. Repeating it, and running it at several places at the
// same time, is safe.
func (s *Store) Expire(ctx context.Context, eventID, registrationID string, now time.Time) error {
	for range maxExpireSteps {
		task, err := s.get(ctx, expireKey(eventID, registrationID))
		if err != nil {
			return ignoreNotFound(err)
		}
		if due, err := dueTime(task); err != nil || now.Before(due) {
			return err
		}
		e, r, err := s.EventAndRegistration(ctx, eventID, registrationID)
		if ignoreNotFound(err) != nil {
			return err
		}
		end, waits := r.EndsNext()
		if !waits || now.Before(end) {
			return s.moveTask(ctx, task, end)
		}
		if err := s.expire(ctx, e, r, now); err != nil {
			return err
		}
	}
	return nil // the task remains
}

func (s *Store) expire(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error {
	err := s.updateWithRetry(ctx, e, r, func(tx *transaction, e deltag.Event, r deltag.Registration) {
		end, waits := r.EndsNext()
		switch {
		case !waits || now.Before(end): // verified, or asked again, since it was read
		case r.Status == deltag.RegistrationUnverified:
			tx.deleteRegistration(e, r, "", now)
		default:
			tx.replaceRegistration(r.DropAddressChange())
		}
	})
	if ignoreNotFound(err) != nil || r.Status != deltag.RegistrationUnverified {
		return ignoreNotFound(err)
	}
	for _, id := range allIDs(r) {
		if err := s.PurgeDeliveries(ctx, r.EventID, id); err != nil {
			return err
		}
	}
	return nil
}

// requestAddressChange stores a change of r's address, and sends the new one the mail that makes it take effect, unless
// that has just been sent or waits for the next day. The mail counts for the network like that of a sign-up.
func (s *Store) requestAddressChange(
	ctx context.Context, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	if r.RenewsAddressChange(in, now) {
		recipient := r.AddressChangeRecipient()
		keeps := recipient.MailedJustNow(now)
		if !keeps {
			var err error
			if keeps, err = s.lastMailWaits(ctx, recipient, deltag.KindVerification); err != nil {
				return err
			}
		}
		if keeps {
			tx := s.begin()
			tx.replaceRegistration(r.KeepAddressChange(in))
			return tx.Commit(ctx)
		}
	}
	secret, err := deltag.NewSecret(s.random)
	if err != nil {
		return err
	}
	next, mail, err := r.RequestAddressChange(in, secret, now)
	if err != nil {
		return err
	}
	counted, err := s.beginCountingSignUp(ctx, in.Network, now)
	if err != nil {
		return err
	}
	defer counted()
	tx := s.begin()
	tx.replaceRegistration(next)
	tx.putDelivery(mail)
	tx.putExpireTask(next)
	return tx.Commit(ctx)
}

// ConfirmAddressChange makes r's AddressChange, which its new address has verified: r moves there with its seat or
// position on the waitlist, also if the address had given up a seat or was unverified. The links sent to the old
// address become invalid, and it gets a last mail. If the new address has a seat or a position itself, its registration
// remains as it is, and r is removed. A tick for news is dropped unless newsShown says that the person was shown it.
// Errors: ErrConflict (r has changed since it was read; so also when it is repeated).
func (s *Store) ConfirmAddressChange(
	ctx context.Context, e deltag.Event, r deltag.Registration, newsShown bool, now time.Time,
) error {
	if r.AddressChange == nil {
		return deltag.ErrConflict
	}
	details := r.AddressChange.Details
	details.AllowsNews = details.AllowsNews && newsShown
	return s.changeAddress(ctx, e, r, details, now, deltag.KindAddressChanged)
}
