package deltag

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"io"
)

// ids are lower-case base32 without padding: safe in keys, URLs and SES tags, easy to read aloud.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idSize is 100 bits: with a billion ids a collision stays below one in 10^12.
const idSize = 20

// NewID makes an event id of 20 characters from random.
func NewID(random io.Reader) (string, error) {
	var b [13]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return idEncoding.EncodeToString(b[:])[:idSize], nil
}

// NewSecret makes 128 random bits.
func NewSecret(random io.Reader) ([]byte, error) {
	b := make([]byte, secretSize)
	_, err := io.ReadFull(random, b)
	return b, err
}

// RegistrationID is the id of an address at an event. The same address always gives the same id, so
// the table itself refuses a second registration; without the event's secret it tells nothing of the address.
func RegistrationID(e Event, a Address) string {
	h := hmac.New(sha256.New, e.Secret)
	h.Write([]byte(a.Normalized))
	return idEncoding.EncodeToString(h.Sum(nil))[:idSize]
}

// Generation tells r from a former registration of the same address, which was erased; "" without a secret.
func (r Registration) Generation() string {
	if len(r.Secret) == 0 {
		return ""
	}
	h := hmac.New(sha256.New, r.Secret)
	h.Write([]byte("mark"))
	return idEncoding.EncodeToString(h.Sum(nil)[:5])
}

// IsID says whether s has the form of an id.
func IsID(s string) bool {
	if len(s) != idSize {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
