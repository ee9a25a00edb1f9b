package dynamo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ofNobody are the kinds of items that hold nothing of an address, but that of the organiser in META.
var ofNobody = []string{
	"SLUG", "MAILING", "PROMOTE", "RECONCILE", "ERASE", "DIGEST", "STATS", "COUNTS", "SEATS", // an event's own
	"EVENTS", "DUE", "DUE#BULK", // of the index
	"RATE#NETWORK", "RATE#SIGNIN", "RATE#BOUNCES", "RATE#SHARE", "RATE#ACCOUNT", // of networks, and of all
	"EVENT", "MEMBERS", "TOKENS", "ROLES", // only parts of the keys of others
	"HASHKEY", "PING",
}

// TestEveryKindIsKnownToBeOfAPersonOrNot: a new kind of item has to be looked for when a person asks what is stored of
// them, or its place in ofNobody.
func TestEveryKindIsKnownToBeOfAPersonOrNot(t *testing.T) {
	source, err := os.ReadFile("person.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(source), "// What the table holds of an address")
	list, _, found := strings.Cut(list, "// maxParallelTraces")
	if !found {
		t.Fatal("person.go has no list any more")
	}
	ofPerson := regexp.MustCompile(`\b[A-Z]+(#[A-Z]+)?\b`).FindAllString(list, -1)
	kinds := keyKinds(t)
	for kind, file := range kinds {
		if !slices.Contains(ofPerson, kind) && !slices.Contains(ofNobody, kind) {
			t.Errorf("%s of %s is neither in the list of person.go nor of nobody", kind, file)
		}
	}
	for _, kind := range ofNobody {
		if kinds[kind] == "" {
			t.Errorf("there is no %s", kind)
		}
	}
}

// keyKinds are the words in the package that begin a key or are one, each with a file that has it.
func keyKinds(t *testing.T) map[string]string {
	t.Helper()
	kinds := map[string]string{}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`^([A-Z]{3,}(?:#[A-Z]+)?)(?:#|#%02d|$)`)
	for _, name := range names {
		if !strings.HasSuffix(name.Name(), ".go") || strings.HasSuffix(name.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if m := word.FindStringSubmatch(text); err == nil && m != nil {
				kinds[m[1]] = name.Name()
			}
			return true
		})
	}
	delete(kinds, "BOOL") // a type in DynamoDB's answers
	return kinds
}
