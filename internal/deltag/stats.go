package deltag

import "time"

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

// AddRegistration counts a registration in SignUpsByDay.
func (s EventStats) AddRegistration(e Event, r Registration) {
	s.SignUpsByDay[r.RegisteredAt.In(e.Zone()).Format(time.DateOnly)]++
}

// AddDelivery counts a delivery in Mails.
func (s EventStats) AddDelivery(d Delivery) {
	if s.Mails[d.Kind] == nil {
		s.Mails[d.Kind] = map[DeliveryStatus]int{}
	}
	s.Mails[d.Kind][d.Status]++
}
