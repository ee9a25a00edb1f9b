package local_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/local"
	"deltag/internal/testing/dynamolocal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestEngineAnswersAsDynamoDBDoes sends what testdata/protocol.txt holds and compares the answers with those that
// DynamoDB Local gave. Where DynamoDB Local is there, it is asked again; -update writes down what it says.
func TestEngineAnswersAsDynamoDBDoes(t *testing.T) {
	steps := protocol(t)
	golden := filepath.Join("testdata", "protocol.golden.json")
	real, there := dynamolocal.Start(t)
	if *update && there {
		write(t, golden, answers(t, real, steps))
	}
	want := read(t, golden)
	t.Run("Engine", func(t *testing.T) {
		srv := httptest.NewServer(local.NewEngine())
		defer srv.Close()
		same(t, steps, want, answers(t, srv.URL, steps))
	})
	if there {
		t.Run("DynamoDBLocal", func(t *testing.T) { same(t, steps, want, answers(t, real, steps)) })
	}
}

// A step is a request with its place in the file.
type step struct{ operation, body string }

func protocol(t *testing.T) []step {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "protocol.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		operation, body, _ := strings.Cut(line, " ")
		steps = append(steps, step{operation, body})
	}
	return steps
}

func answers(t *testing.T, endpoint string, steps []step) []any {
	t.Helper()
	send(t, endpoint, step{"DeleteTable", `{"TableName":"protocol"}`}) // of a run before
	token := rand.Text()
	all := make([]any, len(steps))
	for i, s := range steps {
		s.body = strings.ReplaceAll(s.body, "TOKEN", token) // an engine knows one again for 10 minutes
		s.body = strings.ReplaceAll(s.body, "FAT", strings.Repeat("x", 270<<10))
		all[i] = send(t, endpoint, s)
	}
	return all
}

func send(t *testing.T, endpoint string, s step) any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+s.operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20261101/eu-north-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(body, &decoded); err != nil {
		t.Fatalf("%s %s: %s: %v", s.operation, s.body, body, err)
	}
	return telling(decoded)
}

// telling leaves out what engines may word or order as they like.
func telling(answer map[string]any) any {
	if kind, ok := answer["__type"].(string); ok {
		answer["__type"] = kind[strings.LastIndex(kind, "#")+1:]
	}
	for _, name := range []string{"message", "Message", "TableDescription", "UnprocessedKeys", "UnprocessedItems", "ConsumedCapacity"} {
		delete(answer, name)
	}
	if reasons, ok := answer["CancellationReasons"].([]any); ok {
		for _, r := range reasons {
			delete(r.(map[string]any), "Message")
		}
	}
	return sorted(answer)
}

// sorted puts the members of sets in order; nothing else is a list of strings.
func sorted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = sorted(v[name])
		}
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
		slices.SortFunc(v, func(a, b any) int {
			x, isText := a.(string)
			y, _ := b.(string)
			if !isText {
				return 0
			}
			return strings.Compare(x, y)
		})
	}
	return v
}

func same(t *testing.T, steps []step, want, got []any) {
	t.Helper()
	if len(want) != len(steps) {
		t.Fatalf("%d answers for %d requests: run with -update where DynamoDB Local is", len(want), len(steps))
	}
	for i, s := range steps {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%s %s (-want +got)\n%s", s.operation, s.body, diff)
		}
	}
}

func write(t *testing.T, path string, v any) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}
