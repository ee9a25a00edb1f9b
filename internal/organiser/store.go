package organiser

import (
	"context"
	"time"

	"deltag/internal/deltag"
)

// A Store is everything that the use cases read and write. Reads are consistent unless stated otherwise, and any call
// may return deltag.ErrUnavailable; a write may then have happened, and may be repeated.
type Store interface {
	EventStore
	RegistrationStore
	MailingStore
	DeliveryStore
	StatsStore
	AuditStore
	PersonStore
}

// An EventStore keeps events with their planned mail.
type EventStore interface {
	// CreateEvent stores an event with its planned mail, all or nothing. ErrSlugTaken.
	CreateEvent(ctx context.Context, e deltag.Event, c deltag.MailingChanges) error
	// Event reads one. ErrNotFound.
	Event(ctx context.Context, id string) (deltag.Event, error)
	// Events lists all, the earliest start first; a new one may be missing for a moment. ValidationErrors for a bad
	// cursor; UnreadableError for those that it lacks, as the two below.
	Events(ctx context.Context, cursor string, limit int) ([]deltag.Event, string, error)
	// CurrentEvents lists those that are not over at now, the earliest start first.
	CurrentEvents(ctx context.Context, now time.Time, limit int) ([]deltag.Event, error)
	// PastEvents lists those that are over at now, the latest start first. ValidationErrors for a bad cursor.
	PastEvents(ctx context.Context, now time.Time, cursor string, limit int) ([]deltag.Event, string, error)
	// UpdateEvent stores an event's next revision, all or nothing. ErrConflict: the stored one is not the one before.
	// ErrSlugTaken.
	UpdateEvent(ctx context.Context, e deltag.Event, c deltag.MailingChanges) error
	// DeleteEvent deletes an event that nobody ever signed up for, and may be repeated for some minutes. ErrHasSignUps;
	// ErrNotFound.
	DeleteEvent(ctx context.Context, id string, now time.Time) error
	// IsUnused says whether DeleteEvent would delete it. ErrNotFound.
	IsUnused(ctx context.Context, id string) (bool, error)
	// Counts adds up an event's counters.
	Counts(ctx context.Context, e deltag.Event) (deltag.Counts, error)
}

// A RegistrationStore keeps the registrations of events.
type RegistrationStore interface {
	// Registrations lists those of an event in the order of their ids. ValidationErrors for a bad cursor.
	Registrations(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Registration, string, error)
	// EachRegistration calls do with those of an event, one at a time and in no order. It ends with the first error, which
	// may be do's.
	EachRegistration(ctx context.Context, eventID string, do func(deltag.Registration) error) error
	// RegistrationsByID reads those that exist, in no order. UnreadableError: those are left out.
	RegistrationsByID(ctx context.Context, eventID string, ids []string) ([]deltag.Registration, error)
	// RegistrationsAfter lists up to limit of those behind the one with the id after, "" for the first, and is
	// UnreadableError if some can't be read.
	RegistrationsAfter(ctx context.Context, eventID, after string, limit int) ([]deltag.Registration, string, error)
	// Attendees lists one of deltag.AttendeeParts parts of an event's registrations, from 0, in the order of their ids.
	// UnreadableError if some can't be read.
	Attendees(ctx context.Context, eventID string, part int) ([]deltag.Attendee, error)
	// EventAndRegistration reads both. ErrNotFound when either is missing.
	EventAndRegistration(ctx context.Context, eventID, id string) (deltag.Event, deltag.Registration, error)
	// SignUp stores a registration with its confirmation. An address that has a seat or waits stays as it is;
	// one that has cancelled or is unverified is signed up with what was entered. Repeating it sends the status again after
	// deltag.ResendCooldown, unless the request asks for no mail. ErrFull.
	SignUp(ctx context.Context, e deltag.Event, in deltag.SignUpRequest, now time.Time) (deltag.SignUpOutcome, error)
	// UpdateByOrganiser gives r another id when the address is another, and sends there what was missed. ErrConflict: r
	// has changed since it was read, and nothing is changed now. AddressTakenError.
	UpdateByOrganiser(
		ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
	) error
	// Suppressions reads what is known of addresses for all events, in their order: deltag.AddressOK, AddressBounced or
	// AddressComplained.
	Suppressions(ctx context.Context, addresses []deltag.Address) ([]deltag.AddressStatus, error)
	// ErasedIDs lists the ids of those who were erased on request.
	ErasedIDs(ctx context.Context, eventID string) ([]string, error)
	// CancelRegistration is harmless to repeat.
	CancelRegistration(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
	// NoteAttended stores whether r attended. Repeating it keeps the first time. ErrNotFound.
	NoteAttended(ctx context.Context, e deltag.Event, r deltag.Registration, attended bool, now time.Time) error
	// Erase deletes everything personal about r.
	Erase(ctx context.Context, e deltag.Event, r deltag.Registration, now time.Time) error
}

// A MailingStore keeps the mails to all of an event.
type MailingStore interface {
	// Mailings lists those of an event.
	Mailings(ctx context.Context, eventID string) ([]deltag.Mailing, error)
	// Mailing reads one. ErrNotFound.
	Mailing(ctx context.Context, k deltag.MailingKey) (deltag.Mailing, error)
	// PutMailing stores a new one. ErrConflict when there is one with its key.
	PutMailing(ctx context.Context, m deltag.Mailing) error
}

// A DeliveryStore is the mail ledger.
type DeliveryStore interface {
	// Deliveries lists an event's ledger by registration. ValidationErrors for a bad cursor.
	Deliveries(ctx context.Context, eventID, cursor string, limit int) ([]deltag.Delivery, string, error)
	// EachDelivery calls do with those of an event, one at a time and in no order. It ends with the first error, which may
	// be do's.
	EachDelivery(ctx context.Context, eventID string, do func(deltag.Delivery) error) error
	// DeliveriesOf lists those of one registration id.
	DeliveriesOf(ctx context.Context, eventID, registrationID string) ([]deltag.Delivery, error)
	// Delivery reads one. ErrNotFound.
	Delivery(ctx context.Context, k deltag.DeliveryKey) (deltag.Delivery, error)
	// LoadDelivery reads one with its event and its recipient, the zero value if that is gone. ErrNotFound.
	LoadDelivery(ctx context.Context, k deltag.DeliveryKey) (
		deltag.Delivery, deltag.Event, deltag.Registration, error)
	// SaveDelivery stores a new one. ErrConflict when it is there.
	SaveDelivery(ctx context.Context, d deltag.Delivery) error
	// LiftSuppression lets mail go to r's address again after it bounced. It is harmless to repeat. ErrNotFound.
	LiftSuppression(ctx context.Context, e deltag.Event, r deltag.Registration) error
	// Resend makes a mail due again. ErrConflict while it is on its way.
	Resend(ctx context.Context, e deltag.Event, r deltag.Registration, d deltag.Delivery, now time.Time) error
}

// A StatsStore counts.
type StatsStore interface {
	// EventStats are kept when the people are erased.
	EventStats(ctx context.Context, e deltag.Event) (deltag.EventStats, error)
	// Reconcile checks the counts and the waitlist against the registrations, and repairs them. It may run at any time,
	// and be repeated. ErrConflict: people kept signing up while it was counting.
	Reconcile(ctx context.Context, eventID string, now time.Time) (deltag.Reconciliation, error)
	// LastReconciliation is what the last one found. ErrNotFound when there was none.
	LastReconciliation(ctx context.Context, eventID string) (deltag.Reconciliation, error)
}

// An AuditStore is the audit log. Entries are written by the other calls: see deltag.Principal.Record.
type AuditStore interface {
	// AuditLog lists those of an event, the latest first. ValidationErrors for a bad cursor.
	AuditLog(ctx context.Context, eventID, cursor string, limit int) ([]deltag.AuditEntry, string, error)
	// WholeAuditLog lists all; a new one may be missing for a moment. ValidationErrors for a bad cursor.
	WholeAuditLog(ctx context.Context, cursor string, limit int) ([]deltag.AuditEntry, string, error)
}
