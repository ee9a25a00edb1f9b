package lambdaevent

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
)

// concurrency is how many items of a batch are handled at once.
const concurrency = 8

// duePrefix begins the attribute GSI1PK of an item that waits for something to be done. The filters of the mailer's
// stream in template.yaml let through those for which that is done at once.
const duePrefix = "DUE"

// An ItemFunc handles an item of the table, by its keys.
type ItemFunc func(ctx context.Context, pk, sk string) error

// StreamHandler calls handle with the keys of each item that is in the due index by a batch of the table's stream. An
// item with several records is handled once: handle reads it anyway, as it is by then. Different items may be handled
// in any order.
//
// What fails or panics is logged and reported by its sequence number; it does not stop the others. Lambda repeats the
// batch from the lowest number reported, so handle must be safe to repeat.
func StreamHandler(handle ItemFunc) func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
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
		failures := []events.DynamoDBBatchItemFailure{} // never null
		for i, record := range records {
			if failed[i] {
				failures = append(failures, events.DynamoDBBatchItemFailure{ItemIdentifier: record.number})
			}
		}
		return events.DynamoDBEventResponse{BatchItemFailures: failures}, nil
	}
}

// A streamRecord names an item of the due index and the record that it was found in.
type streamRecord struct {
	pk, sk string
	number string // the record's sequence number
}

// dueRecords picks the first record of each item that is in the due index: if that one is repeated, so are those after
// it. A deleted item has no new image.
//
// Items without the table's keys are kept, to fail. They can only be a mistake in the wiring, and to ignore them would
// leave mail unsent unnoticed; as failures they end in the dead-letter queue, which has an alarm.
func dueRecords(records []events.DynamoDBEventRecord) []streamRecord {
	type key struct{ pk, sk string }
	seen := map[key]bool{}
	var all []streamRecord
	for _, r := range records {
		image := r.Change.NewImage
		if !strings.HasPrefix(text(image, "GSI1PK"), duePrefix) {
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

// process says whether handle succeeded, and logs why not. Keys hold no personal data.
func process(ctx context.Context, r streamRecord, handle ItemFunc) bool {
	err := recoverPanic(ctx, r, handle)
	if err != nil {
		slog.ErrorContext(ctx, "stream record failed",
			"pk", r.pk, "sk", r.sk, "sequenceNumber", r.number, "error", err)
	}
	return err == nil
}

func recoverPanic(ctx context.Context, r streamRecord, handle ItemFunc) (err error) {
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
