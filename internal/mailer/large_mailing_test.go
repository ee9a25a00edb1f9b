package mailer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
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
	"deltag/internal/testing/storetest"
)

// TestLargeMailing sends a reminder to 5,000 in many ticks; BenchmarkMailing sends one to 50,000.
func TestLargeMailing(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the heap, which the race detector changes")
	}
	const people = 5000
	long := newLargeMailing(newFixture(t, separateEngine(t)), people)
	long.run()
	t.Logf("%d ticks, heap %+d KiB between mail %d and the last", long.ticks, long.heapGrowth()>>10, firstMeasurement)
	if long.ticks < 3 {
		t.Errorf("only %d ticks", long.ticks)
	}
	if long.heapGrowth() > 200*people { // bytes: a registration takes several times that
		t.Errorf("the heap grew by %d bytes", long.heapGrowth())
	}
	long.checkEachGotOne()
}

// A largeMailing is a reminder to many, and an SES that keeps only how many each of them got.
type largeMailing struct {
	*fixture
	event deltag.Event
	key   deltag.MailingKey
	got   []atomic.Int32
	sent  atomic.Int64
	ticks int
	heap  [2]uint64 // at the first measurement and at the last mail
}

// firstMeasurement is the mail at which the heap is measured first: ten pages into the mailing.
const firstMeasurement = 1000

func newLargeMailing(f *fixture, people int) *largeMailing {
	f.t.Helper()
	e := f.newEvent(oneReminder)
	f.addRegistrations(e, people)
	f.setTime(start.Add(-24 * time.Hour))
	return &largeMailing{
		fixture: f, event: e, got: make([]atomic.Int32, people),
		key: deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: e.ScheduleVersion},
	}
}

func (l *largeMailing) Send(_ context.Context, m deltag.OutgoingMail) (string, error) {
	var n int
	if _, err := fmt.Sscanf(m.To, "p%d@", &n); err != nil {
		return "", err
	}
	l.got[n].Add(1)
	switch l.sent.Add(1) {
	case firstMeasurement:
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

// shortTick is half a second more than the mailer's shutdown margin.
const shortTick = 10*time.Second + 500*time.Millisecond

// run ticks until the reminder is done. The first half goes in short ticks, after each of which the stored mailing must
// say how many are sent; the second in one long tick, so that whatever a tick accumulates shows in its heap.
func (l *largeMailing) run() {
	l.t.Helper()
	m := l.mailer()
	m.Sender = l
	for mailing := (deltag.Mailing{}); mailing.Status != deltag.MailingDone; l.ticks++ {
		if l.ticks > len(l.got)/m.PageSize {
			l.t.Fatal("more ticks than pages")
		}
		limit := shortTick
		if mailing.Sent > len(l.got)/2 {
			limit *= 100
		}
		tick, cancel := context.WithTimeout(ctx, limit)
		if err := m.RunDue(tick); err != nil {
			l.t.Fatal(err)
		}
		cancel()
		mailing = l.mailing()
		want(l.t, mailing.Sent, int(l.sent.Load()))
		if mailing.NextRunAt.After(l.clock()) {
			l.setTime(mailing.NextRunAt) // the catch-up run for sign-ups that were under way
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

// addRegistrations signs one person up and copies the stored registration. To sign all of them up would take longer
// than the mailing, and leave as many confirmations to be sent.
func (f *fixture) addRegistrations(e deltag.Event, people int) {
	f.t.Helper()
	first := f.signUp(e, 0)
	f.runDue()
	out, err := f.engine.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &f.engine.Table,
		Key: map[string]types.AttributeValue{
			"PK": text(storetest.PersonPK(e.ID, first.ID)), "SK": text("REG#" + first.ID),
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	var puts []types.TransactWriteItem
	for n := 1; n < people; n++ {
		id := registrationID(e, n)
		copied := maps.Clone(out.Item)
		copied["PK"], copied["SK"], copied["ID"] = text(storetest.PersonPK(e.ID, id)), text("REG#"+id), text(id)
		copied["Email"], copied["NormalizedEmail"] = text(address(n)), text(address(n))
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &f.engine.Table, Item: copied}})
	}
	for chunk := range slices.Chunk(puts, 100) { // DynamoDB's limit
		in := &dynamodb.TransactWriteItemsInput{TransactItems: chunk}
		if _, err := f.engine.Client.TransactWriteItems(ctx, in); err != nil {
			f.t.Fatal(err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// serveEngineEnv makes the test binary a process that serves an engine until its standard input ends.
const serveEngineEnv = "DELTAG_TEST_ENGINE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEngineEnv) != "" {
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

// separateEngine is the embedded engine in another process, so that this one's memory and processor time are the
// mailer's.
func separateEngine(tb testing.TB) storetest.Engine {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEngineEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // how it ended does not matter
	})
	endpoint, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("the engine did not start: %v", err)
	}
	return storetest.NewEngine(tb, strings.TrimSpace(endpoint))
}
