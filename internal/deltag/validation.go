package deltag

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A FieldError is one thing wrong with one field of the input.
type FieldError struct {
	Field string // as the form and the API spell it, e.g. "email" or "answers.diet"
	Code  string // stable; the language files have a text for each, e.g. "missing", "too-long", "address-no-domain"
	Limit int    // the number in that text; 0 where it has none
	Value string // what that text quotes; "" where it quotes nothing
	// Proposal is what may have been meant. "": nothing is known
	Proposal string
}

// ValidationErrors is the error for refused input: everything that is wrong with it, in the order of the fields.
type ValidationErrors []FieldError

func (es ValidationErrors) Error() string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = fmt.Sprintf("%s: %s", e.Field, e.Code)
	}
	return "invalid input: " + strings.Join(parts, ", ")
}

// ForField returns the first error of a field, or nil.
func (es ValidationErrors) ForField(field string) *FieldError {
	for i := range es {
		if es[i].Field == field {
			return &es[i]
		}
	}
	return nil
}

// Err returns es as an error, and nil when it is empty.
func (es ValidationErrors) Err() error {
	if len(es) == 0 {
		return nil
	}
	return es
}

// A validator collects field errors while the fields are checked one after another.
type validator ValidationErrors

func (v *validator) require(ok bool, field, code string) { v.requireLimit(ok, field, code, 0) }

func (v *validator) requireLimit(ok bool, field, code string, limit int) {
	if !ok {
		*v = append(*v, FieldError{Field: field, Code: code, Limit: limit})
	}
}

// checkLine checks a value of one line: its length in characters, that it has no control characters, which would end up
// in mail headers and calendar files, and no hidden ones, which make two names look like one. Only what is visible
// counts towards the least.
func (v *validator) checkLine(field, s string, atLeast, atMost int) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, isControlChar):
		v.require(false, field, "bad-characters")
	case hasHiddenChar(s):
		v.require(false, field, "hidden-characters")
	case countVisible(s) < atLeast:
		v.require(false, field, "missing")
	default:
		v.requireLimit(utf8.RuneCountInString(s) <= atMost, field, "too-long", atMost)
	}
}

// checkText checks a value that may have line breaks and tabs: its length in characters, and no other control
// characters.
func (v *validator) checkText(field, s string, atMost int) {
	withoutBreaks := strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(s)
	if !utf8.ValidString(s) || strings.ContainsFunc(withoutBreaks, isControlChar) {
		v.require(false, field, "bad-characters")
		return
	}
	v.requireLimit(utf8.RuneCountInString(s) <= atMost, field, "too-long", atMost)
}

// isControlChar finds characters that do not belong in what people type: the C0 and C1 controls, the line and
// paragraph separators, and the bidirectional controls that can disguise a name.
func isControlChar(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// hasHiddenChar finds characters that a reader can't see, such as the zero-width space, the soft hyphen and Hangul
// fillers. Two kinds stay allowed: variation selectors, which choose how an emoji looks, and, after anything but Latin
// letters, the joiners that Persian, the scripts of India and families of emoji need.
func hasHiddenChar(s string) bool {
	previous := ' ' // what has a shape of its own; accents and selectors belong to it
	for _, r := range s {
		isJoiner := r == '\u200c' || r == '\u200d'
		if isHiddenChar(r) && (!isJoiner || isBlank(previous) || unicode.Is(unicode.Latin, previous)) {
			return true
		}
		if !unicode.Is(unicode.M, r) {
			previous = r
		}
	}
	return false
}

func isHiddenChar(r rune) bool {
	const emptyBraille = '\u2800' // a symbol, by its category
	return r == emptyBraille || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

func countVisible(s string) (n int) {
	for _, r := range s {
		if !isBlank(r) {
			n++
		}
	}
	return n
}

// isBlank says that r alone shows nothing.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.M, r) || isHiddenChar(r) }

// maxURL is in octets; longer ones are cut by some mail programs.
const maxURL = 2000

// httpsPattern is an absolute https URL: a host in letters of any script, digits, dots, hyphens and underscores, perhaps
// a port, and no white space or percent sign out of place. One with "user:password@" is refused: its first part can look
// like the host.
var httpsPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(
		"^(?i:https)://[^\\x00-,/:-@[-^`{-\\xa0]+(?::[0-9]{1,5})?(?:[/?#](?:[^\\x00- %\\x7f-\\xa0]|%[0-9A-Fa-f]{2})*)?$",
	)
})

// isHTTPS accepts what httpsPattern does, without characters that can disguise it.
func isHTTPS(s string) bool {
	return len(s) <= maxURL && httpsPattern().MatchString(s) && !strings.ContainsFunc(s, isControlChar)
}
