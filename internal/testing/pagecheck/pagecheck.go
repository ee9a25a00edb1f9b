// Package pagecheck checks pages with the tools that people check web sites with: the Nu HTML checker, and axe-core in
// Chromium.
package pagecheck

import (
	"os"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/chromium"
)

// Pages are HTML by name and language, which hold their style and script themselves.
type Pages map[string]map[deltag.Language]string

// Run fails the test for every fault that the tools find on pages, and for what they can't decide.
//
// The tools are set up by make test. One that is missing is named in the test's log; with CI=true the test fails
// instead.
func Run(t *testing.T, pages Pages) {
	t.Run("HTML", func(t *testing.T) {
		if folder, ok := tool(t, "DELTAG_HTML_CHECKER", "the HTML checker"); ok {
			report(t, checkHTML(t, folder, pages))
		}
	})
	t.Run("Accessibility", func(t *testing.T) {
		script, ok := tool(t, "DELTAG_AXE", "axe")
		allocator, alsoOK := chromium.Start(t)
		if ok && alsoOK {
			report(t, checkAccessibility(t, allocator, script, pages))
		}
	})
}

// tool is the path in an environment variable.
func tool(t *testing.T, variable, what string) (path string, ok bool) {
	t.Helper()
	path = os.Getenv(variable)
	if path == "" && os.Getenv("CI") == "true" {
		t.Fatal(what + " is not set up")
	}
	if path == "" {
		t.Log("not run: " + what + " (make test fetches it)")
	}
	return path, path != ""
}

func report(t *testing.T, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Error(fault)
	}
}
