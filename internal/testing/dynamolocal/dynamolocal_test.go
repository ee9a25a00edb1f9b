package dynamolocal

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestStart(t *testing.T) {
	endpoint, ok := Start(t)
	if !ok {
		return
	}
	t.Run("AnswersAsDynamoDB", func(t *testing.T) {
		answer, err := http.Get(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/x-amz-json") {
			t.Errorf("content type %q, want DynamoDB's", got)
		}
	})
	t.Run("OneForAllTestsOfABinary", func(t *testing.T) {
		if again, _ := Start(t); again != endpoint {
			t.Errorf("second engine at %s, want the one at %s", again, endpoint)
		}
	})
	t.Run("EndsWithAKilledTestBinary", func(t *testing.T) { testKilled(t) })
}

// childPrint makes this test binary, run as a child, print its engine's endpoint and wait to be killed.
const childPrint = "DELTAG_TEST_PRINT_ENDPOINT"

func TestMain(m *testing.M) {
	if os.Getenv(childPrint) == "" {
		os.Exit(m.Run())
	}
	endpoint, err := shared()
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(endpoint)
	os.Stdout.Close()
	select {}
}

func testKilled(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPrint+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	endpoint, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	limit := time.Now().Add(10 * time.Second)
	for time.Now().Before(limit) {
		answer, err := http.Get(string(endpoint))
		if err != nil {
			return // refused: the engine is gone
		}
		answer.Body.Close()
	}
	t.Errorf("the engine at %s outlives the test binary", endpoint)
}
