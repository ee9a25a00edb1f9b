package deltag

import "time"

// A Recount is what a check of the counted seats and of the line against the registrations has found off, and mended: what
// was added to each count, and the places in line that were missing or left over.
type Recount struct {
	At     time.Time
	Drift  Counts
	Places int
}

// Off says whether anything was.
func (r Recount) Off() bool { return r.Drift != Counts{} || r.Places > 0 }

// RecountEvery is how often the schedule recounts an event until it is over.
const RecountEvery = 24 * time.Hour

// Numbers are what is known of an event without its people. They stay when everything personal is erased.
type Numbers struct {
	Counts       Counts
	SignUpsByDay map[string]int                  // by date in the event's zone, as 2006-01-02
	Mails        map[Kind]map[DeliveryStatus]int // what became of them
	Erasures     int                             // people who have had themselves erased
	ErasedAt     time.Time                       // when all others were. Zero: not yet
}

// NewNumbers are none.
func NewNumbers() Numbers {
	return Numbers{SignUpsByDay: map[string]int{}, Mails: map[Kind]map[DeliveryStatus]int{}}
}

// SignUp counts a registration.
func (n Numbers) SignUp(e Event, r Registration) {
	n.SignUpsByDay[r.RegisteredAt.In(e.Zone()).Format(time.DateOnly)]++
}

// Mail counts a delivery.
func (n Numbers) Mail(d Delivery) {
	if n.Mails[d.Kind] == nil {
		n.Mails[d.Kind] = map[DeliveryStatus]int{}
	}
	n.Mails[d.Kind][d.Status]++
}
