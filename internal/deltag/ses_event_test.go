package deltag

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMailTag(t *testing.T) {
	m := OutgoingMail{Delivery: testDelivery().DeliveryKey}
	for _, generation := range []string{"", "abcdefgh"} {
		m.Generation = generation
		k, got, err := ParseMailTag(m.Tag())
		assertEqual(t, []any{k, got, err}, []any{m.Delivery, generation, nil})
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`).MatchString(m.Tag()) {
			t.Errorf("SES takes no tag %q", m.Tag())
		}
		k, got, err = ParseMailTag(strings.ReplaceAll(m.Tag(), "_", ".")) // of an earlier version
		assertEqual(t, []any{k, got, err}, []any{m.Delivery, generation, nil})
	}
	m.Generation = ""
	assertEqual(t, m.Tag(), m.Delivery.Tag())
	for _, tag := range []string{"", "a", "a_b_c_1", m.Tag() + "_g_x", m.Delivery.EventID} {
		if _, _, err := ParseMailTag(tag); err == nil {
			t.Errorf("%q was parsed", tag)
		}
	}
}

func TestApplySESEvent(t *testing.T) {
	at := now.Add(time.Second)
	for name, c := range map[string]struct {
		event  SESEvent
		status DeliveryStatus
		reason Reason
	}{
		"Send":             {SESEvent{Type: SESSend}, DeliverySent, ""},
		"Delivery":         {SESEvent{Type: SESDelivery}, DeliveryDelivered, ""},
		"Bounce":           {SESEvent{Type: SESBounce, Detail: "NoEmail"}, DeliveryBounced, "NoEmail"},
		"Complaint":        {SESEvent{Type: SESComplaint, Detail: "abuse"}, DeliveryComplained, "abuse"},
		"Reject":           {SESEvent{Type: SESReject, Detail: "virus"}, DeliveryFailed, ReasonRejected},
		"RenderingFailure": {SESEvent{Type: SESRenderingFailure}, DeliveryFailed, ReasonRejected},
	} {
		t.Run(name, func(t *testing.T) {
			c.event.At, c.event.MessageID = at, "id"
			d, changed := testDelivery().Claim(now).ApplySESEvent(c.event)
			assertEqual(t, []any{changed, d.Status, d.Reason, d.NextAttemptAt}, []any{true, c.status, c.reason, time.Time{}})
			assertEqual(t, []any{d.MessageID, d.SentAt, d.Revision}, []any{"id", at, 2})
		})
	}
	for _, ignored := range []SESEventType{SESDeliveryDelay, "open", ""} {
		before := testDelivery().Claim(now)
		d, changed := before.ApplySESEvent(SESEvent{Type: ignored, At: at})
		assertEqual(t, []any{d, changed}, []any{before, false})
	}
}

func TestSESEventKeepsTheFirstMessageID(t *testing.T) {
	d := testDelivery().Claim(now).MarkSent("first", now)
	d, changed := d.ApplySESEvent(SESEvent{Type: SESDelivery, MessageID: "second", At: start})
	assertEqual(t, []any{changed, d.MessageID, d.SentAt}, []any{true, "first", now})
}

func TestSESEventOfAnotherGenerationIsIgnored(t *testing.T) {
	d := testDelivery().Claim(now)
	for generation, want := range map[string]bool{d.Generation: true, "": true, "abcdefgh": false} {
		_, changed := d.ApplySESEvent(SESEvent{Type: SESDelivery, Generation: generation, At: now})
		assertEqual(t, changed, want)
	}
}

func TestSESEventOfAMailBeforeTheResendIsIgnored(t *testing.T) {
	d := testDelivery().Claim(now).ScheduleRetry(ReasonThrottled, now).Claim(now).MarkSent("id", now).Resend(now)
	for _, d := range []Delivery{d, d.Claim(now)} {
		for attempt, want := range map[int]bool{0: true, 1: false, 2: false, 3: true} {
			_, changed := d.ApplySESEvent(SESEvent{Type: SESSend, Attempt: attempt, At: now})
			assertEqual(t, changed, want)
		}
	}
}

// TestSESEventsInAnyOrder: an event changes a delivery only if it says more than what is known.
func TestSESEventsInAnyOrder(t *testing.T) {
	unsettled := []DeliveryStatus{DeliveryPending, DeliverySending, DeliveryUnknown, DeliverySkipped}
	settled := []DeliveryStatus{DeliverySent, DeliveryFailed, DeliveryDelivered, DeliveryBounced, DeliveryComplained}
	types := []SESEventType{SESSend, SESReject, SESDelivery, SESBounce, SESComplaint}
	for i, typ := range types {
		for _, s := range slices.Concat(unsettled, settled) {
			want := slices.Contains(unsettled, s) || slices.Index(settled, s) < i
			d := Delivery{Status: s}
			if _, changed := d.ApplySESEvent(SESEvent{Type: typ, At: now}); changed != want {
				t.Errorf("%s after %s: changed %v", typ, s, changed)
			}
		}
	}
}

func TestSESEventAddressStatus(t *testing.T) {
	for want, e := range map[AddressStatus]SESEvent{
		AddressBounced: {Type: SESBounce, Permanent: true}, AddressComplained: {Type: SESComplaint},
	} {
		assertEqual(t, e.AddressStatus(), want)
	}
	for _, e := range []SESEvent{{Type: SESBounce}, {Type: SESDelivery, Permanent: true}, {Type: SESReject}} {
		assertEqual(t, e.AddressStatus(), AddressStatus(""))
	}
}
