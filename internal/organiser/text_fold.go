package organiser

import (
	"strings"
	"unicode"

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
func foldText(s string) string {
	isPlain := true
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || 'A' <= c && c <= 'Z' {
			isPlain = false
			break
		}
	}
	if isPlain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		r = unicode.ToLower(r)
		if letters, ok := ownLetters[r]; ok {
			b.WriteString(letters)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
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
	text := foldText(strings.Join(texts, "\n"))
	short := ""
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
