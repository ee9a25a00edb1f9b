package lambdaruntime

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// flags are those of the Makefile, so that tests and benchmarks run what is deployed, but for the name of the commit.
var flags = []string{"-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// Build builds a package, such as deltag/functions/site, for this machine, into a folder.
func Build(folder, path string) (binary string, err error) {
	binary = filepath.Join(folder, "bootstrap")
	args := append(append([]string{"build"}, flags...), "-o", binary, path)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", path, err, out)
	}
	return binary, nil
}
