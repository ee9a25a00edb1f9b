package lambdaevent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

func streamEvent(tb testing.TB, name string) events.DynamoDBEvent {
	tb.Helper()
	return decodeAs[events.DynamoDBEvent](tb, recordedEvent(tb, name))
}

// batch is of n due items, with the sequence numbers 1 to n.
func batch(tb testing.TB, n int) events.DynamoDBEvent {
	tb.Helper()
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"%d",
			"NewImage":{"PK":{"S":"EVENT#a"},"SK":{"S":"MAIL#%d"},"GSI1PK":{"S":"DUE"}}}}`, i+1, i+1))
	}
	return decodeAs[events.DynamoDBEvent](tb, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
}

// oneRecord is a batch of one item, with the sequence number 4.
func oneRecord(tb testing.TB, image string) events.DynamoDBEvent {
	tb.Helper()
	return decodeAs[events.DynamoDBEvent](tb,
		[]byte(`{"Records":[{"eventName":"MODIFY","dynamodb":{"SequenceNumber":"4","NewImage":`+image+`}}]}`))
}

// failures are the sequence numbers that are reported.
func failures(tb testing.TB, b events.DynamoDBEvent, handle func(ctx context.Context, pk, sk string) error) []string {
	tb.Helper()
	res, err := StreamHandler(handle)(tb.Context(), b)
	if err != nil {
		tb.Fatal(err)
	}
	numbers := []string{}
	for _, f := range res.BatchItemFailures {
		numbers = append(numbers, f.ItemIdentifier)
	}
	return numbers
}

func TestStreamHandler(t *testing.T) {
	handledKeys := func(t *testing.T, b events.DynamoDBEvent) []string {
		t.Helper()
		var mu sync.Mutex
		var got []string
		failed := failures(t, b, func(_ context.Context, pk, sk string) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, pk+" "+sk)
			return nil
		})
		if len(failed) > 0 {
			t.Errorf("failed: %v", failed)
		}
		slices.Sort(got)
		return got
	}
	const event = "EVENT#kq3v7m2xw5t4n6bprz2a "
	t.Run("NewDelivery", func(t *testing.T) {
		want := []string{event + "MAIL#c4hj6z3ysn5d2tqmf7we#confirmation#1"}
		if diff := cmp.Diff(want, handledKeys(t, streamEvent(t, "stream-insert-delivery.json"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("OnlyDueItemsAndEachOnce", func(t *testing.T) {
		want := []string{
			event + "MAIL#c4hj6z3ysn5d2tqmf7we#confirmation#1",
			event + "MAIL#w2xk7pq5m4d3vtz6h2ab#confirmation#1",
			event + "MAILING#reminder-P1D#1",
		}
		if diff := cmp.Diff(want, handledKeys(t, streamEvent(t, "stream-mixed-batch.json"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("ABatchWithNothingDueSucceeds", func(t *testing.T) {
		res, err := StreamHandler(nil)(t.Context(), events.DynamoDBEvent{})
		b, _ := json.Marshal(res)
		if string(b) != `{"batchItemFailures":[]}` || err != nil {
			t.Errorf("got %s, %v", b, err)
		}
	})
	t.Run("AFailureIsReportedBySequenceNumberAndLoggedOnce", func(t *testing.T) {
		out := captureLog(t)
		b := streamEvent(t, "stream-mixed-batch.json")
		got := failures(t, b, func(_ context.Context, _, sk string) error {
			if strings.HasPrefix(sk, "MAIL#c4hj") {
				return errors.New("table is down")
			}
			return nil
		})
		// The first of the item's two records, so that a repetition includes both.
		if want := []string{b.Records[0].Change.SequenceNumber}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		wantLog(t, out, 1, "table is down", "MAIL#c4hj")
	})
	t.Run("OneFailureOrPanicDoesNotStopTheOthers", func(t *testing.T) {
		out := captureLog(t)
		var calls atomic.Int32
		got := failures(t, batch(t, 20), func(_ context.Context, _, sk string) error {
			calls.Add(1)
			switch sk {
			case "MAIL#3":
				panic("secret@example.dk")
			case "MAIL#17":
				return errors.New("no")
			}
			return nil
		})
		if want := []string{"3", "17"}; !slices.Equal(got, want) || calls.Load() != 20 {
			t.Errorf("got %v after %d calls, want %v after 20", got, calls.Load(), want)
		}
		wantLog(t, out, 2, "stream_test.go")
	})
	t.Run("EightAtOnce", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var running atomic.Int32
			open := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				failures(t, batch(t, 20), func(context.Context, string, string) error {
					running.Add(1)
					<-open
					running.Add(-1)
					return nil
				})
			}()
			synctest.Wait()
			if n := running.Load(); n != 8 {
				t.Errorf("%d at once", n)
			}
			close(open)
			<-done
		})
	})
	t.Run("ItemsNotBegunBeforeTheDeadlineFail", func(t *testing.T) {
		captureLog(t)
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		res, _ := StreamHandler(func(context.Context, string, string) error {
			calls.Add(1)
			cancel()
			return nil
		})(ctx, batch(t, 100))
		if n := int(calls.Load()); n > concurrency || len(res.BatchItemFailures) != 100-n {
			t.Errorf("%d calls, %d failures", n, len(res.BatchItemFailures))
		}
	})
	t.Run("AnItemWithoutKeysFails", func(t *testing.T) {
		captureLog(t)
		for _, image := range []string{
			`{"GSI1PK":{"S":"DUE"}}`,
			`{"GSI1PK":{"S":"DUE"},"PK":{"S":"EVENT#a"},"SK":{"N":"1"}}`,
			`{"GSI1PK":{"S":"DUE"},"PK":{"S":""},"SK":{"S":"a"}}`,
		} {
			b := oneRecord(t, image)
			got := failures(t, b, func(context.Context, string, string) error { t.Error("called"); return nil })
			if !slices.Equal(got, []string{"4"}) {
				t.Errorf("%s: got %v", image, got)
			}
		}
	})
	t.Run("TheIndexKeyOfADueItemBeginsWithDUE", func(t *testing.T) {
		for v, due := range map[string]bool{
			`{"S":"DUE"}`: true, `{"S":"DUE#7"}`: true,
			`{"S":"EVENTS"}`: false, `{"N":"1"}`: false, `{"NULL":true}`: false, `{"SS":["DUE"]}`: false,
		} {
			got := handledKeys(t, oneRecord(t, `{"PK":{"S":"a"},"SK":{"S":"b"},"GSI1PK":`+v+`}`))
			if (len(got) == 1) != due {
				t.Errorf("%s: got %v", v, got)
			}
		}
	})
}
