package municipality

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold turns a name into words that are the same for all its spellings, in the parts that commas, brackets, dashes and
// the like divide it into: "Børn og Unge, ÅRHUS Kommune" is [[born og unge] [arhus kommune]].
//
// It ignores case and accents, and writes æ as ae, ø and oe as o, and å and aa as a: so it does not matter whether
// somebody types "Køge", "Koege" or "Koge".
func fold(s string) [][]string {
	f := folder{parts: [][]string{nil}}
	for _, r := range norm.NFKC.String(s) {
		f.write(r)
	}
	f.endPart()
	return f.parts[:len(f.parts)-1]
}

// A folder collects the words of a name. The last of the parts is unfinished.
type folder struct {
	parts [][]string
	word  []byte
	dash  bool // a hyphen came directly before
	space bool // white space came directly before
}

func (f *folder) write(r rune) {
	afterDash, afterSpace := f.dash, f.space
	f.dash, f.space = r == '-', unicode.IsSpace(r)
	switch {
	case f.space && afterDash, f.dash && afterSpace: // "HR - Hedensted", and no "Lyngby-Taarbæk"
		f.endPart()
	case r == '/' && len(f.word) == 1: // "A/S"
	case isDivider(r):
		f.endPart()
	case isApostrophe(r): // "Aarhus' Kommune"
	case r == '&':
		f.endWord()
		f.letters("og")
		f.endWord()
	case unicode.IsLetter(r), unicode.IsNumber(r):
		f.letter(unicode.ToLower(r))
	case unicode.IsMark(r): // an accent that does not belong to the letter before
	case unicode.Is(unicode.Cf, r): // invisible, like a soft hyphen
	default:
		f.endWord()
	}
}

func isDivider(r rune) bool {
	switch r {
	case ',', ';', ':', '(', ')', '[', ']', '{', '}', '<', '>', '/', '|', '\n', '\r', '\t', '•', '·', '–', '—':
		return true
	}
	return false
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' || r == '‘' || r == '`' || r == '´' }

// letter takes a letter or number in lower case.
func (f *folder) letter(r rune) {
	switch {
	case r < utf8.RuneSelf:
		f.letters(string(r))
	case r == 'æ', r == 'ä':
		f.letters("ae")
	case r == 'ø', r == 'ö':
		f.letters("o")
	case r == 'å':
		f.letters("a")
	default:
		f.decomposed(r)
	}
}

// decomposed takes a letter without its accents.
func (f *folder) decomposed(r rune) {
	decomposed := norm.NFKD.String(string(r))
	if decomposed == string(r) {
		f.letters(decomposed)
		return
	}
	for _, r := range decomposed {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			f.letter(unicode.ToLower(r))
		}
	}
}

// letters leaves out the second letter of aa and oe.
func (f *folder) letters(s string) {
	for i := range len(s) {
		if n := len(f.word); n > 0 && (f.word[n-1] == 'a' && s[i] == 'a' || f.word[n-1] == 'o' && s[i] == 'e') {
			continue
		}
		f.word = append(f.word, s[i])
	}
}

func (f *folder) endWord() {
	if len(f.word) > 0 {
		last := len(f.parts) - 1
		f.parts[last] = append(f.parts[last], string(f.word))
		f.word = f.word[:0]
	}
}

func (f *folder) endPart() {
	f.endWord()
	if len(f.parts[len(f.parts)-1]) > 0 {
		f.parts = append(f.parts, nil)
	}
}
