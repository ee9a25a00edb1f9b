package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsNameWhatExists looks for each test and each file of internal/ that the docs name.
func TestDocsNameWhatExists(t *testing.T) {
	tests := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "../cmd/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(readText(t, file), -1) {
				tests[m[1]] = true
			}
		}
	}
	named := 0
	for _, doc := range []string{"../README.md", "../docs/architecture.md", "../docs/operations.md"} {
		for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(readText(t, doc), -1) {
			path, isPath := strings.CutPrefix(m[1], "internal/")
			switch {
			case strings.HasPrefix(m[1], "Test") && !tests[m[1]]:
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			case isPath && !strings.ContainsAny(path, "…*"):
				if _, err := os.Stat(path); err != nil {
					t.Errorf("%s names %s: %v", doc, m[1], err)
				}
			default:
				continue
			}
			named++
		}
	}
	if named < 20 {
		t.Errorf("only %d names found: do the patterns still fit?", named)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
