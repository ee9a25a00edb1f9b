package pagecheck

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// placeholder matches a quoted {placeholder}.
var placeholder = regexp.MustCompile(`\\\{[a-z-]+\\\}`)

// WantTexts looks for each text of the language files in folder, of the keys that match and are not excepted, in what was
// seen on all pages: a state of a page that nobody has put on the list has words that no page says.
func WantTexts(t *testing.T, folder string, l deltag.Language, keys, except *regexp.Regexp, seen string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, string(l)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	seen = oneSpaced(seen)
	for key, text := range texts {
		if !keys.MatchString(key) || except.MatchString(key) {
			continue
		}
		pattern := placeholder.ReplaceAllString(regexp.QuoteMeta(oneSpaced(text)), ".+?")
		if !regexp.MustCompile(pattern).MatchString(seen) {
			t.Errorf("no page says %s: %q", key, text)
		}
	}
}

func oneSpaced(s string) string { return strings.Join(strings.Fields(s), " ") }
