package deltag

// A DueTask is one thing in the due index: a delivery to send, a mailing to walk, or a repair of an
// event. Exactly one of the fields after EventID is set. The index may be behind: the item itself decides.
type DueTask struct {
	EventID  string
	Delivery DeliveryKey
	Mailing  MailingKey
	Promote  bool   // seats may be free while people wait
	Recount  bool   // the day's check of the counted seats
	Erase    bool   // the event's personal data has served its purpose
	Purge    string // the id of a registration that is gone and has left ledger rows
}

// A MailingKey names a mailing.
type MailingKey struct {
	EventID string
	Kind    MailKind
	Version int
}

// Key names m.
func (m Mailing) Key() MailingKey {
	return MailingKey{EventID: m.EventID, Kind: m.Kind, Version: m.Version}
}
