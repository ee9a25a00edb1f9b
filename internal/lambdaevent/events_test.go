package lambdaevent

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const recorded = "../../events"

func recordedEvent(tb testing.TB, name string) json.RawMessage {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(recorded, name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func recordedNames(tb testing.TB, pattern string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(recorded, pattern))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no event is called %s: %v", pattern, err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}

func decodeAs[T any](tb testing.TB, payload []byte) T {
	tb.Helper()
	var v T
	if err := json.Unmarshal(payload, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// captureLog collects what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	before, flags := slog.Default(), log.Flags()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&b, nil)))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr) // slog.SetDefault has changed it
		log.SetFlags(flags)
	})
	return &b
}

// wantLog checks that so many lines were logged, with these words and nothing personal.
func wantLog(t *testing.T, log *bytes.Buffer, lines int, words ...string) {
	t.Helper()
	text := log.String()
	missing := slices.DeleteFunc(words, func(w string) bool { return strings.Contains(text, w) })
	personal := strings.Contains(text, "@") || strings.Contains(text, "secret")
	if strings.Count(text, "\n") != lines || len(missing) > 0 || personal {
		t.Errorf("want %d lines, with %q, and nothing personal; logged %s", lines, missing, text)
	}
}

// TestRecordedEvents: the events are public, so they must hold no personal data.
func TestRecordedEvents(t *testing.T) {
	addresses := regexp.MustCompile(`[\w.+-]+@[\w.-]+`)
	numbers := regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	for _, name := range recordedNames(t, "*.json") {
		t.Run(name, func(t *testing.T) {
			event := recordedEvent(t, name)
			plain := string(event)
			if e := decodeAs[struct {
				Body            string
				IsBase64Encoded bool
			}](t, event); e.IsBase64Encoded {
				body, _ := decodeBase64(e.Body)
				plain += strings.ReplaceAll(body, "%40", "@")
			}
			for _, a := range addresses.FindAllString(plain, -1) {
				if !strings.HasSuffix(a, "@example.dk") && !strings.HasSuffix(a, "@example.org") {
					t.Errorf("address %s", a)
				}
			}
			for _, n := range numbers.FindAllString(strings.ReplaceAll(plain, "Chrome/142.0.0.0", ""), -1) {
				ip, err := netip.ParseAddr(n)
				if err == nil && n != "142.0.0.0" && !isForDocumentation(ip) {
					t.Errorf("network address %s", n)
				}
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, bytes.TrimSpace(event), "", "  "); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(indented.String()+"\n", string(event)); diff != "" {
				t.Errorf("not indented (-want +got):\n%s", diff)
			}
		})
	}
}

// isForDocumentation says whether ip belongs to nobody (RFC 5737).
func isForDocumentation(ip netip.Addr) bool {
	return slices.ContainsFunc([]string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}, func(prefix string) bool {
		return netip.MustParsePrefix(prefix).Contains(ip)
	})
}
