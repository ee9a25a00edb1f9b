package deltag

import (
	"strings"
	"testing"
)

func TestJoinURLIsHTTPS(t *testing.T) {
	const prefix = "https://meet.example.org/"
	for s, want := range map[string]bool{
		"https://meet.example.org":                     true,
		"https://meet.example.org:8443/a?b#c":          true,
		prefix + strings.Repeat("a", 2000-len(prefix)): true,
		prefix + strings.Repeat("a", 2001-len(prefix)): false,
		"http://meet.example.org":                      false,
		"meet.example.org":                             false,
		"//meet.example.org":                           false,
		"https:///path":                                false,
		"https:meet.example.org":                       false,
		"javascript:alert(1)":                          false,
		"https://teams.microsoft.com@bad.example":      false,
		"https://teams.microsoft.com:x@bad.example":    false,
		"https://meet.example.org/\u202egpj":           false,
		"https://meet.example.org/%zz":                 false,
		"HTTPS://mødested.example.org/æ%20ø?a=%C3%A5":  true,
		"https://meet.example.org/a b":                 false,
		"https://meet.example.org/\u00a0":              false,
		"https://meet example.org/":                    false,
		"https://[::1]/":                               false,
		"https://meet.example.org:port/":               false,
		"https://meet.example.org\\@bad.example":       false,
	} {
		if got := isHTTPS(s); got != want {
			t.Errorf("%.60q: %v", s, got)
		}
	}
}

func TestControlCharacters(t *testing.T) {
	for _, r := range "\x00\x1f\x7f\u0080\u009f\u2028\u2029\u202a\u202e\u2066\u2069\n\t" {
		assertEqual(t, isControlChar(r), true)
	}
	for _, r := range " ~\u00a0åé👩\u200d\u2027\u202f\u2065\u206a\u00ad" {
		if isControlChar(r) {
			t.Errorf("%U is refused", r)
		}
	}
}

func TestHiddenCharacters(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want bool
	}{
		"ZeroWidthSpace":       {"Met\u200bte", true},
		"LeftToRightMark":      {"Mette\u200e", true},
		"SoftHyphen":           {"Met\u00adte", true},
		"WordJoiner":           {"Met\u2060te", true},
		"ByteOrderMark":        {"Met\ufeffte", true},
		"Tags":                 {"Mette\U000e0041", true},
		"EmptyBraille":         {"\u2800", true},
		"HangulFiller":         {"\u3164", true},
		"HalfwidthFiller":      {"\uffa0", true},
		"JoinerInLatin":        {"Met\u200dte", true},
		"JoinerAfterAccent":    {"e\u0301\u200dte", true},
		"JoinerFirst":          {"\u200cMette", true},
		"JoinersOnly":          {"\u200d\u200d", true},
		"Danish":               {"Søren Ærø-Ångström", false},
		"DecomposedLetters":    {"A\u030angstro\u0308m", false},
		"NonBreakingSpace":     {"Mette\u00a0Holm", false},
		"Persian":              {"می\u200cخواهم", false},
		"Malayalam":            {"ന\u0d4d\u200d", false},
		"FamilyOfEmoji":        {"👩\u200d👩\u200d👧", false},
		"EmojiWithItsSelector": {"❤\ufe0f\u200d🔥", false},
		"Hebrew":               {"עִבְרִית", false},
	} {
		t.Run(name, func(t *testing.T) { assertEqual(t, hasHiddenChar(c.line), c.want) })
	}
}

func TestLengthsAreInCharacters(t *testing.T) {
	for name, c := range map[string]struct {
		check func(*validator)
		want  []string
	}{
		"LineAtTheLimit":        {func(v *validator) { v.checkLine("a", "åååå", 1, 4) }, nil},
		"LineTooLong":           {func(v *validator) { v.checkLine("a", "ååååå", 1, 4) }, []string{"a: too-long 4"}},
		"LineOfSpaces":          {func(v *validator) { v.checkLine("a", " \u00a0", 1, 4) }, []string{"a: missing"}},
		"LineOfAccents":         {func(v *validator) { v.checkLine("a", "\u0301\ufe0f", 1, 4) }, []string{"a: missing"}},
		"LineNotRequired":       {func(v *validator) { v.checkLine("a", "", 0, 4) }, nil},
		"LineWithLineBreak":     {func(v *validator) { v.checkLine("a", "a\nb", 1, 4) }, []string{"a: bad-characters"}},
		"LineNotUTF8":           {func(v *validator) { v.checkLine("a", "\xff", 1, 4) }, []string{"a: bad-characters"}},
		"TextAtTheLimit":        {func(v *validator) { v.checkText("a", "åå\n\r", 4) }, nil},
		"TextTooLong":           {func(v *validator) { v.checkText("a", "åå\n\r\t", 4) }, []string{"a: too-long 4"}},
		"TextWithControlChars":  {func(v *validator) { v.checkText("a", "a\u202e\n", 4) }, []string{"a: bad-characters"}},
		"TextNotUTF8":           {func(v *validator) { v.checkText("a", "\xc3", 4) }, []string{"a: bad-characters"}},
		"TextHasOneErrorAtMost": {func(v *validator) { v.checkText("a", "\x00aaaa", 4) }, []string{"a: bad-characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			var v validator
			c.check(&v)
			assertEqual(t, validationCodes(ValidationErrors(v)), c.want)
		})
	}
}

func TestValidationErrors(t *testing.T) {
	es := ValidationErrors{{Field: "name", Code: "missing"}, {Field: "role", Code: "too-long", Limit: 200}}
	assertEqual(t, es.ForField("role"), &FieldError{Field: "role", Code: "too-long", Limit: 200})
	assertEqual(t, es.ForField("email"), (*FieldError)(nil))
	assertEqual(t, es.Err().Error(), "invalid input: name: missing, role: too-long")
	assertEqual(t, ValidationErrors{}.Err() == nil, true)
}
