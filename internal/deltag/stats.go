package deltag

import "time"

// A Reconciliation is what a check of the counted seats and of the line against the registrations has found off, and mended: what
// was added to each count, and the places in line that were missing or left over.
type Reconciliation struct {
	At              time.Time
	Drift           Counts
	WaitlistRepairs int
}

// HasDrift says whether anything was.
func (r Reconciliation) HasDrift() bool { return r.Drift != Counts{} || r.WaitlistRepairs > 0 }

// ReconcileInterval is how often the schedule recounts an event until it is over.
const ReconcileInterval = 24 * time.Hour

// EventStats are what is known of an event without its people. They stay when everything personal is erased.
type EventStats struct {
	Counts       Counts
	SignUpsByDay map[string]int                      // by date in the event's zone, as 2006-01-02
	Mails        map[MailKind]map[DeliveryStatus]int // what became of them
	Erasures     int                                 // people who have had themselves erased
	ErasedAt     time.Time                           // when all others were. Zero: not yet
}

// NewEventStats are none.
func NewEventStats() EventStats {
	return EventStats{SignUpsByDay: map[string]int{}, Mails: map[MailKind]map[DeliveryStatus]int{}}
}

// AddRegistration counts a registration.
func (n EventStats) AddRegistration(e Event, r Registration) {
	n.SignUpsByDay[r.RegisteredAt.In(e.Zone()).Format(time.DateOnly)]++
}

// AddDelivery counts a delivery.
func (n EventStats) AddDelivery(d Delivery) {
	if n.Mails[d.Kind] == nil {
		n.Mails[d.Kind] = map[DeliveryStatus]int{}
	}
	n.Mails[d.Kind][d.Status]++
}
