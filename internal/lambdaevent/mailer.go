package lambdaevent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// MailerHandler calls tick for the schedule's {"tick":true}, and item for a batch of the table's stream, as
// StreamHandler does. Any other payload is an error that names its keys; the values may be personal.
func MailerHandler(tick func(context.Context) error, item ItemFunc) func(context.Context, json.RawMessage) (any, error) {
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
		names := slices.Sorted(maps.Keys(keys))
		return nil, fmt.Errorf("payload with the keys %q is neither a tick nor a stream batch", names)
	}
}

// streamBatch refuses records of other sources, such as queues: they would look like a batch with nothing due.
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

// Then calls done after each event, whatever came of it: before Lambda may freeze the process for any time.
func Then[Event, Response any](
	handle func(context.Context, Event) (Response, error), done func(context.Context),
) func(context.Context, Event) (Response, error) {
	return func(ctx context.Context, event Event) (Response, error) {
		defer done(ctx)
		return handle(ctx, event)
	}
}
