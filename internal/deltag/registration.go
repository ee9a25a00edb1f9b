package deltag

import (
	"slices"
	"time"
)

// A RegistrationStatus says whether a registration has a seat.
type RegistrationStatus string

const (
	RegistrationConfirmed  RegistrationStatus = "confirmed" // has a seat
	RegistrationWaitlisted RegistrationStatus = "waiting"
	RegistrationCancelled  RegistrationStatus = "cancelled"  // by the attendee or the organiser, or see GiveBack
	RegistrationUnverified RegistrationStatus = "unverified" // see AwaitVerification
)

// RegistrationStatuses lists all of them.
var RegistrationStatuses = []RegistrationStatus{
	RegistrationConfirmed, RegistrationWaitlisted, RegistrationCancelled, RegistrationUnverified,
}

// A Registration is that of one address for one event. Its methods are its only state changes: those that raise Revision
// return a state to be stored, and where the person is told, the delivery for that; both are written in one transaction,
// if the stored revision is the one before. Others return a part of such a change.
type Registration struct {
	EventID       string
	ID            string // RegistrationID of the event and the address
	Name          string
	Email         Address
	Organisation  string
	JobTitle      string
	Answers       map[string][]string // by question id; kept when a question is changed or removed
	AllowsNews    bool                // the organiser may write about later events too
	AsksForNews   bool                // ticked by somebody who had not shown that the address is theirs; see HasVerified
	ByOrganiser   bool                // the organiser signed the person up, who has not taken the seat back since
	Source        string              // where the organiser said to have the address from, the last time that they signed it up
	Language      Language            // of the sign-up form; mails are written in it
	Status        RegistrationStatus
	RegisteredAt  time.Time
	ConfirmedAt   time.Time // when it got its seat. Zero: has none, or had none when it was cancelled
	AttendedAt    time.Time // when the button to the meeting was first pressed. Zero: never
	WaitlistedAt  time.Time // when it joined the waitlist. Zero: not on it
	Seat          string    // which seat it has, in the store's numbering. "": none, or they are not counted
	GivenBackAt   time.Time // when GiveBack cancelled it. Zero: it did not, or the registration has come back since
	AddressStatus AddressStatus

	// PreviousIDs are the ids under earlier addresses. Their deliveries are kept until the registration is erased.
	PreviousIDs []string
	// AddressChange waits for its address to be verified. Nil: none does.
	AddressChange *AddressChange
	// Secret is the key of the personal links; see Link.
	Secret []byte
	// Revision rises by one with each write, which is conditional on the one that was read.
	Revision int
	// Changes is how often its owner has changed it on the day ChangedOn (UTC), and AddressChanges how many mails have
	// asked a new address to verify a change; see CountChange and RequestAddressChange.
	Changes        int
	AddressChanges int
	ChangedOn      time.Time
	// MailVersion is the version of the latest transactional mail, which was created at LastMailedAt.
	MailVersion  int
	LastMailedAt time.Time
	// VerifyUntil is when the links of the mails to verify the address stop working, and an unverified registration is
	// erased. Zero: there was no such mail.
	VerifyUntil time.Time
	// ICalSequence rises when the person's calendar entry is removed and when it is added again. Together with the
	// event's it is the SEQUENCE of the entry; see MailContext.ICalSequence.
	ICalSequence int
	// FormerCalendarUID is the CalendarUID of a registration that is gone, in the recipient of a final mail, which has no
	// Secret. "" for all others.
	FormerCalendarUID string
}

// ResendCooldown is how long after a mail a repeated sign-up does not send it again. A double click, a reload or a
// client's retry comes sooner; somebody who has lost the mail comes later.
const ResendCooldown = time.Minute

// NewRegistration is the registration of a first sign-up. It has no status until it is confirmed, waitlisted or
// unverified.
func NewRegistration(e Event, s SignUpRequest, secret []byte, now time.Time) Registration {
	r := Registration{
		EventID: e.ID, ID: RegistrationID(e, s.Email), Secret: secret, AddressStatus: AddressOK, RegisteredAt: now,
	}
	return r.WithSignUp(s)
}

// WithSignUp is r with what was entered in the sign-up form. A stranger may have done that, whose tick is no consent.
func (r Registration) WithSignUp(s SignUpRequest) Registration {
	r = r.WithDetails(s)
	r.ByOrganiser, r.Source = s.ByOrganiser, s.Source
	if !s.ByOrganiser {
		r.AllowsNews, r.AsksForNews = false, s.AllowsNews
	}
	return r
}

// WithoutMail is r after a sign-up that the person is not mailed about, and the row of the ledger that says so. before
// is r before the sign-up: nobody was mailed, so a sign-up by the person has its confirmation at any time.
func (r Registration) WithoutMail(before Registration, mail Delivery, now time.Time) (Registration, Delivery) {
	r.LastMailedAt = before.LastMailedAt
	return r, mail.Skip(ReasonNotWanted, now)
}

// WithDetails is r with what its owner or the organiser has entered in a form. It does not raise the revision.
func (r Registration) WithDetails(s SignUpRequest) Registration {
	r.Name, r.Email, r.Organisation, r.JobTitle = s.Name, s.Email, s.Organisation, s.JobTitle
	r.Answers, r.AllowsNews, r.Language = s.Answers, s.AllowsNews, s.Language
	r.AsksForNews = r.AsksForNews && s.ByOrganiser && !s.AllowsNews // what a person has ticked is not corrected
	return r
}

// MaxChangesPerDay is how often a registration can be saved, or a seat taken back, behind a personal link on one day
// (UTC): more than a person does, and so few that a program fills neither inbox nor ledger. Giving up and erasing are
// never refused.
const MaxChangesPerDay = 50

// CountChange is r with one change more on the day of now. It does not raise the revision. Errors: ChangeLimitError.
func (r Registration) CountChange(now time.Time) (Registration, error) {
	r = r.beginDay(now)
	if r.Changes >= MaxChangesPerDay {
		return r, ChangeLimitError{Limit: MaxChangesPerDay, Until: r.ChangedOn.AddDate(0, 0, 1)}
	}
	r.Changes++
	return r, nil
}

// beginDay resets what is counted on one day, if now is on a later one.
func (r Registration) beginDay(now time.Time) Registration {
	if day := now.UTC().Truncate(24 * time.Hour); !r.ChangedOn.Equal(day) {
		r.ChangedOn, r.Changes, r.AddressChanges = day, 0, 0
	}
	return r
}

// Confirm gives r a seat.
func (r Registration) Confirm(now time.Time) (Registration, Delivery) {
	r = r.raiseSequenceIfCancelled()
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationConfirmed, now, time.Time{}
	r.GivenBackAt = time.Time{}
	return r.notify(KindConfirmation, now)
}

// JoinWaitlist puts r at the end of the waitlist.
func (r Registration) JoinWaitlist(now time.Time) (Registration, Delivery) {
	r = r.raiseSequenceIfCancelled()
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationWaitlisted, time.Time{}, now
	r.GivenBackAt = time.Time{}
	return r.notify(KindWaitlisted, now)
}

// Promote gives r, which is on the waitlist, a free seat.
func (r Registration) Promote(now time.Time) (Registration, Delivery) {
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationConfirmed, now, time.Time{}
	return r.notify(KindPromoted, now)
}

// Cancel takes r's seat, or its position on the waitlist.
func (r Registration) Cancel(now time.Time) (Registration, Delivery) {
	r.Status, r.WaitlistedAt, r.AddressChange = RegistrationCancelled, time.Time{}, nil
	r.ICalSequence++
	return r.notify(KindRegistrationCancelled, now)
}

// MailedJustNow says whether r was mailed less than ResendCooldown ago. Of several requests at once, one may have a
// time some milliseconds before the one that was stored first, as may one on a machine whose clock is behind: these are
// just now, too. A time far before LastMailedAt is a clock that was wrong, and no reason to send nothing.
func (r Registration) MailedJustNow(now time.Time) bool {
	return now.Sub(r.LastMailedAt).Abs() < ResendCooldown
}

// ReplyToSignUp sends r what its address gets when it is signed up again: r's status or, as r's owner alone may take
// back a seat that was given up, the mail with the button to do so.
func (r Registration) ReplyToSignUp(now time.Time) (Registration, Delivery) {
	if r.Status == RegistrationCancelled {
		return r.notify(KindVerification, now)
	}
	return r.ResendStatus(now)
}

// ResendStatus sends r its status again.
func (r Registration) ResendStatus(now time.Time) (Registration, Delivery) {
	kinds := map[RegistrationStatus]MailKind{
		RegistrationConfirmed:  KindConfirmation,
		RegistrationWaitlisted: KindWaitlisted,
		RegistrationCancelled:  KindRegistrationCancelled,
		RegistrationUnverified: KindVerification,
	}
	return r.notify(kinds[r.Status], now)
}

// ChangeAddress moves r, with its seat or position on the waitlist, to another address. That has a new id, its own
// links made with secret, and is sent r's status. It stays unsubscribed, but not bounced. It replaces other, the
// registration that the address has already, or the zero value.
func (r Registration) ChangeAddress(
	e Event, other Registration, s SignUpRequest, secret []byte, now time.Time,
) (Registration, Delivery) {
	next := r.WithDetails(s)
	next.ID, next.Secret, next.AddressChange = RegistrationID(e, s.Email), secret, nil
	next.PreviousIDs = nil
	for _, id := range slices.Concat(other.PreviousIDs, r.PreviousIDs, []string{r.ID}) {
		if id != next.ID && !slices.Contains(next.PreviousIDs, id) { // each is purged once
			next.PreviousIDs = append(next.PreviousIDs, id)
		}
	}
	if r.AddressStatus == AddressBounced {
		next.AddressStatus = AddressOK
	}
	if next.AttendedAt.IsZero() {
		next.AttendedAt = other.AttendedAt
	}
	next, d := next.ResendStatus(now)
	next.Revision = max(r.Revision, other.Revision) + 1
	return next, d
}

// MarkAttended records the first press of the button to the meeting.
func (r Registration) MarkAttended(now time.Time) Registration {
	r = r.HasVerified(true) // the button is behind a personal link, and the confirmation said what was ticked
	r.AttendedAt = now
	r.Revision++
	return r
}

// SetAddressStatus records what is known of the address.
func (r Registration) SetAddressStatus(s AddressStatus) Registration {
	r.AddressStatus = s
	r.Revision++
	return r
}

// raiseSequenceIfCancelled lets the next invitation replace the removal of the calendar entry, if r was cancelled.
func (r Registration) raiseSequenceIfCancelled() Registration {
	if r.Status == RegistrationCancelled {
		r.ICalSequence++
	}
	return r
}

func (r Registration) notify(k MailKind, now time.Time) (Registration, Delivery) {
	r.Revision++
	r.MailVersion++
	r.LastMailedAt = now
	if k == KindVerification {
		r.VerifyUntil = now.Add(VerificationPeriod)
	}
	return r, NewDelivery(r, k, r.MailVersion, now)
}

// LinkToken is the token of r's personal link for a purpose.
func (r Registration) LinkToken(p Purpose) string {
	return Link{EventID: r.EventID, RegistrationID: r.ID, Purpose: p}.Token(r.Secret)
}
