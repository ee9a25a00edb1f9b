package deltag

import (
	"crypto/hmac"
	"encoding/base64"
	"strings"
)

// A Purpose is what a personal link is for. The token of one purpose is not valid for another.
type Purpose byte

const (
	PurposeManage      Purpose = 'r' // /r/…: see, change, cancel, erase
	PurposeJoin        Purpose = 'j' // /join/…
	PurposeUnsubscribe Purpose = 'u' // /unsubscribe/…
	PurposeVerify      Purpose = 'v' // /r/…: show that the address is one's own, and no more
)

const (
	secretSize = 16 // bytes; stored with the registration
	macSize    = 16 // bytes of HMAC-SHA-256: cannot be guessed, and short enough for one line of a mail
)

// A Link is a personal link: a registration and a purpose. Its token is signed with the registration's own secret, so
// there is no other key to keep, and the link stops working when the registration is erased.
type Link struct {
	EventID, RegistrationID string
	Purpose                 Purpose
}

// Token is the signed form of l, one path segment of its URL.
func (l Link) Token(secret []byte) string {
	payload := string(rune(l.Purpose)) + "." + l.EventID + "." + l.RegistrationID
	return base64.RawURLEncoding.EncodeToString(append(l.mac(secret), payload...))
}

// ParseLink reads a token and its MAC. The link is not to be trusted before Check has verified the MAC. ErrBadLink if
// the token is malformed or for another purpose.
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

// Check verifies a MAC with the registration's secret, in constant time. ErrBadLink if it is wrong.
func (l Link) Check(mac, secret []byte) error {
	if len(secret) != secretSize || !hmac.Equal(mac, l.mac(secret)) {
		return ErrBadLink
	}
	return nil
}

func (l Link) mac(secret []byte) []byte {
	return MAC(secret, string(rune(l.Purpose))+l.EventID+"."+l.RegistrationID)[:macSize]
}
