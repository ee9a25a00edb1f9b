package deltag

import (
	"errors"
	"time"
)

// Errors of the stores, shared by all that use them. Match with errors.Is.
var (
	// ErrNotFound: no such event, registration, delivery, mailing or token.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the item has changed since it was read. Read it again and decide again.
	ErrConflict = errors.New("changed since it was read")
	// ErrStaleRevision: the caller expected another revision than the stored one. Nothing was changed.
	ErrStaleRevision = errors.New("not the expected revision")
	// ErrUnauthenticated: no valid session or access token. One error for all reasons.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrForbidden: the principal's role does not allow it. Nothing was looked up.
	ErrForbidden = errors.New("not allowed")
	// ErrSuppressed: no mail, or none that is optional or that a stranger may have caused, may be sent to the address.
	ErrSuppressed = errors.New("address is suppressed")
	// ErrSlugTaken: another event has this slug.
	ErrSlugTaken = errors.New("slug is taken")
	// ErrAddressTaken: see AddressTakenError.
	ErrAddressTaken = errors.New("another registration of the event has this address")
	// ErrHasSignUps: somebody has, or had, a registration for the event, so it can't be deleted.
	ErrHasSignUps = errors.New("somebody has signed up for the event")
	// ErrFull: every seat is taken and the event has no waitlist. No registration was stored.
	ErrFull = errors.New("event is full")
	// ErrClosed: the event takes no sign-ups now (draft, closed, cancelled, not yet open, over).
	ErrClosed = errors.New("sign-up is closed")
	// ErrMailLimit: the mailbox has had its mails of the day. The mail waits.
	ErrMailLimit = errors.New("too many mails to this mailbox today")
	// ErrChangeLimit: see ChangeLimitError.
	ErrChangeLimit = errors.New("too many changes of this registration today")
	// ErrSignUpLimit: the network has reached MaxSignUpsPerNetwork within the hour. Nothing was stored.
	ErrSignUpLimit = errors.New("too many sign-ups from this network")
	// ErrSignInLimit: the network has reached MaxSignInsPerNetwork within the hour. Nothing was stored.
	ErrSignInLimit = errors.New("too many requests for links to sign in from this network")
	// ErrUnavailable: the store did not answer in time. Whether the write happened is unknown; every write may be
	// repeated safely.
	ErrUnavailable = errors.New("store unavailable")
	// ErrBadLink: the token of a link is malformed, forged, for another purpose, or for a registration that is erased.
	// One error for all of these, so that a response does not reveal which.
	ErrBadLink = errors.New("link is not valid")
	// ErrLinkExpired is ErrBadLink for the links of mails to verify an address, which are not good for long.
	ErrLinkExpired = errors.New("link is used or expired")
)

// Errors of sending a mail. After any other error the mail may or may not have been sent.
var (
	// ErrThrottled: above SES's sending rate. Nothing was sent.
	ErrThrottled = errors.New("sending too fast")
	// ErrSendQuotaExceeded: SES's quota for 24 hours is used up. Nothing was sent.
	ErrSendQuotaExceeded = errors.New("daily sending quota used up")
	// ErrRejected: SES will never accept this message.
	ErrRejected = errors.New("message rejected")
	// ErrSendingNotAllowed: SES refuses mail from this account, domain or function, not this message in particular.
	// Nothing was sent; it can be when the cause is mended.
	ErrSendingNotAllowed = errors.New("sending is not allowed")
	// ErrNotSubmitted: SES was not reached. Nothing was sent.
	ErrNotSubmitted = errors.New("not submitted to SES")
)

// A ChangeLimitError is an ErrChangeLimit: the registration has had all its changes of this day. Nothing was stored; it
// may be changed again from Until on.
type ChangeLimitError struct {
	Limit     int  // MaxChangesPerDay, or MaxAddressChangesPerDay
	OfAddress bool // only changes of the address are refused
	Until     time.Time
}

func (e ChangeLimitError) Error() string { return ErrChangeLimit.Error() }

func (e ChangeLimitError) Is(target error) bool { return target == ErrChangeLimit }

// An AddressTakenError is an ErrAddressTaken: an organiser has corrected an address to that of somebody else who is signed
// up. Nothing was stored.
type AddressTakenError struct {
	RegistrationID string // the other person's
	Name           string // for the organiser, and in no log
}

func (e AddressTakenError) Error() string { return ErrAddressTaken.Error() }

func (e AddressTakenError) Is(target error) bool { return target == ErrAddressTaken }

// FieldError is what a form and the API say beside the address.
func (e AddressTakenError) FieldError() FieldError {
	return FieldError{Field: "email", Code: "address-taken", Value: e.Name}
}

// An UnreadableError names stored items that can't be decoded, of a later version or damaged, beside a result without
// them.
type UnreadableError []error

// IsUnreadable says whether err is, or wraps, an UnreadableError.
func IsUnreadable(err error) bool {
	var unreadable UnreadableError
	return errors.As(err, &unreadable)
}

// Err is nil if nothing is unreadable.
func (e UnreadableError) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e UnreadableError) Error() string { return errors.Join(e...).Error() }

func (e UnreadableError) Unwrap() []error { return e }

// MaxConflictRetries is how often RetryOnConflict tries a change on something that others keep changing at the same time.
const MaxConflictRetries = 5

// RetryOnConflict calls change until it does not return ErrConflict, MaxConflictRetries times at most. change must read anew
// what it starts from.
func RetryOnConflict(change func() error) error {
	err := change()
	for n := 1; n < MaxConflictRetries && errors.Is(err, ErrConflict); n++ {
		err = change()
	}
	return err
}
