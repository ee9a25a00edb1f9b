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
		"AReceiptOfAnErasure":            {Delivery{DeliveryKey: DeliveryKey{Kind: KindErasureReceipt}}, Outcomes{Bounced: 10}, Outcomes{}, ""},
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

// TestWaitForReputation waits for as long as it takes, and the history does not grow with that. Mails are spread, so that
// they do not go out all at once.
func TestWaitForReputation(t *testing.T) {
	d := NewDelivery(testRegistration(), KindConfirmation, 1, now)
	d.Network = "n"
	first := d.WaitForReputation(now)
	later := now.Add(ReputationBackoff)
	second := first.WaitForReputation(later)
	assertEqual(t, []any{second.Status, second.Reason, second.Revision, second.Network},
		[]any{DeliveryPending, ReasonReputation, 2, "n"})
	if wait := second.NextAttemptAt.Sub(later); wait < ReputationBackoff || wait >= 2*ReputationBackoff {
		t.Errorf("waits for %v", wait)
	}
	assertEqual(t, second.History, []StatusChange{{now, DeliveryPending, ReasonReputation}})
	assertEqual(t, second.Claim(later).AttemptsSinceResend(), 1) // waiting is no attempt
	assertEqual(t, []bool{second.Claimable(later), second.Claimable(later.Add(2 * ReputationBackoff))}, []bool{false, true})
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

// TestWaitForNextDay spreads the mails of a day over the first ten minutes of the next.
func TestWaitForNextDay(t *testing.T) {
	midnight := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	latest := midnight
	for n := range 200 {
		next := NewDelivery(testRegistration(), KindConfirmation, n+1, now).WaitForNextDay(now).NextAttemptAt
		if next.Before(midnight) || !next.Before(midnight.Add(10*time.Minute)) {
			t.Fatalf("due at %v", next)
		}
		if next.After(latest) {
			latest = next
		}
	}
	if latest.Before(midnight.Add(9 * time.Minute)) {
		t.Errorf("the last is due at %v", latest)
	}
}

func TestWaitForReputationSpreadsMails(t *testing.T) {
	inFirstHalf := 0
	for n := range 200 {
		d := NewDelivery(testRegistration(), KindConfirmation, n+1, now)
		if d.WaitForReputation(now).NextAttemptAt.Sub(now) < ReputationBackoff*3/2 {
			inFirstHalf++
		}
	}
	if inFirstHalf < 60 || inFirstHalf > 140 {
		t.Errorf("%d of 200 mails in the first half", inFirstHalf)
	}
}

func TestHold(t *testing.T) {
	r := testRegistration()
	held := r.Hold(now.Add(time.Hour))
	assertEqual(t, []any{held.IsUnverified(), held.ConfirmedAt, held.WaitlistedAt, held.VerifyUntil, held.Revision},
		[]any{true, time.Time{}, time.Time{}, now.Add(time.Hour + VerificationPeriod), r.Revision + 1})
	assertEqual(t, held.Hold(now).VerifyUntil, held.VerifyUntil) // no earlier end
}

// TestIsOutdated: a bounce that comes again tells nothing once the organiser has asked for the mail anew.
func TestIsOutdated(t *testing.T) {
	r := testRegistration()
	r.LastMailedAt = now
	d := NewDelivery(r, KindConfirmation, 1, now).Claim(now)
	detached := d
	detached.DetachedRecipient = &r
	resent := d.MarkSent("id", now).Resend(now)
	for name, c := range map[string]struct {
		d    Delivery
		e    SESEvent
		want bool
	}{
		"OfTheLatestMail":    {d, SESEvent{At: now, Attempt: 1}, false},
		"OfAnEarlierMail":    {d, SESEvent{At: now.Add(-time.Second), Attempt: 1}, true},
		"OfNobodyRegistered": {detached, SESEvent{At: now.Add(-time.Second), Attempt: 1}, false},
		"BeforeAResend":      {resent, SESEvent{At: now, Attempt: 1}, true},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, c.e.IsOutdated(c.d, r), c.want) })
	}
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
