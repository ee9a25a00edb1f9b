package lambdaevent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// MailerHandler dispatches what wakes the mailer: the schedule's {"tick":true}, or a batch of the table's stream, whose due items go
// to item as Stream says. Any other payload is an error that names its keys; values may be personal.
func MailerHandler(tick func(context.Context) error, item func(ctx context.Context, pk, sk string) error) func(context.Context, json.RawMessage) (any, error) {
	stream := StreamHandler(item)
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var known struct {
			Tick    bool              `json:"tick"`
			Records []json.RawMessage `json:"Records"`
		}
		if err := json.Unmarshal(payload, &known); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		switch {
		case known.Tick:
			return nil, tick(ctx)
		case known.Records != nil:
			batch, err := streamBatch(payload)
			if err != nil {
				return nil, err
			}
			return stream(ctx, batch)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(payload, &keys); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		return nil, fmt.Errorf("payload with the keys %q is neither a tick nor a stream batch", slices.Sorted(maps.Keys(keys)))
	}
}

// streamBatch refuses the records of other sources, queues for example, which would read as a batch with nothing due.
func streamBatch(payload json.RawMessage) (events.DynamoDBEvent, error) {
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return batch, fmt.Errorf("stream batch: %w", err)
	}
	for _, r := range batch.Records {
		if r.EventSource != "aws:dynamodb" {
			return batch, fmt.Errorf("records come from %q, not from the table's stream", r.EventSource)
		}
	}
	return batch, nil
}
