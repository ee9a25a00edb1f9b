package internal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/account"
	"deltag/internal/apigateway"
	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// BenchmarkAttendees measures the list of an event's attendees in the built function, of 100,000 registrations, or as
// many as DELTAG_ATTENDEES says: processor time, without the engine's, and the most memory that the function has used
// until then.
func BenchmarkAttendees(b *testing.B) {
	people := 100_000
	if n, err := strconv.Atoi(os.Getenv("DELTAG_ATTENDEES")); err == nil {
		people = n
	}
	engine := storetest.Embedded(b)
	d := newDeployment(b, engine)
	e := d.newEvent()
	d.fill(engine, e, people)
	session := d.signIn("owner@example.dk")
	list := "/organiser/events/" + e.ID + "/attendees"
	for name, path := range map[string]string{
		"0-overview": "/organiser/events/" + e.ID, "1-first-page": list, "2-search": list + "?q=aarhus+mette+9999", "3-sorted": list + "?sort=name",
		"4-csv-part": list + ".csv?part=1-of-5", "5-xlsx-part": list + ".xlsx?part=1-of-5",
		"6-xlsx-10000": list + ".xlsx?part=1-of-10",
	} {
		b.Run(name, func(b *testing.B) {
			organiser := d.start("organiser")
			get := func(path string) {
				event := request("GET", path, nil, "Accept-Encoding: gzip")
				event.Cookies = []string{"__Host-session=" + session}
				answer := callWithin[apigateway.Response](b, time.Minute, organiser, event)
				if answer.StatusCode != 200 {
					b.Fatal(answer.StatusCode, answer.Body)
				}
			}
			get("/organiser") // begin, and write when the session was used
			before := cpu(b, organiser)
			for b.Loop() {
				get(path)
			}
			b.ReportMetric(float64((cpu(b, organiser)-before).Milliseconds())/float64(b.N), "ms-cpu")
			peak, err := organiser.PeakRSS()
			d.must(err)
			b.ReportMetric(float64(peak)/(1<<20), "MiB-rss")
		})
	}
}

// signIn begins a session, and returns its token.
func (d *deployment) signIn(email string) string {
	d.t.Helper()
	ctx, now := context.Background(), time.Now()
	owner := deltag.Address{Original: email, Normalized: email}
	accounts := account.Service{Store: d.store, Owners: []deltag.Address{owner}, Random: rand.Reader}
	d.must(accounts.RequestLink(ctx, owner, deltag.LanguageDanish, "", now))
	id, err := d.store.MemberID(ctx, owner)
	d.must(err)
	m, err := d.store.Member(ctx, id)
	d.must(err)
	link := deltag.SignInToken(m.ID, m.Secret, m.LastLink)
	token, err := accounts.SignIn(ctx, link, deltag.LanguageDanish, now)
	d.must(err)
	return token
}

// fill stores registrations as a sign-up does, without its mail, and counts them.
func (d *deployment) fill(engine storetest.Engine, e deltag.Event, people int) {
	d.t.Helper()
	ctx := context.Background()
	_, err := d.store.SignUp(ctx, e, deltag.SignUpRequest{
		Name: "Mette", Email: deltag.Address{Original: "a@example.dk", Normalized: "a@example.dk"}, Language: "da",
		Organisation: "Aarhus Kommune", JobTitle: "Fagspecialist", Answers: map[string][]string{"hvad": {"Et svar"}},
	}, time.Now())
	d.must(err)
	first, _, err := d.store.Registrations(ctx, e.ID, "", 1)
	d.must(err)
	keyOf := func(id, sk string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: storetest.PersonPK(e.ID, id)}, "SK": &types.AttributeValueMemberS{Value: sk},
		}
	}
	out, err := engine.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &engine.Table, Key: keyOf(first[0].ID, "REG#"+first[0].ID),
	})
	d.must(err)
	var wg sync.WaitGroup
	const writers = 8
	for writer := range writers {
		wg.Go(func() {
			for n := writer; n < people-1; n += writers {
				email := fmt.Sprintf("mette%d@kommune%d.example.dk", n, n%98)
				id := deltag.RegistrationID(e, deltag.Address{Original: email, Normalized: email})
				item := keyOf(id, "REG#"+id)
				for name, value := range out.Item {
					if item[name] == nil {
						item[name] = value
					}
				}
				for name, text := range map[string]string{
					"ID": id, "Email": email, "NormalizedEmail": email, "Name": fmt.Sprintf("Mette Østergård %d", n),
					"Organisation": fmt.Sprintf("Århus Kommune, afdeling %d", n%98),
				} {
					item[name] = &types.AttributeValueMemberS{Value: text}
				}
				_, err := engine.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &engine.Table, Item: item})
				if err != nil {
					d.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	_, err = engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &engine.Table, Key: keyOf(first[0].ID, "COUNTS"), UpdateExpression: new("SET Confirmed = :n"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":n": &types.AttributeValueMemberN{Value: strconv.Itoa(people)},
		},
	})
	d.must(err)
}
