package deltag

import "time"

// AccountID stands for an event's id in the keys of mail to members about their access, which belongs to no event. It has
// the form of an id, and NewID makes it with the probability of any other.
const AccountID = "accountmailtomembers"

// AccountEvent is what mail to members has for an event.
func AccountEvent() Event {
	return Event{ID: AccountID, TimeZone: "Europe/Copenhagen", Organiser: Organiser{Name: "Deltag"}}
}

// IsAccountKind says whether k is mail to members about their access.
func (k MailKind) IsAccountKind() bool { return k == KindSignIn || k == KindMemberInvited }

// Recipient is m as the recipient of a mail. Its secret, from which the link is made, is in no row of the ledger.
func (m Member) Recipient() Registration {
	return Registration{
		EventID: AccountID, ID: m.ID, Email: m.Email, Language: m.Language, Secret: m.Secret,
		Status: RegistrationConfirmed, AddressStatus: AddressOK,
	}
}

func (m Member) newDelivery(k MailKind, number int, now time.Time) Delivery {
	recipient := m.Recipient()
	d := NewDelivery(recipient, k, number, now)
	recipient.Secret = nil
	d.DetachedRecipient = &recipient
	return d
}

// accountSkipReason skips a link that is too old to be used.
func (c MailContext) accountSkipReason(now time.Time) Reason {
	if c.Kind == KindSignIn && !now.Before(c.DueAt.Add(SignInLinkPeriod)) {
		return ReasonLinkExpired
	}
	return ""
}
