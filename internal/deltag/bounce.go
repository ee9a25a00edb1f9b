package deltag

import "time"

// BounceGracePeriod is how long an address that bounces keeps its seat, or its waitlist place, in a limited event.
const BounceGracePeriod = 24 * time.Hour

// LosesPlace says whether r's seat, or its waitlist place, goes back to e once BounceGracePeriod is over: the seats are
// limited, and the address bounces. Who has attended without mail keeps it.
func (r Registration) LosesPlace(e Event, now time.Time) bool {
	return e.Capacity != nil && e.Status != EventCancelled && now.Before(e.EndsAt) &&
		r.IsActive() && r.AddressStatus == AddressBounced && r.AttendedAt.IsZero()
}

// GiveBack takes r's seat, or its waitlist place, without a mail, which would not arrive. A change of address that waits
// for its verification stays.
func (r Registration) GiveBack(now time.Time) Registration {
	r.Status, r.WaitlistedAt, r.GivenBackAt = RegistrationCancelled, time.Time{}, now
	r.ICalSequence++
	r.Revision++
	return r
}

// WasGivenBack says whether GiveBack has cancelled r, which has not come back since. A corrected address brings it back.
func (r Registration) WasGivenBack() bool { return !r.GivenBackAt.IsZero() }

// ComeBack is r, whose seat or waitlist place was given back, with a seat, or a waitlist place before all who signed up
// later. It sends no mail: ChangeAddress does, to the corrected address.
func (r Registration) ComeBack(hasSeat bool, now time.Time) Registration {
	r = r.raiseSequenceIfCancelled()
	r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationWaitlisted, time.Time{}, r.RegisteredAt
	if hasSeat {
		r.Status, r.ConfirmedAt, r.WaitlistedAt = RegistrationConfirmed, now, time.Time{}
	}
	r.GivenBackAt = time.Time{}
	return r
}
