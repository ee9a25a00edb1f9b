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
	none := func(context.Context) error { t.Error("ticked"); return nil }
	noItem := func(context.Context, string, string) error { t.Error("got an item"); return nil }

	t.Run("Tick", func(t *testing.T) {
		ticks := 0
		tick := func(context.Context) error { ticks++; return nil }
		if _, err := MailerHandler(tick, noItem)(t.Context(), recordedEvent(t, "tick.json")); err != nil || ticks != 1 {
			t.Errorf("%d ticks, %v", ticks, err)
		}
	})
	t.Run("TickThatFails", func(t *testing.T) {
		away := errors.New("table is away")
		if _, err := MailerHandler(func(context.Context) error { return away }, noItem)(t.Context(), recordedEvent(t, "tick.json")); !errors.Is(err, away) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("Stream", func(t *testing.T) {
		logged(t)
		payload := recordedEvent(t, "stream-insert-delivery.json")
		got, err := MailerHandler(none, func(context.Context, string, string) error { return errors.New("no") })(t.Context(), payload)
		res, ok := got.(events.DynamoDBEventResponse)
		want := []events.DynamoDBBatchItemFailure{{ItemIdentifier: decodeAs[events.DynamoDBEvent](t, payload).Records[0].Change.SequenceNumber}}
		if err != nil || !ok || !slices.Equal(res.BatchItemFailures, want) {
			t.Errorf("got %v, %v", got, err)
		}
	})
	for name, c := range map[string]struct{ payload, says string }{
		"OtherKeysAreNamed":       {`{"user":"secret","address":"secret"}`, `["address" "user"]`},
		"NoTickAfterAll":          {`{"tick":false}`, `["tick"]`},
		"SESEvent":                {string(recordedEvent(t, "ses-send.json")), `"detail-type"`},
		"Queue":                   {`{"Records":[{"eventSource":"aws:sqs","body":"secret"}]}`, `"aws:sqs"`},
		"BrokenRecord":            {`{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"NewImage":{"a":{"X":"secret"}}}}]}`, "stream batch"},
		"NoObject":                {`["secret"]`, "payload"},
		"Nothing":                 {`null`, "[]"},
		"TickThatIsNone":          {`{"tick":"secret"}`, "payload"},
		"RecordsThatAreNoRecords": {`{"Records":"secret"}`, "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := MailerHandler(none, noItem)(t.Context(), json.RawMessage(c.payload))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}
