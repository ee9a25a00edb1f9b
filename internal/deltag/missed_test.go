package deltag

import (
	"testing"
	"time"
)

func TestMissedDeliveriesByStatus(t *testing.T) {
	for name, c := range map[string]struct {
		kind    MailKind
		status  DeliveryStatus
		reason  Reason
		address AddressStatus
		missed  bool
	}{
		"Delivered":               {KindMessage, DeliveryDelivered, "", AddressBounced, false},
		"Complained":              {KindMessage, DeliveryComplained, "", AddressBounced, false},
		"Bounced":                 {KindMessage, DeliveryBounced, "", AddressBounced, true},
		"SentToAGoodAddress":      {KindMessage, DeliverySent, "", AddressOK, false},
		"SentToABouncingAddress":  {KindMessage, DeliverySent, "", AddressBounced, true},
		"Pending":                 {KindMessage, DeliveryPending, "", AddressOK, true},
		"Unknown":                 {KindMessage, DeliveryUnknown, "", AddressOK, true},
		"Failed":                  {KindMessage, DeliveryFailed, ReasonRejected, AddressOK, true},
		"SkippedForTheAddress":    {KindMessage, DeliverySkipped, ReasonAddressBounced, AddressBounced, true},
		"SkippedForAnotherReason": {KindMessage, DeliverySkipped, ReasonUnsubscribed, AddressBounced, false},
		"FollowUp":                {KindFollowUpAttended, DeliveryBounced, "", AddressBounced, true},
		"Reminder":                {dayBefore, DeliveryBounced, "", AddressBounced, false},
		"Notice":                  {KindMoved, DeliveryBounced, "", AddressBounced, false},
		"Confirmation":            {KindConfirmation, DeliveryBounced, "", AddressBounced, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRegistration()
			r.AddressStatus = c.address
			next, _ := r.ChangeAddress(testEvent(), Registration{}, testSignUp("m@example.dk"), []byte("new"), now)
			d := NewDelivery(r, c.kind, 2, start)
			d.Status, d.Reason = c.status, c.reason
			var want []Delivery
			if c.missed {
				want = []Delivery{NewDelivery(next, c.kind, 2, start)}
			}
			assertEqual(t, r.MissedDeliveries(next, []Delivery{d}, nil), want)
		})
	}
}

// TestMissedDeliveriesOfRunningMailings: a run may have gone past the new id, and no longer finds the old one.
func TestMissedDeliveriesOfRunningMailings(t *testing.T) {
	r, e := testRegistration(), testEvent()
	next, _ := r.ChangeAddress(e, Registration{}, testSignUp("m@example.dk"), []byte("new"), now)
	running := func(k MailKind) Mailing { return e.NewMailing(k, 1, start, "").Claim(start) }
	toWaitlisted, catchingUp := running(KindMessage), running(dayBefore)
	toWaitlisted.Audience, catchingUp.CatchUpSince = AudienceWaitlisted, now.Add(time.Hour)
	for name, c := range map[string]struct {
		m      Mailing
		exists bool
		missed bool
	}{
		"Reminder":            {running(dayBefore), false, true},
		"Message":             {running(KindMessage), false, true},
		"NotANotice":          {running(KindMoved), false, false},
		"NotOnePlanned":       {e.NewMailing(dayBefore, 1, start, ""), false, false},
		"NotOneDone":          {running(KindMessage).Finish(), false, false},
		"NotOneItHas":         {running(dayBefore), true, false},
		"NotForOthers":        {toWaitlisted, false, false},
		"NotOneThatCatchesUp": {catchingUp, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var rows, want []Delivery
			if c.exists {
				rows = []Delivery{NewDelivery(r, c.m.Kind, c.m.Version, start)}
			}
			if c.missed {
				want = []Delivery{NewDelivery(next, c.m.Kind, c.m.Version, start)}
			}
			assertEqual(t, r.MissedDeliveries(next, rows, []Mailing{c.m}), want)
		})
	}
}

// TestMissedWhileGone: of the mailings to all that went out after a seat was given back, messages are sent once more.
func TestMissedWhileGone(t *testing.T) {
	e := testEvent()
	r := testRegistration().GiveBack(now)
	next, _ := r.ComeBack(true, now.Add(time.Hour)).
		ChangeAddress(e, Registration{}, testSignUp("m@example.dk"), []byte("new"), now.Add(time.Hour))
	done := func(k MailKind, at time.Time) Mailing { return e.NewMailing(k, 1, at, "").Claim(at).Finish() }
	for name, c := range map[string]struct {
		m      Mailing
		missed int
	}{
		"AMessage":        {done(KindMessage, now), 1},
		"AnEarlierOne":    {done(KindMessage, now.Add(-1)), 0},
		"AFollowUp":       {done(KindFollowUpMissed, now), 0},
		"AMessageToCome":  {e.NewMailing(KindMessage, 1, now.Add(time.Hour), ""), 0},
		"AMessageDropped": {e.NewMailing(KindMessage, 1, now, "").Discard(ReasonEventCancelled), 0},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, len(r.MissedDeliveries(next, nil, []Mailing{c.m})), c.missed) })
	}
}
