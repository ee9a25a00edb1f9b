package deltag

import "time"

// ReconcileInterval is how often an event's counters are compared with its registrations, until the event is over.
const ReconcileInterval = 24 * time.Hour

// A Reconciliation is the result of comparing an event's counters and waitlist entries with its registrations, and of
// correcting them.
type Reconciliation struct {
	At              time.Time
	Drift           Counts // what was added to each counter
	WaitlistRepairs int    // waitlist entries that were added or deleted
}

// HasDrift says whether anything had to be corrected.
func (r Reconciliation) HasDrift() bool { return r.Drift != Counts{} || r.WaitlistRepairs > 0 }
