// Package chromium starts Chromium for tests.
package chromium

import (
	"context"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// Start returns the context that tabs are made from; the browser starts with the first of them, and ends with the test.
//
// It needs Chromium, which make test installs. Without it ok is false and the test's log says so; with CI=true the test
// fails instead.
func Start(t *testing.T) (allocator context.Context, ok bool) {
	t.Helper()
	path := os.Getenv("DELTAG_CHROMIUM")
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not set up")
		}
		t.Log("not run: Chromium (make test installs it)")
		return nil, false
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.IgnoreCertErrors, chromedp.UserDataDir(t.TempDir()))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	return allocator, true
}
