package deltag

import "time"

// A VerifyPolicy says whether a sign-up has to be verified: then it gets no seat and no place in line before a button
// in a mail to its address is pressed. People whom the organiser adds are never asked.
type VerifyPolicy string

const (
	VerifyAuto   VerifyPolicy = "auto" // once the visitor's network has had its NetworkShare
	VerifyAlways VerifyPolicy = "always"
	VerifyNever  VerifyPolicy = "never"
)

// VerificationPeriod is how long the link of a mail to verify an address works. What waits for it is erased then.
const VerificationPeriod = 24 * time.Hour

// ShareWindow is the time in which one network may take its NetworkShare.
const ShareWindow = time.Hour

// NetworkShare is how many seats and places in line one network may take within ShareWindow without verifying: a tenth
// of a limited event's seats, at least 10, at most half of them, and never less than 1. ok is false if e has no limit,
// so that nobody can take seats from others.
func (e Event) NetworkShare() (share int, ok bool) {
	if e.Capacity == nil {
		return 0, false
	}
	return max(1, min(*e.Capacity/2, max(10, *e.Capacity/10))), true
}

// AwaitVerification has r verify its address. Until then it has no seat and no place in line.
func (r Registration) AwaitVerification(now time.Time) (Registration, Delivery) {
	r.Status = RegistrationUnverified
	return r.notify(KindVerification, now)
}

// VerificationEndsAt is when the links of the mails to verify r's address stop working. An unverified registration is
// erased then.
func (r Registration) VerificationEndsAt() time.Time { return r.LastMailedAt.Add(VerificationPeriod) }

// HasVerified is r after somebody has pressed a button behind one of its personal links, which only its address gets.
// What was ticked about news by whoever signed the address up counts from then on.
func (r Registration) HasVerified() Registration {
	r.AllowsNews = r.AllowsNews || r.AsksForNews
	r.AsksForNews = false
	return r
}

// An AddressChange is what its owner has saved of a registration together with another address. The registration stays
// as it is until the button in the mail to that address is pressed.
type AddressChange struct {
	Details     SignUpRequest
	Secret      []byte // the key of the link in the mail
	RequestedAt time.Time
}

// EndsAt is when the change is dropped, unless the button was pressed.
func (c AddressChange) EndsAt() time.Time { return c.RequestedAt.Add(VerificationPeriod) }

// RequestAddressChange notes a change of r's address until it is verified, and asks the new address to do so. A change
// to the same address keeps its link, and sends it again after ResendCooldown; until then mailed is false. A change to
// another one gets a link of its own, made with secret, and ends the earlier link.
func (r Registration) RequestAddressChange(
	s SignUpRequest, secret []byte, now time.Time,
) (next Registration, mail Delivery, mailed bool) {
	c := AddressChange{Details: s, Secret: secret, RequestedAt: now}
	mailed = true
	if p := r.AddressChange; p != nil && p.Details.Email.Normalized == s.Email.Normalized && now.Before(p.EndsAt()) {
		c.Secret = p.Secret
		if now.Sub(p.RequestedAt).Abs() < ResendCooldown {
			c.RequestedAt, mailed = p.RequestedAt, false
		}
	}
	r.AddressChange = &c
	r.Revision++
	recipient := r.addressChangeRecipient()
	// By Revision, as a MailVersion would replace an unsent mail about r's status. It is above every MailVersion so far,
	// so no other mail has this key.
	mail = NewDelivery(recipient, KindVerification, r.Revision, now)
	recipient.Secret = nil // the row of the ledger is no place for it
	mail.DetachedRecipient = &recipient
	return r, mail, mailed
}

// DropAddressChange forgets a change of address that was not verified.
func (r Registration) DropAddressChange() Registration {
	r.AddressChange = nil
	r.Revision++
	return r
}

// addressChangeRecipient is the recipient of the mail about r's AddressChange: nobody who is registered, but with r's
// id, under which the mail is kept and erased. It has nothing of r beside.
func (r Registration) addressChangeRecipient() Registration {
	c := r.AddressChange
	return Registration{
		EventID: r.EventID, ID: r.ID, Email: c.Details.Email, Language: c.Details.Language,
		Status: RegistrationUnverified, AddressStatus: AddressOK, Secret: c.Secret, LastMailedAt: c.RequestedAt,
	}
}

// VerificationRecipient is the recipient of d, a mail about r's AddressChange. It is the zero value if that change was
// dropped, replaced or made: the link in the mail would not work.
func (r Registration) VerificationRecipient(d Delivery) Registration {
	if r.AddressChange == nil {
		return Registration{}
	}
	if recipient := r.addressChangeRecipient(); recipient.Generation() == d.Generation {
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
	VerificationUsed      VerificationState = "used"    // the registration has its seat, or its place in line
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
	case changesAddress && !now.Before(r.AddressChange.EndsAt()):
		return VerificationExpired
	case changesAddress:
		return VerificationOpen
	case r.isActive():
		return VerificationUsed
	case !now.Before(r.VerificationEndsAt()):
		return VerificationExpired
	case r.Status == RegistrationCancelled && e.SignUpStateAt(now) != SignUpOpen:
		return VerificationClosed // who signed up while it was open may still verify
	}
	return VerificationOpen
}

// EndsNext is when the next thing that waits for r's owner to verify an address ends. ok is false if nothing waits.
func (r Registration) EndsNext() (end time.Time, ok bool) {
	if r.Status == RegistrationUnverified {
		return r.VerificationEndsAt(), true
	}
	if r.AddressChange != nil {
		return r.AddressChange.EndsAt(), true
	}
	return time.Time{}, false
}

// TakesOver says whether r, moved to the address of other, replaces it: r has a seat or a place in line, or had one
// that was given back, and other has none. Otherwise other stays and r is removed.
func (r Registration) TakesOver(other Registration) bool {
	return (r.isActive() || r.WasGivenBack()) && !other.isActive()
}

// isActive says whether r has a seat or a place in line.
func (r Registration) isActive() bool {
	return r.Status == RegistrationConfirmed || r.Status == RegistrationWaitlisted
}
