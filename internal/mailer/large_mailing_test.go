package mailer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamoemu"
	"deltag/internal/mailer"
	"deltag/internal/testing/storetest"
)

// TestLargeMailing takes a reminder to 5,000 through many ticks; BenchmarkWalk takes one to 50,000.
func TestLargeMailing(t *testing.T) {
	const people = 5000
	w := newFixture(t, apart(t))
	long := newLargeMailing(w, people)
	long.walk()
	t.Logf("%d ticks, heap %+d KiB between mail %d and the last", long.ticks, long.heapGrowth()>>10, firstLook)
	if long.ticks < 3 {
		t.Errorf("only %d ticks", long.ticks)
	}
	if long.heapGrowth() > 200*people { // bytes: a registration takes several times that
		t.Errorf("the heap grew by %d bytes", long.heapGrowth())
	}
	long.checkEachGotOne()
}

// A largeMailing is a reminder to many, and an SES that keeps nothing of it but the number that each has got.
type largeMailing struct {
	*fixture
	event deltag.Event
	key   deltag.MailingKey
	got   []atomic.Int32
	sent  atomic.Int64
	ticks int
	heap  [2]uint64 // at the first look and at the last mail
}

// firstLook is the mail at which the heap is measured first: ten pages into the walk.
const firstLook = 1000

func newLargeMailing(w *fixture, people int) *largeMailing {
	w.t.Helper()
	e := w.newEvent(func(e *deltag.Event) { e.Reminders = e.Reminders[:1] })
	w.addRegistrations(e, people)
	w.setTime(start.Add(-24 * time.Hour))
	return &largeMailing{
		fixture: w, event: e, key: deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: e.ScheduleVersion}, got: make([]atomic.Int32, people),
	}
}

func (l *largeMailing) Send(_ context.Context, m deltag.OutgoingMail) (string, error) {
	var n int
	if _, err := fmt.Sscanf(m.To, "p%d@", &n); err != nil {
		return "", err
	}
	l.got[n].Add(1)
	switch l.sent.Add(1) {
	case firstLook:
		l.heap[0] = heapInUse()
	case int64(len(l.got)):
		l.heap[1] = heapInUse()
	}
	return "id", nil
}

func heapInUse() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func (l *largeMailing) heapGrowth() int64 { return int64(l.heap[1]) - int64(l.heap[0]) }

func (l *largeMailing) checkEachGotOne() {
	l.t.Helper()
	for n := range l.got {
		if got := l.got[n].Load(); got != 1 {
			l.t.Errorf("%d mails to %s", got, address(n))
		}
	}
}

// shortTick is half a second more than the mailer keeps in reserve.
const shortTick = 10*time.Second + 500*time.Millisecond

// walk ticks until the reminder is done. The first half goes in short ticks, after each of which the mailing tells how far it
// has come; the second in one, so that what a tick might gather shows in its heap.
func (l *largeMailing) walk() {
	l.t.Helper()
	mailer := mailer.New(l.store, stubRenderer{}, l, l.clock, slog.New(slog.DiscardHandler), 100_000)
	for m := (deltag.Mailing{}); m.Status != deltag.MailingDone; l.ticks++ {
		if l.ticks > len(l.got)/mailer.PageSize {
			l.t.Fatal("more ticks than pages")
		}
		time := shortTick
		if m.Sent > len(l.got)/2 {
			time *= 100
		}
		ctx, cancel := context.WithTimeout(ctx, time)
		if err := mailer.RunDue(ctx); err != nil {
			l.t.Fatal(err)
		}
		cancel()
		m = l.mailing()
		want(l.t, m.Sent, int(l.sent.Load()))
		if m.NextRunAt.After(l.clock()) {
			l.setTime(m.NextRunAt) // the second look, for sign-ups that were under way
		}
	}
}

func (l *largeMailing) mailing() deltag.Mailing {
	l.t.Helper()
	m, err := l.store.Mailing(ctx, l.key)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// addRegistrations signs one person up and copies the registration as it is stored. To sign all of them up would take longer
// than the walk, and leave as many confirmations to be sent.
func (w *fixture) addRegistrations(e deltag.Event, people int) {
	w.t.Helper()
	first := w.signUp(e, 0)
	w.runDue()
	out, err := w.engine.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &w.engine.Table, Key: map[string]types.AttributeValue{"PK": text("EVENT#" + e.ID), "SK": text("REG#" + first.ID)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var puts []types.TransactWriteItem
	for n := 1; n < people; n++ {
		id := deltag.RegistrationID(e, deltag.Address{Normalized: address(n)})
		copied := maps.Clone(out.Item)
		copied["SK"], copied["ID"], copied["Email"], copied["NormalizedEmail"] = text("REG#"+id), text(id), text(address(n)), text(address(n))
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &w.engine.Table, Item: copied}})
	}
	for some := range slices.Chunk(puts, 100) { // DynamoDB's limit
		in := &dynamodb.TransactWriteItemsInput{TransactItems: some}
		if _, err := w.engine.Client.TransactWriteItems(ctx, in); err != nil {
			w.t.Fatal(err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// engineApart makes the test binary a process that serves an engine until its standard input ends.
const engineApart = "DELTAG_TEST_ENGINE"

func TestMain(m *testing.M) {
	if os.Getenv(engineApart) != "" {
		fmt.Fprintln(os.Stderr, serveEngine())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serveEngine() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the tests' process, however that ends
		os.Exit(0)
	}()
	return http.Serve(l, dynamoemu.New(dynamoemu.Options{}))
}

// apart is the embedded engine in a process of its own, so that memory and processor time of this one are the mailer's.
func apart(tb testing.TB) storetest.Engine {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), engineApart+"=1")
	cmd.Stderr = os.Stderr
	leash, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = leash.Close()
		_ = cmd.Wait() // nothing of it is needed any more
	})
	endpoint, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("the engine did not start: %v", err)
	}
	return storetest.NewEngine(tb, strings.TrimSpace(endpoint))
}
