package address

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

// degrees are written in names, and would be domains.
var degrees = []string{"b.sc", "m.sc", "cand.it", "stud.it", "cand.med", "stud.med", "dr.med", "dipl.ing"}

// containsLink says whether mail programs would make a link of s, or of a word in it: "www.", an address of a page or
// of a mailbox, or a word that ends in a dot and a top-level domain. "Jens P. Hansen" and "A.P. Møller" are none.
func containsLink(s string) bool {
	s = strings.ToLower(s)
	if strings.Contains(s, "://") || strings.Contains(s, "www.") || strings.ContainsAny(s, "@＠") {
		return true
	}
	words := strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && r != '-' && !isDot(r)
	})
	return slices.ContainsFunc(words, isDomain)
}

// isDomain says whether a word ends in a top-level domain of the ICANN's, as Mozilla's Public Suffix List has them.
func isDomain(word string) bool {
	labels := strings.FieldsFunc(word, isDot)
	if len(labels) < 2 || slices.Contains(degrees, strings.Join(labels, ".")) {
		return false
	}
	tld, err := domainProfile.ToASCII(labels[len(labels)-1])
	if err != nil {
		return false
	}
	_, isKnown := publicsuffix.PublicSuffix("-." + tld) // a name in it, as of some the list has only those below them
	return isKnown
}

func isDot(r rune) bool { return strings.ContainsRune(dots, r) }
