package deltag

import (
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	var c Counts
	for _, s := range []RegistrationStatus{
		RegistrationConfirmed, RegistrationConfirmed, RegistrationConfirmed, RegistrationWaitlisted, RegistrationWaitlisted,
		RegistrationCancelled,
	} {
		c.Add(Registration{Status: s})
	}
	c.Add(Registration{Status: RegistrationCancelled, AttendedAt: start})
	assertEqual(t, c, Counts{Confirmed: 3, Waitlisted: 2, Cancelled: 2, Attended: 1})
	assertEqual(t, c.Sub(Counts{Confirmed: 1, Waitlisted: 2, Cancelled: 3, Unverified: 4, Attended: 5}),
		Counts{Confirmed: 2, Waitlisted: 0, Cancelled: -1, Unverified: -4, Attended: -4})
	assertEqual(t, Reconciliation{}.HasDrift(), false)
	assertEqual(t, Reconciliation{Drift: Counts{Attended: -1}}.HasDrift(), true)
	assertEqual(t, Reconciliation{WaitlistRepairs: 1}.HasDrift(), true)
}

func TestOverbooked(t *testing.T) {
	e := testEvent()
	assertEqual(t, e.Overbooked(Counts{Confirmed: 5}), 0)
	for confirmed, want := range map[int]int{2: 0, 3: 0, 5: 2} {
		e.Capacity = new(3)
		assertEqual(t, e.Overbooked(Counts{Confirmed: confirmed, Waitlisted: 9}), want)
	}
}

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
