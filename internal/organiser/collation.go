package organiser

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// collationKey is a key that texts sort by as Danish lists of names do: without case and accents, word by word, digits
// before letters, and æ, ø, å behind z. As in the Danish orthographic dictionary, aa is å, ä is æ, ö is ø and ü is y.
//
// It is not golang.org/x/text/collate: that adds 1.7 MB to a program, for the order of the letters of all languages.
func collationKey(s string) string {
	s = strings.ToLower(norm.NFC.String(s))
	var b strings.Builder
	b.Grow(len(s))
	wordEnds := false
	for i, r := range s {
		letter := danishLetter(r)
		switch {
		case letter == "" && unicode.Is(unicode.Mn, r), r == '\'', r == '’':
			continue
		case letter == "":
			wordEnds = b.Len() > 0
			continue
		case r == 'a' && strings.HasPrefix(s[i+1:], "a"):
			letter = "" // of the next
		case r == 'a' && i > 0 && s[i-1] == 'a':
			letter = letterA
		}
		if wordEnds {
			b.WriteByte(' ')
			wordEnds = false
		}
		b.WriteString(letter)
	}
	return b.String()
}

// Keys of the letters behind z.
const (
	letterAE = "{"
	letterO  = "|"
	letterA  = "}"
)

// danishLetter is the key of a lower-case letter or a digit, and "" for all else.
func danishLetter(r rune) string {
	switch r {
	case 'æ', 'ä':
		return letterAE
	case 'ø', 'ö', 'œ':
		return letterO
	case 'å':
		return letterA
	case 'ü':
		return "y"
	}
	switch {
	case r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return string(r)
	case !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return ""
	}
	folded := foldText(string(r))
	if folded == string(r) { // another script: behind all of ours
		return "~" + folded
	}
	return folded
}
