package deltag

// A TaskKind is what a due task asks for.
type TaskKind string

const (
	TaskDelivery        TaskKind = "delivery"         // send the mail of Delivery
	TaskMailing         TaskKind = "mailing"          // run the Mailing
	TaskPromote         TaskKind = "promote"          // seats may be free while people wait
	TaskReconcile       TaskKind = "reconcile"        // check the seat counters against the registrations
	TaskEraseEvent      TaskKind = "erase-event"      // the event's retention period is over
	TaskPurgeDeliveries TaskKind = "purge-deliveries" // RegistrationID is erased and has left ledger rows
)

// A DueTask is one entry of the due index. The index may be behind: the item itself decides whether there is still
// something to do.
type DueTask struct {
	Kind           TaskKind
	EventID        string
	Delivery       DeliveryKey // of TaskDelivery
	Mailing        MailingKey  // of TaskMailing
	RegistrationID string      // of TaskPurgeDeliveries
}

// IsPersonal says whether t concerns one person, who may be waiting for it, and not all of an event.
func (t DueTask) IsPersonal() bool {
	switch t.Kind {
	case TaskDelivery, TaskPromote, TaskPurgeDeliveries:
		return true
	}
	return false
}
