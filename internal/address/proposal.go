package address

import (
	"slices"
	"strings"

	"deltag/internal/deltag"
)

// commonDomains are those of mail services that many people use in Denmark.
var commonDomains = []string{
	"gmail.com", "hotmail.com", "hotmail.dk", "outlook.com", "outlook.dk", "live.com", "live.dk", "yahoo.com", "yahoo.dk",
	"icloud.com", "me.com", "msn.com", "jubii.dk", "stofanet.dk", "proton.me", "protonmail.com",
}

// Propose is the address that somebody who typed a may have meant: the same at a common domain that is one typo away. ""
// if there is none.
func Propose(a deltag.Address) string {
	domain := proposeDomain(a.Domain())
	if domain == "" {
		return ""
	}
	local, _, _ := strings.Cut(a.Original, "@")
	return local + "@" + domain
}

// proposeDomain is the common domain that somebody who typed domain may have meant: one typo away. "" if there is none.
func proposeDomain(domain string) string {
	i := slices.IndexFunc(commonDomains, func(common string) bool {
		return domain != common && isOneTypoAway(domain, common)
	})
	if i < 0 {
		return ""
	}
	return commonDomains[i]
}

// isOneTypoAway says whether one character is missing, too many or wrong in a, or two next to each other are swapped.
func isOneTypoAway(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	isSwapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || isSwapped
}
