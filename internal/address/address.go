// Package address reads e-mail addresses as people type them.
package address

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"deltag/internal/deltag"
)

// maxLocal is the longest local part, in octets (RFC 5321 4.5.3.1.1).
const maxLocal = 64

// domainProfile maps domains as browsers do (UTS #46), so that BLÅBÆRGRØD.dk and blåbærgrød.dk are the same. Its
// check of hyphens is off, as it refuses names that are in use, like r3---sn; see hasStrayHyphen.
var domainProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false), idna.VerifyDNSLength(true))

// commonTypos are frequent misspellings of top-level domains, and no top-level domains themselves.
var commonTypos = []string{"cmo", "con", "ddk", "dkk", "ocm"}

// Parse reads one address as it was typed in the field "email", without a name. The error is deltag.ValidationErrors
// with one error.
//
// It accepts what SES can send to, without the parts of the RFCs that nobody uses: quoted local parts, comments and
// address literals. The local part must be ASCII.
func Parse(s string) (deltag.Address, error) {
	original := deltag.TrimBlank(s)
	if code, limit := checkShape(original); code != "" {
		return invalid(code, limit)
	}
	local, domain, _ := strings.Cut(original, "@")
	if code := checkLocal(local); code != "" {
		return invalid(code, maxLocal)
	}
	if code := checkDomain(domain); code != "" {
		return invalid(code, 0)
	}
	ascii, err := domainProfile.ToASCII(domain)
	if err != nil || hasStrayHyphen(ascii) || !hasValidTLD(ascii) {
		return invalid("address-bad-domain", 0)
	}
	if slices.Contains(commonTypos, topLevelDomain(ascii)) {
		return invalid("address-typo", 0)
	}
	normalized := strings.ToLower(local) + "@" + ascii
	if len(normalized) > deltag.MaxAddress {
		return invalid("address-too-long", deltag.MaxAddress)
	}
	return deltag.Address{Original: original, Normalized: normalized}, nil
}

func invalid(code string, limit int) (deltag.Address, error) {
	return deltag.Address{}, deltag.ValidationErrors{{Field: "email", Code: code, Limit: limit}}
}

// checkShape checks the address as a whole. It returns an error code and its limit, or "".
func checkShape(s string) (code string, limit int) {
	switch {
	case s == "":
		return "missing", 0
	case !utf8.ValidString(s), strings.ContainsFunc(s, isHidden):
		return "bad-characters", 0
	case len(s) > deltag.MaxAddress:
		return "address-too-long", deltag.MaxAddress
	case s[0] == '"':
		return "address-quoted", 0
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "address-space", 0
	case !strings.Contains(s, "@"):
		return "address-no-at", 0
	case strings.Count(s, "@") > 1:
		return "address-two-at", 0
	}
	return "", 0
}

// isHidden finds control characters, which could end up in a mail header, and invisible ones, which can disguise an
// address.
func isHidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// checkLocal checks the part before the @. It returns an error code, or "".
func checkLocal(local string) string {
	switch {
	case local == "":
		return "address-no-local"
	case strings.ContainsFunc(local, func(r rune) bool { return r >= utf8.RuneSelf }):
		return "address-local-letters"
	case strings.ContainsFunc(local, isNotAtext):
		return "address-local-characters"
	case local[0] == '.', local[len(local)-1] == '.', strings.Contains(local, ".."):
		return "address-dots"
	case len(local) > maxLocal:
		return "address-local-too-long"
	}
	return ""
}

// atext is the characters that RFC 5322 allows without quotes, besides the dot.
const atext = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"

func isNotAtext(r rune) bool { return r != '.' && !strings.ContainsRune(atext, r) }

// dots are the characters that idna treats as a dot.
const dots = ".。．｡"

// checkDomain checks the part after the @ for the mistakes that have an error code of their own. It returns that, or
// "".
func checkDomain(domain string) string {
	switch {
	case domain == "":
		return "address-no-domain"
	case strings.Contains(domain, ","):
		return "address-comma"
	case strings.HasSuffix(domain, "."):
		return "address-trailing-dot"
	case strings.HasPrefix(domain, "."), strings.Contains(domain, ".."):
		return "address-dots"
	case domain[0] == '[':
		return "address-bad-domain"
	case !strings.ContainsAny(domain, dots):
		return "address-no-dot"
	}
	return ""
}

// hasStrayHyphen finds a hyphen at the start or the end of a label.
func hasStrayHyphen(ascii string) bool {
	return strings.Contains("."+ascii, ".-") || strings.Contains(ascii+".", "-.")
}

// hasValidTLD refuses a number, which is an IP address, and a single letter, as no top-level domain has only one.
func hasValidTLD(ascii string) bool {
	tld := topLevelDomain(ascii)
	return len(tld) > 1 && strings.Trim(tld, "0123456789") != "" && tld != ascii
}

func topLevelDomain(ascii string) string { return ascii[strings.LastIndexByte(ascii, '.')+1:] }
