package lambdaevent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestMailerHandler(t *testing.T) {
	noTick := func(context.Context) error { t.Error("ticked"); return nil }
	noItem := func(context.Context, string, string) error { t.Error("got an item"); return nil }

	t.Run("Tick", func(t *testing.T) {
		ticks := 0
		tick := func(context.Context) error { ticks++; return nil }
		if _, err := MailerHandler(tick, noItem)(t.Context(), recordedEvent(t, "tick.json")); err != nil || ticks != 1 {
			t.Errorf("%d ticks, %v", ticks, err)
		}
	})
	t.Run("AFailedTickIsReturnedToLambda", func(t *testing.T) {
		failure := errors.New("table is down")
		handler := MailerHandler(func(context.Context) error { return failure }, noItem)
		if _, err := handler(t.Context(), recordedEvent(t, "tick.json")); !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("Stream", func(t *testing.T) {
		captureLog(t)
		payload := recordedEvent(t, "stream-insert-delivery.json")
		handler := MailerHandler(noTick, func(context.Context, string, string) error { return errors.New("no") })
		got, err := handler(t.Context(), payload)
		res, ok := got.(events.DynamoDBEventResponse)
		first := decodeAs[events.DynamoDBEvent](t, payload).Records[0].Change.SequenceNumber
		want := []events.DynamoDBBatchItemFailure{{ItemIdentifier: first}}
		if err != nil || !ok || !slices.Equal(res.BatchItemFailures, want) {
			t.Errorf("got %v, %v", got, err)
		}
	})
	for name, c := range map[string]struct{ payload, message string }{
		"OtherKeys": {`{"user":"secret","address":"secret"}`, `["address" "user"]`},
		"TickFalse": {`{"tick":false}`, `["tick"]`},
		"SESEvent":  {string(recordedEvent(t, "ses-send.json")), `"detail-type"`},
		"Queue":     {`{"Records":[{"eventSource":"aws:sqs","body":"secret"}]}`, `"aws:sqs"`},
		"BrokenRecord": {
			`{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"NewImage":{"a":{"X":"secret"}}}}]}`, "stream batch",
		},
		"NoObject":      {`["secret"]`, "payload"},
		"Nothing":       {`null`, "[]"},
		"TickNoBool":    {`{"tick":"secret"}`, "payload"},
		"RecordsNoList": {`{"Records":"secret"}`, "payload"},
	} {
		t.Run(name+"IsAnError", func(t *testing.T) {
			_, err := MailerHandler(noTick, noItem)(t.Context(), json.RawMessage(c.payload))
			if err == nil || !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}
