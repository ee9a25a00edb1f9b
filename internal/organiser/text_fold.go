package organiser

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Search compares texts without case and accents, and in two spellings of the Danish letters, so that "Soren" and
// "Soeren" find Søren, "aarhus" and "arhus" Århus, and "Ærø" finds aeroe. Letters that somebody typed are found
// wherever they stand: the first spelling takes none away, the second writes oe as o and aa as a.

// ownLetters are what no Unicode decomposition gives.
var ownLetters = map[rune]string{
	'æ': "ae", 'ø': "o", 'ð': "d", 'đ': "d", 'ł': "l", 'ß': "ss", 'þ': "th", 'œ': "oe", 'ı': "i",
}

// foldText is s in the first spelling.
func foldText(s string) string { return string(appendFolded(nil, s)) }

// appendFolded appends s in the first spelling to b. What is not ASCII is decomposed by itself: letters of ASCII begin a
// character of their own, and marks are left out in whatever order.
func appendFolded(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		end := i
		for end < len(s) && s[end] >= utf8.RuneSelf {
			end++
		}
		if letters, ok := danishLetters[s[i:end]]; ok {
			b = append(b, letters...)
		} else {
			b = appendDecomposed(b, s[i:end])
		}
		i = end
	}
	return b
}

// danishLetters are what most names have of other letters, so that they need no decomposition.
var danishLetters = map[string]string{"æ": "ae", "ø": "o", "å": "a", "Æ": "ae", "Ø": "o", "Å": "a", "é": "e"}

func appendDecomposed(b []byte, s string) []byte {
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		r = unicode.ToLower(r)
		if letters, ok := ownLetters[r]; ok {
			b = append(b, letters...)
			continue
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// shortSpelling makes the second spelling of the first.
var shortSpelling = strings.NewReplacer("aa", "a", "oe", "o")

// A searchText finds the words of a search, each in any of some texts.
type searchText struct{ words, short []string }

func newSearchText(q string) searchText {
	s := searchText{words: strings.Fields(foldText(q))}
	for _, word := range s.words {
		s.short = append(s.short, shortSpelling.Replace(word))
	}
	return s
}

// matches says whether every word is in one of the texts.
func (s searchText) matches(texts ...string) bool {
	if len(s.words) == 0 {
		return true
	}
	folded := make([]byte, 0, 192) // on the stack, for nearly all
	for _, t := range texts {
		folded = append(appendFolded(folded, t), '\n')
	}
	text, short := string(folded), ""
	for i, word := range s.words {
		if strings.Contains(text, word) {
			continue
		}
		if short == "" {
			if short = text; strings.Contains(text, "aa") || strings.Contains(text, "oe") {
				short = shortSpelling.Replace(text)
			}
		}
		if !strings.Contains(short, s.short[i]) {
			return false
		}
	}
	return true
}
