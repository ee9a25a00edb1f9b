package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// attendees are those of all parts.
func attendees(t testing.TB, s *dynamo.Store, e deltag.Event) (all []deltag.Attendee) {
	t.Helper()
	for part := range deltag.AttendeeParts {
		list, err := s.Attendees(ctx, e.ID, part)
		must(t, err)
		all = append(all, list...)
	}
	return all
}

// TestAttendees: the list says the same as the registrations that it is made of.
func TestAttendees(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		for n := range 30 {
			in := person(n)
			in.ByOrganiser, in.AllowsNews = n%2 == 0, n%3 == 0
			in.Name = "Åse \"Ærø\" \\ 😀\n\t" + in.Name
			in.JobTitle = strings.Repeat("x", n)
			in.Answers = map[string][]string{"why": {"a"}, "old": {"1", "{\"S\":\"}\"}"}}
			if n%5 == 0 {
				in.Answers, in.Organisation = nil, ""
			}
			_, err := s.SignUp(ctx, e, in, now.Add(time.Duration(n)))
			must(t, err)
		}
		must(t, s.NoteAttended(ctx, e, registration(t, s, e, 1), true, now))
		must(t, s.SetAddressStatus(ctx, e, registration(t, s, e, 2), deltag.AddressBounced, now))
		must(t, s.CancelRegistration(ctx, e, registration(t, s, e, 3), now))
		registrations, _, err := s.Registrations(ctx, e.ID, "", 100)
		must(t, err)
		var all []deltag.Attendee
		for _, r := range registrations {
			all = append(all, r.Attendee())
		}
		got := attendees(t, s, e)
		for i := range got {
			if len(got[i].Answers) == 0 {
				got[i].Answers = nil
			}
			if len(all[i].Answers) == 0 {
				all[i].Answers = nil
			}
		}
		want(t, got, all)
	})
}

// TestAttendeesOfSeveralPages: one query answers with 1 MB at most.
func TestAttendeesOfSeveralPages(t *testing.T) {
	engine := storetest.Embedded(t)
	s := engine.Store()
	e := newEvent(t, s, nil)
	long := strings.Repeat("æ", deltag.MaxLongText)
	const people = 300 // about 130 of 16 kB in a page, and in one shard
	_, first := signUp(t, s, e, 0, now)
	it, err := engine.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &engine.Table, Key: keyOf(e, first)})
	must(t, err)
	for n := range people {
		id := []byte(first.ID)
		id[18], id[19] = deltag.IDAlphabet[n/32], deltag.IDAlphabet[n%32]
		it.Item["ID"] = &types.AttributeValueMemberS{Value: string(id)}
		it.Item["SK"] = &types.AttributeValueMemberS{Value: "REG#" + string(id)}
		it.Item["Name"] = &types.AttributeValueMemberS{Value: long}
		_, err := engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &engine.Table, Item: it.Item})
		must(t, err)
	}
	engine.Transport.Reset()
	if n := len(attendees(t, s, e)); n < people || n > people+1 {
		t.Errorf("%d attendees", n)
	}
	if n := engine.Transport.Count(); n < 66 {
		t.Errorf("%d requests: the list had one page", n)
	}
}

func keyOf(e deltag.Event, r deltag.Registration) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: storetest.PersonPK(e.ID, r.ID)},
		"SK": &types.AttributeValueMemberS{Value: "REG#" + r.ID},
	}
}

func TestAttendeesThatCantBeRead(t *testing.T) {
	engine := storetest.Embedded(t)
	s := engine.Store()
	e, r := eventWithPerson1(t, s, nil)
	part := 0
	for list := []deltag.Attendee(nil); len(list) == 0; part++ {
		var err error
		list, err = s.Attendees(ctx, e.ID, part)
		must(t, err)
	}
	part--
	for _, damage := range []string{
		"REMOVE ID", "REMOVE Email", "REMOVE #status", "REMOVE RegisteredAt", "SET RegisteredAt = :x", "SET AttendedAt = :x",
		"SET ID = :n",
	} {
		t.Run(damage, func(t *testing.T) {
			in := &dynamodb.UpdateItemInput{TableName: &engine.Table, Key: keyOf(e, r), UpdateExpression: &damage}
			if strings.Contains(damage, "#status") {
				in.ExpressionAttributeNames = map[string]string{"#status": "Status"}
			}
			switch {
			case strings.Contains(damage, ":x"):
				in.ExpressionAttributeValues = map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "i går"}}
			case strings.Contains(damage, ":n"):
				in.ExpressionAttributeValues = map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: "7"}}
			}
			before, err := engine.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &engine.Table, Key: keyOf(e, r)})
			must(t, err)
			_, err = engine.Client.UpdateItem(ctx, in)
			must(t, err)
			_, err = s.Attendees(ctx, e.ID, part)
			if unreadable := (deltag.UnreadableError{}); !errors.As(err, &unreadable) {
				t.Errorf("%v", err)
			}
			_, err = engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(engine.Table), Item: before.Item})
			must(t, err)
		})
	}
	t.Run("AFailedRequestIsRepeated", func(t *testing.T) {
		engine.Transport.InjectFault(func(n int, _ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
			if n == 1 {
				return nil, errors.New("connection lost")
			}
			return send()
		})
		list, err := s.Attendees(ctx, e.ID, part)
		must(t, err)
		want(t, len(list), 1)
		engine.Transport.InjectFault(func(int, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
			return nil, errors.New("connection lost")
		})
		_, err = s.Attendees(ctx, e.ID, part)
		wantError(t, err, deltag.ErrUnavailable)
	})
}

// TestNoteAttended has several organisers note the same, and others the opposite, at the same time.
func TestNoteAttended(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e, r := eventWithPerson1(t, s, nil)
		for range 5 {
			var wg sync.WaitGroup
			for n := range 6 {
				wg.Go(func() {
					err := engine.Store().NoteAttended(context.Background(), e, r, n%2 == 0, now)
					if err != nil && !errors.Is(err, deltag.ErrUnavailable) && !errors.Is(err, deltag.ErrConflict) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			attended := 0
			if !registration(t, s, e, 1).AttendedAt.IsZero() {
				attended = 1
			}
			want(t, counts(t, s, e), deltag.Counts{Confirmed: 1, Attended: attended})
		}
		_, err := s.Reconcile(ctx, e.ID, now)
		must(t, err)
	})
}

// TestResendTwice: the second press on the button is the first one's.
func TestResendTwice(t *testing.T) {
	s := storetest.Embedded(t).Store()
	e, r := eventWithPerson1(t, s, nil)
	d := confirmation(t, s, r)
	d.Status, d.NextAttemptAt = deltag.DeliveryDelivered, time.Time{}
	d.Revision++
	must(t, s.SaveDelivery(ctx, d))
	later := now.Add(time.Hour)
	for range 2 {
		must(t, s.Resend(ctx, e, r, d, later))
	}
	want(t, kinds(t, s, r), []string{"confirmation.1", "confirmation.2"})
	must(t, s.Resend(ctx, e, r, d, later.Add(deltag.ResendCooldown)))
	want(t, len(kinds(t, s, r)), 3)
}
