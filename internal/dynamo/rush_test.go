package dynamo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/dynamoemu"
	"deltag/internal/testing/storetest"
)

// TestRush has 2,000 people sign up for one event in virtual time, on an emulator in which transactions take their time
// and conflict, partitions and the new table take no more than DynamoDB's do, and a request is 3 ms under way. Nobody may
// be turned away.
func TestRush(t *testing.T) {
	const people = 2000
	all := os.Getenv("DELTAG_TEST_RUSH") != "" // make rush: the figures of docs/scaling.md
	for _, transactionTime := range []time.Duration{5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond} {
		for _, seats := range []int{50, 2000, 0} {
			for _, within := range []time.Duration{0, 10 * time.Second} {
				isHardest := transactionTime == 20*time.Millisecond && within == 0 || seats == 2000 && within > 0
				if !all && (!isHardest || transactionTime < 20*time.Millisecond) {
					continue
				}
				if testing.Short() && seats != 50 {
					continue
				}
				limit := 8 * time.Second // of which the visitors' function has 10
				if within > 0 {
					limit = time.Second
				}
				name := fmt.Sprintf("%dSeatsWithin%sAt%sATransaction", seats, within, transactionTime)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRush(t, dynamoemu.Options{TransactionTime: transactionTime, LimitPartitions: true}, seats)
						r.run(people, within)
						r.check(limit)
					})
				})
			}
		}
	}
}

// A rush is many people, each at a function of their own.
type rush struct {
	t      *testing.T
	server *dynamoemu.Server
	engine storetest.Engine
	store  *dynamo.Store
	event  deltag.Event
	visits []visit
}

// A visit is what one person sees.
type visit struct {
	began, ended time.Time
	outcome      deltag.SignUpOutcome
	err          error
}

func newRush(t *testing.T, o dynamoemu.Options, seats int) *rush {
	r := &rush{t: t, server: dynamoemu.New(o)}
	client := r.newClient()
	r.engine = storetest.Engine{Client: client, Table: "rush"}
	if _, err := client.CreateTable(ctx, dynamo.Schema("rush")); err != nil {
		t.Fatal(err)
	}
	r.store = r.engine.Store()
	r.event = newEvent(t, r.store, func(e *deltag.Event) {
		if seats > 0 {
			e.Capacity = &seats
		}
	})
	return r
}

// newClient is the SDK's with its own retries.
func (r *rush) newClient() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String("http://dynamoemu.invalid"), Region: "eu-north-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: &http.Client{Transport: slowly{r.server}},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { // as of NewClient
			o.MaxAttempts, o.MaxBackoff = 3, time.Second
		}),
	})
}

// slowly is a network.
type slowly struct{ http.RoundTripper }

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(3 * time.Millisecond)
	return s.RoundTripper.RoundTrip(r)
}

// run signs people up, evenly spread over a time. Each function is warm: it has read the event.
func (r *rush) run(people int, within time.Duration) {
	r.visits = make([]visit, people)
	if _, err := r.store.Suppression(ctx, person(0).Email); err != nil { // makes the key
		r.t.Fatal(err)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for n := range r.visits {
		wg.Go(func() {
			v := &r.visits[n]
			time.Sleep(within * time.Duration(n) / time.Duration(people))
			v.began = time.Now()
			deadline, cancel := context.WithTimeout(ctx, 9500*time.Millisecond) // the handler's
			defer cancel()
			store := dynamo.New(dynamo.ClientOf(r.newClient()), "rush", rand.Reader)
			if _, err := store.Suppression(ctx, person(n).Email); err != nil { // reads the key of the hashes
				r.t.Error(err)
			}
			in := person(n)
			in.Network = fmt.Sprintf("10.0.%d.%d/32", n/256, n%256)
			v.outcome, v.err = store.SignUp(deadline, r.event, in, now.Add(time.Since(began)))
			v.ended = time.Now()
		})
	}
	wg.Wait()
}

func (r *rush) check(limit time.Duration) {
	r.t.Helper()
	var took []time.Duration
	refused := 0
	for _, v := range r.visits {
		took = append(took, v.ended.Sub(v.began))
		if v.err != nil {
			if refused++; refused == 1 {
				r.t.Error(v.err)
			}
		}
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	r.t.Logf("refused %d; p50 %s, p99 %s, longest %s", refused, p50, p99, took[len(took)-1])
	if refused > 0 || p99 > limit {
		r.t.Errorf("%d of %d were refused; 99 %% were done in %s, and not in %s", refused, len(r.visits), p99, limit)
	}
	time.Sleep(time.Minute) // so that reading everything meets no limit
	v := readAll(r.t, r.engine, r.store, r.event.ID)
	for _, violation := range v.violations() {
		r.t.Error(violation)
	}
	want(r.t, len(v.people), len(r.visits))
	want(r.t, len(v.mails), len(r.visits))
	want(r.t, len(v.withStatus(deltag.RegistrationConfirmed)), min(v.capacity(), len(r.visits)))
	r.checkOrder()
}

// checkOrder: nobody got a seat who came when somebody else had been told to wait.
func (r *rush) checkOrder() {
	r.t.Helper()
	var firstWaits time.Time
	for _, v := range r.visits {
		if v.outcome == deltag.OutcomeWaitlisted && (firstWaits.IsZero() || v.ended.Before(firstWaits)) {
			firstWaits = v.ended
		}
	}
	for n, v := range r.visits {
		if v.outcome == deltag.OutcomeConfirmed && !firstWaits.IsZero() && v.began.After(firstWaits) {
			r.t.Errorf("%d passed those who wait", n)
		}
	}
}
