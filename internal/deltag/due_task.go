package deltag

import "time"

// A TaskKind is what is to be done.
type TaskKind string

const (
	TaskDelivery        TaskKind = "delivery"         // send the mail
	TaskMailing         TaskKind = "mailing"          // run the mailing
	TaskPromote         TaskKind = "promote"          // give free seats to the waitlist
	TaskReturnSeat      TaskKind = "return-seat"      // make a seat that was given up free
	TaskCheckSeats      TaskKind = "check-seats"      // find seats that were taken and are not used
	TaskReconcile       TaskKind = "reconcile"        // compare the counters with the registrations
	TaskDigest          TaskKind = "digest"           // tell the organiser how the event is coming along
	TaskEraseEvent      TaskKind = "erase-event"      // erase the event's personal data: its retention period is over
	TaskPurgeDeliveries TaskKind = "purge-deliveries" // delete the deliveries of an erased registration
	TaskExpire          TaskKind = "expire"           // erase what was not verified in time about a registration
	TaskGiveBack        TaskKind = "give-back"        // give the seat back of a registration whose address bounces
	TaskUnknown         TaskKind = "unknown"          // an item that this version does not know: passed over
)

// A DueTask is an entry of the index of what is due. The index is eventually consistent: only the item itself says
// whether the task is still to be done.
type DueTask struct {
	Kind           TaskKind
	EventID        string
	Delivery       DeliveryKey // of TaskDelivery
	Mailing        MailingKey  // of TaskMailing
	RegistrationID string      // of TaskPurgeDeliveries, TaskExpire and TaskGiveBack
	Seat           string      // of TaskReturnSeat
	UnknownKey     string      // of TaskUnknown: the item's key, for the log
	DueAt          time.Time   // where the index lists it. Zero: named by the table's stream, or the index's time is damaged
}

// IsUrgent says whether t is about one person, who may be waiting for it, rather than all of an event.
func (t DueTask) IsUrgent() bool {
	switch t.Kind {
	case TaskDelivery, TaskPromote, TaskReturnSeat, TaskCheckSeats, TaskPurgeDeliveries, TaskExpire,
		TaskGiveBack:
		return true
	}
	return false
}
