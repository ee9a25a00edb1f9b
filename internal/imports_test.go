// Package internal_test tests rules for all packages, and the built functions.
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

// mayImport is the table of docs/architecture.md: which of our packages a package may import.
var mayImport = map[string][]string{
	"deltag":       {},
	"i18n":         {"deltag"},
	"calendar":     {"deltag", "i18n"},
	"address":      {"deltag"},
	"maildomain":   {},
	"spreadsheet":  {},
	"municipality": {"deltag"},
	"personaldata": {"deltag"},
	"attendeelist": {"deltag", "i18n", "spreadsheet", "web"},
	"mailtmpl":     {"deltag", "i18n", "calendar"},
	"web":          {"deltag", "i18n"},
	"web/visitor":  {"deltag", "i18n", "calendar", "address", "emf", "personaldata", "web"},
	"web/console": {
		"deltag", "i18n", "account", "address", "attendeelist", "municipality", "oidc", "organiser", "personaldata",
		"spreadsheet", "web",
	},
	"api":           {"deltag", "i18n", "account", "address", "attendeelist", "organiser", "spreadsheet", "web"},
	"organiserhttp": {"account", "api", "mailtmpl", "oidc", "organiser", "web", "web/console", "web/visitor"},
	"organiser":     {"deltag", "address", "municipality", "spreadsheet"},
	"account":       {"deltag", "address"},
	"oidc":          {},
	"mailer":        {"deltag", "emf"},
	"emf":           {},
	"functionlog":   {},
	"dynamo":        {"deltag"},
	"ses":           {"deltag"},
	"ssm":           {},
	"config":        {},
	"lambdaevent":   {"deltag"},
	"local":         {"apigateway", "deltag"}, // whether a kind of mail is final: those leave no copy on disk
	"apigateway":    {},
	"dynamoemu":     {},
	// Only tests import these.
	"testing/golden":        {},
	"testing/contract":      {},
	"testing/lambdaruntime": {},
	"testing/childprocess":  {},
	"testing/dynamolocal":   {"testing/childprocess"},
	"testing/moto":          {"testing/childprocess"},
	"testing/chromium":      {},
	"testing/pagecheck":     {"deltag", "testing/chromium"},
	"testing/storetest":     {"dynamo", "dynamoemu", "testing/dynamolocal"},
}

// moduleUsers are the only packages that may import a module.
var moduleUsers = map[string][]string{
	"github.com/aws/aws-sdk-go-v2":  {"dynamo", "ses", "ssm", "config", "testing/storetest"},
	"github.com/aws/aws-lambda-go":  {"apigateway", "functionlog", "lambdaevent"},
	"github.com/wneessen/go-mail":   {"mailtmpl"},
	"github.com/coreos/go-oidc/v3":  {"oidc"},
	"golang.org/x/oauth2":           {"oidc"},
	"github.com/arran4/golang-ical": {"calendar"},
	"github.com/xuri/excelize/v2":   {}, // tests only: it adds 3.6 ms to each cold start
}

// A pkg is a package as go list describes it.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	args = append([]string{"list", "-json=ImportPath,Standard,Imports,Deps"}, args...)
	out, err := exec.Command("go", args...).Output()
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

const modulePath = "deltag/internal/"

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, modulePath)
		if strings.Contains(name, "testdata") || p.ImportPath == "deltag/internal" {
			continue
		}
		seen[name] = true
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s is not in the table", name)
		}
		for _, imp := range p.Imports {
			if mine, ok := strings.CutPrefix(imp, modulePath); ok && !slices.Contains(allowed, mine) {
				t.Errorf("%s imports %s", name, mine)
			}
			for module, users := range moduleUsers {
				if (imp == module || strings.HasPrefix(imp, module+"/")) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s", name, imp)
				}
			}
		}
	}
	for name := range maps.Keys(mayImport) {
		if !seen[name] {
			t.Errorf("the table names %s, which does not exist", name)
		}
	}
}

func TestTheDomainImportsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range list(t, "-deps", "./deltag") {
		if !p.Standard && p.ImportPath != modulePath+"deltag" {
			t.Errorf("the domain depends on %s", p.ImportPath)
		}
	}
}

// TestFunctionsLinkNothingForTests checks what is linked into the functions.
func TestFunctionsLinkNothingForTests(t *testing.T) {
	never := []string{
		"testing", modulePath + "testing", modulePath + "local", modulePath + "apigateway", modulePath + "dynamoemu",
		"github.com/aws/aws-sdk-go-v2/config",
	}
	functions := list(t, "../functions/...")
	if len(functions) != 4 {
		t.Fatalf("%d functions", len(functions))
	}
	for _, f := range functions {
		for _, dep := range f.Deps {
			for _, forbidden := range never {
				if dep == forbidden || strings.HasPrefix(dep, forbidden+"/") {
					t.Errorf("%s links %s", f.ImportPath, dep)
				}
			}
		}
	}
}
