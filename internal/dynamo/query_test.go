package dynamo_test

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// newStoreOfShortPages has each page of a query end after one item, as DynamoDB ends one after 1 MB.
func newStoreOfShortPages(engine storetest.Engine) *dynamo.Store {
	client := dynamo.ClientOf(engine.Client)
	client.Query = func(
		ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options),
	) (*dynamodb.QueryOutput, error) {
		in.Limit = aws.Int32(1)
		return engine.Client.Query(ctx, in, o...)
	}
	return dynamo.New(client, engine.Table, rand.Reader)
}

func TestEveryPageOfAQueryIsRead(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := newStoreOfShortPages(engine)
		e := newEvent(t, s, withCapacity(1))
		signUpMany(t, s, e, 4)
		t.Run("Reconciliation", func(t *testing.T) {
			got, err := s.Reconcile(ctx, e.ID, now)
			must(t, err)
			want(t, got, deltag.Reconciliation{At: now})
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Waitlisted: 3})
		})
		t.Run("CountersWithoutCapacity", func(t *testing.T) {
			e := newEvent(t, s, nil)
			signUpMany(t, s, e, 4)
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 4})
		})
		t.Run("Statistics", func(t *testing.T) {
			got, err := s.EventStats(ctx, e)
			must(t, err)
			want(t, got.SignUpsByDay, map[string]int{"2026-11-23": 4})
			want(t, got.Mails, map[deltag.MailKind]map[deltag.DeliveryStatus]int{
				deltag.KindConfirmation: {deltag.DeliveryPending: 1}, deltag.KindWaitlisted: {deltag.DeliveryPending: 3},
			})
		})
		t.Run("DeliveriesOfARegistration", func(t *testing.T) {
			_, r := signUp(t, s, e, 0, now.Add(time.Hour)) // sends the confirmation again
			want(t, kinds(t, s, r), []string{"confirmation.1", "confirmation.2"})
		})
		t.Run("Mailings", func(t *testing.T) {
			ms, err := s.Mailings(ctx, e.ID)
			must(t, err)
			want(t, len(ms), len(e.ScheduledMails))
		})
		t.Run("WaitlistPosition", func(t *testing.T) {
			want(t, waitlistPosition(t, s, e, 3), 3)
		})
		t.Run("RegistrationsAfter", func(t *testing.T) {
			rs, _, err := s.RegistrationsAfter(ctx, e.ID, "", 3)
			must(t, err)
			want(t, len(rs), 3)
		})
	})
}

// TestKeysThatAreLeftUnprocessedAreReadAgain has the first calls leave keys unprocessed, as DynamoDB does to throttle.
func TestKeysThatAreLeftUnprocessedAreReadAgain(t *testing.T) {
	leaveUnprocessed := func(client dynamo.Client, times int) dynamo.Client {
		send := client.BatchGetItem
		client.BatchGetItem = func(
			ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options),
		) (*dynamodb.BatchGetItemOutput, error) {
			if times--; times >= 0 {
				return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
			}
			return send(ctx, in, o...)
		}
		return client
	}
	t.Run("AndFound", func(t *testing.T) {
		engine := storetest.Embedded(t)
		e := newEvent(t, engine.Store(), nil)
		_, r := signUp(t, engine.Store(), e, 1, now)
		s := dynamo.New(leaveUnprocessed(dynamo.ClientOf(engine.Client), 2), engine.Table, rand.Reader)
		_, got, err := s.EventAndRegistration(ctx, e.ID, r.ID)
		must(t, err)
		want(t, got, r)
	})
	t.Run("AndNotReportedMissingWhenTheyStayUnprocessed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := dynamo.New(leaveUnprocessed(dynamo.Client{}, 100), "table", rand.Reader)
			_, _, err := s.EventAndRegistration(ctx, "event", "registration")
			wantError(t, err, deltag.ErrUnavailable)
		})
	})
}
