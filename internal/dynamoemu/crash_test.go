package dynamoemu_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"deltag/internal/dynamoemu"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// serverFolder makes the test binary a process that serves the tables of that folder until it is killed.
const serverFolder = "DELTAG_TEST_DYNAMOEMU"

func TestMain(m *testing.M) {
	if folder := os.Getenv(serverFolder); folder != "" {
		fmt.Fprintln(os.Stderr, serveFolder(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serveFolder(folder string) error {
	s, err := dynamoemu.Open(folder)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, s)
}

// startProcess returns the process's address and how to kill it.
func startProcess(t *testing.T, folder string) (endpoint string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverFolder+"="+folder)
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
		t.Fatalf("the process did not start: %v", err)
	}
	return strings.TrimSpace(line), kill
}

// TestKilledProcessLosesNothingItAnswered writes concurrently, kills the process meanwhile, and checks what the next
// process has.
func TestKilledProcessLosesNothingItAnswered(t *testing.T) {
	const processes = 6
	folder := t.TempDir()
	var answered sync.Map // sort key → process
	for n := range processes {
		endpoint, kill := startProcess(t, folder)
		if n == 0 {
			if err := createTable(t.Context(), newClient(endpoint)); err != nil {
				t.Fatal(err)
			}
		}
		writeUntilKilled(t, endpoint, n, &answered, kill)
	}

	useFolder(t, folder, func(_ *dynamoemu.Server, c *dynamodb.Client) {
		rows := 0
		for sk, process := range answered.Range {
			rows++
			if get(t, c, key("E", sk.(string))) == nil {
				t.Errorf("process %d: row %s was answered and is lost", process, sk)
			}
		}
		if rows == 0 {
			t.Error("no row was answered")
		}
		t.Logf("%d processes: %d rows answered", processes, rows)
	})
}

// writeUntilKilled writes new rows, and rows that it replaces, so that the journal is compacted too.
func writeUntilKilled(t *testing.T, endpoint string, process int, answered *sync.Map, kill func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c := dynamodb.New(newClient(endpoint).Options(), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	var group sync.WaitGroup
	done := make(chan struct{}) // one for each answer
	for w := range 4 {
		group.Go(func() {
			for n := 0; ; n++ {
				sk := fmt.Sprintf("REG#%d-%d-%d", process, w, n)
				last := row{"PK": text("E"), "SK": text(fmt.Sprint("last-of-", w)), "Last": text(sk)}
				err := transact(ctx, c, putAction(key("E", sk)), putAction(last))
				if err != nil {
					return // the process is killed
				}
				answered.Store(sk, process)
				select {
				case done <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for range 40 + 17*process { // so that each process ends at another point
		<-done
	}
	kill()
	stop()
	group.Wait()
}
