package municipality

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"deltag/internal/deltag"
)

// MaxExpected is how many organisations a pasted list may have. A name may have deltag.MaxName characters, as in the
// sign-up.
const MaxExpected = 500

// A List is the organisations that are expected to take part. It does not change.
type List struct {
	expected       []Group
	byMunicipality map[int]int    // places in expected, by the municipality's place in directory.all
	byName         map[string]int // and of organisations that are no municipality, by key
	maxWords       int            // of such an organisation
}

// ParseList reads a pasted list of organisations, one a line. An empty one stands for all municipalities.
//
// Of a row that comes from a spreadsheet, the first cell with a letter is the name. Bullets and numbers before it are
// dropped, and so is what occurs twice: two spellings of a name, or two departments of a municipality.
//
// The error is deltag.ValidationErrors, about the field "expected": "too-many" and "too-long".
func ParseList(pasted string) (*List, error) {
	l := &List{byMunicipality: map[int]int{}, byName: map[string]int{}}
	for line := range strings.Lines(strings.ReplaceAll(pasted, "\r", "\n")) {
		name := readLine(line)
		if utf8.RuneCountInString(name) > deltag.MaxName {
			return nil, invalid("too-long", deltag.MaxName)
		}
		l.add(name)
		if len(l.expected) > MaxExpected {
			return nil, invalid("too-many", MaxExpected)
		}
	}
	if len(l.expected) == 0 {
		for _, m := range load().all {
			l.add(m.Name)
		}
	}
	return l, nil
}

func invalid(code string, limit int) error {
	return deltag.ValidationErrors{{Field: "expected", Code: code, Limit: limit}}
}

// marker is a bullet, or the number in a numbered list.
var marker = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:[-*•·–—]|\d{1,3}[.)])\s*`)
})

// readLine returns the name in a line, or "".
func readLine(line string) string {
	for cell := range strings.SplitSeq(strings.ToValidUTF8(line, ""), "\t") {
		if strings.ContainsFunc(cell, unicode.IsLetter) {
			return deltag.TrimBlank(strings.Trim(deltag.TrimBlank(marker().ReplaceAllString(cell, "")), `"`))
		}
	}
	return ""
}

// add ignores a name without words, and one that is there already.
func (l *List) add(name string) {
	parts := fold(name)
	if len(parts) == 0 {
		return
	}
	d := load()
	if id := d.readOrganisation(parts).id; id != nobody {
		if _, known := l.byMunicipality[id]; !known {
			l.byMunicipality[id] = len(l.expected)
			l.expected = append(l.expected, Group{Name: name, Region: d.all[id].Region})
		}
		return
	}
	words := flatten(parts)
	if _, known := l.byName[key(words)]; !known {
		l.byName[key(words)] = len(l.expected)
		l.maxWords = max(l.maxWords, len(words))
		l.expected = append(l.expected, Group{Name: name})
	}
}

// find returns the place of an organisation that is no municipality. It is expected when a name of the list is all of
// it, or a part of it ("HR, Region Midtjylland"), or two words or more at the start or the end of a part ("Region
// Midtjylland Koncern HR"). The longest such name counts.
func (l *List) find(parts [][]string) (place int, ok bool) {
	if len(l.byName) == 0 {
		return 0, false
	}
	longest := 0
	try := func(words []string) {
		if p, known := l.byName[key(words)]; known && len(words) > longest {
			place, longest = p, len(words)
		}
	}
	try(flatten(parts))
	for _, words := range parts {
		try(words)
		for n := 2; n < len(words) && n <= l.maxWords+1; n++ { // one more for the legal form
			try(words[:n])
			try(words[len(words)-n:])
		}
	}
	return place, longest > 0
}

// legalForms are of companies and cooperatives, folded. A name is the same without them.
var legalForms = []string{"ab", "amba", "aps", "as", "fmba", "gmbh", "inc", "is", "ivs", "ks", "ltd", "ps", "smba"}

// key is what is equal in all spellings of a name.
func key(words []string) string {
	for len(words) > 1 && slices.Contains(legalForms, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return strings.Join(words, " ")
}
