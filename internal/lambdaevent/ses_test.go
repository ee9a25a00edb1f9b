package lambdaevent

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

// handledEvents are those that the handler is called with: none for an event that is ignored.
func handledEvents(t *testing.T, payload []byte) (got []deltag.SESEvent, err error) {
	t.Helper()
	err = SESEventHandler(func(_ context.Context, r deltag.SESEvent) error {
		got = append(got, r)
		return nil
	})(t.Context(), payload)
	return got, err
}

// withValue is a recorded event with another value at a path; nil removes it.
func withValue(t *testing.T, name string, value any, path ...string) []byte {
	t.Helper()
	event := decodeAs[map[string]any](t, recordedEvent(t, name))
	at := event
	for _, key := range path[:len(path)-1] {
		at = at[key].(map[string]any)
	}
	at[path[len(path)-1]] = value
	if value == nil {
		delete(at, path[len(path)-1])
	}
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// byRule is an event as the rules in template.yaml reduce it.
func byRule(t *testing.T, event []byte) []byte {
	t.Helper()
	e := decodeAs[map[string]any](t, event)
	detail := e["detail"].(map[string]any)
	mail := detail["mail"].(map[string]any)
	rest := map[string]any{
		"eventType": detail["eventType"], "mail": map[string]any{"messageId": mail["messageId"], "tags": mail["tags"]},
	}
	if bounce, ok := detail["bounce"].(map[string]any); ok {
		rest["bounce"] = map[string]any{"bounceType": bounce["bounceType"], "bounceSubType": bounce["bounceSubType"]}
	}
	b, err := json.Marshal(map[string]any{
		"id": e["id"], "source": e["source"], "detail-type": e["detail-type"], "time": e["time"], "detail": rest,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSESEventHandler(t *testing.T) {
	at := func(clock string) time.Time {
		v, err := time.Parse(time.RFC3339, "2026-11-23T"+clock+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name, event string
		want        deltag.SESEvent
	}{
		{"Send", "ses-send.json", deltag.SESEvent{Type: deltag.SESSend, At: at("09:02:13")}},
		{"Delivery", "ses-delivery.json", deltag.SESEvent{Type: deltag.SESDelivery, At: at("09:02:16")}},
		{"PermanentBounce", "ses-bounce-permanent.json", deltag.SESEvent{
			Type: deltag.SESBounce, Permanent: true, Detail: "bounce-Permanent-General", At: at("09:02:17"),
		}},
		{"TransientBounce", "ses-bounce-transient.json", deltag.SESEvent{
			Type: deltag.SESBounce, Detail: "bounce-Transient-MailboxFull", At: at("13:02:19"),
		}},
		{"Complaint", "ses-complaint.json", deltag.SESEvent{
			Type: deltag.SESComplaint, Detail: "complaint-abuse", At: at("16:20:42"),
		}},
		{"Reject", "ses-reject.json", deltag.SESEvent{Type: deltag.SESReject, At: at("09:02:14")}},
		{"Delay", "ses-delivery-delay.json", deltag.SESEvent{Type: deltag.SESDeliveryDelay, At: at("09:17:21")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Delivery = deltag.DeliveryKey{
				EventID: "kq3v7m2xw5t4n6bprz2a", RegistrationID: "c4hj6z3ysn5d2tqmf7we",
				Kind: deltag.KindConfirmation, Version: 1,
			}
			c.want.Attempt = 1
			c.want.MessageID = "0110019ab1c2d3e4-5f60718a-92b3-4c4d-8e5f-60718a92b3c4-000000"
			event := recordedEvent(t, c.event)
			got, err := handledEvents(t, event)
			if diff := cmp.Diff([]deltag.SESEvent{c.want}, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if c.want.Type == deltag.SESComplaint {
				c.want.Detail = "" // not in every complaint, so the rule leaves it out
			}
			got, err = handledEvents(t, byRule(t, event))
			if diff := cmp.Diff([]deltag.SESEvent{c.want}, got); diff != "" || err != nil {
				t.Errorf("reduced: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("RenderingFailure", func(t *testing.T) {
		got, err := handledEvents(t, withValue(t, "ses-reject.json", "Rendering Failure", "detail", "eventType"))
		if err != nil || len(got) != 1 || got[0].Type != deltag.SESRenderingFailure {
			t.Errorf("got %v, %v", got, err)
		}
	})
	for name, event := range map[string][]byte{
		"AnEventOfAnotherTypeIsIgnored": withValue(t, "ses-send.json", "Open", "detail", "eventType"),
		"MailOfOthersIsIgnored":         withValue(t, "ses-send.json", nil, "detail", "mail", "tags", "delivery"),
		"MailWithoutTagsIsIgnored":      withValue(t, "ses-send.json", nil, "detail", "mail", "tags"),
	} {
		t.Run(name, func(t *testing.T) {
			out := captureLog(t)
			got, err := handledEvents(t, event)
			if err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
			wantLog(t, out, 1, "0f6d1c1e-7a35-4b0c-9a3e-5d1b7c2e9f01",
				`"message":"0110019ab1c2d3e4-5f60718a-92b3-4c4d-8e5f-60718a92b3c4-000000"`)
		})
	}
	for name, event := range map[string][]byte{
		"NoJSON":             []byte("{"),
		"NoObject":           []byte(`"x"`),
		"Null":               []byte("null"),
		"OtherSource":        withValue(t, "ses-send.json", "aws.ec2", "source"),
		"NoType":             withValue(t, "ses-send.json", nil, "detail", "eventType"),
		"NoMessage":          withValue(t, "ses-send.json", nil, "detail", "mail", "messageId"),
		"NoTime":             withValue(t, "ses-send.json", nil, "time"),
		"BrokenTime":         withValue(t, "ses-send.json", "noon", "time"),
		"BounceWithoutType":  withValue(t, "ses-bounce-permanent.json", nil, "detail", "bounce"),
		"TagWithoutDelivery": withValue(t, "ses-send.json", []string{"x.y.z"}, "detail", "mail", "tags", "delivery"),
		"TagWithoutVersion": withValue(t, "ses-send.json",
			[]string{"kq3v7m2xw5t4n6bprz2a_c4hj6z3ysn5d2tqmf7we_confirmation"}, "detail", "mail", "tags", "delivery"),
	} {
		t.Run(name+"IsAnError", func(t *testing.T) {
			got, err := handledEvents(t, event)
			if err == nil || len(got) != 0 || strings.Contains(err.Error(), "@") {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	t.Run("AFailureIsReturnedToLambda", func(t *testing.T) {
		failure := errors.New("table is down")
		handler := SESEventHandler(func(context.Context, deltag.SESEvent) error { return failure })
		if err := handler(t.Context(), recordedEvent(t, "ses-send.json")); !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
	})
}
