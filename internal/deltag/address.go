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

// Mailbox is the same for addresses that reach one inbox: without what follows a + in the local part and, at Gmail, without
// dots. It counts mails, and is no identity: at other hosts such addresses may belong to different people.
func (a Address) Mailbox() string {
	local, domain, _ := strings.Cut(a.Normalized, "@")
	local, _, _ = strings.Cut(local, "+")
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if domain == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	return local + "@" + domain
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
