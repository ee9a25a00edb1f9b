package deltag

import "time"

// A PersonTrace is what one event holds of an address.
type PersonTrace struct {
	Event        Event
	Registration *Registration // nil: the address has none
	// Deliveries are the mails under the address's registration id and, if there is a registration, to the addresses that it
	// had before. Without one they are what is left of it: a last mail that waits, or, when it got another address, the mails
	// to this one.
	Deliveries []Delivery
	// ErasedAt is when registrations of the address were erased on request, the first first.
	ErasedAt []time.Time
	// IsContact says that the address is the organiser's.
	IsContact bool
}

// IsEmpty says whether the event holds nothing of the address.
func (t PersonTrace) IsEmpty() bool {
	return t.Registration == nil && len(t.Deliveries) == 0 && len(t.ErasedAt) == 0 && !t.IsContact
}

// Erasable is how many mails an erasure deletes, and whether it does anything. The organiser's own mails belong to the
// event, and a last mail that waits is deleted when it is sent.
func (t PersonTrace) Erasable() (mails int, any bool) {
	for _, d := range t.Deliveries {
		if !d.IsToOrganiser() && (!d.Kind.IsFinal() || !d.IsActive()) {
			mails++
		}
	}
	return mails, t.Registration != nil || mails > 0
}

// An AddressRecord is what is stored of an address apart from events.
type AddressRecord struct {
	Status        AddressStatus // AddressOK, AddressBounced or AddressComplained, for all events
	Since         time.Time     // when it got the status; zero for AddressOK
	ReceivedUntil time.Time     // until when it is remembered that it has received mail. Zero: it is not
	Mails         []MailCount   // to its mailbox, on the latest days
	Member        *Member       // nil: it has never signed in, nor been invited
	AccountMails  []Delivery    // about signing in
}

// A MailCount is how many mails a mailbox had on a day.
type MailCount struct {
	Day string // UTC, as in 2026-12-01
	N   int
}

// IsEmpty says whether nothing is stored.
func (r AddressRecord) IsEmpty() bool {
	return r.Status == AddressOK && r.ReceivedUntil.IsZero() && len(r.Mails) == 0 && r.Member == nil &&
		len(r.AccountMails) == 0
}
