// Package internal_test holds the house's import rules against what the compiler sees.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the table of docs/architecture.md: which of ours a package may import.
var mayImport = map[string][]string{
	"deltag":      {},
	"i18n":        {"deltag"},
	"calendar":    {"deltag", "i18n"},
	"address":     {"deltag"},
	"mailtmpl":    {"deltag", "i18n", "calendar"},
	"web":         {"deltag"},
	"web/visitor": {"deltag", "i18n", "address", "web"},
	"api":         {"deltag", "i18n", "address", "organiser", "web"},
	"organiser":   {"deltag", "address"},
	"mailer":      {"deltag"},
	"dynamo":      {"deltag"},
	"ses":         {"deltag"},
	"config":      {},
	"lambdaevent": {"deltag"},
	"local":       {"apigateway", "deltag"}, // whether a kind of mail is final: those leave no copy on disk
	"apigateway":  {},
	// Only tests import these.
	"testing/lambdaruntime": {},
	"testing/dynamolocal":   {},
	"testing/storetest":     {"dynamo", "testing/dynamolocal", "local"},
}

// outside says who may import the modules that are held at the edge.
var outside = map[string][]string{
	"github.com/aws/aws-sdk-go-v2":  {"dynamo", "ses", "config", "testing/storetest"},
	"github.com/aws/aws-lambda-go":  {"apigateway", "lambdaevent"},
	"github.com/truora/minidyn":     {"local"},
	"github.com/wneessen/go-mail":   {"mailtmpl"},
	"github.com/arran4/golang-ical": {"calendar"},
}

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Deps"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

const ours = "deltag/internal/"

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, ours)
		if strings.Contains(name, "testdata") || p.ImportPath == "deltag/internal" {
			continue
		}
		seen[name] = true
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s is not in the table", name)
		}
		for _, imp := range p.Imports {
			if mine, ok := strings.CutPrefix(imp, ours); ok && !slices.Contains(allowed, mine) {
				t.Errorf("%s imports %s", name, mine)
			}
			for module, users := range outside {
				if (imp == module || strings.HasPrefix(imp, module+"/")) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s", name, imp)
				}
			}
		}
	}
	for name := range maps.Keys(mayImport) {
		if !seen[name] {
			t.Errorf("the table names %s, which is not there", name)
		}
	}
}

func TestTheDomainNeedsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t, "-deps", "./deltag") {
		if !p.Standard && p.ImportPath != ours+"deltag" {
			t.Errorf("the domain depends on %s", p.ImportPath)
		}
	}
}

// TestFunctionsHoldNothingForTests looks at what is linked into the functions.
func TestFunctionsHoldNothingForTests(t *testing.T) {
	functions := list(t, "../functions/...")
	if len(functions) != 4 {
		t.Fatalf("%d functions", len(functions))
	}
	for _, f := range functions {
		for _, dep := range f.Deps {
			for _, never := range []string{ours + "local", ours + "testing", "github.com/truora", "github.com/aws/aws-sdk-go-v2/config", "testing"} {
				if dep == never || strings.HasPrefix(dep, never+"/") {
					t.Errorf("%s holds %s", f.ImportPath, dep)
				}
			}
		}
	}
}
