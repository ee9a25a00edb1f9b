package deltag

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"
)

// A Role says what somebody may do.
type Role string

const (
	RoleOwner     Role = "owner"     // everything, also members and tokens
	RoleOrganiser Role = "organiser" // read and change everything about events
	RoleReader    Role = "reader"    // read only
)

// Roles lists all of them, the one that may do most first.
var Roles = []Role{RoleOwner, RoleOrganiser, RoleReader}

// Min is the role that may do less. "" may do nothing.
func (r Role) Min(other Role) Role {
	mine, others := slices.Index(Roles, r), slices.Index(Roles, other)
	if mine < 0 || others < 0 {
		return ""
	}
	return Roles[max(mine, others)]
}

// A Channel is the front end through which somebody acts.
type Channel string

const (
	ChannelAPI      Channel = "api"      // the JSON API
	ChannelConsole  Channel = "console"  // the organisers' pages
	ChannelOperator Channel = "operator" // a command of whoever has access to the table
)

// A Principal is who asks for something, as far as they have proved it.
type Principal struct {
	Name     string // of the access token or the operator's command, or the member's address
	MemberID string // "": an access token that an operator has made
	Role     Role
	Channel  Channel
}

// Operator is whoever runs a command with access to the table, and so may do everything.
func Operator(command string) Principal {
	return Principal{Name: command, Role: RoleOwner, Channel: ChannelOperator}
}

// MayRead says whether p may read events and their registrations.
func (p Principal) MayRead() bool {
	return p.Role == RoleOwner || p.Role == RoleOrganiser || p.Role == RoleReader
}

// MayEdit says whether p may change events and registrations, and send messages to attendees.
func (p Principal) MayEdit() bool { return p.Role == RoleOwner || p.Role == RoleOrganiser }

// MayManage says whether p may decide who may do what.
func (p Principal) MayManage() bool { return p.Role == RoleOwner }

// An AccessToken lets a script use the API. The store keeps it under the token's hash, and never the token itself.
type AccessToken struct {
	ID        string // made of the hash; set when it is read
	Name      string // who or what uses it
	Role      Role
	MemberID  string // whose it is, and with whose access it ends. "": an operator has made it
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // within the last hour before its last use. Zero: never
}

// MaxAccessTokenDays is how long a token may be valid.
const MaxAccessTokenDays = 3650

// Validate returns ValidationErrors for what is wrong with a new token.
func (t AccessToken) Validate() error {
	var v validator
	v.checkLine("name", t.Name, 1, MaxName)
	v.require(slices.Contains(Roles, t.Role), "role", "unknown-role")
	v.require(t.ExpiresAt.After(t.CreatedAt), "expires", "in-the-past")
	v.requireLimit(!t.ExpiresAt.After(t.CreatedAt.AddDate(0, 0, MaxAccessTokenDays+1)), "expires", "too-late", MaxAccessTokenDays)
	return ValidationErrors(v).Err()
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

// AccessTokenID is the id of the token with a hash.
func AccessTokenID(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return idEncoding.EncodeToString(sum[:])[:idSize]
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
