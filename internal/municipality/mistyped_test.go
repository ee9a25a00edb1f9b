package municipality

import (
	"testing"
	"unicode/utf8"
)

// TestMatchMistyped: with one typing mistake, a municipality is nearly always found, and never another one.
func TestMatchMistyped(t *testing.T) {
	found, typed := 0, 0
	for _, m := range All() {
		for _, name := range mistype(m.Name) {
			for _, spelling := range []string{name + " Kommune", name} {
				switch got, ok := Match(spelling, ""); {
				case ok && got.Code != m.Code && !isNameOf(got, name):
					t.Errorf("%q is %q", spelling, got.Name)
				case ok && spelling != name && isLong(m):
					found++
				}
			}
			if isLong(m) {
				typed++
			}
		}
	}
	if found < typed*9/10 {
		t.Errorf("%d of %d found", found, typed)
	}
}

func isLong(m Municipality) bool { return utf8.RuneCountInString(m.Name) > minLongName }

// isNameOf says whether a mistake has made the name of another municipality, as in Vejen and Vejle.
func isNameOf(m Municipality, name string) bool { return unfold(fold(name)) == unfold(fold(m.Name)) }

// mistype makes all mistakes of one letter: one missing, doubled, changed, or swapped with the next one.
func mistype(name string) (all []string) {
	letters := []rune(name)
	for i, r := range letters {
		before, after := string(letters[:i]), string(letters[i+1:])
		all = append(all, before+after, before+string(r)+string(r)+after)
		for _, other := range "aeiosltnjøå" {
			all = append(all, before+string(other)+after)
		}
		if i+1 < len(letters) {
			all = append(all, before+string([]rune{letters[i+1], r})+string(letters[i+2:]))
		}
	}
	return all
}

func TestIsOneMistakeApart(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"hedensted", "hedenstedt", true},
		{"hedensted", "edensted", true},
		{"hedensted", "hedenste", true},
		{"hedensted", "hedemsted", true},
		{"hedensted", "hedenstde", true},
		{"hedensted", "ehdensted", true},
		{"hedensted", "hedensted", false},
		{"hedensted", "hedensteed s", false},
		{"hedensted", "hedemstet", false},
		{"hedensted", "hednested", true},
		{"hedensted", "hsdenetede", false},
		{"", "a", true},
		{"", "ab", false},
		{"", "", false},
	} {
		if isOneMistakeApart(tt.a, tt.b) != tt.want || isOneMistakeApart(tt.b, tt.a) != tt.want {
			t.Errorf("%q and %q: not %t", tt.a, tt.b, tt.want)
		}
	}
}
