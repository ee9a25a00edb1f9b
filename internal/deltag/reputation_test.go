package deltag

import (
	"testing"
	"time"
)

func TestHoldReason(t *testing.T) {
	fromNetwork, ownerAsked := Delivery{Network: "n"}, Delivery{}
	for name, c := range map[string]struct {
		d                Delivery
		account, network Outcomes
		want             Reason
	}{
		"Nothing":                        {fromNetwork, Outcomes{}, Outcomes{}, ""},
		"FewBouncesOfANetwork":           {fromNetwork, Outcomes{}, Outcomes{Bounced: 4}, ""},
		"FiveOfANetwork":                 {fromNetwork, Outcomes{}, Outcomes{Bounced: 5}, ReasonNetworkBounces},
		"ATenthOfANetwork":               {fromNetwork, Outcomes{}, Outcomes{Bounced: 5, Delivered: 45}, ReasonNetworkBounces},
		"LessThanATenth":                 {fromNetwork, Outcomes{}, Outcomes{Bounced: 5, Delivered: 46}, ""},
		"AMailThatNoFormAskedFor":        {ownerAsked, Outcomes{}, Outcomes{Bounced: 5}, ""},
		"FewBouncesOfTheAccount":         {ownerAsked, Outcomes{Bounced: 9}, Outcomes{}, ""},
		"TenOfTheAccount":                {ownerAsked, Outcomes{Bounced: 10}, Outcomes{}, ReasonReputation},
		"MoreThanThreePercent":           {ownerAsked, Outcomes{Bounced: 31, Delivered: 969}, Outcomes{}, ReasonReputation},
		"ThreePercent":                   {ownerAsked, Outcomes{Bounced: 30, Delivered: 970}, Outcomes{}, ""},
		"TwoComplaints":                  {ownerAsked, Outcomes{Complained: 2, Delivered: 2}, Outcomes{}, ""},
		"ThreeComplaints":                {ownerAsked, Outcomes{Complained: 3, Delivered: 3}, Outcomes{}, ReasonReputation},
		"ComplaintsAboutMailOfYesterday": {ownerAsked, Outcomes{Complained: 3}, Outcomes{}, ReasonReputation},
		"EightOfTenThousandComplain":     {ownerAsked, Outcomes{Complained: 8, Delivered: 10_000}, Outcomes{}, ""},
		"MoreComplain":                   {ownerAsked, Outcomes{Complained: 9, Delivered: 10_000}, Outcomes{}, ReasonReputation},
		"BothOfANetwork":                 {fromNetwork, Outcomes{Bounced: 10}, Outcomes{Bounced: 5}, ReasonNetworkBounces},
		"ANote":                          {Delivery{DeliveryKey: DeliveryKey{Kind: KindOrganiserNote}}, Outcomes{Bounced: 10}, Outcomes{}, ""},
		"APreview":                       {Delivery{DeliveryKey: DeliveryKey{Kind: KindPreview}}, Outcomes{Bounced: 10}, Outcomes{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			assertEqual(t, Reputation{Account: c.account, Network: c.network}.HoldReason(c.d), c.want)
		})
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		e    SESEvent
		want Outcomes
	}{
		{SESEvent{Type: SESSend}, Outcomes{}},
		{SESEvent{Type: SESDelivery}, Outcomes{Delivered: 1}},
		{SESEvent{Type: SESBounce, Permanent: true}, Outcomes{Bounced: 1}},
		{SESEvent{Type: SESBounce}, Outcomes{}}, // a full mailbox
		{SESEvent{Type: SESComplaint}, Outcomes{Complained: 1}},
	} {
		assertEqual(t, c.e.Outcomes(), c.want)
	}
	assertEqual(t, Outcomes{1, 2, 3}.Add(Outcomes{10, 20, 30}), Outcomes{11, 22, 33})
}

// TestWaitForReputation waits for as long as it takes, and the history does not grow with that.
func TestWaitForReputation(t *testing.T) {
	d := NewDelivery(testRegistration(), KindConfirmation, 1, now)
	d.Network = "n"
	first := d.WaitForReputation(now)
	later := now.Add(ReputationBackoff)
	second := first.WaitForReputation(later)
	assertEqual(t, []any{second.Status, second.Reason, second.NextAttemptAt, second.Revision, second.Network},
		[]any{DeliveryPending, ReasonReputation, later.Add(ReputationBackoff), 2, "n"})
	assertEqual(t, second.History, []StatusChange{{now, DeliveryPending, ReasonReputation}})
	assertEqual(t, second.Claim(later).AttemptsSinceResend(), 1) // waiting is no attempt
	assertEqual(t, []bool{second.Claimable(later), second.Claimable(later.Add(ReputationBackoff))}, []bool{false, true})
}

// TestNetworkIsKeptUntilTheOutcome: after that nothing needs to know where a form was filled in.
func TestNetworkIsKeptUntilTheOutcome(t *testing.T) {
	d := NewDelivery(testRegistration(), KindConfirmation, 1, now)
	d.Network = "n"
	claimed := d.Claim(now)
	sent := claimed.MarkSent("id", now)
	delivered, _ := sent.ApplySESEvent(SESEvent{Type: SESDelivery, At: now})
	for _, c := range []struct {
		d    Delivery
		want string
	}{
		{claimed, "n"}, {claimed.ScheduleRetry(ReasonThrottled, now), "n"}, {claimed.MarkUnknown(now), "n"}, {sent, "n"},
		{d.WaitForNextDay(now), "n"}, {delivered, ""}, {d.Skip(ReasonSuperseded, now), ""}, {d.Fail(ReasonRejected, now), ""},
		{sent.Resend(now), ""},
	} {
		if c.d.Network != c.want {
			t.Errorf("%s %s: network %q", c.d.Status, c.d.Reason, c.d.Network)
		}
	}
}

func TestHold(t *testing.T) {
	e, r := testEvent(), testRegistration()
	held := r.Hold(now)
	assertEqual(t, []any{held.IsHeld(), held.Status, held.Revision}, []any{true, r.Status, r.Revision + 1})
	for _, k := range []MailKind{KindConfirmation, KindMessage, KindEventCancelled, "reminder-P1D"} {
		c := MailContext{Event: e, Registration: held, Kind: k, Version: 1, DueAt: now.Add(time.Second)}
		assertEqual(t, c.SkipReason(now), ReasonNetworkBounces)
	}
	released := held.Release()
	assertEqual(t, []any{released.IsHeld(), released.Revision}, []any{false, r.Revision + 2})
	assertEqual(t, held.HasVerified(true).IsHeld(), false)
	moved, _ := held.ChangeAddress(e, Registration{}, testSignUp("new@example.dk"), []byte("secret"), now)
	assertEqual(t, moved.IsHeld(), false)
	byOrganiser := testSignUp("kim@example.dk")
	assertEqual(t, held.WithSignUp(byOrganiser).IsHeld(), true) // anybody can fill in the form
	byOrganiser.ByOrganiser = true
	assertEqual(t, held.WithSignUp(byOrganiser).IsHeld(), false)

	message := NewDelivery(held, KindMessage, 1, now).Skip(ReasonNetworkBounces, now)
	assertEqual(t, len(held.MissedDeliveries(moved, []Delivery{message}, nil)), 1)
}

// TestUrgentOrganiserNote comes before an event that starts before the next morning.
func TestUrgentOrganiserNote(t *testing.T) {
	e := testEvent()
	evening := time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)
	e.TimeZone, e.StartsAt = "Europe/Copenhagen", evening.Add(12*time.Hour) // at 7
	assertEqual(t, NewOrganiserNote(e, evening).DueAt, evening.Add(time.Hour))
	e.StartsAt = e.StartsAt.Add(time.Second)
	assertEqual(t, NewOrganiserNote(e, evening).DueAt, evening.Add(12*time.Hour))
}
