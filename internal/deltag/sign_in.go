package deltag

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of signing in. DESIGN: a link is valid for 15 minutes and used once, an address gets five an hour, and a session
// ends after 12 hours of rest, or 7 days.
const (
	SignInLinkPeriod      = 15 * time.Minute
	MaxSignInLinksPerHour = 5
	MaxSignInsPerNetwork  = 30 // requests for a link an hour; ours: a town hall may be one network
	SessionIdlePeriod     = 12 * time.Hour
	SessionPeriod         = 7 * 24 * time.Hour
)

// A SignInLink is one that a member has been sent.
type SignInLink struct {
	Number   int
	IssuedAt time.Time
	Used     bool
}

// RequestSignInLink is m with one more link, and the mail with it. ok is false if the last hour had all its links.
func (m Member) RequestSignInLink(l Language, now time.Time) (next Member, mail Delivery, ok bool) {
	m, ok = m.issueLink(now)
	if !ok {
		return m, mail, false
	}
	mail = m.newDelivery(KindSignIn, m.LastLink, now)
	mail.DetachedRecipient.Language = l // m's own changes when the link is used
	return m, mail, true
}

// IssueLink is m with one more link, for a way in without mail.
func (m Member) IssueLink(now time.Time) (next Member, token string) {
	m.Links = nil // whoever may do so sets the limit aside
	m, _ = m.issueLink(now)
	return m, SignInToken(m.ID, m.Secret, m.LastLink)
}

func (m Member) issueLink(now time.Time) (Member, bool) {
	m.Links = slices.DeleteFunc(slices.Clone(m.Links), func(l SignInLink) bool {
		return now.Sub(l.IssuedAt) >= time.Hour
	})
	if len(m.Links) >= MaxSignInLinksPerHour {
		return m, false
	}
	m.LastLink++
	m.Links = append(m.Links, SignInLink{Number: m.LastLink, IssuedAt: now})
	m.Revision++
	return m, true
}

// Invite is m's mail that says that there is a role, and where to sign in.
func (m Member) Invite(now time.Time) (next Member, mail Delivery) {
	m.LastLink++ // numbers its mails
	m.Revision++
	return m, m.newDelivery(KindMemberInvited, m.LastLink, now)
}

// UseLink is m after the press on the button of a link. ErrLinkExpired: it was used before, or is too old.
func (m Member) UseLink(number int, now time.Time) (Member, error) {
	i := slices.IndexFunc(m.Links, func(l SignInLink) bool { return l.Number == number })
	if i < 0 || m.Links[i].Used || !now.Before(m.Links[i].IssuedAt.Add(SignInLinkPeriod)) {
		return m, ErrLinkExpired
	}
	m.Links = slices.Clone(m.Links)
	m.Links[i].Used = true
	m.Revision++
	return m, nil
}

// SignInToken is the path segment of a link, signed with the member's secret.
func SignInToken(memberID string, secret []byte, number int) string {
	payload := memberID + "." + strconv.Itoa(number)
	return base64.RawURLEncoding.EncodeToString(append(MAC(secret, "sign-in "+payload)[:macSize], payload...))
}

// ParseSignInToken reads whose link it is. It is not to be trusted before CheckSignInToken. ErrLinkExpired if it is
// malformed.
func ParseSignInToken(token string) (memberID string, number int, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(token) > 200 || len(raw) < macSize {
		return "", 0, ErrLinkExpired
	}
	memberID, text, _ := strings.Cut(string(raw[macSize:]), ".")
	number, err = strconv.Atoi(text)
	if err != nil || !IsID(memberID) {
		return "", 0, ErrLinkExpired
	}
	return memberID, number, nil
}

// CheckSignInToken verifies that the token is m's link with that number, in constant time. ErrLinkExpired.
func (m Member) CheckSignInToken(token string, number int) error {
	if len(m.Secret) != secretSize || !hmac.Equal([]byte(token), []byte(SignInToken(m.ID, m.Secret, number))) {
		return ErrLinkExpired
	}
	return nil
}

// A Session is a browser that has signed in. The store keeps it under the hash of the cookie's value.
type Session struct {
	MemberID  string
	CreatedAt time.Time
	UsedAt    time.Time // within the last hour
}

// sessionTokenSize is in bytes: 256 random bits need no salt and no slow hash.
const sessionTokenSize = 32

// NewSessionToken is the value of a session's cookie: whose it is, and what nobody can guess. It fails only if random
// does.
func NewSessionToken(m Member, random io.Reader) (token string, err error) {
	b := make([]byte, sessionTokenSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	return m.ID + "." + base64.RawURLEncoding.EncodeToString(b), nil
}

// ParseSessionToken is whose session a cookie names, and the hash that it is stored under; false if it is malformed.
func ParseSessionToken(token string) (memberID, hash string, ok bool) {
	memberID, secret, _ := strings.Cut(token, ".")
	if !IsID(memberID) || len(secret) != base64.RawURLEncoding.EncodedLen(sessionTokenSize) {
		return "", "", false
	}
	sum := sha256.Sum256([]byte(token))
	return memberID, hex.EncodeToString(sum[:]), true
}

// IsValid says whether m is still signed in with s.
func (s Session) IsValid(m Member, now time.Time) bool {
	isTheirs := s.MemberID == m.ID && m.ID != "" && !s.CreatedAt.Before(m.CreatedAt) // not of an earlier member's
	return isTheirs && s.CreatedAt.After(m.SignedOutAt) &&
		now.Before(s.UsedAt.Add(SessionIdlePeriod)) && now.Before(s.CreatedAt.Add(SessionPeriod))
}

// usedPrecision is how exact a session's and a token's last use is: so often it is written at most.
const usedPrecision = time.Hour

// IsUseNews says whether a use at now is to be written.
func IsUseNews(lastUsedAt, now time.Time) bool { return now.Sub(lastUsedAt) >= usedPrecision }
