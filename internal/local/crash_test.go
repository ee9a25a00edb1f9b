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

	"deltag/internal/local"
)

// victimFolder makes the test binary a process that serves a recorder from that folder until it is killed.
const victimFolder = "DELTAG_TEST_VICTIM"

func TestMain(m *testing.M) {
	if folder := os.Getenv(victimFolder); folder != "" {
		fmt.Fprintln(os.Stderr, victim(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func victim(folder string) error {
	r, err := local.OpenSESServer(filepath.Join(folder, "mails"), account, time.Now)
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, r)
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

// TestKilledProcessLosesNothingItAnswered sends from several sides, kills the process in the middle of it, and looks at
// what the next process has.
func TestKilledProcessLosesNothingItAnswered(t *testing.T) {
	const lives = 6
	folder := t.TempDir()
	var answered sync.Map // message id → life
	for life := range lives {
		endpoint, kill := startVictim(t, folder)
		live(t, endpoint, life, &answered, kill)
	}

	r, err := local.OpenSESServer(filepath.Join(folder, "mails"), account, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	announced := announced(t, folder, r)
	mails := 0
	answered.Range(func(id, life any) bool {
		mails++
		if _, ok := r.Mail(id.(string)); !ok {
			t.Errorf("life %d: mail %s was answered for and is lost", life, id)
		}
		return true
	})
	for _, m := range r.Mails() {
		if !announced[m.ID] {
			t.Errorf("mail %s was accepted and never announced", m.ID)
		}
	}
	if mails == 0 {
		t.Error("no mails prove nothing")
	}
	t.Logf("%d lives: %d mails answered for", lives, mails)
}

// live works on a process until it is dead.
func live(t *testing.T, endpoint string, life int, answered *sync.Map, kill func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	work := make(chan struct{}) // one for each answer
	ses := newSES(endpoint)
	for range 4 {
		group.Go(func() {
			for {
				id, err := sendMail(ctx, ses, plainMail)
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
