package deltag

import "time"

// BounceGracePeriod is how long an address that bounces keeps its seat, or its waitlist place, in a limited event.
const BounceGracePeriod = 24 * time.Hour

// noteHour is when the organiser gets a note of the day before, in the event's time zone.
const noteHour = 7

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

// urgentNoteDelay is how long a note gathers people when the event starts before the next morning.
const urgentNoteDelay = time.Hour

// NewOrganiserNote tells the organiser, on the next morning, or in an hour if the event starts before, whose seats were
// given back and whose mail was held on the day of at. Its version is that day, so that there is one a day.
func NewOrganiserNote(e Event, at time.Time) Delivery {
	year, month, day := at.In(e.Zone()).Date()
	due := time.Date(year, month, day+1, noteHour, 0, 0, 0, e.Zone()).UTC()
	if !due.Before(e.StartsAt) {
		due = at.Add(urgentNoteDelay)
	}
	return NewOrganiserDelivery(e, KindOrganiserNote, year*10_000+int(month)*100+day, due)
}
