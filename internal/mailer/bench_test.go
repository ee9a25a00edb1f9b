package mailer_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/account"
	"deltag/internal/api"
	"deltag/internal/deltag"
	"deltag/internal/mailtmpl"
	"deltag/internal/organiser"
)

// BenchmarkEmptyTick is a minute in which nothing is due: one call, and below 5 ms of processor time.
func BenchmarkEmptyTick(b *testing.B) {
	f := newFixture(b, separateEngine(b))
	f.addRegistrations(f.newEvent(nil), 1000)
	mailer := f.mailer()
	f.engine.Transport.Reset()
	used := processorTime(b)
	for b.Loop() {
		if err := mailer.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
	}
	used = processorTime(b) - used
	want(b, f.engine.Transport.Count(), b.N)
	b.ReportMetric(float64(f.engine.Transport.Count())/float64(b.N), "calls")
	b.ReportMetric(used.Seconds()*1000/float64(b.N), "ms-cpu")
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReminder sends one to 500, each mail rendered as it goes out.
func BenchmarkReminder(b *testing.B) {
	const people = 500
	engine := separateEngine(b)
	calls := 0
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b, engine.NewTable(b))
		f.addRegistrations(f.newEvent(oneReminder), people)
		f.setTime(start.Add(-23 * time.Hour))
		mailer := f.mailer()
		mailer.Renderer = &mailtmpl.Renderer{From: "deltag@example.dk", BaseURL: "https://deltag.example.dk"}
		before := len(f.ses.mails)
		f.engine.Transport.Reset()
		b.StartTimer()
		if err := mailer.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		want(b, len(f.ses.mails)-before, people)
		calls += f.engine.Transport.Count()
		b.StartTimer()
	}
	b.ReportMetric(float64(calls)/float64(b.N*people), "calls/mail")
	b.ReportMetric(float64(b.N*people)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkMailing sends a reminder to 50,000, half of them in short ticks.
func BenchmarkMailing(b *testing.B) {
	const people = 50_000
	for b.Loop() {
		b.StopTimer()
		long := newLargeMailing(newFixture(b, separateEngine(b)), people)
		b.StartTimer()
		long.run()
		long.checkEachGotOne()
		b.ReportMetric(float64(long.ticks), "ticks")
		b.ReportMetric(float64(long.heapGrowth())/(1<<20), "MiB-growth")
	}
	b.ReportMetric(float64(b.N*people)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkTimeline asks the API what mail will go out to 100,000: one call for the token and three for the answer.
// Only their counters are seeded; it reads no registration.
func BenchmarkTimeline(b *testing.B) {
	const people = 100_000
	f := newFixture(b, separateEngine(b))
	e := f.newEvent(nil)
	f.addCounts(e, people)
	token, hash, _ := deltag.NewAccessToken(rand.Reader)
	access := deltag.AccessToken{Name: "bench", Role: deltag.RoleOwner, ExpiresAt: start}
	if err := f.store.PutToken(ctx, hash, access); err != nil {
		b.Fatal(err)
	}
	organiser := api.New(api.Options{
		Organiser: &organiser.Service{Store: f.store, Random: rand.Reader}, Accounts: &account.Service{Store: f.store},
		BaseURL: "https://deltag.example.dk", Now: f.clock, Log: slog.New(slog.DiscardHandler),
	})
	request := httptest.NewRequest("GET", "/api/v1/events/"+e.ID+"/timeline", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	f.engine.Transport.Reset()
	for b.Loop() {
		response := httptest.NewRecorder()
		organiser.ServeHTTP(response, request)
		if got := strings.Count(response.Body.String(), `"expected":100000`); got != len(e.ScheduledMails) {
			b.Fatalf("%d reminders to all: %s", got, response.Body)
		}
	}
	calls := float64(f.engine.Transport.Count()) / float64(b.N)
	b.ReportMetric(calls, "calls")
	if calls > 5 {
		b.Errorf("%v calls", calls)
	}
}

// addCounts counts people as confirmed, evenly over the shards of an event without a limit.
func (f *fixture) addCounts(e deltag.Event, people int) {
	f.t.Helper()
	for shard := range 64 {
		_, err := f.engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &f.engine.Table, UpdateExpression: aws.String("ADD Confirmed :n"),
			Key: map[string]types.AttributeValue{
				"PK": text(fmt.Sprintf("EVENT#%s#%02d", e.ID, shard)), "SK": text("COUNTS"),
			},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":n": &types.AttributeValueMemberN{Value: strconv.Itoa(people / 64)},
			},
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}
