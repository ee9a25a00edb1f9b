package deltag

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that every store and page shares. Each is matched with errors.Is.
var (
	// ErrNotFound: no such event, registration, delivery or token.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the item has changed since it was read. Read again and decide anew.
	ErrConflict = errors.New("changed in the meantime")
	// ErrStaleRevision: the caller expected another revision than the stored one. Nothing was changed.
	ErrStaleRevision = errors.New("not the expected revision")
	// ErrForbidden: the principal's role does not allow it. Nothing was looked up.
	ErrForbidden = errors.New("not allowed")
	// ErrSuppressed: nothing, or nothing optional, may be sent to the address.
	ErrSuppressed = errors.New("address is suppressed")
	// ErrSlugTaken: another event has this slug.
	ErrSlugTaken = errors.New("slug is taken")
	// ErrFull: every seat is taken and the event keeps no waiting list. Nothing was stored.
	ErrFull = errors.New("event is full")
	// ErrClosed: the event takes no sign-ups now (draft, closed, cancelled, too early, over).
	ErrClosed = errors.New("sign-up is closed")
	// ErrMailLimit: the address has been sent as much as it may be today. Nothing was stored.
	ErrMailLimit = errors.New("too many mails to this address today")
	// ErrSignUpLimit: there were MaxPerNetwork sign-ups from the network within the hour. Nothing was stored.
	ErrSignUpLimit = errors.New("too many sign-ups from this network")
	// ErrUnavailable: the store did not answer, or not in time. Whether the write happened is
	// unknown; every write of ours may be repeated.
	ErrUnavailable = errors.New("store unavailable")
	// ErrBadLink: a token that is malformed, forged, of another purpose or of a registration
	// that is gone. The same error for all of them, so that an answer tells nothing.
	ErrBadLink = errors.New("link is not valid")
)

// What a sender of mail may answer. Anything else means that no answer was seen: the mail may be out.
var (
	// ErrThrottled: SES wants us slower. Nothing was sent.
	ErrThrottled = errors.New("sending too fast")
	// ErrSendQuotaExceeded: the day's messages are used up. Nothing was sent.
	ErrSendQuotaExceeded = errors.New("daily quota used up")
	// ErrRejected: SES will never take this message.
	ErrRejected = errors.New("message rejected")
	// ErrNotSubmitted: SES was not reached. Nothing was sent.
	ErrNotSubmitted = errors.New("not handed over")
)

// A FieldError is one thing wrong with one field of what was sent in. Code is stable and is what the
// language files translate; Limit fills the sentence's number, where it has one.
type FieldError struct {
	Field string // as the form and the API spell it, e.g. "email" or "answers.diet"
	Code  string // e.g. "missing", "too-long", "address-no-domain"
	Limit int
}

// ValidationErrors is the error for refused input: everything that is wrong with it, in the order of the fields.
type ValidationErrors []FieldError

func (fs ValidationErrors) Error() string {
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = fmt.Sprintf("%s: %s", f.Field, f.Code)
	}
	return "refused: " + strings.Join(parts, ", ")
}

// ForField returns the fault of a field, or nil.
func (fs ValidationErrors) ForField(field string) *FieldError {
	for i := range fs {
		if fs[i].Field == field {
			return &fs[i]
		}
	}
	return nil
}

// Err is fs as an error, and nil when there is none.
func (fs ValidationErrors) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}
