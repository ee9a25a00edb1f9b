package deltag

import (
	"slices"
	"strings"
)

// An Address is an e-mail address. Package address parses it.
type Address struct {
	Original string // as it was typed
	// Normalized is what addresses are compared by: the domain in lower-case ASCII (IDNA), the local part in lower
	// case. RFC 5321 lets a server distinguish cases; those in use do not, and people type both.
	Normalized string
}

// ASCII is the address that mail is sent to: as it was typed, with the domain in ASCII. The local part is ASCII
// already, as SES takes no other.
func (a Address) ASCII() string {
	if a.Normalized == "" {
		return ""
	}
	local, _, _ := strings.Cut(a.Original, "@")
	return local + "@" + a.Domain()
}

// Domain is the part after the @, in ASCII.
func (a Address) Domain() string {
	_, domain, _ := strings.Cut(a.Normalized, "@")
	return domain
}

// An AddressStatus says whether mail can and may be sent to an address.
type AddressStatus string

const (
	AddressOK           AddressStatus = "ok"
	AddressBounced      AddressStatus = "bounced"
	AddressComplained   AddressStatus = "complained"
	AddressUnsubscribed AddressStatus = "unsubscribed"
)

// MoreSevereThan orders the statuses: bounced above complained above unsubscribed above OK.
func (s AddressStatus) MoreSevereThan(other AddressStatus) bool {
	order := []AddressStatus{AddressOK, AddressUnsubscribed, AddressComplained, AddressBounced}
	return slices.Index(order, s) > slices.Index(order, other)
}
