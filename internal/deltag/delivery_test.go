package deltag

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func testDelivery() Delivery { return NewDelivery(testRegistration(), KindConfirmation, 1, now) }

func TestDeliveryID(t *testing.T) {
	k := DeliveryKey{
		EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "bbbbbbbbbbbbbbbbbbbb", Kind: "reminder-P1D", Version: 12,
	}
	assertEqual(t, k.ID(), "bbbbbbbbbbbbbbbbbbbb.reminder-P1D.12")
	assertEqual(t, k.Tag(), "aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb_reminder-P1D_12")
	got, err := ParseDeliveryID(k.EventID, k.ID())
	assertEqual(t, []any{got, err}, []any{k, nil})
	_, err = ParseDeliveryID(k.EventID, "bbbbbbbbbbbbbbbbbbbb.message.1")
	assertEqual(t, err, nil)
	for _, id := range []string{
		"", "bbbbbbbbbbbbbbbbbbbb.message", "bbbbbbbbbbbbbbbbbbbb..1", "bbbbbbbbbbbbbbbbbbbb.message.0",
		"bbbbbbbbbbbbbbbbbbbb.message.x", "b.message.1", "bbbbbbbbbbbbbbbbbbbb.message.1.1",
	} {
		if _, err := ParseDeliveryID(k.EventID, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := ParseDeliveryID("a", k.ID()); !errors.Is(err, ErrNotFound) {
		t.Errorf("malformed event id: %v", err)
	}
}

func TestNewDeliveryIsPendingAndDue(t *testing.T) {
	r := testRegistration()
	want := Delivery{
		DeliveryKey: DeliveryKey{EventID: r.EventID, RegistrationID: r.ID, Kind: KindMoved, Version: 3}, Email: r.Email,
		Status: DeliveryPending, DueAt: start, NextAttemptAt: start, Generation: r.Generation(),
	}
	assertEqual(t, NewDelivery(r, KindMoved, 3, start), want)
}

func TestFinalDeliveryRemovesTheCalendarEntry(t *testing.T) {
	confirmed, late := testRegistration(), end.Add(-1)
	cancelled, _ := confirmed.Cancel(now)
	for name, c := range map[string]struct {
		r        Registration
		at       time.Time
		hasEntry bool
	}{
		"OfAConfirmed": {confirmed, late, true}, "NotAfterTheEvent": {confirmed, end, false},
		"NotOfACancelled": {cancelled, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewFinalDelivery(testEvent(), c.r, KindErasureReceipt, c.at)
			got := d.DetachedRecipient
			assertEqual(t, got.Status, RegistrationCancelled)
			assertEqual(t, got.ICalSequence, c.r.ICalSequence+1)
			assertEqual(t, !got.ConfirmedAt.IsZero(), c.hasEntry)
			assertEqual(t, []any{d.Version, d.DueAt, d.Email}, []any{c.r.MailVersion + 1, c.at, c.r.Email})
			assertEqual(t, []any{got.Name, got.Language, got.ID}, []any{c.r.Name, c.r.Language, c.r.ID})
		})
	}
}

func TestOrganiserDeliveryGoesToTheOrganiser(t *testing.T) {
	e := testEvent()
	d := NewOrganiserDelivery(e, KindPreview, 2, now)
	address := Address{Original: "Hej@example.dk", Normalized: "hej@example.dk"}
	want := Registration{
		EventID: e.ID, ID: RegistrationID(e, address), Name: "UKON", Email: address, Language: LanguageDanish,
		Status: RegistrationConfirmed, AddressStatus: AddressOK,
	}
	assertEqual(t, *d.DetachedRecipient, want)
	assertEqual(t, []any{d.Email, d.RegistrationID, d.Kind, d.Version}, []any{address, want.ID, KindPreview, 2})
}

func TestDeliveryIsClaimableWhenDueAndActive(t *testing.T) {
	d := testDelivery()
	d.NextAttemptAt = now
	for _, s := range DeliveryStatuses {
		d.Status = s
		isActive := s == DeliveryPending || s == DeliverySending || s == DeliveryUnknown
		assertEqual(t, []bool{d.IsActive(), d.Claimable(now), d.Claimable(now.Add(-1))}, []bool{isActive, isActive, false})
	}
}

func TestDeliveryTransitions(t *testing.T) {
	claimed := testDelivery().Claim(now)
	sent := claimed.MarkSent("id", now)
	for name, c := range map[string]struct {
		got    Delivery
		status DeliveryStatus
		reason Reason
		next   time.Time
	}{
		"Claim":       {claimed, DeliverySending, "", now.Add(SendLease)},
		"Skip":        {testDelivery().Skip(ReasonEventOver, now), DeliverySkipped, ReasonEventOver, time.Time{}},
		"Fail":        {claimed.Fail(ReasonRejected, now), DeliveryFailed, ReasonRejected, time.Time{}},
		"Throttled":   {claimed.ScheduleRetry(ReasonThrottled, now), DeliveryPending, ReasonThrottled, now.Add(time.Second)},
		"QuotaUsedUp": {claimed.ScheduleRetry(ReasonSendQuota, now), DeliveryPending, ReasonSendQuota, now.Add(QuotaBackoff)},
		"MarkUnknown": {claimed.MarkUnknown(now), DeliveryUnknown, ReasonNoResponse, now.Add(SendLease)},
		"MarkSent":    {sent, DeliverySent, "", time.Time{}},
		"Resend":      {sent.Resend(now), DeliveryPending, ReasonResent, now},
	} {
		t.Run(name, func(t *testing.T) {
			assertEqual(t, []any{c.got.Status, c.got.Reason, c.got.NextAttemptAt}, []any{c.status, c.reason, c.next})
			last := len(c.got.History) - 1
			assertEqual(t, c.got.History[last], StatusChange{At: now, Status: c.status, Reason: c.reason})
			assertEqual(t, c.got.Revision, last+1)
		})
	}
	assertEqual(t, []any{sent.MessageID, sent.SentAt, sent.Attempt}, []any{"id", now, 1})
}

func TestMarkSentKeepsTheStatusOfAnEarlierSESEvent(t *testing.T) {
	d, _ := testDelivery().Claim(now).ApplySESEvent(SESEvent{Type: SESBounce, At: now, MessageID: "event"})
	later := now.Add(time.Second)
	d = d.MarkSent("response", later)
	assertEqual(t, []any{d.Status, d.MessageID, d.Revision, d.SentAt}, []any{DeliveryBounced, "response", 3, later})
	assertEqual(t, len(d.History), 2)
}

func TestResendStartsAnew(t *testing.T) {
	d := testDelivery().Claim(now).MarkSent("id", now).Resend(now.Add(time.Hour))
	assertEqual(t, []any{d.Attempt, d.SentAt, d.MessageID, d.DueAt}, []any{1, time.Time{}, "", now.Add(time.Hour)})
	assertEqual(t, d.AttemptsSinceResend(), 0)
	assertEqual(t, d.Claim(now).ScheduleRetry(ReasonThrottled, now).NextAttemptAt, now.Add(time.Second))
}

func TestUnconfirmedSends(t *testing.T) {
	later := now.Add(SendLease)
	d := testDelivery()
	for name, c := range map[string]struct {
		d    Delivery
		want int
	}{
		"None":                {d, 0},
		"OneGoingOn":          {d.Claim(now), 1},
		"SentIsConfirmed":     {d.Claim(now).MarkSent("id", now), 0},
		"RetryIsConfirmed":    {d.Claim(now).ScheduleRetry(ReasonThrottled, now), 0},
		"NoResponse":          {d.Claim(now).MarkUnknown(now), 1},
		"NoResponseThenOne":   {d.Claim(now).MarkUnknown(now).Claim(later).MarkSent("id", later), 1},
		"ACrashThenOneSent":   {d.Claim(now).Claim(later).MarkSent("id", later), 1},
		"ACrashAndNoResponse": {d.Claim(now).Claim(later).MarkUnknown(later), 2},
		"NoneSinceItWasResent": {
			d.Claim(now).MarkUnknown(now).Claim(later).Fail(ReasonNoResponse, later).Resend(later), 0,
		},
		"OneSinceItWasResent": {
			d.Claim(now).MarkUnknown(now).Fail(ReasonNoResponse, later).Resend(later).Claim(later), 1,
		},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, c.d.UnconfirmedSends(), c.want) })
	}
}

func TestTheLastUnconfirmedSendIsLate(t *testing.T) {
	for kind, last := range map[MailKind]time.Duration{
		KindConfirmation: 2 * time.Hour, "reminder-PT1H": 40 * time.Minute,
	} {
		d := testDelivery()
		d.Kind = kind
		for _, wait := range []time.Duration{SendLease, last, SendLease} {
			d = d.Claim(now).MarkUnknown(now)
			assertEqual(t, d.NextAttemptAt.Sub(now), wait)
		}
	}
}

func TestRetryWaitDoublesUpToAQuarterOfAnHour(t *testing.T) {
	d := testDelivery()
	for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		d = d.Claim(now).ScheduleRetry(ReasonThrottled, now)
		assertEqual(t, d.NextAttemptAt.Sub(now), seconds*time.Second)
	}
}

func TestRetriesEndByAgeAndNumber(t *testing.T) {
	for name, c := range map[string]struct {
		attempts int
		age      time.Duration
		want     DeliveryStatus
	}{
		"TooFew":   {MaxAttempts - 1, MaxRetryAge, DeliveryPending},
		"TooYoung": {MaxAttempts, MaxRetryAge - 1, DeliveryPending},
		"Both":     {MaxAttempts, MaxRetryAge, DeliveryFailed},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDelivery()
			for range c.attempts {
				d = d.Claim(now)
			}
			d = d.ScheduleRetry(ReasonThrottled, now.Add(c.age))
			assertEqual(t, d.Status, c.want)
			if c.want == DeliveryFailed {
				assertEqual(t, d.Reason, ReasonRetriesExhausted)
			}
		})
	}
}

func TestTransitionsDoNotShareHistory(t *testing.T) {
	claimed := testDelivery().Claim(now)
	failed, sent := claimed.Fail(ReasonRejected, now), claimed.MarkSent("id", now)
	assertEqual(t, []any{failed.History[1].Status, sent.History[1].Status}, []any{DeliveryFailed, DeliverySent})
}

// TestRandomDeliveryHistories takes a delivery through random transitions and checks what holds after each.
func TestRandomDeliveryHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, at := testDelivery(), now
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
			before := d
			if d.Claimable(at) && d.UnconfirmedSends() < MaxUnconfirmedSends {
				d = d.Claim(at)
				switch rapid.SampledFrom([]string{"sent", "throttled", "no response", "crash", "rejected"}).Draw(t, "result") {
				case "sent":
					d = d.MarkSent("id", at)
				case "throttled":
					d = d.ScheduleRetry(ReasonThrottled, at)
				case "no response":
					d = d.MarkUnknown(at)
				case "rejected":
					d = d.Fail(ReasonRejected, at)
				}
			} else {
				types := []SESEventType{SESSend, SESDelivery, SESBounce, SESComplaint, SESDeliveryDelay}
				e := SESEvent{Type: rapid.SampledFrom(types).Draw(t, "event"), At: at, MessageID: "id"}
				d, _ = d.ApplySESEvent(e)
			}
			if d.IsActive() == d.NextAttemptAt.IsZero() {
				t.Fatalf("%s: an active delivery must become due again, another never: %v", d.Status, d.NextAttemptAt)
			}
			if before.Status.Supersedes(d.Status) {
				t.Fatalf("%s went back to %s", before.Status, d.Status)
			}
			if d.UnconfirmedSends() > MaxUnconfirmedSends {
				t.Fatalf("%d unconfirmed sends", d.UnconfirmedSends())
			}
			if d.Revision < before.Revision || len(d.History) < len(before.History) {
				t.Fatal("revision or history went back")
			}
		}
	})
}
