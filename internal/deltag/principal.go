package deltag

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"time"
)

// A Role says what somebody may do.
type Role string

const (
	RoleOwner     Role = "owner"     // everything; so far the same as RoleOrganiser
	RoleOrganiser Role = "organiser" // read and change everything about events
	RoleReader    Role = "reader"    // read only
)

// A Channel is the front end through which somebody acts.
type Channel string

// ChannelAPI is the JSON API.
const ChannelAPI Channel = "api"

// A Principal is who asks for something, as far as they have proved it.
type Principal struct {
	Name    string // of the access token
	Role    Role
	Channel Channel
}

// MayRead says whether p may read events and their registrations.
func (p Principal) MayRead() bool {
	return p.Role == RoleOwner || p.Role == RoleOrganiser || p.Role == RoleReader
}

// MayEdit says whether p may change events and registrations, and send messages to attendees.
func (p Principal) MayEdit() bool { return p.Role == RoleOwner || p.Role == RoleOrganiser }

// An AccessToken lets a script use the API. The store keeps it under the token's hash, and never the token itself.
type AccessToken struct {
	Name      string // who or what uses it
	Role      Role
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Principal is who a request with the token comes from.
func (t AccessToken) Principal() Principal {
	return Principal{Name: t.Name, Role: t.Role, Channel: ChannelAPI}
}

const (
	accessTokenPrefix = "dlt_" // lets people and secret scanners recognise one
	accessTokenSize   = 32     // bytes; 256 random bits need no salt and no slow hash
)

// NewAccessToken makes a token and the hash that it is stored under. It fails only if random does.
func NewAccessToken(random io.Reader) (token, hash string, err error) {
	b := make([]byte, accessTokenSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", "", err
	}
	token = accessTokenPrefix + base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token), nil
}

// HashAccessToken is the hash that a token is stored under, and false if token is not well formed.
func HashAccessToken(token string) (string, bool) {
	encoded, ok := strings.CutPrefix(token, accessTokenPrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(accessTokenSize) {
		return "", false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(encoded); err != nil {
		return "", false
	}
	return hashToken(token), true
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
