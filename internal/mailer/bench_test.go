package mailer_test

import (
	"crypto/rand"
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

	"deltag/internal/api"
	"deltag/internal/deltag"
	"deltag/internal/mailtmpl"
	"deltag/internal/organiser"
)

// BenchmarkEmptyTick is what a minute costs in which nothing is due: one call, and below 5 ms of the processor.
func BenchmarkEmptyTick(b *testing.B) {
	w := newFixture(b, apart(b))
	w.addRegistrations(w.newEvent(nil), 1000)
	mailer := w.mailer()
	w.engine.Transport.Reset()
	used := processorTime(b)
	for b.Loop() {
		if err := mailer.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
	}
	used = processorTime(b) - used
	want(b, w.engine.Transport.Count(), b.N)
	b.ReportMetric(float64(w.engine.Transport.Count())/float64(b.N), "calls")
	b.ReportMetric(used.Seconds()*1000/float64(b.N), "ms-cpu")
}

// processorTime is this process's so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReminder sends one to 500, each mail composed as it goes out.
func BenchmarkReminder(b *testing.B) {
	const people = 500
	engine := apart(b)
	calls := 0
	for b.Loop() {
		b.StopTimer()
		w := newFixture(b, engine.NewTable(b))
		w.addRegistrations(w.newEvent(func(e *deltag.Event) { e.Reminders = e.Reminders[:1] }), people)
		w.setTime(start.Add(-23 * time.Hour))
		mailer := w.mailer()
		mailer.Renderer = &mailtmpl.Renderer{From: "deltag@example.dk", BaseURL: "https://deltag.example.dk"}
		before := len(w.ses.mails)
		w.engine.Transport.Reset()
		b.StartTimer()
		if err := mailer.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		want(b, len(w.ses.mails)-before, people)
		calls += w.engine.Transport.Count()
		b.StartTimer()
	}
	b.ReportMetric(float64(calls)/float64(b.N*people), "calls/mail")
	b.ReportMetric(float64(b.N*people)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkMailing takes a reminder to 50,000, half of them in short ticks.
func BenchmarkMailing(b *testing.B) {
	const people = 50_000
	for b.Loop() {
		b.StopTimer()
		long := newLargeMailing(newFixture(b, apart(b)), people)
		b.StartTimer()
		long.walk()
		long.checkEachGotOne()
		b.ReportMetric(float64(long.ticks), "ticks")
		b.ReportMetric(float64(long.heapGrowth())/(1<<20), "MiB-growth")
	}
	b.ReportMetric(float64(b.N*people)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkTimeline asks the API what mail will go out to 100,000: one call for the token and three for the answer. Only their
// tallies are seeded; it reads no registration.
func BenchmarkTimeline(b *testing.B) {
	const people = 100_000
	w := newFixture(b, apart(b))
	e := w.newEvent(nil)
	w.readCounter(e, people)
	token, hash, _ := deltag.NewAccessToken(rand.Reader)
	if err := w.store.PutToken(ctx, hash, deltag.AccessToken{Name: "bench", Role: deltag.RoleOwner, ExpiresAt: start}); err != nil {
		b.Fatal(err)
	}
	organiser := api.New(api.Options{
		Organiser: &organiser.Service{Store: w.store, Random: rand.Reader}, Tokens: w.store,
		BaseURL: "https://deltag.example.dk", Now: w.clock, Log: slog.New(slog.DiscardHandler),
	})
	ask := httptest.NewRequest("GET", "/api/v1/events/"+e.ID+"/timeline", nil)
	ask.Header.Set("Authorization", "Bearer "+token)
	w.engine.Transport.Reset()
	for b.Loop() {
		answer := httptest.NewRecorder()
		organiser.ServeHTTP(answer, ask)
		if got := strings.Count(answer.Body.String(), `"expected":100000`); got != len(e.Reminders) {
			b.Fatalf("%d reminders to all: %s", got, answer.Body)
		}
	}
	calls := float64(w.engine.Transport.Count()) / float64(b.N)
	b.ReportMetric(calls, "calls")
	if calls > 5 {
		b.Errorf("%v calls", calls)
	}
}

// readCounter counts people as registered, evenly over the 16 tallies of an event without a limit.
func (w *fixture) readCounter(e deltag.Event, people int) {
	w.t.Helper()
	for _, shard := range "0123456789abcdef" {
		_, err := w.engine.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &w.engine.Table, UpdateExpression: aws.String("ADD Confirmed :n"),
			Key:                       map[string]types.AttributeValue{"PK": text("EVENT#" + e.ID), "SK": text("SEATS#" + string(shard))},
			ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: strconv.Itoa(people / 16)}},
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
