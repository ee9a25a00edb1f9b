package deltag

// MissedDeliveries are deliveries to next, which is r at a new address, of the messages and follow-ups that have not
// reached r's old address, and of those that were sent to others after r's seat was given back. deliveries are r's,
// mailings the event's. Reminders and notices that were sent are left out: the confirmation that next gets says what
// holds now.
func (r Registration) MissedDeliveries(next Registration, deliveries []Delivery, mailings []Mailing) []Delivery {
	var missed []Delivery
	exists := map[MailingKey]bool{}
	for _, d := range deliveries {
		exists[MailingKey{d.EventID, d.Kind, d.Version}] = true
		isRepeatable := d.Kind == KindMessage || d.Kind.IsFollowUp()
		if isRepeatable && !d.hasReached(r.AddressStatus) && !d.isDeliberatelySkipped() {
			missed = append(missed, NewDelivery(next, d.Kind, d.Version, d.DueAt))
		}
	}
	// A mailing that is running may have gone past the new id, and will not find the old one any more. If it does find
	// the new one, the delivery is there already.
	for _, m := range mailings {
		isDue := m.Status == MailingRunning && !m.Kind.IsChangeNotice()
		whileGone := r.WasGivenBack() && m.Status == MailingDone && m.Kind == KindMessage && !m.DueAt.Before(r.GivenBackAt)
		if (isDue || whileGone) && !exists[m.Key()] && m.Targets(next) {
			missed = append(missed, NewDelivery(next, m.Kind, m.Version, m.DueAt))
		}
	}
	return missed
}

// hasReached says whether d has reached its recipient, as far as SES's events tell. One without an event after SES has
// accepted it has, unless its address bounces.
func (d Delivery) hasReached(address AddressStatus) bool {
	switch d.Status {
	case DeliveryDelivered, DeliveryComplained:
		return true
	case DeliverySent:
		return address != AddressBounced
	}
	return false
}

// isDeliberatelySkipped says whether d was skipped for a reason that holds at any address.
func (d Delivery) isDeliberatelySkipped() bool {
	return d.Status == DeliverySkipped && d.Reason != ReasonAddressBounced
}
