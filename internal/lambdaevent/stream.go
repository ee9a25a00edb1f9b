package lambdaevent

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"
)

// concurrency is how many items of a batch are under way at once.
const concurrency = 8

// StreamHandler calls handle with the keys of each item that a batch of the table's stream shows to be in the due index. An item
// that stands in the batch several times is handled once: handle reads it anyway, as it is by then, and two at once
// would only get in each other's way. The order of different items does not matter.
//
// What fails, or panics, is logged and reported by its sequence number; it doesn't stop the others. Lambda repeats the
// batch from the lowest number reported, so handle must bear being repeated.
func StreamHandler(handle func(ctx context.Context, pk, sk string) error) func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return func(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		records := dueRecords(batch.Records)
		failed := make([]bool, len(records))
		slots := make(chan struct{}, concurrency)
		var wg sync.WaitGroup
		for i, record := range records {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				failed[i] = !process(ctx, record, handle)
			})
		}
		wg.Wait()
		response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for i, record := range records {
			if failed[i] {
				response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: record.number})
			}
		}
		return response, nil
	}
}

// A streamRecord names an item of the due index and the record that has shown it.
type streamRecord struct {
	pk, sk string
	number string // the record's sequence number
}

// dueRecords picks the records of items that are in the due index now, the first of each item: if that one is repeated, so are
// those behind it. A removed item has no new image.
//
// Items without the table's keys are kept, to fail. That can only be a mistake in the wiring, and passing over it would leave
// mail unsent without a word; as a failure it ends with the dead letters, where an alarm rings.
func dueRecords(records []events.DynamoDBEventRecord) []streamRecord {
	type key struct{ pk, sk string }
	seen := map[key]bool{}
	var all []streamRecord
	for _, r := range records {
		image := r.Change.NewImage
		if text(image, "GSI1PK") != "DUE" {
			continue
		}
		k := key{text(image, "PK"), text(image, "SK")}
		if malformed := k.pk == "" || k.sk == ""; malformed || !seen[k] {
			all = append(all, streamRecord{k.pk, k.sk, r.Change.SequenceNumber})
		}
		seen[k] = true
	}
	return all
}

// text is an attribute's value, or "" when it is no string.
func text(image map[string]events.DynamoDBAttributeValue, name string) string {
	if v, ok := image[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}

// process logs why not. Keys hold no personal data.
func process(ctx context.Context, r streamRecord, handle func(ctx context.Context, pk, sk string) error) bool {
	err := recoverPanic(ctx, r, handle)
	if err != nil {
		slog.ErrorContext(ctx, "stream record failed", "pk", r.pk, "sk", r.sk, "sequenceNumber", r.number, "error", err)
	}
	return err == nil
}

func recoverPanic(ctx context.Context, r streamRecord, handle func(ctx context.Context, pk, sk string) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicError(v)
		}
	}()
	if r.pk == "" || r.sk == "" {
		return errors.New("due item without the table's keys")
	}
	if err := ctx.Err(); err != nil {
		return err // no time to begin another
	}
	return handle(ctx, r.pk, r.sk)
}
