package address

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
)

func TestParse(t *testing.T) {
	longestLocal := strings.Repeat("a", 64) + "@example.dk"
	tests := map[string]struct{ in, original, normalized string }{
		"Plain":                {"anna@example.dk", "anna@example.dk", "anna@example.dk"},
		"SpacesAround":         {" \tanna@example.dk\u00a0\n", "anna@example.dk", "anna@example.dk"},
		"ZeroWidthSpaceAround": {"\u200banna@example.dk\ufeff", "anna@example.dk", "anna@example.dk"},
		"CaseDoesNotMatter":    {"Anna.Holm@EXAMPLE.dk", "Anna.Holm@EXAMPLE.dk", "anna.holm@example.dk"},
		"PlusIsKept":           {"anna+kursus@example.dk", "anna+kursus@example.dk", "anna+kursus@example.dk"},
		"DanishDomain":         {"anna@blåbærgrød.dk", "anna@blåbærgrød.dk", "anna@xn--blbrgrd-fxak7p.dk"},
		"DanishDomainCapitals": {"anna@BLÅBÆRGRØD.DK", "anna@BLÅBÆRGRØD.DK", "anna@xn--blbrgrd-fxak7p.dk"},
		"DecomposedLetters":    {"anna@bla\u030abærgrød.dk", "anna@bla\u030abærgrød.dk", "anna@xn--blbrgrd-fxak7p.dk"},
		"AlreadyASCII":         {"anna@xn--blbrgrd-fxak7p.dk", "anna@xn--blbrgrd-fxak7p.dk", "anna@xn--blbrgrd-fxak7p.dk"},
		"Apostrophe":           {"o'neill@example.org", "o'neill@example.org", "o'neill@example.org"},
		"ManyLabels":           {"a@b.c.kommune.example.dk", "a@b.c.kommune.example.dk", "a@b.c.kommune.example.dk"},
		"HyphensInTheMiddle":   {"a@r3---sn.example.dk", "a@r3---sn.example.dk", "a@r3---sn.example.dk"},
		"LongestLocal":         {longestLocal, longestLocal, longestLocal},
		"ChineseEnding":        {"a@例子.中国", "a@例子.中国", "a@xn--fsqu00a.xn--fiqs8s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(deltag.Address{Original: tt.original, Normalized: tt.normalized}, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	longest := strings.Repeat("a", 60) + "@" + strings.Repeat(strings.Repeat("b", 47)+".", 4) + "dk"
	if len(longest) != 255 {
		t.Fatalf("the test's own address has %d octets, want 255", len(longest))
	}
	tests := map[string]struct{ in, code string }{
		"Empty":                  {"", "missing"},
		"OnlySpaces":             {"  ", "missing"},
		"NoAt":                   {"anna.example.dk", "address-no-at"},
		"TwoAt":                  {"anna@holm@example.dk", "address-two-at"},
		"TwoAddresses":           {"anna@example.dk,bo@example.dk", "address-two-at"},
		"SpaceInside":            {"anna holm@example.dk", "address-space"},
		"NameAndAddress":         {"Anna Holm <anna@example.dk>", "address-space"},
		"AngleBrackets":          {"<anna@example.dk>", "address-local-characters"},
		"NoLocal":                {"@example.dk", "address-no-local"},
		"NoDomain":               {"anna@", "address-no-domain"},
		"DanishLetterBeforeAt":   {"søren@example.dk", "address-local-letters"},
		"CommaBeforeAt":          {"anna,holm@example.dk", "address-local-characters"},
		"Quoted":                 {`"anna holm"@example.dk`, "address-quoted"},
		"DotFirst":               {".anna@example.dk", "address-dots"},
		"DotLastBeforeAt":        {"anna.@example.dk", "address-dots"},
		"TwoDotsBeforeAt":        {"anna..holm@example.dk", "address-dots"},
		"TwoDotsInDomain":        {"anna@example..dk", "address-dots"},
		"DomainWithoutDot":       {"anna@example", "address-no-dot"},
		"CommaInsteadOfDot":      {"anna@example,dk", "address-comma"},
		"TrailingDot":            {"anna@example.dk.", "address-trailing-dot"},
		"TrailingIdeographicDot": {"anna@example.dk。", "address-bad-domain"},
		"Underscore":             {"anna@ex_ample.dk", "address-bad-domain"},
		"HyphenFirst":            {"anna@-example.dk", "address-bad-domain"},
		"HyphenLast":             {"anna@example-.dk", "address-bad-domain"},
		"IPAddress":              {"anna@192.0.2.1", "address-bad-domain"},
		"AddressLiteral":         {"anna@[192.0.2.1]", "address-bad-domain"},
		"BrokenPunycode":         {"anna@xn--a.dk", "address-bad-domain"},
		"OneLetterEnding":        {"anna@example.d", "address-bad-domain"},
		"LabelTooLong":           {"anna@" + strings.Repeat("b", 64) + ".dk", "address-bad-domain"},
		"TypoInDk":               {"anna@example.dkk", "address-typo"},
		"TypoInCom":              {"anna@example.con", "address-typo"},
		"TooLong":                {longest, "address-too-long"},
		"TooLongOnceInASCII":     {strings.Repeat("a", 64) + "@" + strings.Repeat("å.", 25) + "dk", "address-too-long"},
		"LocalTooLong":           {strings.Repeat("a", 65) + "@example.dk", "address-local-too-long"},
		"NUL":                    {"anna\x00@example.dk", "bad-characters"},
		"LineBreakInside":        {"anna@example.dk\r\nBcc: bo@example.dk", "bad-characters"},
		"BadUTF8":                {"anna@ex\xffample.dk", "bad-characters"},
		"RightToLeftOverride":    {"anna\u202e@example.dk", "bad-characters"},
		"MixedDirectionInLabel":  {"anna@aא.dk", "address-bad-domain"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.in)
			var es deltag.ValidationErrors
			if !errors.As(err, &es) {
				t.Fatalf("Parse(%q) = %+v, %v; want ValidationErrors", tt.in, got, err)
			}
			if len(es) != 1 || es[0].Field != "email" || es[0].Code != tt.code {
				t.Errorf("Parse(%q): %v, want email: %s", tt.in, es, tt.code)
			}
			if got != (deltag.Address{}) {
				t.Errorf("Parse(%q) returned %+v and an error", tt.in, got)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"anna@example.dk", "a+b@blåbærgrød.dk", "a@例子.中国", "a@b.c", `"a b"@c.dk`, "a@xn--a.dk", "a@b。dk", " a@b.dk.",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			var es deltag.ValidationErrors
			if !errors.As(err, &es) || len(es) != 1 || es[0].Field != "email" || es[0].Code == "" {
				t.Fatalf("Parse(%q): %v is not one error of email", s, err)
			}
			return
		}
		again, err := Parse(a.Normalized)
		if err != nil || again.Normalized != a.Normalized {
			t.Errorf("Parse(%q) is normalized to %q, which parses to %q, %v", s, a.Normalized, again.Normalized, err)
		}
		hasParts := strings.Count(a.Normalized, "@") == 1 && strings.Contains(a.Domain(), ".")
		if len(a.Normalized) > deltag.MaxAddress || !hasParts {
			t.Errorf("Parse(%q) is normalized to %q", s, a.Normalized)
		}
		for _, r := range a.Normalized {
			if r <= ' ' || r >= 0x7f || unicode.IsUpper(r) {
				t.Errorf("Parse(%q) is normalized to %q with %q", s, a.Normalized, r)
			}
		}
		if strings.ContainsFunc(a.Original, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
			t.Errorf("Parse(%q) keeps %q", s, a.Original)
		}
	})
}
