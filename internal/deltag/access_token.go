package deltag

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"time"
)

// An AccessToken lets a script use the API. The store keeps only its hash, which is its key.
type AccessToken struct {
	Name      string // who or what it is for
	Role      Role
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Principal is whom the token stands for.
func (t AccessToken) Principal() Principal {
	return Principal{Name: t.Name, Role: t.Role, Door: DoorAPI}
}

const (
	accessTokenPrefix = "dlt_" // so that secret scanners and people recognise one
	accessTokenSize   = 32     // 256 random bits need no salt and no slow hash
)

// NewAccessToken makes a token and the hash to store it under.
func NewAccessToken(random io.Reader) (token, hash string, err error) {
	b := make([]byte, accessTokenSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", "", err
	}
	token = accessTokenPrefix + base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token), nil
}

// HashAccessToken is the key of a token, and false when token is not even of the right form.
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
