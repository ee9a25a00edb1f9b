package dynamoemu_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/dynamoemu"
	"deltag/internal/testing/dynamolocal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAnswersAsDynamoDBDoes sends the requests of testdata/protocol.txt and compares the answers with those that
// DynamoDB Local gave. If DynamoDB Local is set up, it gets them again; -update records its answers.
func TestAnswersAsDynamoDBDoes(t *testing.T) {
	requests := readRequests(t, "protocol.txt")
	golden := filepath.Join("testdata", "protocol.golden.json")
	endpoint, there := dynamolocal.Start(t)
	dynamoDBLocal := target{http.DefaultClient, endpoint}
	if *update && there {
		writeGolden(t, golden, answers(t, dynamoDBLocal, requests))
	}
	want := readGolden(t, golden)
	t.Run("dynamoemu", func(t *testing.T) { checkAnswers(t, requests, want, answers(t, newEmulator(), requests)) })
	if there {
		t.Run("DynamoDBLocal", func(t *testing.T) {
			checkAnswers(t, requests, want, answers(t, dynamoDBLocal, requests))
		})
	}
}

// TestRefused sends requests that DynamoDB accepts and the emulator does not support, and such as DynamoDB's documentation
// forbids and DynamoDB Local accepts. Each must be refused, and change nothing.
func TestRefused(t *testing.T) {
	emulator := newEmulator()
	send(t, emulator, readRequests(t, "protocol.txt")[0])
	send(t, emulator, request{"PutItem", `{"TableName":"protocol","Item":{"PK":{"S":"E"},"SK":{"S":"c"},` +
		`"a":{"N":"1"},"big":{"N":"9223372036854775807"},"l":{"L":[{"S":"q"}]},"m":{"M":{"k":{"N":"5"}}}}}`})
	everything := request{"Scan", `{"TableName":"protocol"}`}
	before := send(t, emulator, everything)
	kinds := []any{"ValidationException", "UnknownOperationException", "SerializationException"}
	for _, r := range slices.Concat(readRequests(t, "refused.txt"), readRequests(t, "documented.txt")) {
		if answer := send(t, emulator, r); !slices.Contains(kinds, answer["__type"]) {
			t.Errorf("%s %.1000s: %v", r.operation, r.body, answer)
		}
	}
	if diff := cmp.Diff(before, send(t, emulator, everything)); diff != "" {
		t.Error(diff)
	}
}

type request struct{ operation, body string }

// A target is a server, and how to reach it.
type target struct {
	client   *http.Client
	endpoint string
}

func newEmulator() target {
	return target{&http.Client{Transport: dynamoemu.New(dynamoemu.Options{})}, "http://dynamoemu.invalid"}
}

// readRequests reads a file of testdata, with one request a line.
func readRequests(tb testing.TB, name string) []request {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	var all []request
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		operation, body, _ := strings.Cut(line, " ")
		all = append(all, request{operation, repetition.ReplaceAllStringFunc(body, repeat)})
	}
	return all
}

// repetition is the sign for a text that is repeated.
var repetition = regexp.MustCompile(`<(\d+)\*([^>]*)>`)

func repeat(sign string) string {
	parts := repetition.FindStringSubmatch(sign)
	times, _ := strconv.Atoi(parts[1]) // they are digits
	return strings.Repeat(parts[2], times)
}

func answers(t *testing.T, to target, requests []request) []map[string]any {
	t.Helper()
	send(t, to, request{"DeleteTable", `{"TableName":"protocol"}`}) // of a run before
	replacements := []string{
		"TOKEN", rand.Text(), // DynamoDB Local remembers it for 10 minutes
		"FAT", strings.Repeat("x", 270<<10),
	}
	for _, length := range []int{1024, 1025, 2048, 2049} {
		replacements = append(replacements, fmt.Sprint("LONG", length), strings.Repeat("k", length))
	}
	words := strings.NewReplacer(replacements...)
	all := make([]map[string]any, len(requests))
	for i, r := range requests {
		all[i] = withoutWording(send(t, to, request{r.operation, words.Replace(r.body)}))
	}
	return all
}

func send(tb testing.TB, to target, r request) map[string]any {
	tb.Helper()
	post, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, to.endpoint, strings.NewReader(r.body))
	if err != nil {
		tb.Fatal(err)
	}
	post.Header.Set("X-Amz-Target", "DynamoDB_20120810."+r.operation)
	post.Header.Set("Content-Type", "application/x-amz-json-1.0")
	post.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20261101/eu-north-1/dynamodb/aws4_request, "+
		"SignedHeaders=host, Signature=0")
	response, err := to.client.Do(post)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		tb.Fatalf("%s %s: %v", r.operation, r.body, err)
	}
	return answer
}

// withoutWording leaves out what each server may word or order as it likes.
func withoutWording(answer map[string]any) map[string]any {
	if kind, ok := answer["__type"].(string); ok {
		answer["__type"] = kind[strings.LastIndex(kind, "#")+1:]
	}
	for _, name := range []string{"message", "Message", "TableDescription", "UnprocessedKeys", "ConsumedCapacity"} {
		delete(answer, name)
	}
	if reasons, ok := answer["CancellationReasons"].([]any); ok {
		for _, r := range reasons {
			delete(r.(map[string]any), "Message")
		}
	}
	if responses, ok := answer["Responses"].(map[string]any); ok {
		for _, items := range responses {
			slices.SortFunc(items.([]any), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return answer
}

func checkAnswers(t *testing.T, requests []request, want, got []map[string]any) {
	t.Helper()
	if len(want) != len(requests) {
		t.Fatalf("%d answers for %d requests: run with -update where DynamoDB Local is", len(want), len(requests))
	}
	for i, r := range requests {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%s %.1000s (-want +got)\n%s", r.operation, r.body, diff)
		}
	}
}

func writeGolden(t *testing.T, path string, v any) {
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

func readGolden(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}
