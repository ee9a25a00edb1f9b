package deltag

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"io"
	"strings"
)

// IDAlphabet is lower-case base32: safe in keys, URLs and SES tags, and easy to read aloud.
const IDAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var idEncoding = base32.NewEncoding(IDAlphabet).WithPadding(base32.NoPadding)

// idSize is in characters, 5 bits each. At 100 bits, the probability of a collision among a billion ids is below
// 10^-12.
const idSize = 20

// NewID makes an event id of 20 characters. It fails only if random does.
func NewID(random io.Reader) (string, error) {
	var b [13]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return idEncoding.EncodeToString(b[:])[:idSize], nil
}

// NewSecret makes 16 random bytes. It fails only if random does.
func NewSecret(random io.Reader) ([]byte, error) {
	b := make([]byte, secretSize)
	_, err := io.ReadFull(random, b)
	return b, err
}

// RegistrationID is the id of an address's registration for an event. The same address always gives the same id, so
// the key of the item prevents a second registration. Without the event's secret the id reveals nothing of the address.
func RegistrationID(e Event, a Address) string {
	return idEncoding.EncodeToString(MAC(e.Secret, a.Normalized))[:idSize]
}

// MemberID is the id of an address's member. secret is the same for all members.
func MemberID(secret []byte, a Address) string {
	return idEncoding.EncodeToString(MAC(secret, "member "+a.Normalized))[:idSize]
}

// Generation tells r from an earlier registration with the same id, whose address signed up again after an erasure. It
// is a hash of r's secret, and "" for an r without one.
func (r Registration) Generation() string {
	if len(r.Secret) == 0 {
		return ""
	}
	return idEncoding.EncodeToString(MAC(r.Secret, "generation")[:5])
}

// CalendarUID is the UID of r's calendar entry. It differs from that of an earlier registration with the same id: that
// one's entry was removed with a higher SEQUENCE than this one begins with, and calendars ignore what is older than the
// removal. It names the event and the registration, so that an answer to an invitation can be matched.
func (r Registration) CalendarUID() string {
	if r.FormerCalendarUID != "" {
		return r.FormerCalendarUID
	}
	return r.EventID + "." + r.ID + "." + r.Generation() + "@deltag"
}

// MAC is the HMAC-SHA-256 of a text, 32 bytes.
func MAC(secret []byte, text string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// IsID says whether s has the form of an id.
func IsID(s string) bool { return len(s) == idSize && strings.Trim(s, IDAlphabet) == "" }
