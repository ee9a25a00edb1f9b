package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-lambda-go/events"
)

// Wake dispatches what wakes the mailer: the schedule's {"tick":true}, or a batch of the table's stream, whose items in the
// due index are handed to item one by one.
func Wake(tick func(context.Context) error, item func(ctx context.Context, pk, sk string) error) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(payload, &keys); err != nil {
			return nil, fmt.Errorf("payload is no object: %w", err)
		}
		if _, ok := keys["Records"]; ok {
			var batch events.DynamoDBEvent
			if err := json.Unmarshal(payload, &batch); err != nil {
				return nil, fmt.Errorf("stream batch: %w", err)
			}
			return stream(ctx, batch, item), nil
		}
		if _, ok := keys["tick"]; ok {
			return nil, tick(ctx)
		}
		return nil, fmt.Errorf("payload with the keys %v is neither a tick nor a stream batch", slices.Sorted(maps.Keys(keys)))
	}
}

// atOnce is how many records of a batch are under way at once. They are of different people, so their order does
// not matter.
const atOnce = 8

// stream reports failures by sequence number, which is what Lambda repeats from. One failure does not stop the others.
func stream(ctx context.Context, batch events.DynamoDBEvent, item func(ctx context.Context, pk, sk string) error) events.DynamoDBEventResponse {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		slots  = make(chan struct{}, atOnce)
		failed []events.DynamoDBBatchItemFailure
	)
	for _, record := range batch.Records {
		pk, sk, ok := due(record)
		if !ok {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := guarded(ctx, pk, sk, item); err != nil {
				slog.ErrorContext(ctx, "stream record failed", "pk", pk, "sk", sk, "error", err)
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, events.DynamoDBBatchItemFailure{ItemIdentifier: record.Change.SequenceNumber})
			}
		})
	}
	wg.Wait()
	return events.DynamoDBEventResponse{BatchItemFailures: failed}
}

// due are the keys of a record whose item is in the due index.
func due(record events.DynamoDBEventRecord) (pk, sk string, ok bool) {
	image := record.Change.NewImage
	for _, name := range []string{"PK", "SK", "GSI1PK"} {
		if v, there := image[name]; !there || v.DataType() != events.DataTypeString {
			return "", "", false
		}
	}
	return image["PK"].String(), image["SK"].String(), image["GSI1PK"].String() == "DUE"
}

func guarded(ctx context.Context, pk, sk string, item func(ctx context.Context, pk, sk string) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("panicked")
		}
	}()
	return item(ctx, pk, sk)
}
