package deltag

import (
	"maps"
	"time"
)

// Counts are numbers of registrations.
type Counts struct {
	Confirmed, Waitlisted, Cancelled, Unverified, Attended int
}

// Add counts one registration more.
func (c *Counts) Add(r Registration) {
	switch r.Status {
	case RegistrationConfirmed:
		c.Confirmed++
	case RegistrationWaitlisted:
		c.Waitlisted++
	case RegistrationCancelled:
		c.Cancelled++
	case RegistrationUnverified:
		c.Unverified++
	}
	if !r.AttendedAt.IsZero() {
		c.Attended++
	}
}

// Plus is c and d together.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		Confirmed: c.Confirmed + d.Confirmed, Waitlisted: c.Waitlisted + d.Waitlisted,
		Cancelled: c.Cancelled + d.Cancelled, Attended: c.Attended + d.Attended,
		Unverified: c.Unverified + d.Unverified,
	}
}

// Sub is c minus d.
func (c Counts) Sub(d Counts) Counts {
	return Counts{
		Confirmed: c.Confirmed - d.Confirmed, Waitlisted: c.Waitlisted - d.Waitlisted,
		Cancelled: c.Cancelled - d.Cancelled, Unverified: c.Unverified - d.Unverified, Attended: c.Attended - d.Attended,
	}
}

// Overbooked is by how many the confirmed exceed e's capacity. That happens when the capacity is lowered: nobody loses
// their seat.
func (e Event) Overbooked(c Counts) int {
	if e.Capacity == nil {
		return 0
	}
	return max(0, c.Confirmed-*e.Capacity)
}

// EventStats are numbers about an event that name nobody. They are kept when its personal data is erased.
type EventStats struct {
	Counts       Counts
	SignUpsByDay map[string]int                      // by date in the event's zone, as 2006-01-02
	Mails        map[MailKind]map[DeliveryStatus]int // deliveries
	Erasures     int                                 // people who had their data erased before then
	ErasedAt     time.Time                           // when all personal data was erased. Zero: not yet
}

// NewEventStats are those of an event without registrations.
func NewEventStats() EventStats {
	return EventStats{SignUpsByDay: map[string]int{}, Mails: map[MailKind]map[DeliveryStatus]int{}}
}

// AddRegistration counts a registration in SignUpsByDay, unless it is unverified.
func (s EventStats) AddRegistration(e Event, r Registration) {
	if r.Status == RegistrationUnverified {
		return
	}
	s.SignUpsByDay[r.RegisteredAt.In(e.Zone()).Format(time.DateOnly)]++
}

// AddDelivery counts a delivery in Mails.
func (s EventStats) AddDelivery(d Delivery) {
	if s.Mails[d.Kind] == nil {
		s.Mails[d.Kind] = map[DeliveryStatus]int{}
	}
	s.Mails[d.Kind][d.Status]++
}

// Plus is s and t together, with the counts and the erasure of s.
func (s EventStats) Plus(t EventStats) EventStats {
	sum := s
	sum.SignUpsByDay, sum.Mails = maps.Clone(s.SignUpsByDay), map[MailKind]map[DeliveryStatus]int{}
	for day, n := range t.SignUpsByDay {
		sum.SignUpsByDay[day] += n
	}
	for _, mails := range []map[MailKind]map[DeliveryStatus]int{s.Mails, t.Mails} {
		for kind, byStatus := range mails {
			if sum.Mails[kind] == nil {
				sum.Mails[kind] = map[DeliveryStatus]int{}
			}
			for status, n := range byStatus {
				sum.Mails[kind][status] += n
			}
		}
	}
	sum.Erasures += t.Erasures
	return sum
}

// ReconcileInterval is how often an event's counters are compared with its registrations, until the event is over.
const ReconcileInterval = 24 * time.Hour

// A Reconciliation is the result of comparing an event's counters and waitlist entries with its registrations, and of
// correcting them.
type Reconciliation struct {
	At              time.Time
	Drift           Counts // what was added to the counts
	SeatDrift       int    // what was added to the seats that are taken
	WaitlistRepairs int    // waitlist entries that were added or deleted
}

// HasDrift says whether anything had to be corrected.
func (r Reconciliation) HasDrift() bool {
	return r.Drift != Counts{} || r.SeatDrift != 0 || r.WaitlistRepairs > 0
}

// Promotions is how many on the waitlist have a seat to come, as far as counts can tell: those that are free, if there still
// is promotion at now.
func (e Event) Promotions(c Counts, now time.Time) int {
	if !e.PromotionOpenAt(now, time.Time{}) {
		return 0
	}
	if e.Capacity == nil {
		return c.Waitlisted
	}
	return min(c.Waitlisted, max(0, *e.Capacity-c.Confirmed))
}
