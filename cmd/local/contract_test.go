package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestContract lets schemathesis send the process what openapi.yaml allows and what it forbids, and look at the answers.
// Its seed is fixed. DELTAG_EXAMPLES is how many examples an operation gets: few here, 1000 in make contract.
func TestContract(t *testing.T) {
	schemathesis := os.Getenv("DELTAG_SCHEMATHESIS")
	if schemathesis == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("schemathesis is not set up")
		}
		t.Log("not run: schemathesis (make test installs it)")
		return
	}
	const folder = "testdata/schemathesis"
	for _, input := range []string{"../../openapi.yaml", folder + "/schemathesis.toml", folder + "/hooks.py"} {
		if _, err := os.ReadFile(input); err != nil { // so that go test knows what a cached result depends on
			t.Fatal(err)
		}
	}
	contract, err := filepath.Abs("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, build(t), "DATA_DIR="+t.TempDir(), "LOCAL_NOW=2026-11-23T09:00:00Z")
	var answer struct{ Token string }
	if err := json.Unmarshal(p.post("/local/token", ""), &answer); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	run := exec.CommandContext(ctx, schemathesis, "run", contract, "--checks", "all", "--url", p.url, "--header",
		"Authorization: Bearer "+answer.Token, "--max-examples", cmp.Or(os.Getenv("DELTAG_EXAMPLES"), "5"))
	run.Dir = folder
	run.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := run.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
