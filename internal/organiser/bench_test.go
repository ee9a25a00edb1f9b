package organiser_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"runtime/metrics"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
	"deltag/internal/organiser"
	"deltag/internal/testing/dynamolocal"
	"deltag/internal/testing/storetest"
)

// BenchmarkWholeEvent has the use cases that read all of an event do so with 100,000 people. DynamoDB Local is a
// process of its own: CPU and memory are those of the use case.
func BenchmarkWholeEvent(b *testing.B) {
	endpoint, ok := dynamolocal.Start(b)
	if !ok {
		b.Skip("not run: DynamoDB Local (make test fetches it)")
	}
	engine := storetest.NewEngine(b, endpoint)
	service := &organiser.Service{Store: engine.Store(), Random: rand.Reader}
	e, err := service.CreateEvent(b.Context(), anna, func(e deltag.Event) (deltag.Event, error) {
		e.Title, e.StartsAt, e.EndsAt = "Samskabelse", start, start.Add(time.Hour)
		e.Organiser = deltag.Organiser{Name: "UKON", Email: "hej@example.dk"}
		return e, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	seedPeople(b, engine, service, e, 100_000)
	for name, run := range map[string]func() error{
		"Coverage": func() error {
			_, c, err := service.Coverage(b.Context(), anna, e.ID, "")
			if err == nil && c.Expected[0].People == 0 {
				b.Error("nobody was counted")
			}
			return err
		},
		"SignUps": func() error {
			_, _, err := service.SignUps(b.Context(), anna, e.ID)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) { measure(b, run) })
	}
}

// measure reports the processor time of each run, and the largest heap.
func measure(b *testing.B, run func() error) {
	done, largest := make(chan bool), make(chan uint64)
	go func() {
		most := uint64(0)
		for {
			select {
			case <-done:
				largest <- most
				return
			case <-time.After(5 * time.Millisecond):
				heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
				metrics.Read(heap)
				most = max(most, heap[0].Value.Uint64())
			}
		}
	}()
	before := processorTime(b)
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	spent := processorTime(b) - before
	close(done)
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "ms-cpu")
	b.ReportMetric(float64(<-largest)/(1<<20), "MiB-heap")
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// seedPeople stores copies of one registration, of all municipalities and 2,000 other organisations.
func seedPeople(b *testing.B, engine storetest.Engine, service *organiser.Service, e deltag.Event, n int) {
	b.Helper()
	typed := deltag.SignUpRequest{Name: "Mette", Email: deltag.Address{Original: "mette@example.dk"}}
	_, r, err := service.AddRegistration(b.Context(), anna, e.ID, typed)
	if err != nil {
		b.Fatal(err)
	}
	stored, err := engine.Client.GetItem(b.Context(), &dynamodb.GetItemInput{
		TableName: &engine.Table, Key: personKey(e, r.ID),
	})
	if err != nil {
		b.Fatal(err)
	}
	all := municipality.All()
	var people []types.WriteRequest
	for i := range n {
		email := fmt.Sprintf("person%d@example.dk", i)
		id := deltag.RegistrationID(e, deltag.Address{Normalized: email})
		organisation := fmt.Sprintf("Forening %d", i%2000)
		if i%2 == 0 {
			organisation = all[i%len(all)].Name + " Kommune"
		}
		person := maps.Clone(stored.Item)
		maps.Copy(person, personKey(e, id))
		for name, value := range map[string]string{
			"ID": id, "Email": email, "NormalizedEmail": email, "Organisation": organisation,
			"Name": fmt.Sprint("Person ", i),
		} {
			person[name] = &types.AttributeValueMemberS{Value: value}
		}
		people = append(people, types.WriteRequest{PutRequest: &types.PutRequest{Item: person}})
	}
	var writes errgroup.Group
	writes.SetLimit(8)
	for some := range slices.Chunk(people, 25) {
		writes.Go(func() error {
			_, err := engine.Client.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{engine.Table: some},
			})
			return err
		})
	}
	if err := writes.Wait(); err != nil {
		b.Fatal(err)
	}
}

func personKey(e deltag.Event, id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: storetest.PersonPK(e.ID, id)},
		"SK": &types.AttributeValueMemberS{Value: "REG#" + id},
	}
}
