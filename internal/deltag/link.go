package deltag

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A Purpose is what a personal link is for. A token made for one purpose does nothing for another.
type Purpose byte

const (
	PurposeManage      Purpose = 'r' // /r/…: see, change, cancel, erase
	PurposeJoin        Purpose = 'j' // /join/…
	PurposeUnsubscribe Purpose = 'u' // /unsubscribe/…
)

const (
	secretSize = 16 // 128 bits kept with the registration
	macSize    = 16 // 128 bits of HMAC-SHA-256: unguessable, and short enough for a mail line
)

// A Link names a registration and a purpose. Its token proves itself by the registration's own
// secret, so no key is kept anywhere else and the link dies with the registration.
type Link struct {
	EventID, RegistrationID string
	Purpose                 Purpose
}

// Token is the link's last path segment.
func (l Link) Token(secret []byte) string {
	named := string(rune(l.Purpose)) + "." + l.EventID + "." + l.RegistrationID
	return base64.RawURLEncoding.EncodeToString(append(l.mac(secret), named...))
}

// ParseLink takes a token apart without trusting it: only Check tells whether it is genuine.
// ErrBadLink when it is not even of the right form or purpose.
func ParseLink(token string, p Purpose) (Link, []byte, error) {
	if len(token) > 200 {
		return Link{}, nil, ErrBadLink
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < macSize {
		return Link{}, nil, ErrBadLink
	}
	parts := strings.Split(string(raw[macSize:]), ".")
	if len(parts) != 3 || parts[0] != string(rune(p)) || !IsID(parts[1]) || !IsID(parts[2]) {
		return Link{}, nil, ErrBadLink
	}
	return Link{EventID: parts[1], RegistrationID: parts[2], Purpose: p}, raw[:macSize], nil
}

// Check compares in constant time.
func (l Link) Check(mac, secret []byte) error {
	if len(secret) != secretSize || !hmac.Equal(mac, l.mac(secret)) {
		return ErrBadLink
	}
	return nil
}

func (l Link) mac(secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte{byte(l.Purpose)})
	h.Write([]byte(l.EventID + "." + l.RegistrationID))
	return h.Sum(nil)[:macSize]
}
