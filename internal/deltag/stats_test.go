package deltag

import (
	"testing"
	"time"
)

func TestStatsCountByDayInTheEventsZoneAndByStatus(t *testing.T) {
	s := NewEventStats()
	for _, at := range []time.Time{
		time.Date(2026, 11, 1, 22, 59, 0, 0, time.UTC), time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC), // midnight
		time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC),
	} {
		s.AddRegistration(testEvent(), Registration{RegisteredAt: at})
	}
	assertEqual(t, s.SignUpsByDay, map[string]int{"2026-11-01": 1, "2026-11-02": 2})
	for _, status := range []DeliveryStatus{DeliverySent, DeliverySent, DeliveryBounced} {
		s.AddDelivery(Delivery{DeliveryKey: DeliveryKey{Kind: KindMoved}, Status: status})
	}
	assertEqual(t, s.Mails, map[MailKind]map[DeliveryStatus]int{KindMoved: {DeliverySent: 2, DeliveryBounced: 1}})
}
