package visitor

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// A Store is what the pages read and write. Any call may answer deltag.ErrUnavailable: whether a write has happened is
// unknown then, and repeating it is harmless. A change of a registration takes what EventAndRegistration has read. It
// answers ErrConflict if something has changed since: read again and decide anew; and ErrNotFound if the registration
// has been erased since.
type Store interface {
	EventReader
	SignUpStore
	RegistrationReader
	RegistrationWriter
}

// An EventReader reads events.
type EventReader interface {
	// Ping says whether the table can be reached.
	Ping(ctx context.Context) error
	// EventBySlug may be a few seconds old. ErrNotFound.
	EventBySlug(ctx context.Context, slug string) (deltag.Event, error)
	// Upcoming lists events that are open or closed and have not ended, soonest first. The list may be a few seconds
	// old. UnreadableError: it lacks some.
	Upcoming(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error)
	// RecentFreeSeats are how many newcomers get a seat of events that have a capacity, by event id, a few seconds old.
	// When some can't be read, it returns the others and an error.
	RecentFreeSeats(ctx context.Context, events ...deltag.Event) (map[string]int, error)
}

// A SignUpStore takes sign-ups.
type SignUpStore interface {
	// SignUp stores the registration with its seat, or its waitlist position, and its confirmation: all or nothing.
	// OutcomeUnverified: it is stored without a seat, and a mail asks the address for a press on a button; event and
	// network decide this, never the address. An address that is signed up already stays as it is, and gets its
	// confirmation again, or, if its seat was given up, the mail with the button, unless the last mail is less than
	// deltag.ResendCooldown old. ErrFull, ErrSignUpLimit.
	SignUp(ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error)
	// ResendConfirmation sends the registration's status again if the address is signed up, its last mail is older than
	// deltag.ResendCooldown, and none waits for the next day. In all other cases it does nothing and answers nil. It counts
	// for the network like a sign-up, whether or not the address is known. ErrSignUpLimit.
	ResendConfirmation(ctx context.Context, e deltag.Event, a deltag.Address, network string, now time.Time) error
}

// A RegistrationReader reads what a personal page shows.
type RegistrationReader interface {
	// EventAndRegistration reads an event and one of its registrations in one call, consistently. ErrNotFound when
	// either is missing.
	EventAndRegistration(ctx context.Context, eventID, id string) (deltag.Event, deltag.Registration, error)
	// WaitlistPosition of a registration on the waitlist, from 1.
	WaitlistPosition(ctx context.Context, r deltag.Registration) (int, error)
	// DeliveriesOf lists the mails to one registration id.
	DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error)
}

// A RegistrationWriter changes registrations for their owners.
type RegistrationWriter interface {
	// UpdateByAttendee stores what a person changed. With another address nothing changes but the registration's
	// AddressChange, and that address gets a mail with a button. ErrChangeLimit, ErrSignUpLimit: nothing is changed.
	UpdateByAttendee(
		ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
	) error
	// ConfirmAddressChange makes the AddressChange: the new address gets a registration of its own with new links, and
	// the old links end; if it has a seat or a waitlist position already, the old registration is erased in its favour.
	// newsShown says that the person was shown that news are ticked; otherwise the tick is dropped.
	ConfirmAddressChange(
		ctx context.Context, e deltag.Event, r deltag.Registration, newsShown bool, now time.Time,
	) error
	// CancelRegistration gives up the seat or the waitlist position. Repeating it changes nothing.
	CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Rejoin gives a cancelled or unverified registration a seat, or the last position on the waitlist; any other stays
	// as it is. newsShown is as in ConfirmAddressChange. ErrFull, ErrNotFound, ErrChangeLimit.
	Rejoin(
		ctx context.Context, e deltag.Event, r deltag.Registration, newsShown bool, now time.Time,
	) (deltag.SignUpOutcome, error)
	// MarkAttended notes the first press on the join button. Repeating it changes nothing.
	MarkAttended(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Unsubscribe ends optional mail. Repeating it changes nothing.
	Unsubscribe(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// Erase deletes everything personal, frees the seat, and ends the links. Repeating it changes nothing.
	Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
}
