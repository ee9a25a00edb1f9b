package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/local"
)

// victimFolder makes the test binary a process that serves an engine and a recorder from that folder until it is killed.
const victimFolder = "DELTAG_TEST_VICTIM"

func TestMain(m *testing.M) {
	if folder := os.Getenv(victimFolder); folder != "" {
		fmt.Fprintln(os.Stderr, victim(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func victim(folder string) error {
	e, err := local.OpenEngine(filepath.Join(folder, "tables"))
	if err != nil {
		return err
	}
	r, err := local.OpenSESServer(filepath.Join(folder, "mails"), time.Now)
	if err != nil {
		return err
	}
	heard, err := os.OpenFile(filepath.Join(folder, "heard"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	go r.RunPublisher(context.Background(), func(_ context.Context, event json.RawMessage) error {
		_, err := fmt.Fprintf(heard, "%s\n", event)
		return err
	})
	mux := http.NewServeMux()
	mux.Handle("/v2/", r)
	mux.Handle("/", e)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, mux)
}

// startVictim returns the process's address and how to kill it.
func startVictim(t *testing.T, folder string) (endpoint string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimFolder+"="+folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill() // SIGKILL; it may have ended by itself, which shows below
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		kill()
		t.Fatalf("the victim did not start: %v", err)
	}
	return strings.TrimSpace(line), kill
}

// TestKilledProcessLosesNothingItAnswered writes and sends from several sides, kills the process in the middle of it, and
// looks at what the next process has.
func TestKilledProcessLosesNothingItAnswered(t *testing.T) {
	const lives = 6
	folder := t.TempDir()
	var answered sync.Map // key or message id → life
	for life := range lives {
		endpoint, kill := startVictim(t, folder)
		if life == 0 {
			if err := createTable(t.Context(), newClient(endpoint)); err != nil {
				t.Fatal(err)
			}
		}
		live(t, endpoint, life, &answered, kill)
	}

	e := open(t, filepath.Join(folder, "tables"))
	defer closeAll(t, e)
	c := serve(t, e)
	r, err := local.OpenSESServer(filepath.Join(folder, "mails"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	announced := announced(t, folder, r)
	rows, mails := 0, 0
	answered.Range(func(k, life any) bool {
		id := k.(string)
		if sk, isRow := strings.CutPrefix(id, "row "); isRow {
			rows++
			if get(t, c, key("E", sk)) == nil {
				t.Errorf("life %d: row %s was answered for and is lost", life, sk)
			}
			return true
		}
		mails++
		if _, ok := r.Mail(id); !ok {
			t.Errorf("life %d: mail %s was answered for and is lost", life, id)
		}
		return true
	})
	for _, m := range r.Mails() {
		if !announced[m.ID] {
			t.Errorf("mail %s was accepted and never announced", m.ID)
		}
	}
	if rows == 0 || mails == 0 {
		t.Errorf("%d rows and %d mails prove nothing", rows, mails)
	}
	t.Logf("%d lives: %d rows and %d mails answered for", lives, rows, mails)
}

// live works on a process until it is dead.
func live(t *testing.T, endpoint string, life int, answered *sync.Map, kill func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	work := make(chan struct{}) // one for each answer
	do := func(one func(n int) (string, error)) {
		for n := 0; ; n++ {
			id, err := one(n)
			if err != nil {
				return // it is dead
			}
			answered.Store(id, life)
			select {
			case work <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}
	c, ses := newClient(endpoint), newSES(endpoint)
	for w := range 4 {
		group.Go(func() {
			do(func(n int) (string, error) {
				sk := fmt.Sprintf("REG#%d-%d-%d", life, w, n)
				_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: key("E", sk)}, noRetries)
				return "row " + sk, err
			})
		})
		group.Go(func() {
			do(func(int) (string, error) { return sendMail(ctx, ses, plainMail) })
		})
	}
	for range 40 + 17*life { // so that each life ends at another point
		<-work
	}
	kill()
	stop()
	group.Wait()
}

// announced are the mails whose Send event came, in any life or in one more.
func announced(t *testing.T, folder string, r *local.SESServer) map[string]bool {
	t.Helper()
	heard := map[string]bool{}
	note := func(event []byte) {
		var e struct {
			Detail struct {
				EventType string
				Mail      struct{ MessageID string }
			}
		}
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		if e.Detail.EventType == "Send" {
			heard[e.Detail.Mail.MessageID] = true
		}
	}
	before, err := os.ReadFile(filepath.Join(folder, "heard"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(before)) {
		note([]byte(line))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, m := range r.Mails() {
		heard[m.ID] = heard[m.ID] || false
	}
	left := func() bool {
		for _, h := range heard {
			if !h {
				return true
			}
		}
		return false
	}
	if !left() {
		return heard
	}
	r.RunPublisher(ctx, func(_ context.Context, event json.RawMessage) error {
		note(event)
		if !left() {
			cancel()
		}
		return nil
	})
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("not everything was announced in time")
	}
	return heard
}
