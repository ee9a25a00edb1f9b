package deltag

import (
	"testing"
	"time"
)

func TestGuardReason(t *testing.T) {
	fromNetwork, ownerAsked := Delivery{NetworkHash: "n"}, Delivery{}
	toOrganiser := func(k MailKind) Delivery { return NewOrganiserDelivery(testEvent(), k, 1, now) }
	for name, c := range map[string]struct {
		d                Delivery
		account, network FeedbackCounts
		want             Reason
	}{
		"Nothing":                        {fromNetwork, FeedbackCounts{}, FeedbackCounts{}, ""},
		"FewBouncesOfANetwork":           {fromNetwork, FeedbackCounts{}, FeedbackCounts{Bounced: 4}, ""},
		"FiveOfANetwork":                 {fromNetwork, FeedbackCounts{}, FeedbackCounts{Bounced: 5}, ReasonNetworkBounces},
		"ATenthOfANetwork":               {fromNetwork, FeedbackCounts{}, FeedbackCounts{Bounced: 5, Delivered: 45}, ReasonNetworkBounces},
		"LessThanATenth":                 {fromNetwork, FeedbackCounts{}, FeedbackCounts{Bounced: 5, Delivered: 46}, ""},
		"AMailThatNoFormAskedFor":        {ownerAsked, FeedbackCounts{}, FeedbackCounts{Bounced: 5}, ""},
		"FewBouncesOfTheAccount":         {ownerAsked, FeedbackCounts{Bounced: 9}, FeedbackCounts{}, ""},
		"TenOfTheAccount":                {ownerAsked, FeedbackCounts{Bounced: 10}, FeedbackCounts{}, ReasonReputation},
		"MoreThanThreePercent":           {ownerAsked, FeedbackCounts{Bounced: 31, Delivered: 969}, FeedbackCounts{}, ReasonReputation},
		"ThreePercent":                   {ownerAsked, FeedbackCounts{Bounced: 30, Delivered: 970}, FeedbackCounts{}, ""},
		"TwoComplaints":                  {ownerAsked, FeedbackCounts{Complained: 2, Delivered: 2}, FeedbackCounts{}, ""},
		"ThreeComplaints":                {ownerAsked, FeedbackCounts{Complained: 3, Delivered: 3}, FeedbackCounts{}, ReasonReputation},
		"ComplaintsAboutMailOfYesterday": {ownerAsked, FeedbackCounts{Complained: 3}, FeedbackCounts{}, ReasonReputation},
		"EightOfTenThousandComplain":     {ownerAsked, FeedbackCounts{Complained: 8, Delivered: 10_000}, FeedbackCounts{}, ""},
		"MoreComplain":                   {ownerAsked, FeedbackCounts{Complained: 9, Delivered: 10_000}, FeedbackCounts{}, ReasonReputation},
		"BothOfANetwork":                 {fromNetwork, FeedbackCounts{Bounced: 10}, FeedbackCounts{Bounced: 5}, ReasonNetworkBounces},
		"ANote":                          {toOrganiser(KindOrganiserNote), FeedbackCounts{Bounced: 10}, FeedbackCounts{}, ""},
		"AReceiptOfAnErasure":            {Delivery{DeliveryKey: DeliveryKey{Kind: KindErasureReceipt}}, FeedbackCounts{Bounced: 10}, FeedbackCounts{}, ""},
		"APreview":                       {toOrganiser(KindPreview), FeedbackCounts{Bounced: 10}, FeedbackCounts{}, ""},
		"ACopyOfAReminder":               {toOrganiser("reminder-P1D"), FeedbackCounts{Bounced: 10}, FeedbackCounts{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			assertEqual(t, Reputation{Account: c.account, Network: c.network}.GuardReason(c.d), c.want)
		})
	}
}

func TestFeedbackCounts(t *testing.T) {
	for _, c := range []struct {
		e    SESEvent
		want FeedbackCounts
	}{
		{SESEvent{Type: SESSend}, FeedbackCounts{}},
		{SESEvent{Type: SESDelivery}, FeedbackCounts{Delivered: 1}},
		{SESEvent{Type: SESBounce, Permanent: true}, FeedbackCounts{Bounced: 1}},
		{SESEvent{Type: SESBounce}, FeedbackCounts{}}, // a full mailbox
		{SESEvent{Type: SESComplaint}, FeedbackCounts{Complained: 1}},
	} {
		assertEqual(t, c.e.FeedbackCounts(), c.want)
	}
	assertEqual(t, FeedbackCounts{1, 2, 3}.Add(FeedbackCounts{10, 20, 30}), FeedbackCounts{11, 22, 33})
}

// TestWaitForReputation waits for as long as it takes, and the history does not grow with that. Mails are spread, so that
// they do not go out all at once.
func TestWaitForReputation(t *testing.T) {
	d := NewDelivery(testRegistration(), KindConfirmation, 1, now)
	d.NetworkHash = "n"
	first := d.WaitForReputation(now)
	later := now.Add(ReputationBackoff)
	second := first.WaitForReputation(later)
	assertEqual(t, []any{second.Status, second.Reason, second.Revision, second.NetworkHash},
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
	d.NetworkHash = "n"
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
		if c.d.NetworkHash != c.want {
			t.Errorf("%s %s: network %q", c.d.Status, c.d.Reason, c.d.NetworkHash)
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
	assertEqual(t, []any{held.Status == RegistrationUnverified, held.ConfirmedAt, held.WaitlistedAt, held.VerifyUntil, held.Revision},
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
