package pagecheck

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// checkHTML runs the checker over all pages at once: starting it takes longer than most of them.
func checkHTML(t *testing.T, jars string, pages Pages) []string {
	t.Helper()
	folder := t.TempDir()
	for name, languages := range pages {
		for l, html := range languages {
			if err := os.WriteFile(filepath.Join(folder, name+"."+string(l)+".html"), []byte(html), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The schemas need the stack. The plain compiler is quicker for a few seconds' work.
	checker := exec.CommandContext(t.Context(), "java", "-Xss4m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-cp", filepath.Join(jars, "*"), "nu.validator.client.SimpleCommandLineValidator",
		"--format", "json", "--stdout", "--exit-zero-always", folder)
	output, err := checker.Output()
	if err != nil {
		t.Fatalf("the HTML checker: %v\n%s", err, output)
	}
	var result struct {
		Messages []struct{ Type, URL, Message, Extract string }
	}
	if err := json.Unmarshal(output, &result); err != nil {
		t.Fatalf("the HTML checker: %v\n%s", err, output)
	}
	var faults []string
	for _, m := range result.Messages {
		file, err := url.PathUnescape(path.Base(m.URL))
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, fmt.Sprintf("%s: %s: %s\n\t%s", strings.TrimSuffix(file, ".html"), m.Type, m.Message,
			strings.Join(strings.Fields(m.Extract), " ")))
	}
	return faults
}
