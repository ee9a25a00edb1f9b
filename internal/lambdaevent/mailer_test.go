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
	done := 0
	thenCount := func(h func(context.Context, json.RawMessage) (any, error)) func(context.Context, json.RawMessage) (any, error) {
		return Then(h, func(context.Context) { done++ })
	}
	wantDone := func(t *testing.T) { // the invocation has ended once, after all else
		t.Helper()
		if done != 1 {
			t.Errorf("done %d times", done)
		}
		done = 0
	}

	t.Run("Tick", func(t *testing.T) {
		ticks := 0
		tick := func(context.Context) error { ticks += 1 + done; return nil }
		_, err := thenCount(MailerHandler(tick, noItem))(t.Context(), recordedEvent(t, "tick.json"))
		if err != nil || ticks != 1 {
			t.Errorf("%d ticks, %v", ticks, err)
		}
		wantDone(t)
	})
	t.Run("AFailedTickIsReturnedToLambda", func(t *testing.T) {
		failure := errors.New("table is down")
		handler := thenCount(MailerHandler(func(context.Context) error { return failure }, noItem))
		if _, err := handler(t.Context(), recordedEvent(t, "tick.json")); !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
		wantDone(t)
	})
	t.Run("Stream", func(t *testing.T) {
		captureLog(t)
		payload := recordedEvent(t, "stream-insert-delivery.json")
		item := func(context.Context, string, string) error { return errors.New("no") }
		handler := thenCount(MailerHandler(noTick, item))
		got, err := handler(t.Context(), payload)
		res, ok := got.(events.DynamoDBEventResponse)
		first := decodeAs[events.DynamoDBEvent](t, payload).Records[0].Change.SequenceNumber
		want := []events.DynamoDBBatchItemFailure{{ItemIdentifier: first}}
		if err != nil || !ok || !slices.Equal(res.BatchItemFailures, want) {
			t.Errorf("got %v, %v", got, err)
		}
		wantDone(t)
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
