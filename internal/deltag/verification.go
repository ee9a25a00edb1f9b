package deltag

import "time"

// A VerifyPolicy says whether a sign-up has to be verified: then it gets no seat and no waitlist place before a button
// in a mail to its address is pressed. People whom the organiser adds are never asked.
type VerifyPolicy string

const (
	VerifyAuto   VerifyPolicy = "auto" // once the visitor's network has had its NetworkShare
	VerifyAlways VerifyPolicy = "always"
	VerifyNever  VerifyPolicy = "never"
)

// VerificationPeriod is how long the link of a mail to verify an address works, from when the mail is due: one that has
// to wait for the next day works as long from then on. What waits for it is erased at the end.
const VerificationPeriod = 24 * time.Hour

// ShareWindow is the time in which one network may take its NetworkShare.
const ShareWindow = time.Hour

// NetworkShare is how many seats and waitlist places one network may take within ShareWindow without verifying: a tenth
// of a limited event's seats, at least 10, at most half of them, and never less than 1. ok is false if e has no limit,
// so that nobody can take seats from others.
func (e Event) NetworkShare() (share int, ok bool) {
	if e.Capacity == nil {
		return 0, false
	}
	return max(1, min(*e.Capacity/2, max(10, *e.Capacity/10))), true
}

// AwaitVerification has r verify its address. Until then it has no seat and no waitlist place.
func (r Registration) AwaitVerification(now time.Time) (Registration, Delivery) {
	r.Status = RegistrationUnverified
	return r.notify(KindVerification, now)
}

// HasVerified is r after somebody has pressed a button behind one of its personal links, which only its address gets.
// What was ticked about news by whoever signed the address up counts from then on if the person was shown it; otherwise
// somebody has ticked it since, and it is dropped.
func (r Registration) HasVerified(newsShown bool) Registration {
	r.AllowsNews = r.AllowsNews || r.AsksForNews && newsShown
	r.AsksForNews = false
	return r
}

// TakesSeatBack is r when the person asks for a seat themselves.
func (r Registration) TakesSeatBack() Registration {
	r.ByOrganiser = false
	return r
}

// An AddressChange is what its owner has saved of a registration together with another address. The registration stays
// as it is until the button in the mail to that address is pressed.
type AddressChange struct {
	Details     SignUpRequest
	Secret      []byte // the key of the link in the mail
	RequestedAt time.Time
	VerifyUntil time.Time // when the link stops working, and the change is dropped
	MailVersion int       // of the latest mail
}

// MaxAddressChangesPerDay is how many mails about changes of its address a registration may cause on one day (UTC). They
// go to addresses that nobody has shown to be theirs.
const MaxAddressChangesPerDay = 5

// RenewsAddressChange says whether saving s only repeats r's AddressChange: it is to the same address, whose link still
// works.
func (r Registration) RenewsAddressChange(s SignUpRequest, now time.Time) bool {
	c := r.AddressChange
	return c != nil && c.Details.Email.Normalized == s.Email.Normalized && now.Before(c.VerifyUntil)
}

// KeepAddressChange is r with s in its AddressChange, whose mail is on its way: see RenewsAddressChange.
func (r Registration) KeepAddressChange(s SignUpRequest) Registration {
	c := *r.AddressChange
	c.Details = s
	r.AddressChange = &c
	r.Revision++
	return r
}

// RequestAddressChange notes a change of r's address until it is verified, and asks the new address to do so. A change
// to the same address keeps its link. A change to another one gets a link of its own, made with secret, and ends the
// earlier link. Errors: ChangeLimitError.
func (r Registration) RequestAddressChange(
	s SignUpRequest, secret []byte, now time.Time,
) (next Registration, mail Delivery, err error) {
	r = r.beginDay(now)
	if r.AddressChanges >= MaxAddressChangesPerDay {
		until := r.ChangedOn.AddDate(0, 0, 1)
		return r, mail, ChangeLimitError{Limit: MaxAddressChangesPerDay, OfAddress: true, Until: until}
	}
	r.AddressChanges++
	if r.RenewsAddressChange(s, now) {
		secret = r.AddressChange.Secret
	}
	r.Revision++
	// The version is the Revision, as a MailVersion would replace an unsent mail about r's status. It is above every
	// MailVersion so far. A mail to verify r itself may come to have the same key much later; it replaces the row, whose
	// Generation is another.
	r.AddressChange = &AddressChange{
		Details: s, Secret: secret, RequestedAt: now, VerifyUntil: now.Add(VerificationPeriod), MailVersion: r.Revision,
	}
	recipient := r.AddressChangeRecipient()
	mail = NewDelivery(recipient, KindVerification, r.Revision, now)
	mail.ByForm = true
	recipient.Secret = nil // the row of the ledger is no place for it
	mail.DetachedRecipient = &recipient
	return r, mail, nil
}

// DelayVerification is r when d, a mail to verify an address, has to wait: the link works for VerificationPeriod after
// d's next attempt. ok is false if d is not the latest of these mails.
func (r Registration) DelayVerification(d Delivery) (next Registration, ok bool) {
	until := d.NextAttemptAt.Add(VerificationPeriod)
	switch {
	case d.DetachedRecipient == nil && d.Version == r.MailVersion:
		r.VerifyUntil = until
	case d.DetachedRecipient != nil && r.AddressChange != nil && d.Version == r.AddressChange.MailVersion:
		c := *r.AddressChange
		c.VerifyUntil = until
		r.AddressChange = &c
	default:
		return r, false
	}
	r.Revision++
	return r, true
}

// DropAddressChange forgets a change of address that was not verified.
func (r Registration) DropAddressChange() Registration {
	r.AddressChange = nil
	r.Revision++
	return r
}

// AddressChangeRecipient is the recipient of the mail about r's AddressChange: nobody who is registered, but with r's
// id, under which the mail is kept and erased. It has nothing of r beside.
func (r Registration) AddressChangeRecipient() Registration {
	c := r.AddressChange
	return Registration{
		EventID: r.EventID, ID: r.ID, Email: c.Details.Email, Language: c.Details.Language,
		Status: RegistrationUnverified, AddressStatus: AddressOK, Secret: c.Secret, AsksForNews: c.Details.AllowsNews,
		LastMailedAt: c.RequestedAt, VerifyUntil: c.VerifyUntil, MailVersion: c.MailVersion,
	}
}

// VerificationRecipient is the recipient of d, a mail about r's AddressChange. It is the zero value if that change was
// dropped, replaced or made: the link in the mail would not work.
func (r Registration) VerificationRecipient(d Delivery) Registration {
	if r.AddressChange == nil {
		return Registration{}
	}
	if recipient := r.AddressChangeRecipient(); recipient.Generation() == d.Generation {
		return recipient
	}
	return Registration{}
}

// A Verification is what the link of a mail to verify an address is about.
type Verification struct {
	ChangesAddress bool // of a registration; otherwise it is about a sign-up
	State          VerificationState
}

// A VerificationState says whether the button of a mail to verify an address does anything.
type VerificationState string

const (
	VerificationOpen      VerificationState = "open"
	VerificationUsed      VerificationState = "used"    // the registration has its seat, or its waitlist place
	VerificationExpired   VerificationState = "expired" // or given up, or replaced by a later one
	VerificationClosed    VerificationState = "closed"  // sign-up is, to somebody who gave their seat up
	VerificationOver      VerificationState = "over"
	VerificationCancelled VerificationState = "event-cancelled"
)

// CheckVerification verifies a link to verify an address of r, with its MAC. ErrBadLink if it is wrong.
func (r Registration) CheckVerification(e Event, l Link, mac []byte, now time.Time) (Verification, error) {
	var v Verification
	err := l.Check(mac, r.Secret)
	if c := r.AddressChange; err != nil && c != nil {
		v.ChangesAddress, err = true, l.Check(mac, c.Secret)
	}
	v.State = r.verificationState(e, v.ChangesAddress, now)
	return v, err
}

func (r Registration) verificationState(e Event, changesAddress bool, now time.Time) VerificationState {
	switch {
	case e.Status == EventCancelled:
		return VerificationCancelled
	case !now.Before(e.EndsAt):
		return VerificationOver
	case changesAddress && !now.Before(r.AddressChange.VerifyUntil):
		return VerificationExpired
	case changesAddress:
		return VerificationOpen
	case r.IsActive():
		return VerificationUsed
	case !now.Before(r.VerifyUntil):
		return VerificationExpired
	case r.Status == RegistrationCancelled && e.SignUpStateAt(now) != SignUpOpen:
		return VerificationClosed // who signed up while it was open may still verify
	}
	return VerificationOpen
}

// EndsNext is when the next thing that waits for r's owner to verify an address ends. ok is false if nothing waits.
func (r Registration) EndsNext() (end time.Time, ok bool) {
	if r.Status == RegistrationUnverified {
		return r.VerifyUntil, true
	}
	if r.AddressChange != nil {
		return r.AddressChange.VerifyUntil, true
	}
	return time.Time{}, false
}

// TakesOver says whether r, moved to the address of other, replaces it: r has a seat and other has none, or r has a
// waitlist place, or had what was given back, and other has neither. Otherwise other stays and r is removed.
func (r Registration) TakesOver(other Registration) bool {
	if r.Status == RegistrationConfirmed {
		return other.Status != RegistrationConfirmed
	}
	return (r.IsActive() || r.WasGivenBack()) && !other.IsActive()
}

// CorrectionReplaces is TakesOver where an organiser corrects r's address. The address may be somebody else's: nobody who
// has a seat or waits is replaced, nor does r go to leave it to other.
func (r Registration) CorrectionReplaces(other Registration) bool {
	return r.TakesOver(other) && !other.IsActive()
}

// IsActive says whether r has a seat or is on the waitlist.
func (r Registration) IsActive() bool {
	return r.Status == RegistrationConfirmed || r.Status == RegistrationWaitlisted
}
