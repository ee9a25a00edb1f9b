package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/dynamolocal"
	"deltag/internal/testing/storetest"
)

// BenchmarkLimitedSignUp is a rush on one event with a capacity, whose seats are all counted on one item. x-bare
// compares it with the bare transaction: the same items and conditions, made beforehand and sent by the SDK alone. It
// must not fall below 0.8.
func BenchmarkLimitedSignUp(b *testing.B) {
	b.Run("embedded", func(b *testing.B) { benchmarkLimitedSignUp(b, storetest.Embedded(b)) })
	b.Run("DynamoDBLocal", func(b *testing.B) {
		endpoint, ok := dynamolocal.Start(b)
		if !ok {
			b.Skip("not run: DynamoDB Local (make test fetches it)")
		}
		benchmarkLimitedSignUp(b, storetest.NewEngine(b, endpoint))
	})
}

// callers at the same time, and how many sign-ups they share in a round. The two ways alternate by rounds, so that
// both have the same load on the machine and a table of the same size.
const callers, perRound = 32, 256

func benchmarkLimitedSignUp(b *testing.B, engine storetest.Engine) {
	credentials := config.Credentials(func(string) string { return "" })
	client := dynamo.NewClient("eu-north-1", engine.Endpoint(), credentials)
	store := dynamo.New(client, engine.Table, rand.Reader)
	e := newEvent(b, store, withCapacity(deltag.MaxCapacity))
	bare := newEvent(b, store, withCapacity(deltag.MaxCapacity))

	var took, bareTook time.Duration
	var each []time.Duration
	people := 0
	round := func() {
		first := people
		people += perRound
		transactions := transactionsOf(b, client, engine.Table, bare, first)
		before := time.Now()
		concurrently(b, func(n int) error { return send(client, transactions[n]) })
		bareTook += time.Since(before)

		before = time.Now()
		spent := concurrently(b, func(n int) error {
			_, err := store.SignUp(ctx, e, person(first+n), now)
			return err
		})
		took += time.Since(before)
		each = append(each, spent...)
	}
	round() // warm-up
	took, bareTook, each = 0, 0, nil
	for b.Loop() {
		round()
	}
	slices.Sort(each)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(bareTook.Seconds()/took.Seconds(), "x-bare")
	b.ReportMetric(float64(len(each))/took.Seconds(), "signups/s")
	b.ReportMetric(float64(each[len(each)*99/100].Microseconds())/1000, "ms-p99")
	want(b, counts(b, store, e), deltag.Counts{Confirmed: people})
	want(b, counts(b, store, bare), deltag.Counts{Confirmed: people})
}

// concurrently does perRound calls, and returns how long each took.
func concurrently(b *testing.B, call func(n int) error) []time.Duration {
	b.Helper()
	spent := make([]time.Duration, perRound)
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for n := caller; n < perRound; n += callers {
				before := time.Now()
				if err := call(n); err != nil {
					b.Error(err)
				}
				spent[n] = time.Since(before)
			}
		})
	}
	wg.Wait()
	return spent
}

// send sends a bare transaction, again for as long as it conflicts with another.
func send(client dynamo.Client, in *dynamodb.TransactWriteItemsInput) error {
	for {
		_, err := client.TransactWriteItems(ctx, in)
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) || !slices.ContainsFunc(cancelled.CancellationReasons, conflicted) {
			return err
		}
	}
}

func conflicted(r types.CancellationReason) bool {
	return aws.ToString(r.Code) == "TransactionConflict"
}

// transactionsOf are those that the store would send for a round of sign-ups. None is sent.
func transactionsOf(
	b *testing.B, client dynamo.Client, table string, e deltag.Event, first int,
) []*dynamodb.TransactWriteItemsInput {
	b.Helper()
	var recorded []*dynamodb.TransactWriteItemsInput
	client.TransactWriteItems = func(
		_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options),
	) (*dynamodb.TransactWriteItemsOutput, error) {
		recorded = append(recorded, in)
		return &dynamodb.TransactWriteItemsOutput{}, nil
	}
	store := dynamo.New(client, table, rand.Reader)
	for n := range perRound {
		if _, err := store.SignUp(ctx, e, person(first+n), now); err != nil {
			b.Fatal(err)
		}
	}
	return recorded
}
