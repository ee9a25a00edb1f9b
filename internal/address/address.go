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

// maxLocal is in octets (RFC 5321 4.5.3.1.1).
const maxLocal = 64

// domains maps as browsers do (UTS #46), so that BLÅBÆRGRØD.dk and blåbærgrød.dk are one domain.
// Its check of hyphens refuses names like r3---sn, which are in use; see hasStrayHyphen.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false), idna.VerifyDNSLength(true))

// commonTypos are endings that no domain has and that fingers make.
var commonTypos = []string{"cmo", "con", "ddk", "dkk", "ocm"}

// Parse reads one bare address. The error is deltag.Faults with a single fault of the field "email".
//
// It takes what SES can send to, and nothing that only the RFCs' authors ever wrote: no quoted local
// part, no comment, no address literal, and ASCII before the @.
func Parse(s string) (deltag.Address, error) {
	typed := strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' // pasted along, and never seen
	})
	if code, limit := checkShape(typed); code != "" {
		return invalid(code, limit)
	}
	local, domain, _ := strings.Cut(typed, "@")
	if code := checkLocal(local); code != "" {
		return invalid(code, maxLocal)
	}
	if code := checkDomain(domain); code != "" {
		return invalid(code, 0)
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || hasStrayHyphen(ascii) || !hasValidTLD(ascii) {
		return invalid("address-bad-domain", 0)
	}
	if slices.Contains(commonTypos, topLevelDomain(ascii)) {
		return invalid("address-typo", 0)
	}
	identity := strings.ToLower(local) + "@" + ascii
	if len(identity) > deltag.MaxAddress {
		return invalid("address-too-long", deltag.MaxAddress)
	}
	return deltag.Address{Original: typed, Normalized: identity}, nil
}

func invalid(code string, limit int) (deltag.Address, error) {
	return deltag.Address{}, deltag.ValidationErrors{{Field: "email", Code: code, Limit: limit}}
}

// checkShape judges the address as a whole.
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

// isHidden finds controls and invisible formatting, which would disguise an address or reach a header.
func isHidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

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

// atext is what RFC 5322 lets stand unquoted.
const atext = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"

func isNotAtext(r rune) bool { return r != '.' && !strings.ContainsRune(atext, r) }

// checkDomain names the mistakes that have a plainer name than "bad domain".
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
	case !strings.ContainsAny(domain, ".。．｡"): // idna takes all of these for a dot
		return "address-no-dot"
	}
	return ""
}

func hasStrayHyphen(ascii string) bool {
	return strings.Contains("."+ascii, ".-") || strings.Contains(ascii+".", "-.")
}

// hasValidTLD refuses numbers (an IP address) and single letters: no top-level domain is either.
func hasValidTLD(ascii string) bool {
	end := topLevelDomain(ascii)
	return len(end) > 1 && strings.Trim(end, "0123456789") != "" && end != ascii
}

func topLevelDomain(ascii string) string { return ascii[strings.LastIndexByte(ascii, '.')+1:] }
